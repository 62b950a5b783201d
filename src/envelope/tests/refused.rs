//! Envelopes that no client wrote, that nobody can open, or that the caller does not accept.

use super::*;
use crate::envelope::error::ContextDifference;

#[test]
fn a_plain_object_is_none() {
    let plain = Object::named("v2-kms-gcm-hello");
    let mut plain = Object {
        metadata: map(&[("user", "meta"), ("x-amz-storage", "x")]),
        ..plain
    };
    assert!(needs_instruction_file(&plain.metadata));
    assert_eq!(plain.refusal(), ReadError::NotEncrypted);
    plain = plain.set("x-amz-unencrypted-content-length", "13");
    assert_eq!(plain.refusal(), ReadError::NotEncrypted);
    assert_eq!(plain.file("{}").refusal(), ReadError::NotEncrypted);
}

#[test]
fn two_data_keys_are_one_too_many() {
    for object in Object::all() {
        let members = match &object.instruction_file {
            Some(file) => serde_json::from_str(file).unwrap(),
            None => object.metadata.clone(),
        };
        for other in super::names::KEYS {
            if members.contains_key(other) {
                continue;
            }
            let changed = match object.instruction_file {
                Some(_) => object.clone().file_with(other, "AAAA"),
                None => object.clone().set(other, "AAAA"),
            };
            let refusal = changed.refusal();
            let mixed =
                matches!(refusal, ReadError::Mixed(one, two) if one == other || two == other);
            assert!(mixed, "{} {other}: {refusal:?}", object.id);
        }
    }
}

/// The metadata comes first, so that nobody who may write such a file only can redirect a reader.
#[test]
fn an_instruction_file_beside_a_whole_envelope_is_not_looked_at() {
    for object in Object::all() {
        if object.instruction_file.is_none() {
            let policy = object.policy();
            let read = Envelope::read(&object.metadata, Some(b"no envelope"), &policy);
            assert_eq!(read, object.read(&policy));
        }
    }
}

#[test]
fn members_of_two_versions_do_not_mix() {
    let mixed = |id: &str, name: &str| Object::named(id).set(name, "AAAA").refusal();
    for name in [
        "x-amz-c", "x-amz-d", "x-amz-i", "x-amz-w", "x-amz-t", "x-amz-m",
    ] {
        for id in ["v2-kms-gcm-hello", "v1-kms-cbc-hello"] {
            let known = super::names::known(name).unwrap();
            assert_eq!(mixed(id, name), ReadError::Mixed("x-amz-key-v2", known));
        }
    }
    for name in [
        "x-amz-iv",
        "x-amz-cek-alg",
        "x-amz-wrap-alg",
        "x-amz-tag-len",
        "x-amz-matdesc",
    ] {
        let known = super::names::known(name).unwrap();
        for id in ["py-v3-hkdf", "py-v3-hkdf-instr"] {
            assert_eq!(mixed(id, name), ReadError::Mixed("x-amz-3", known));
        }
    }
    let cbc = Object::named("v1-kms-cbc-hello").set("x-amz-tag-len", "128");
    assert_eq!(
        cbc.refusal(),
        ReadError::Mixed("x-amz-cek-alg", "x-amz-tag-len")
    );
}

/// Whoever may write the instruction file, but not the object, must not get its commitment ignored.
#[test]
fn an_older_instruction_file_beside_a_newer_object_is_refused() {
    let older = Object::named("v2-kms-gcm-instr").instruction_file.unwrap();
    let object = Object::named("py-v3-hkdf-instr").file(&older);
    assert_eq!(
        object.refusal(),
        ReadError::Mixed("x-amz-key-v2", "x-amz-c")
    );
}

#[test]
fn members_stand_where_clients_write_them() {
    for name in ["x-amz-c", "x-amz-d", "x-amz-i"] {
        let object = Object::named("py-v3-hkdf-instr");
        let value = object.metadata[name].clone();
        let object = object.without(name).file_with(name, &value);
        let name = super::names::known(name).unwrap();
        let place = "instruction file";
        assert_eq!(object.refusal(), ReadError::Misplaced { name, place });
    }
    let place = "metadata";
    let name = "x-amz-iv";
    let object = Object::named("v2-kms-gcm-instr").set(name, "iy+Scbh9Srwuih4y");
    assert_eq!(object.refusal(), ReadError::Misplaced { name, place });
    let name = "x-amz-w";
    let object = Object::named("py-v3-hkdf-instr").set(name, "12");
    assert_eq!(object.refusal(), ReadError::Misplaced { name, place });
}

