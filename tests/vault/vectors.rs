//! Files that the gem wrote, with their messages, keys and what it made of them.

use super::{decrypt, encrypt, events, paths};
use entry::vault::{
    Affixes, Cipher, Digest, Document, KeyPath, Plaintext, Secret, Simple, SimpleOptions,
};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::sync::LazyLock;

struct Vector {
    id: String,
    simple: Simple,
    keys: Vec<KeyPath>,
    affixes: Affixes,
    row: Value,
}

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

/// Made once, for deriving keys is slow.
static VECTORS: LazyLock<Vec<Vector>> = LazyLock::new(|| {
    let table = fs::read_to_string(folder().join("yaml_vault_simple.json")).unwrap();
    let table: Value = serde_json::from_str(&table).unwrap();
    let rows = table["vectors"].as_array().unwrap().clone();
    rows.into_iter().map(Vector::new).collect()
});

fn find(id: &str) -> &'static Vector {
    VECTORS.iter().find(|vector| vector.id == id).unwrap()
}

impl Vector {
    fn new(row: Value) -> Vector {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        let number = |name: &str| usize::try_from(row[name].as_u64().unwrap()).unwrap();
        let options = SimpleOptions {
            salt: text("salt"),
            cipher: Cipher::from_name(&text("cipher")).unwrap(),
            digest: Digest::from_name(&text("digest")).unwrap(),
            key_len: number("key_len"),
            signature_key_len: number("signature_key_len"),
            ..SimpleOptions::default()
        };
        let passphrase = Secret::new(text("passphrase"));
        let sign = row["sign_passphrase"].as_str().map(Secret::from);
        let keys: Vec<&str> = row["keys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|k| k.as_str().unwrap())
            .collect();
        Vector {
            id: text("id"),
            simple: Simple::new(&options, &passphrase, sign.as_ref()).unwrap(),
            keys: paths(&keys),
            affixes: Affixes {
                prefix: text("prefix"),
                suffix: text("suffix"),
            },
            row,
        }
    }

    fn file(&self, kind: &str) -> String {
        let name = format!("yaml_vault_simple/{}.{kind}.yml", self.id);
        fs::read_to_string(folder().join(name)).unwrap()
    }

    fn decrypted(&self) -> Result<String, String> {
        decrypt(
            &self.simple,
            &self.file("encrypted"),
            &self.keys,
            &self.affixes,
        )
        .map_err(|problems| problems.to_string())
    }
}

#[test]
fn every_message_both_ways() {
    let mut checked = 0;
    for vector in VECTORS.iter() {
        for call in vector.row["decrypt_calls"].as_array().into_iter().flatten() {
            let message = call["message"].as_str().unwrap();
            let value = Plaintext::from(call["value"].as_str().unwrap());
            if vector.id == "30_extra_segment_ok" {
                assert!(vector.simple.decrypt(message).is_err());
                continue;
            }
            assert_eq!(vector.simple.decrypt(message), Ok(value), "{}", vector.id);
            checked += 1;
        }
        for call in vector.row["encrypt_calls"].as_array().into_iter().flatten() {
            let text = call["plaintext"].as_str().unwrap();
            let message = vector
                .simple
                .encrypt(text, &vec![7; vector.simple.iv_len()])
                .unwrap();
            assert_eq!(vector.simple.decrypt(&message), Ok(Plaintext::from(text)));
        }
    }
    assert!(checked > 80, "{checked}");
}

/// The gem loses something on 21 and cannot read 23 in full; we read what it wrote without loss.
#[test]
fn files_decrypt_to_their_input() {
    let mut checked = 0;
    for vector in VECTORS.iter() {
        if vector.row["input"].is_null() || vector.id == "23_bug_alias_key" {
            continue;
        }
        let decrypted = vector.decrypted().unwrap();
        assert_eq!(
            events(&decrypted),
            events(&vector.file("input")),
            "{}\n{decrypted}",
            vector.id
        );
        // Where the gem has folded long lines, the folds stay.
        let lines = |kind: &str| vector.file(kind).lines().count();
        let same_lines = lines("encrypted") == lines("decrypted");
        if same_lines && vector.row["decrypted_equals_input_text"] == true {
            assert_eq!(decrypted, vector.file("decrypted"), "{}", vector.id);
        }
        checked += 1;
    }
    assert_eq!(checked, 14);
}

/// What we encrypt has the very nodes of what the gem encrypts: styles, tags and messages alike.
#[test]
fn files_encrypt_as_the_gem_does() {
    for vector in VECTORS.iter() {
        if vector.row["input"].is_null() {
            continue;
        }
        let ours = encrypt(
            &vector.simple,
            &vector.file("input"),
            &vector.keys,
            &vector.affixes,
        );
        if vector.id == "23_bug_alias_key" {
            let error = ours.unwrap_err().to_string();
            assert!(
                error.starts_with("3:3: $.m: a mapping's key that is"),
                "{error}"
            );
            continue;
        }
        let ours = ours.unwrap();
        let shape = |text: &str| {
            let blank = |event: entry::yaml::RawEvent| match event {
                entry::yaml::RawEvent::Scalar {
                    anchor,
                    tag,
                    value,
                    style,
                } => {
                    let value = if value.contains("--") {
                        "message".to_owned()
                    } else {
                        value
                    };
                    entry::yaml::RawEvent::Scalar {
                        anchor,
                        tag,
                        value,
                        style,
                    }
                }
                other => other,
            };
            events(text).into_iter().map(blank).collect::<Vec<_>>()
        };
        assert_eq!(
            shape(&ours),
            shape(&vector.file("encrypted")),
            "{}\n{ours}",
            vector.id
        );
        let back = decrypt(&vector.simple, &ours, &vector.keys, &vector.affixes).unwrap();
        assert_eq!(
            events(&back),
            events(&vector.file("input")),
            "{}",
            vector.id
        );
    }
}

#[test]
fn what_the_gem_left_in_clear_text_is_named() {
    let vector = find("23_bug_alias_key");
    let error = vector.decrypted().unwrap_err();
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 2, "{error}");
    assert!(
        lines[0].starts_with("4:6: $.m.z: it is not an encrypted message; the gem"),
        "{error}"
    );
    assert!(lines[1].starts_with("5:6: $.end: "), "{error}");
    let text = decrypt(
        &vector.simple,
        &vector.file("encrypted"),
        &paths(&["$.a", "$.m.*"]),
        &vector.affixes,
    );
    assert!(text.is_err(), "$.m.z is meant by $.m.*");
    let text = decrypt(
        &vector.simple,
        &vector.file("encrypted"),
        &paths(&["$.a"]),
        &vector.affixes,
    );
    assert!(text.unwrap().starts_with("a: &x k\nm:\n  *x : "));
}

