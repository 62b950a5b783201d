//! age: identities out of a key file's text, and the data key out of an age file in its armor.

use super::keys::{AgeSource, DataKey};
use age::armor::ArmoredReader;
use age::x25519;
use age::{DecryptError, Decryptor};
use std::fmt;
use std::io::Read;
use zeroize::Zeroizing;

/// A data key has 32 bytes, a part of one 33; what is longer is neither.
const MOST_BYTES: u64 = 64;

/// age identities of any number of texts.
#[derive(Default)]
pub struct Identities {
    known: Vec<x25519::Identity>,
    /// Lines with an identity of another kind.
    passed_over: usize,
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Identities({})", self.known.len())
    }
}

/// Why a text holds no identities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line} is no age identity: they begin with AGE-SECRET-KEY-1")]
pub struct IdentityError {
    pub line: usize,
}

/// Why an age file was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AgeError {
    /// No identity at all.
    #[error("there is no age identity: set SOPS_AGE_KEY or SOPS_AGE_KEY_FILE")]
    NoIdentity,
    /// None of them.
    #[error("no age identity of those given fits")]
    NoneFits,
    /// None of them, but there were plugins' ones, too.
    #[error(
        "no age identity of those given fits; {0} of plugins or other kinds were passed over, since only X25519 is supported here"
    )]
    PassedOver(usize),
    /// Not age, cut or changed.
    #[error("its age file was cut or changed")]
    Damaged,
}

impl Identities {
    /// Takes the identities of a text, one a line, with comments between, as `age-keygen` writes it.
    pub fn add(&mut self, text: &str) -> Result<(), IdentityError> {
        for (n, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match line.parse() {
                Ok(identity) => self.known.push(identity),
                Err(_) if line.starts_with("AGE-") && !line.starts_with("AGE-SECRET-KEY-1") => {
                    self.passed_over += 1;
                }
                Err(_) => return Err(IdentityError { line: n + 1 }),
            }
        }
        Ok(())
    }

    /// Whether there is none that can be used.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Opens one with whichever identity fits.
    pub fn open(&self, source: &AgeSource) -> Result<DataKey, AgeError> {
        if self.known.is_empty() && self.passed_over == 0 {
            return Err(AgeError::NoIdentity);
        }
        let armored = ArmoredReader::new(source.armored.as_bytes());
        let decryptor = Decryptor::new(armored).map_err(|_| AgeError::Damaged)?;
        let identities = self
            .known
            .iter()
            .map(|identity| identity as &dyn age::Identity);
        let reader = decryptor.decrypt(identities).map_err(|error| match error {
            DecryptError::NoMatchingKeys if self.passed_over > 0 => {
                AgeError::PassedOver(self.passed_over)
            }
            DecryptError::NoMatchingKeys => AgeError::NoneFits,
            _ => AgeError::Damaged,
        })?;
        // One more than may be there, at its full length at once: growing would leave copies behind.
        let mut key = Zeroizing::new(Vec::with_capacity(128));
        let read = reader.take(MOST_BYTES + 1).read_to_end(&mut key);
        match read {
            Ok(length) if length as u64 <= MOST_BYTES => Ok(key),
            _ => Err(AgeError::Damaged),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::age_source;
    use super::*;

    const KEYS: &str = include_str!("../../tests/vectors/sops/age_keys.txt");

    fn identities(text: &str) -> Identities {
        let mut identities = Identities::default();
        identities.add(text).unwrap();
        identities
    }

    #[test]
    fn any_identity_opens_and_the_others_are_told() {
        let source = age_source("08_age_dotenv");
        assert_eq!(identities(KEYS).open(&source).unwrap().len(), 32);
        let others: String = KEYS.lines().skip(2).collect::<Vec<_>>().join("\r\n");
        assert_eq!(identities(&others).open(&source), Err(AgeError::NoneFits));
        assert_eq!(
            identities("# none\n\n").open(&source),
            Err(AgeError::NoIdentity)
        );
        let other = identities("AGE-PLUGIN-YUBIKEY-1QQQ\nAGE-SECRET-KEY-PQ-1XX");
        assert_eq!(other.open(&source), Err(AgeError::PassedOver(2)));
    }

    #[test]
    fn a_bad_line_is_named_by_its_number_only() {
        for line in [
            "AGE-SECRET-KEY-1CANARY",
            "age1canary",
            "canary",
            "-----BEGIN CANARY",
        ] {
            let error = Identities::default()
                .add(&format!("# a\n\n{line}\n"))
                .unwrap_err();
            assert_eq!(error, IdentityError { line: 3 });
            assert!(!error.to_string().to_lowercase().contains("canary"));
        }
    }

    #[test]
    fn a_damaged_file_is_refused() {
        let source = age_source("08_age_dotenv");
        let identities = identities(KEYS);
        let armored = &source.armored;
        for at in 0..armored.len() {
            let changed = match &armored[at..=at] {
                "A" => "B",
                _ => "A",
            };
            let armored = format!("{}{changed}{}", &armored[..at], &armored[at + 1..]);
            let changed = AgeSource {
                recipient: String::new(),
                armored,
            };
            assert!(identities.open(&changed).is_err(), "{at}");
        }
        for cut in 0..armored.trim_end().len() {
            let cut = AgeSource {
                recipient: String::new(),
                armored: armored[..cut].to_owned(),
            };
            assert!(identities.open(&cut).is_err());
        }
    }
}
