//! Every bit of an object's envelope and body changed, every member taken away, every body cut.

use super::*;

fn authenticated() -> impl Iterator<Item = Object> {
    Object::all()
        .into_iter()
        .filter(|object| object.api != "v1")
}

/// All texts that differ in one bit.
fn flipped(text: &str) -> impl Iterator<Item = String> {
    let flips = (0..text.len()).flat_map(|index| (0..8).map(move |bit| (index, bit)));
    flips.filter_map(move |(index, bit)| {
        let mut bytes = text.as_bytes().to_vec();
        bytes[index] ^= 1 << bit;
        String::from_utf8(bytes).ok()
    })
}

/// Members that are the user's own.
fn is_foreign(name: &str) -> bool {
    name == "user"
}

#[test]
fn no_flipped_bit_in_a_body_is_missed() {
    for object in authenticated() {
        for (index, bit) in (0..object.bytes.len()).flat_map(|n| (0..8).map(move |bit| (n, bit))) {
            let mut changed = object.clone();
            changed.bytes[index] ^= 1 << bit;
            let opened = changed.open();
            assert_eq!(
                opened,
                Err(Failure::Open(OpenError::Tag)),
                "{} {index}",
                object.id
            );
        }
    }
}

#[test]
fn no_flipped_bit_in_a_member_is_missed() {
    for object in authenticated() {
        let members = object.metadata.iter().filter(|(name, _)| !is_foreign(name));
        for (name, value) in members {
            for changed in flipped(value) {
                let opened = object.clone().set(name, &changed).open();
                assert!(opened.is_err(), "{} {name}={changed}", object.id);
            }
        }
        for changed in object
            .instruction_file
            .iter()
            .flat_map(|text| flipped(text))
        {
            let opened = object.clone().file(&changed).open();
            assert!(opened.is_err(), "{} {changed}", object.id);
        }
    }
}

/// In bytes, not in base64: each has its own error.
#[test]
fn each_member_has_its_own_error() {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    let table = [
        ("v2-kms-gcm-hello", "x-amz-key-v2", Failure::Kms),
        (
            "v2-kms-gcm-hello",
            "x-amz-iv",
            Failure::Open(OpenError::Tag),
        ),
        ("py-v3-hkdf", "x-amz-3", Failure::Kms),
        (
            "py-v3-hkdf",
            "x-amz-d",
            Failure::Open(OpenError::Commitment),
        ),
        (
            "py-v3-hkdf",
            "x-amz-i",
            Failure::Open(OpenError::Commitment),
        ),
        ("v1-kms-cbc-hello", "x-amz-key-v2", Failure::Kms),
    ];
    for (id, name, failure) in table {
        let object = Object::named(id);
        let bytes = STANDARD.decode(&object.metadata[name]).unwrap();
        for index in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[index] ^= 0x10;
            let opened = object.clone().set(name, &STANDARD.encode(&changed)).open();
            assert_eq!(opened.as_ref(), Err(&failure), "{id} {name} {index}");
        }
        for length in [0, bytes.len() - 1, bytes.len() + 1] {
            let mut changed = bytes.clone();
            changed.resize(length, 0);
            let opened = object.clone().set(name, &STANDARD.encode(&changed)).open();
            assert!(opened.is_err(), "{id} {name} {length}");
        }
    }
}

#[test]
fn no_member_may_be_missing() {
    for object in Object::all() {
        for name in object.metadata.keys().filter(|name| !is_foreign(name)) {
            let changed = object.clone().without(name);
            match name.as_str() {
                // It tells no more than the tag does, and V3 clients do not write it.
                "x-amz-unencrypted-content-length" => assert!(changed.open().is_ok()),
                "x-amz-key-v2" => assert!(
                    matches!(changed.refusal(), ReadError::NoInstructionFile(_)),
                    "{} {name}",
                    object.id
                ),
                "x-amz-3" => assert_eq!(changed.refusal(), ReadError::NoInstructionFile("x-amz-c")),
                _ => assert!(
                    matches!(changed.refusal(), ReadError::Missing(missing) if missing == name),
                    "{} {name}",
                    object.id
                ),
            }
        }
    }
}

#[test]
fn no_member_of_an_instruction_file_may_be_missing() {
    let files = Object::all()
        .into_iter()
        .filter_map(|object| Some((object.instruction_file.clone()?, object)));
    for (text, object) in files {
        let members: Map = serde_json::from_str(&text).unwrap();
        for name in members.keys() {
            let mut fewer = members.clone();
            fewer.remove(name);
            let changed = object.clone().file(&serde_json::to_string(&fewer).unwrap());
            let expected = match name.as_str() {
                "x-amz-key-v2" | "x-amz-3" => ReadError::NotEncrypted,
                _ => ReadError::Missing(super::names::known(name).unwrap()),
            };
            assert_eq!(changed.refusal(), expected, "{}", object.id);
        }
    }
}

#[test]
fn cut_bodies_are_refused() {
    for object in Object::all() {
        for length in 0..object.bytes.len() {
            for told in [true, false] {
                let mut cut = object.clone();
                cut.bytes.truncate(length);
                if !told {
                    cut.metadata.remove("x-amz-unencrypted-content-length");
                }
                let opened = cut.open();
                // Whole blocks of CBC may be cut, and then the padding is most often wrong.
                assert!(opened.is_err(), "{} {length} {told}", object.id);
                let whole = object.api == "v1" && length > 0 && length.is_multiple_of(16);
                if !whole && (length < 16 || object.api == "v1") {
                    let expected = OpenError::Length(length as u64);
                    assert_eq!(opened, Err(Failure::Open(expected)));
                }
            }
        }
    }
}

#[test]
fn a_told_length_is_compared() {
    for object in Object::all() {
        let longer = object
            .clone()
            .set("x-amz-unencrypted-content-length", "4711");
        let failure = longer.open().unwrap_err();
        let Failure::Open(OpenError::PlainLength { told: 4711, got }) = failure else {
            panic!("{failure:?}");
        };
        assert_eq!(got, object.open().unwrap().len() as u64);
        for text in ["", "+13", "1e1", "-1", "13 ", "99999999999999999999999"] {
            let wrong = object.clone().set("x-amz-unencrypted-content-length", text);
            let said = wrong.refusal().to_string();
            assert!(said.contains("no number"), "{said}");
        }
    }
}

/// What KMS gives for another wrapped key under the same context.
#[test]
fn another_data_key_opens_nothing() {
    for object in Object::all() {
        let envelope = object.read(&object.policy()).unwrap();
        let failure = envelope.open(&[1; 32], object.bytes.clone()).unwrap_err();
        let expected = match object.api.as_str() {
            "v1" => OpenError::Padding,
            "v2" => OpenError::Tag,
            _ => OpenError::Commitment,
        };
        assert_eq!(failure, expected, "{}", object.id);
        for length in [0, 16, 31, 33] {
            let opened = envelope.open(&vec![1; length], object.bytes.clone());
            assert_eq!(opened, Err(OpenError::DataKey(length)));
        }
    }
}