#[test]
fn master_keys_outside_kms_are_named() {
    let outside = |object: Object| match object.refusal() {
        ReadError::OutsideKms(name) => name,
        other => panic!("{other:?}"),
    };
    let v1 = Object {
        metadata: map(&[
            ("x-amz-key", "AAAA"),
            ("x-amz-iv", "AAAA"),
            ("x-amz-matdesc", "{}"),
        ]),
        ..Object::named("v1-kms-cbc-hello")
    };
    assert_eq!(outside(v1), "x-amz-key");
    for wrap in ["AES/GCM", "RSA-OAEP-SHA1", "AESWrap"] {
        let v2 = Object::named("v2-kms-gcm-hello").set("x-amz-wrap-alg", wrap);
        assert_eq!(outside(v2), wrap);
    }
    for (number, wrap) in [("02", "AES/GCM"), ("22", "RSA-OAEP-SHA1")] {
        let v3 = Object::named("py-v3-hkdf").set("x-amz-w", number);
        assert_eq!(outside(v3), wrap);
    }
}

#[test]
fn unknown_algorithms_are_named() {
    let table = [
        ("v2-kms-gcm-hello", "x-amz-wrap-alg", "kms+more"),
        ("v2-kms-gcm-hello", "x-amz-cek-alg", "AES/CTR/NoPadding"),
        ("v1-kms-cbc-hello", "x-amz-cek-alg", "AES/CBC/NoPadding"),
        ("v1-kms-cbc-hello", "x-amz-wrap-alg", ""),
        ("v2-kms-gcm-hello", "x-amz-cek-alg", "aes/gcm/nopadding"),
        ("py-v3-hkdf", "x-amz-w", "11"),
        ("py-v3-hkdf", "x-amz-c", "116"),
        ("py-v3-hkdf", "x-amz-c", "0115"),
    ];
    for (id, name, value) in table {
        let refusal = Object::named(id).set(name, value).refusal();
        let ReadError::Algorithm {
            name: told,
            value: seen,
        } = &refusal
        else {
            panic!("{refusal:?}");
        };
        assert_eq!((*told, seen.as_str()), (name, value));
    }
    let cbc = Object::named("v2-kms-gcm-hello").set("x-amz-cek-alg", "AES/CBC/PKCS5Padding");
    let combination = ReadError::Combination {
        wrap: "kms+context",
        content: "AES/CBC/PKCS5Padding",
    };
    assert_eq!(cbc.refusal(), combination);
    let future = Object::named("v2-kms-gcm-hello").set("x-amz-key-v4", "AAAA");
    assert_eq!(
        future.refusal(),
        ReadError::UnknownVersion("x-amz-key-v4".into())
    );
    let tag = Object::named("v2-kms-gcm-hello").set("x-amz-tag-len", "96");
    let said = tag.refusal().to_string();
    assert_eq!(
        said,
        "its x-amz-tag-len is \"96\", not 128: upload it again"
    );
}

#[test]
fn the_context_must_be_the_one_given() {
    let object = Object::named("v2-kms-gcm-ctx");
    let difference = |given: &[(&str, &str)]| {
        let policy = Policy {
            context: map(given),
            ..Policy::default()
        };
        match object.read(&policy).unwrap_err() {
            ReadError::Context(difference) => difference,
            other => panic!("{other:?}"),
        }
    };
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let table: [(&[(&str, &str)], [&[&str]; 3]); 4] = [
        (&[], [&["env", "purpose"], &[], &[]]),
        (&[("env", "prod")], [&["purpose"], &[], &[]]),
        (&[("env", "dev"), ("purpose", "test")], [&[], &[], &["env"]]),
        (
            &[("env", "prod"), ("purpose", "test"), ("a", "b")],
            [&[], &["a"], &[]],
        ),
    ];
    for (given, [not_given, not_there, different]) in table {
        let expected = ContextDifference {
            not_given: names(not_given),
            not_there: names(not_there),
            different: names(different),
        };
        assert_eq!(difference(given), expected);
    }
}

#[test]
fn the_clients_own_member_is_not_the_callers() {
    let reserved = ReadError::Reserved("aws:x-amz-cek-alg");
    for object in Object::all() {
        let mut policy = object.policy();
        let own = (
            "aws:x-amz-cek-alg".to_owned(),
            "AES/GCM/NoPadding".to_owned(),
        );
        policy.context.extend([own]);
        assert_eq!(object.read(&policy), Err(reserved.clone()), "{}", object.id);
    }
    let table = [
        (
            "v2-kms-gcm-hello",
            "x-amz-matdesc",
            r#"{"aws:x-amz-cek-alg":"115"}"#,
            "x-amz-cek-alg",
        ),
        ("v2-kms-gcm-hello", "x-amz-matdesc", "{}", "x-amz-cek-alg"),
        (
            "py-v3-hkdf",
            "x-amz-t",
            r#"{"aws:x-amz-cek-alg":"AES/GCM/NoPadding"}"#,
            "x-amz-c",
        ),
    ];
    for (id, name, context, cipher) in table {
        let refusal = Object::named(id).set(name, context).refusal();
        let problem = Problem::OtherCipher(cipher);
        assert_eq!(refusal, ReadError::Member { name, problem });
    }
}

