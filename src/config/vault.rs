//! From the written options of a `secrets:` item to those of its cryptor.
//!
//! No passphrase comes through here. Messages do not repeat the value: it may come from a variable.

use crate::vault::{KeyPath, SimpleOptions};

/// The cryptors that `cryptor:` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cryptor {
    Simple,
}

/// Every cryptor, under the name that a mode file uses.
pub const CRYPTORS: [(&str, Cryptor); 1] = [("simple", Cryptor::Simple)];

/// The options of the cryptor `simple` as written; what is `None` has the gem's default.
#[derive(Debug, Default)]
pub struct Written {
    pub salt: Option<String>,
    pub cipher: Option<String>,
    pub digest: Option<String>,
    pub key_len: Option<u32>,
    pub signature_key_len: Option<u32>,
    pub kdf_digest: Option<String>,
}

/// What is wrong with one option.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub key: &'static str,
    /// Follows the value: `is no cipher`.
    pub message: String,
    pub known: &'static [&'static str],
}

// TODO-MERGE: the shim below stands in for `crate::vault` until its branch is merged.
const CIPHERS: [&str; 9] = [
    "aes-128-cbc",
    "aes-192-cbc",
    "aes-256-cbc",
    "aes-128-gcm",
    "aes-192-gcm",
    "aes-256-gcm",
    "aes-256-ctr",
    "chacha20-poly1305",
    "des-ede3-cbc",
];
const CIPHER_KEYS: [u32; 9] = [16, 24, 32, 16, 24, 32, 32, 32, 24];
const DIGESTS: [&str; 6] = ["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"];
const KDF_DIGESTS: [&str; 2] = ["SHA1", "SHA256"];
const MAX_SIGNATURE_KEY_LEN: u32 = 1024;

/// The options, or everything that is wrong with them.
pub fn simple_options(written: &Written) -> Result<SimpleOptions, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let cipher = written
        .cipher
        .as_deref()
        .unwrap_or("aes-256-cbc")
        .to_ascii_lowercase();
    let cipher = CIPHERS.iter().position(|known| *known == cipher);
    if cipher.is_none() {
        wrong.push(named("cipher", &CIPHERS));
    }
    if !written
        .digest
        .as_deref()
        .is_none_or(|name| DIGESTS.contains(&name))
    {
        wrong.push(named("digest", &DIGESTS));
    }
    if !written
        .kdf_digest
        .as_deref()
        .is_none_or(|name| KDF_DIGESTS.contains(&name))
    {
        wrong.push(named("kdf_digest", &KDF_DIGESTS));
    }
    if let (Some(takes), Some(len)) = (cipher.and_then(|at| CIPHER_KEYS.get(at)), written.key_len)
        && *takes != len
    {
        let message = format!("does not fit the cipher, which takes a key of {takes}");
        wrong.push(Wrong {
            key: "key_len",
            message,
            known: &[],
        });
    }
    if written
        .signature_key_len
        .is_some_and(|len| !(1..=MAX_SIGNATURE_KEY_LEN).contains(&len))
    {
        let message = format!("is not a number from 1 to {MAX_SIGNATURE_KEY_LEN}");
        wrong.push(Wrong {
            key: "signature_key_len",
            message,
            known: &[],
        });
    }
    if wrong.is_empty() {
        Ok(SimpleOptions)
    } else {
        Err(wrong)
    }
}

/// A key path, or why it is none.
pub fn key_path(_text: &str) -> Result<KeyPath, String> {
    Ok(KeyPath)
}

fn named(key: &'static str, known: &'static [&'static str]) -> Wrong {
    Wrong {
        key,
        message: format!("is no {key}"),
        known,
    }
}
