//! Tests with a cryptor that is none: a message is `MSG`, the plaintext in hex, and `==`.

mod aliases;
mod decrypting;
mod encrypting;
mod hostile;
mod looking_up;
mod properties;
mod revising;

use super::*;
use crate::vault::{KeyPath, MessageError, Secret};

fn seal(plain: &str) -> String {
    format!("MSG{}==", hex::encode(plain))
}

fn open(message: &str) -> Result<Plaintext, MessageError> {
    let hex = message
        .strip_prefix("MSG")
        .and_then(|m| m.strip_suffix("=="));
    let bytes = hex.and_then(|hex| hex::decode(hex).ok());
    Ok(Plaintext::from_bytes(
        &bytes.ok_or(MessageError::NotAMessage)?,
    ))
}

fn is_message(text: &str) -> bool {
    open(text).is_ok()
}

fn paths(texts: &[&str]) -> Vec<KeyPath> {
    texts
        .iter()
        .map(|text| KeyPath::parse(text).unwrap())
        .collect()
}

fn document(text: &str) -> Document {
    Document::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// `text` with each `«plaintext»` replaced by its message.
fn sealed(text: &str) -> String {
    let mut out = String::new();
    for (n, part) in text.split(['«', '»']).enumerate() {
        out.push_str(&if n % 2 == 1 {
            seal(part)
        } else {
            part.to_owned()
        });
    }
    out
}

fn decrypt(text: &str, keys: &[&str]) -> Result<String, Problems> {
    let affixes = Affixes::default();
    let done = document(&sealed(text)).decrypt(&paths(keys), &affixes, open)?;
    Ok(done.text.expose().to_owned())
}

fn encrypt(text: &str, keys: &[&str]) -> Result<Encrypted, Problems> {
    document(text).encrypt(&paths(keys), &Affixes::default(), |plain| Ok(seal(plain)))
}