#[test]
fn a_v1_object_takes_no_context() {
    let object = Object::named("v1-kms-cbc-hello");
    let policy = Policy {
        legacy: true,
        context: map(&[("env", "prod")]),
    };
    assert_eq!(object.read(&policy), Err(ReadError::ContextOfLegacy));
}

#[test]
fn base64_is_strict() {
    let object = Object::named("v2-kms-gcm-hello");
    let iv = object.metadata["x-amz-iv"].clone();
    let (name, problem) = ("x-amz-iv", Problem::Base64);
    let base64 = ReadError::Member { name, problem };
    for value in [
        format!("{iv}\n"),
        format!(" {iv}"),
        iv.replace('d', "*"),
        "AA".into(),
        "AB==".into(),
    ] {
        assert_eq!(
            object.clone().set("x-amz-iv", &value).refusal(),
            base64,
            "{value:?}"
        );
    }
    let problem = Problem::Length { got: 16, want: 12 };
    let long = object
        .clone()
        .set("x-amz-iv", "AAAAAAAAAAAAAAAAAAAAAA==")
        .refusal();
    assert_eq!(long, ReadError::Member { name, problem });
    let huge = "AAAA".repeat(2049);
    let (name, problem) = (
        "x-amz-key-v2",
        Problem::Size {
            got: 6147,
            most: 6144,
        },
    );
    let long = object.set("x-amz-key-v2", &huge).refusal();
    assert_eq!(long, ReadError::Member { name, problem });
}

#[test]
fn contexts_that_are_no_maps_of_texts() {
    for (id, name) in [
        ("v2-kms-gcm-hello", "x-amz-matdesc"),
        ("py-v3-hkdf", "x-amz-t"),
    ] {
        let deep = "[".repeat(100_000);
        let twice = r#"{"aws:x-amz-cek-alg":"115","aws:x-amz-cek-alg":"115"}"#;
        for text in ["", "null", "[]", r#"{"a":1}"#, r#"{"a":{}}"#, twice, &deep] {
            let problem = Problem::Json;
            let refusal = Object::named(id).set(name, text).refusal();
            assert_eq!(refusal, ReadError::Member { name, problem });
        }
        let refusal = Object::named(id).set(name, "=?UTF-8?B?e30=?=").refusal();
        let problem = Problem::Rfc2047;
        assert_eq!(refusal, ReadError::Member { name, problem });
    }
}

#[test]
fn instruction_files_that_are_none() {
    let object = Object::named("v2-kms-gcm-instr");
    let refusal = |text: &str| match object.clone().file(text).refusal() {
        ReadError::InstructionFile(problem) => problem,
        other => panic!("{other:?}"),
    };
    let deep = r#"{"x-amz-key-v2":"#.to_owned() + &"[".repeat(60_000);
    for text in ["{", "[]", "null", "<xml/>", r#"{"x-amz-iv":{}}"#, &deep] {
        assert_eq!(refusal(text), Problem::Json, "{text:.20}");
    }
    let own = object.instruction_file.clone().unwrap();
    let twice = own.replacen('{', r#"{"x-amz-iv":"AAAA","#, 1);
    assert_eq!(refusal(&twice), Problem::Json);
    assert_eq!(refusal(&(own + "{}")), Problem::Json);
    let most = MAX_INSTRUCTION_FILE;
    assert_eq!(refusal(""), Problem::Size { got: 0, most });
    let huge = " ".repeat(most + 1);
    assert_eq!(
        refusal(&huge),
        Problem::Size {
            got: most + 1,
            most
        }
    );
    let unknown = object.clone().file_with("x-amz-more", "1").refusal();
    let problem = Problem::UnknownMember("x-amz-more".into());
    assert_eq!(unknown, ReadError::InstructionFile(problem));
    let newer = object.clone().file_with("x-amz-key-v5", "1").refusal();
    assert_eq!(newer, ReadError::UnknownVersion("x-amz-key-v5".into()));
    let lengths = object
        .file_with("x-amz-unencrypted-content-length", "21")
        .refusal();
    let (name, problem) = ("x-amz-unencrypted-content-length", Problem::TwoValues);
    assert_eq!(lengths, ReadError::Member { name, problem });
}

#[test]
fn hostile_words_stay_short_and_on_one_line() {
    let word = "x\n\u{1b}[31m".repeat(1000);
    let object = Object::named("v2-kms-gcm-hello").set("x-amz-cek-alg", &word);
    let said = object.refusal().to_string();
    assert!(
        said.len() < 500 && !said.chars().any(char::is_control),
        "{said}"
    );
}
