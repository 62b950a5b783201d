//! Messages of both cryptors, and what KMS decrypts: any bytes are refused or read, and what was written
//! reads back.

use entry::vault::{Cipher, Secret, Simple, SimpleOptions, kms};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::Sha256;
use std::sync::LazyLock;

/// That of the gem's vectors, so that they are decrypted.
const PASSPHRASE: &str = "correct horse battery staple";

static CRYPTORS: LazyLock<Vec<Simple>> = LazyLock::new(|| {
    let ciphers = Cipher::NAMES
        .iter()
        .filter_map(|name| Cipher::from_name(name));
    let cryptors = ciphers.map(|cipher| {
        let options = SimpleOptions::with_cipher(cipher);
        Simple::new(&options, &Secret::from(PASSPHRASE), None).expect("a cryptor")
    });
    cryptors.collect()
});

/// What messages of ciphers with so long a key are signed with.
static SIGN_KEY: LazyLock<[u8; 32]> = LazyLock::new(|| {
    let (passphrase, salt) = (PASSPHRASE.as_bytes(), SimpleOptions::default().salt);
    pbkdf2::pbkdf2_hmac_array::<Sha1, 32>(passphrase, salt.as_bytes(), 65_536)
});

/// Data under a signature that matches, without which what is inside would never be looked at.
fn signed(data: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(&*SIGN_KEY).expect("any length");
    let signature = mac.chain_update(data).finalize().into_bytes();
    format!("{data}--{}", hex::encode(signature))
}

/// A message, the data of a signed one, a plaintext, or a YAML document out of KMS.
pub fn message(bytes: &[u8]) {
    let _ = kms::plaintext(bytes);
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    for cryptor in CRYPTORS.iter() {
        let _ = cryptor.decrypt(text);
    }
    // One of them is enough to sign and to write.
    let cryptor = &CRYPTORS[bytes.len() % CRYPTORS.len()];
    let _ = cryptor.decrypt(&signed(text));
    let iv = vec![7; cryptor.iv_len()];
    let message = cryptor.encrypt(text, &iv).expect("a message");
    assert_eq!(cryptor.decrypt(&message), Ok(text.into()));
    if let Ok(ciphertext) = kms::ciphertext(text) {
        let _ = kms::key(&ciphertext);
    }
    if let Ok(dump) = kms::dump(&Secret::from(text), kms::AWS_MOST) {
        assert_eq!(kms::plaintext(dump.as_bytes()), Ok(text.into()));
    }
}
