//! Messages of both cryptors, and what KMS decrypts: any bytes are refused or read.

#![no_main]

use entry::vault::{Cipher, Secret, Simple, SimpleOptions, kms};
use libfuzzer_sys::fuzz_target;
use std::sync::LazyLock;

static CRYPTORS: LazyLock<Vec<Simple>> = LazyLock::new(|| {
    let ciphers = Cipher::NAMES
        .iter()
        .filter_map(|name| Cipher::from_name(name));
    let cryptors = ciphers.map(|cipher| {
        let options = SimpleOptions::with_cipher(cipher);
        Simple::new(&options, &Secret::from("pass"), None).expect("a cryptor")
    });
    cryptors.collect()
});

fuzz_target!(|bytes: &[u8]| {
    if let Ok(text) = std::str::from_utf8(bytes) {
        for cryptor in CRYPTORS.iter() {
            let _ = cryptor.decrypt(text);
        }
        if let Ok(ciphertext) = kms::ciphertext(text) {
            let _ = kms::key(&ciphertext);
        }
        // What we write for KMS reads back.
        if let Ok(dump) = kms::dump(&Secret::from(text), kms::AWS_MOST) {
            assert_eq!(kms::plaintext(dump.as_bytes()), Ok(text.into()));
        }
    }
    let _ = kms::plaintext(bytes);
});
