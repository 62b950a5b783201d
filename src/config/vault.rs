//! From the written options of a `secrets:` item to those of its cryptor.
//!
//! No passphrase comes through here. Messages do not repeat the value: it may come from a variable.

use crate::vault::{Cipher, Digest, KdfDigest, KeyPath, SimpleOptions};

/// The cryptors that `cryptor:` may name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Simple,
    AwsKms,
    GcpKms,
}

/// Every cryptor, under the names that a mode file uses; `kms` is the gem's second name for it.
pub const CRYPTORS: [(&str, Kind); 4] = [
    ("simple", Kind::Simple),
    ("aws-kms", Kind::AwsKms),
    ("kms", Kind::AwsKms),
    ("gcp-kms", Kind::GcpKms),
];

/// Keys of an item that only the cryptor `simple` reads.
const SIMPLE_ONLY: [&str; 10] = [
    "salt",
    "cipher",
    "digest",
    "key_len",
    "signature_key_len",
    "kdf_digest",
    "passphrase_env",
    "passphrase_file",
    "sign_passphrase_env",
    "sign_passphrase_file",
];

/// The keys that say what an item is; each has exactly one.
pub const SOURCES: [&str; 4] = ["vault", "sops", "ssm", "secrets_manager"];

/// Which items read a key: those with this source, in words. `None` for keys that all have.
pub fn belongs_to(key: &str) -> Option<&'static str> {
    match key {
        "cryptor" | "keys" | "prefix" | "suffix" => Some("vault"),
        "kms_key_id" => Some("cryptor: aws-kms"),
        "gcp_kms_resource_id" | "gcp_credential_file" => Some("cryptor: gcp-kms"),
        "format" | "age_key_env" | "age_key_file" => Some("sops"),
        "recursive" => Some("ssm"),
        "stage" | "version_id" => Some("secrets_manager"),
        _ if SIMPLE_ONLY.contains(&key) => Some("cryptor: simple"),
        _ => None,
    }
}

/// The options of the cryptor `simple` as written; what is `None` has the gem's default.
#[derive(Default)]
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

/// The options, or everything that is wrong with them.
pub fn simple_options(written: &Written) -> Result<SimpleOptions, Vec<Wrong>> {
    let mut wrong = Vec::new();
    let cipher = written.cipher.as_deref();
    let cipher = cipher.map_or(Some(Cipher::default()), Cipher::from_name);
    if cipher.is_none() {
        wrong.push(named("cipher", &Cipher::NAMES));
    }
    let digest = written.digest.as_deref();
    let digest = digest.map_or(Some(Digest::default()), Digest::from_name);
    if digest.is_none() {
        wrong.push(named("digest", &Digest::NAMES));
    }
    let kdf = written.kdf_digest.as_deref();
    let kdf = kdf.map_or(Some(KdfDigest::default()), KdfDigest::from_name);
    if kdf.is_none() {
        wrong.push(named("kdf_digest", &KdfDigest::NAMES));
    }
    let mut options = SimpleOptions::with_cipher(cipher.unwrap_or_default());
    let longest = SimpleOptions::MAX_SIGNATURE_KEY_LEN;
    if let Some(len) = written.signature_key_len {
        options.signature_key_len = length(len);
        if !(1..=longest).contains(&options.signature_key_len) {
            let message = format!("is no number from 1 to {longest}");
            wrong.push(unnamed("signature_key_len", message));
        }
    }
    if let (Some(len), Some(cipher)) = (written.key_len, cipher) {
        let takes = cipher.key_len();
        options.key_len = length(len);
        if options.key_len != takes {
            let message = format!("does not fit the cipher {cipher}, which takes {takes}");
            wrong.push(unnamed("key_len", message));
        }
    }
    options.salt = written.salt.clone().unwrap_or_default();
    match (digest, kdf) {
        (Some(digest), Some(kdf_digest)) if wrong.is_empty() => Ok(SimpleOptions {
            digest,
            kdf_digest,
            ..options
        }),
        _ => Err(wrong),
    }
}

/// A key path, or why it is none.
pub fn key_path(text: &str) -> Result<KeyPath, String> {
    KeyPath::parse(text).map_err(|error| error.to_string())
}

fn length(written: u32) -> usize {
    usize::try_from(written).unwrap_or(usize::MAX)
}

fn named(key: &'static str, known: &'static [&'static str]) -> Wrong {
    Wrong {
        key,
        message: format!("is no {key}"),
        known,
    }
}

fn unnamed(key: &'static str, message: String) -> Wrong {
    Wrong {
        key,
        message,
        known: &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwritten_options_are_the_gems() {
        assert_eq!(
            simple_options(&Written::default()),
            Ok(SimpleOptions::default())
        );
    }

    #[test]
    fn the_key_fits_the_cipher_unless_written() {
        let cipher = |key_len| Written {
            cipher: Some("aes-192-gcm".to_owned()),
            key_len,
            ..Written::default()
        };
        assert_eq!(simple_options(&cipher(None)).unwrap().key_len, 24);
        assert_eq!(simple_options(&cipher(Some(24))).unwrap().key_len, 24);
        assert_eq!(
            simple_options(&cipher(Some(32))).unwrap_err()[0].key,
            "key_len"
        );
    }

    #[test]
    fn everything_wrong_is_said() {
        let wrong = simple_options(&Written {
            salt: None,
            cipher: Some("x".to_owned()),
            digest: Some("x".to_owned()),
            kdf_digest: Some("x".to_owned()),
            key_len: Some(1),
            signature_key_len: Some(u32::MAX),
        });
        let keys: Vec<&str> = wrong.unwrap_err().iter().map(|wrong| wrong.key).collect();
        assert_eq!(
            keys,
            ["cipher", "digest", "kdf_digest", "signature_key_len"]
        );
    }
}
