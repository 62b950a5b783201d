//! The span editor: any text is refused, or what it encrypts decrypts again, and an edit that changes
//! nothing encrypts nothing.

#![no_main]

use entry::vault::document::{Before, Reason};
use entry::vault::{Affixes, Document, KeyPath, MessageError, Plaintext};
use libfuzzer_sys::fuzz_target;
use std::fmt::Write as _;

fn seal(plain: &str) -> String {
    plain.bytes().fold("MSG".to_owned(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn open(message: &str) -> Result<Plaintext, Reason> {
    let hex = message
        .strip_prefix("MSG")
        .ok_or(MessageError::NotAMessage)?;
    let bytes: Option<Vec<u8>> = (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(hex.get(at..at + 2)?, 16).ok())
        .collect();
    Ok(Plaintext::from_bytes(
        &bytes.ok_or(MessageError::NotAMessage)?,
    ))
}

fuzz_target!(|text: &str| {
    let Ok(document) = Document::parse(text) else {
        return;
    };
    let (all, affixes) = ([KeyPath::default()], Affixes::default());
    let _ = document.survey(&all, &affixes);
    let _ = document.lookup(&all[0]);
    for path in ["$.a", "$.*.[0]", "$.a.<<.b"] {
        let path = KeyPath::parse(path).expect("a key path");
        let _ = document.lookup(&path);
        if let Ok(added) = document.added(&path) {
            Document::parse(&added).expect("YAML with one key more");
        }
    }
    // A tab after a plain scalar may be none after a quoted one, so such values cannot always be written.
    if text.contains('\t') {
        return;
    }
    let Ok(choice) = document.choose_plaintexts(&all) else {
        return;
    };
    let seal = |chosen: &entry::vault::document::Chosen| Ok(seal(chosen.plaintext.expose()));
    let Ok(encrypted) = document.encrypt_choice(&choice, &affixes, seal) else {
        return;
    };
    let encrypted = Document::parse(&encrypted).expect("encrypted YAML");
    let selection = encrypted
        .select(&all, &affixes)
        .expect("messages hold no ERB");
    let plain = encrypted
        .decrypt_selection(&selection, open)
        .expect("the way back");
    let decrypted = Document::parse(plain.expose()).expect("decrypted YAML");
    let before = Before {
        encrypted: &encrypted,
        decrypted: &decrypted,
        selection: &selection,
    };
    let edited = decrypted
        .choose_edited(&before, &all, &affixes)
        .expect("an edit");
    assert!(edited.scalars.is_empty());
});
