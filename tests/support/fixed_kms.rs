//! Ciphertexts of the stand-in's fixed keys, made and opened in this process: moto's format, which is key
//! id, vector, tag, and AES-256-GCM over the sorted context.

use super::fake_http::{Reply, Request};
use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entry::vault::{Affixes, Document, KeyPath, Problems, Secret, kms};
use serde_json::{Value, json};

pub const KEY_ID: &str = "11111111-2222-4333-8444-555555555555";

fn cipher() -> Aes256Gcm {
    let material: Vec<u8> = (0..32).collect();
    Aes256Gcm::new_from_slice(&material).unwrap()
}

/// What KMS's Encrypt would give; `number` makes it distinct.
pub fn encrypt(plaintext: &[u8], number: u32) -> Vec<u8> {
    seal_for(b"", plaintext, number)
}

/// The same, bound to something.
pub fn seal_for(aad: &[u8], plaintext: &[u8], number: u32) -> Vec<u8> {
    let mut vector = [0; 12];
    vector[..4].copy_from_slice(&number.to_le_bytes());
    let payload = Payload {
        msg: plaintext,
        aad,
    };
    let mut sealed = cipher().encrypt(&vector.into(), payload).unwrap();
    let tag = sealed.split_off(sealed.len() - 16);
    [KEY_ID.as_bytes(), &vector, &tag, &sealed].concat()
}

/// `None` if it was not made for this.
pub fn open_for(aad: &[u8], blob: &[u8]) -> Option<Vec<u8>> {
    let rest = blob.strip_prefix(KEY_ID.as_bytes())?;
    let (vector, rest) = rest.split_at_checked(12)?;
    let (tag, sealed) = rest.split_at_checked(16)?;
    let vector: [u8; 12] = vector.try_into().ok()?;
    let message = [sealed, tag].concat();
    let payload = Payload { msg: &message, aad };
    cipher().decrypt(&vector.into(), payload).ok()
}

/// Decrypt as KMS answers it.
pub fn answer(request: &Request) -> Reply {
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let blob = STANDARD
        .decode(body["CiphertextBlob"].as_str().unwrap())
        .unwrap();
    match open_for(b"", &blob) {
        Some(plaintext) => {
            let body = json!({"KeyId": KEY_ID, "Plaintext": STANDARD.encode(plaintext)});
            Reply::json(200, body.to_string())
        }
        None => Reply::error(400, "InvalidCiphertextException", ""),
    }
}

/// A yaml_vault text of the cryptor `aws-kms`.
pub fn seal(yaml: &str, keys: &[&str]) -> String {
    let keys: Vec<KeyPath> = keys
        .iter()
        .map(|key| KeyPath::parse(key).unwrap())
        .collect();
    let mut number = 0;
    let seal = |plain: &str| {
        number += 1;
        let dump = kms::dump(&Secret::from(plain), kms::AWS_MOST).unwrap();
        Ok::<_, Problems>(kms::message(&encrypt(dump.as_bytes(), number)))
    };
    Document::parse(yaml)
        .unwrap()
        .encrypt(&keys, &Affixes::default(), seal)
        .unwrap()
        .text
}