#[test]
fn files_that_are_wrong() {
    let cases = [
        (
            "28_err_not_encrypted",
            "it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ),
        (
            "30_extra_segment_ok",
            "it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ),
        ("32_err_gcm_bad_tag", "it cannot be decrypted"),
    ];
    for vector in VECTORS.iter() {
        if let Some((_, want)) = cases.iter().find(|(id, _)| *id == vector.id) {
            let error = vector.decrypted().unwrap_err();
            assert!(
                error.contains(want) && error.starts_with("1:"),
                "{}: {error}",
                vector.id
            );
        }
    }
}

#[test]
fn bytes_that_are_no_text_become_binary() {
    let vector = find("26b_marshal_binary");
    let decrypted = vector.decrypted().unwrap();
    assert!(decrypted.ends_with(": !binary /wBhYmM=\n"), "{decrypted}");
}

#[test]
fn paths_that_match_nothing() {
    let vector = find("25_no_match");
    let text = vector.file("encrypted");
    let document = Document::parse(&text).unwrap();
    let selection = document.select(&vector.keys, &vector.affixes).unwrap();
    assert_eq!(
        selection.complaints(|text| vector.simple.is_message(text)),
        [
            "key path $.zzz matches nothing",
            "key path $.a[0] matches nothing",
            "key path $.a.b matches nothing"
        ]
    );
    assert_eq!(vector.decrypted().unwrap(), text);
}
