//! Options of the cryptor `simple` under the gem's names, and the names their values may have.

use std::fmt;

/// A cipher that messages may be encrypted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Cipher {
    Aes128Cbc,
    Aes192Cbc,
    #[default]
    Aes256Cbc,
    Aes128Gcm,
    Aes192Gcm,
    Aes256Gcm,
    Aes256Ctr,
    ChaCha20Poly1305,
    DesEde3Cbc,
}

impl Cipher {
    const ALL: [Cipher; 9] = [
        Cipher::Aes128Cbc,
        Cipher::Aes192Cbc,
        Cipher::Aes256Cbc,
        Cipher::Aes128Gcm,
        Cipher::Aes192Gcm,
        Cipher::Aes256Gcm,
        Cipher::Aes256Ctr,
        Cipher::ChaCha20Poly1305,
        Cipher::DesEde3Cbc,
    ];

    /// OpenSSL's names of all that are supported.
    pub const NAMES: [&'static str; 9] = [
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

    /// By OpenSSL's name; like OpenSSL, upper case is taken too.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Cipher> {
        named(&Self::NAMES, &Self::ALL, |known| {
            known.eq_ignore_ascii_case(name)
        })
    }

    /// OpenSSL's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, &Self::ALL, &self)
    }

    /// Bytes of its key.
    #[must_use]
    pub fn key_len(self) -> usize {
        match self {
            Cipher::Aes128Cbc | Cipher::Aes128Gcm => 16,
            Cipher::Aes192Cbc | Cipher::Aes192Gcm | Cipher::DesEde3Cbc => 24,
            Cipher::Aes256Cbc
            | Cipher::Aes256Gcm
            | Cipher::Aes256Ctr
            | Cipher::ChaCha20Poly1305 => 32,
        }
    }

    /// Bytes of its initialisation vector (nonce).
    #[must_use]
    pub fn iv_len(self) -> usize {
        match self {
            Cipher::DesEde3Cbc => 8,
            _ if self.is_aead() => 12,
            _ => 16,
        }
    }

    /// Whether it authenticates by itself, which leaves out the HMAC layer.
    #[must_use]
    pub fn is_aead(self) -> bool {
        matches!(
            self,
            Cipher::Aes128Gcm | Cipher::Aes192Gcm | Cipher::Aes256Gcm | Cipher::ChaCha20Poly1305
        )
    }
}

/// The digest of a message's signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum Digest {
    Md5,
    Sha1,
    Sha224,
    #[default]
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    const ALL: [Digest; 6] = [
        Digest::Md5,
        Digest::Sha1,
        Digest::Sha224,
        Digest::Sha256,
        Digest::Sha384,
        Digest::Sha512,
    ];

    /// The names of Ruby's constants; case matters to the gem.
    pub const NAMES: [&'static str; 6] = ["MD5", "SHA1", "SHA224", "SHA256", "SHA384", "SHA512"];

    /// By the name of Ruby's constant.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Digest> {
        named(&Self::NAMES, &Self::ALL, |known| known == name)
    }

    /// The name of Ruby's constant.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, &Self::ALL, &self)
    }

    /// Bytes of its output.
    #[must_use]
    pub fn len(self) -> usize {
        match self {
            Digest::Md5 => 16,
            Digest::Sha1 => 20,
            Digest::Sha224 => 28,
            Digest::Sha256 => 32,
            Digest::Sha384 => 48,
            Digest::Sha512 => 64,
        }
    }

    /// Never; for clippy and for readers who look for it beside `len`.
    #[must_use]
    pub fn is_empty(self) -> bool {
        false
    }
}

/// The hash inside PBKDF2: SHA1, or SHA256 for files written inside an app on Rails 7 defaults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KdfDigest {
    #[default]
    Sha1,
    Sha256,
}

impl KdfDigest {
    const ALL: [KdfDigest; 2] = [KdfDigest::Sha1, KdfDigest::Sha256];

