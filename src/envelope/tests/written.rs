//! What is written, and what is not.

use super::*;

fn sealer(format: Format, place: Place, context: &[(&str, &str)]) -> Sealer {
    Sealer::new(format, place, &map(context)).unwrap()
}

fn names(object: &Object) -> Vec<&str> {
    object.metadata.keys().map(String::as_str).collect()
}

fn file_names(object: &Object) -> Vec<String> {
    let file = object.instruction_file.as_ref().unwrap();
    let members: Map = serde_json::from_str(file).unwrap();
    members.into_keys().collect()
}

#[test]
fn v2_is_what_the_ruby_client_writes() {
    let object = sealed(
        &sealer(Format::V2, Place::Metadata, &[("env", "prod")]),
        b"plain",
    );
    let ruby = Object::named("v2-kms-gcm-hello");
    assert_eq!(names(&object), names(&ruby));
    for name in ["x-amz-cek-alg", "x-amz-wrap-alg", "x-amz-tag-len"] {
        assert_eq!(object.metadata[name], ruby.metadata[name]);
    }
    assert_eq!(
        object.metadata["x-amz-matdesc"],
        r#"{"aws:x-amz-cek-alg":"AES/GCM/NoPadding","env":"prod"}"#
    );
    assert_eq!(object.metadata["x-amz-unencrypted-content-length"], "5");
    assert_eq!(object.bytes.len(), 5 + 16);
    let ruby = Object::named("v2-kms-gcm-instr");
    let object = sealed(&sealer(Format::V2, Place::InstructionFile, &[]), b"plain");
    assert_eq!(
        (names(&object), file_names(&object)),
        (names(&ruby), file_names(&ruby))
    );
}

#[test]
fn v3_is_what_the_python_client_writes() {
    let python = Object::named("py-v3-hkdf");
    let object = sealed(&sealer(Format::V3, Place::Metadata, &[]), b"plain");
    assert_eq!(names(&object), names(&python));
    for name in ["x-amz-c", "x-amz-w"] {
        assert_eq!(object.metadata[name], python.metadata[name]);
    }
    assert_eq!(object.metadata["x-amz-t"], r#"{"aws:x-amz-cek-alg":"115"}"#);
    let python = Object::named("py-v3-hkdf-instr");
    let object = sealed(&sealer(Format::V3, Place::InstructionFile, &[]), b"plain");
    assert_eq!(
        (names(&object), file_names(&object)),
        (names(&python), file_names(&python))
    );
}

#[test]
fn contexts_that_would_not_come_back_are_refused() {
    let new = |name: &str, value: &str| {
        Sealer::new(Format::V2, Place::Metadata, &map(&[(name, value)])).unwrap_err()
    };
    assert_eq!(
        new("aws:x-amz-cek-alg", "x"),
        SealError::Reserved("aws:x-amz-cek-alg")
    );
    for (name, value) in [
        ("", "x"),
        ("é", "x"),
        ("x", "é"),
        ("x", "a\nb"),
        ("x\u{7f}", "x"),
    ] {
        assert_eq!(new(name, value), SealError::NotAscii(name.to_owned()));
    }
}

#[test]
fn an_envelope_that_s3_does_not_take_as_metadata_is_refused() {
    let long = "x".repeat(2000);
    let context = [("long", long.as_str())];
    let seal = |place| {
        let sealer = sealer(Format::V2, place, &context);
        sealer.seal(&[1; 32], b"wrapped", &[2; 12], b"plain")
    };
    assert!(matches!(
        seal(Place::Metadata),
        Err(SealError::TooLarge(2001..))
    ));
    assert!(seal(Place::InstructionFile).is_ok());
}

#[test]
fn keys_and_random_bytes_have_their_lengths() {
    for (format, random) in [(Format::V2, 12), (Format::V3, 28)] {
        let sealer = sealer(format, Place::Metadata, &[]);
        assert_eq!(sealer.random_len(), random);
        for (key, other) in [
            (31, random),
            (33, random),
            (32, random - 1),
            (32, random + 1),
        ] {
            let sealed = sealer.seal(&vec![0; key], b"w", &vec![0; other], b"");
            assert!(
                matches!(sealed, Err(SealError::Length { .. })),
                "{key} {other}"
            );
        }
    }
}
