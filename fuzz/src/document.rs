//! The span editor: any text is refused, or what it encrypts decrypts to the same values, and an edit that
//! changes nothing encrypts nothing.

use entry::vault::document::{Before, Chosen, Reason};
use entry::vault::psych::Kind;
use entry::vault::{Affixes, Document, KeyPath, MessageError, Plaintext, Secret};

fn seal(plain: &str) -> String {
    format!("MSG{}", hex::encode(plain))
}

fn open(message: &str) -> Result<Plaintext, Reason> {
    let hex = message.strip_prefix("MSG");
    let bytes = hex.and_then(|hex| hex::decode(hex).ok());
    Ok(Plaintext::from_bytes(
        &bytes.ok_or(MessageError::NotAMessage)?,
    ))
}

/// A text, and what is no UTF-8 in it replaced.
pub fn document(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let Ok(document) = Document::parse(&text) else {
        return;
    };
    look_up_and_add(&document);
    replace(&document);
    // A tab after a plain scalar may be none after a quoted one, so such values cannot always be written.
    if !text.contains('\t') {
        there_and_back(&document);
    }
}

fn look_up_and_add(document: &Document) {
    let _ = document.lookup(&KeyPath::default());
    for path in ["$.a", "$.*.[0]", "$.a.<<.b"] {
        let path = KeyPath::parse(path).expect("a key path");
        let _ = document.lookup(&path);
        if let Ok(added) = document.added(&path) {
            Document::parse(&added).expect("YAML with one key more");
        }
    }
}

/// Every value is replaced by one with a bit of everything in it.
fn replace(document: &Document) {
    let all = [KeyPath::default()];
    let Ok(selection) = document.select(&all, &Affixes::default()) else {
        return;
    };
    let other = |old: &str| {
        Ok(Plaintext::from(
            format!("{old}\n\n - x: 'y' # z\n").as_str(),
        ))
    };
    if let Ok(replaced) = document.decrypt_selection(&selection, other) {
        Document::parse(replaced.expose()).expect("YAML with other values");
    }
}

fn values(document: &Document) -> Option<Vec<(String, Secret, Kind)>> {
    let found = document.lookup(&KeyPath::default()).ok()?.into_iter();
    Some(found.map(|one| (one.path, one.text, one.kind)).collect())
}

fn there_and_back(document: &Document) {
    let (all, affixes) = ([KeyPath::default()], Affixes::default());
    let Ok(choice) = document.choose_plaintexts(&all) else {
        return;
    };
    let seal = |chosen: &Chosen| Ok(seal(chosen.plaintext.expose()));
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
    assert_eq!(values(&decrypted), values(document));
    let before = Before {
        encrypted: &encrypted,
        decrypted: &decrypted,
        selection: &selection,
    };
    let edited = decrypted
        .choose_edited(&before, &all, &affixes)
        .expect("an edit");
    assert!(edited.scalars.is_empty());
}