    /// All names.
    pub const NAMES: [&'static str; 2] = ["SHA1", "SHA256"];

    /// By name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<KdfDigest> {
        named(&Self::NAMES, &Self::ALL, |known| known == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        name_of(&Self::NAMES, &Self::ALL, &self)
    }
}

fn named<T: Copy>(names: &[&str], all: &[T], is: impl Fn(&str) -> bool) -> Option<T> {
    let found = names.iter().position(|name| is(name))?;
    all.get(found).copied()
}

fn name_of<T: PartialEq>(names: &[&'static str], all: &[T], one: &T) -> &'static str {
    let found = all.iter().position(|known| known == one);
    found.and_then(|n| names.get(n)).copied().unwrap_or("?")
}

/// Options of the cryptor `simple`, under the gem's names; the passphrases are not among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimpleOptions {
    /// The salt of both keys; the gem's default is empty.
    pub salt: String,
    /// What messages are encrypted with.
    pub cipher: Cipher,
    /// What they are signed with; not used by ciphers that authenticate themselves.
    pub digest: Digest,
    /// Bytes of the key, which must be what the cipher takes.
    pub key_len: usize,
    /// Bytes of the key that a sign passphrase gives.
    pub signature_key_len: usize,
    /// The hash inside PBKDF2.
    pub kdf_digest: KdfDigest,
}

impl Default for SimpleOptions {
    fn default() -> SimpleOptions {
        SimpleOptions::with_cipher(Cipher::default())
    }
}

impl SimpleOptions {
    /// PBKDF2 fills any length, but nobody signs with a key of more than some blocks.
    pub const MAX_SIGNATURE_KEY_LEN: usize = 1024;

    /// The gem's defaults with another cipher and that cipher's key length.
    #[must_use]
    pub fn with_cipher(cipher: Cipher) -> SimpleOptions {
        SimpleOptions {
            salt: String::new(),
            cipher,
            digest: Digest::default(),
            key_len: cipher.key_len(),
            signature_key_len: 64,
            kdf_digest: KdfDigest::default(),
        }
    }

    /// Whether the numbers fit the cipher.
    pub fn check(&self) -> Result<(), OptionsError> {
        if self.key_len != self.cipher.key_len() {
            return Err(OptionsError::KeyLen {
                cipher: self.cipher,
                key_len: self.key_len,
            });
        }
        if self.signature_key_len == 0 || self.signature_key_len > Self::MAX_SIGNATURE_KEY_LEN {
            return Err(OptionsError::SignatureKeyLen(self.signature_key_len));
        }
        Ok(())
    }
}

/// Why options cannot work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The key does not fit the cipher.
    #[error("key_len is {key_len}, but {cipher} takes a key of {}: leave key_len out or write {}", .cipher.key_len(), .cipher.key_len())]
    KeyLen { cipher: Cipher, key_len: usize },
    /// Nothing, or too much.
    #[error(
        "signature_key_len is {0}: write a number from 1 to {max}",
        max = SimpleOptions::MAX_SIGNATURE_KEY_LEN
    )]
    SignatureKeyLen(usize),
}

impl fmt::Display for Cipher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_back() {
        for (name, cipher) in Cipher::NAMES.into_iter().zip(Cipher::ALL) {
            assert_eq!(
                (Cipher::from_name(name), cipher.name()),
                (Some(cipher), name)
            );
        }
        for (name, digest) in Digest::NAMES.into_iter().zip(Digest::ALL) {
            assert_eq!(
                (Digest::from_name(name), digest.name()),
                (Some(digest), name)
            );
        }
        for name in KdfDigest::NAMES {
            assert_eq!(KdfDigest::from_name(name).unwrap().name(), name);
        }
        assert_eq!(Cipher::from_name("AES-256-CBC"), Some(Cipher::Aes256Cbc));
        assert_eq!(Digest::from_name("sha256"), None);
        assert_eq!(Cipher::from_name("aes-256-ecb"), None);
    }

    #[test]
    fn defaults_are_the_gems() {
        let options = SimpleOptions::default();
        assert_eq!(
            (
                options.cipher.name(),
                options.digest.name(),
                options.kdf_digest.name()
            ),
            ("aes-256-cbc", "SHA256", "SHA1")
        );
        assert_eq!((options.key_len, options.signature_key_len), (32, 64));
        assert_eq!(options.salt, "");
        assert_eq!(options.check(), Ok(()));
    }

    #[test]
    fn key_len_must_fit() {
        for cipher in Cipher::ALL {
            let mut options = SimpleOptions::with_cipher(cipher);
            assert_eq!(options.check(), Ok(()));
            options.key_len += 1;
            assert!(
                options
                    .check()
                    .unwrap_err()
                    .to_string()
                    .contains(cipher.name())
            );
        }
        let options = SimpleOptions {
            signature_key_len: 0,
            ..SimpleOptions::default()
        };
        assert_eq!(options.check(), Err(OptionsError::SignatureKeyLen(0)));
    }
}
