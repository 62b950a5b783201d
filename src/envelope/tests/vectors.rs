use super::*;

#[test]
fn every_object_opens() {
    let objects = Object::all();
    assert_eq!(objects.len(), 8);
    for object in objects {
        let plain = object.open().unwrap();
        assert_eq!(sha256(&plain), object.plaintext_sha256, "{}", object.id);
    }
}

#[test]
fn the_instruction_file_is_asked_for_where_the_envelope_is_in_it() {
    for object in Object::all() {
        let in_file = object.instruction_file.is_some();
        let needed = needs_instruction_file(&object.metadata);
        assert_eq!(needed, in_file, "{}", object.id);
    }
}

#[test]
fn a_v1_object_needs_the_switch() {
    for object in Object::all() {
        let strict = Policy {
            legacy: false,
            ..object.policy()
        };
        let opened = object.open_as(&strict);
        if object.api == "v1" {
            let (wrap, content) = ("kms", "AES/CBC/PKCS5Padding");
            let legacy = Failure::Read(ReadError::Legacy { wrap, content });
            assert_eq!(opened, Err(legacy), "{}", object.id);
        } else {
            opened.unwrap();
        }
    }
}

/// As the old Java client wrote it; Ruby reads it as legacy, too.
#[test]
fn gcm_under_a_plain_kms_key_needs_the_switch() {
    let sealer = Sealer::new(Format::V2, Place::Metadata, &Map::new()).unwrap();
    let context = [("kms_cmk_id".to_owned(), KEY_ID.to_owned())];
    let wrapped = kms_encrypt(KEY_ID, &[7; 32], &context);
    let written = sealer
        .seal(&[7; 32], &wrapped, &[1; 12], b"old java")
        .unwrap();
    let matdesc = format!(r#"{{"kms_cmk_id":"{KEY_ID}"}}"#);
    let mut object = Object::named("v1-kms-cbc-hello")
        .set("x-amz-matdesc", &matdesc)
        .set("x-amz-unencrypted-content-length", "8");
    for name in ["x-amz-key-v2", "x-amz-iv", "x-amz-cek-alg", "x-amz-tag-len"] {
        object = object.set(name, &written.metadata[name]);
    }
    object.bytes = written.body;
    assert_eq!(object.open().unwrap(), b"old java");
    let (wrap, content) = ("kms", "AES/GCM/NoPadding");
    let strict = object.open_as(&Policy::default());
    let legacy = Failure::Read(ReadError::Legacy { wrap, content });
    assert_eq!(strict, Err(legacy));
}

/// RFC 2315 has one padding for every block length, and PKCS #5 is its part for one.
#[test]
fn the_other_name_of_the_padding_is_read() {
    let object = Object::named("v1-kms-cbc-hello").set("x-amz-cek-alg", "AES/CBC/PKCS7Padding");
    object.open().unwrap();
    object.set("x-amz-tag-len", "").open().unwrap();
}

/// Other clients order and space the context's JSON in their own ways, and write numbers as numbers.
#[test]
fn json_may_be_written_in_any_way() {
    let context = r#" { "env" : "prod", "purpose":"\u0074est",
        "aws:x-amz-cek-alg": "AES\/GCM\/NoPadding" } "#;
    let object = Object::named("v2-kms-gcm-ctx").set("x-amz-matdesc", context);
    object.open().unwrap();
    let object = Object::named("v2-kms-gcm-instr");
    let file = object.instruction_file.clone().unwrap();
    let file = file.replace(r#""128""#, "128").replacen(
        '{',
        r#"{"x-amz-unencrypted-content-length": 20, "#,
        1,
    );
    object.file(&file).open().unwrap();
}

#[test]
fn nothing_tells_of_keys_or_contexts_values() {
    let object = Object::named("v2-kms-gcm-ctx");
    let wrong = Policy {
        context: map(&[
            ("purpose", "canary"),
            ("env", "canary2"),
            ("more", "canary3"),
        ]),
        ..Policy::default()
    };
    let said = object.read(&wrong).unwrap_err().to_string();
    assert_eq!(
        said,
        "its encryption context is not the one given: do not give \"more\"; give another value for \
         \"env\", \"purpose\""
    );
}
