//! Values that must not show up in output: zeroed when dropped, `***` in Debug, no Display.

use std::fmt;
use zeroize::Zeroizing;

/// A secret text.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Takes a text over.
    #[must_use]
    pub fn new(text: String) -> Secret {
        Secret(Zeroizing::new(text))
    }

    /// The text itself; the name is long so that a reader of the caller stops at it.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Secret {
        Secret::new(text.to_owned())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// What a message holds.
#[derive(Clone, PartialEq, Eq)]
pub enum Plaintext {
    /// Text; all that the gem itself ever writes.
    Text(Secret),
    /// Bytes that are not UTF-8, to be written as `!binary`.
    Binary(Zeroizing<Vec<u8>>),
}

impl Plaintext {
    /// Text where the bytes are UTF-8.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Plaintext {
        match std::str::from_utf8(bytes) {
            Ok(text) => Plaintext::Text(Secret::from(text)),
            Err(_) => Plaintext::Binary(Zeroizing::new(bytes.to_vec())),
        }
    }
}

impl From<&str> for Plaintext {
    fn from(text: &str) -> Plaintext {
        Plaintext::Text(Secret::from(text))
    }
}

impl fmt::Debug for Plaintext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing() {
        let all = (
            Secret::from("canary"),
            Plaintext::from("canary"),
            Plaintext::from_bytes(b"\xffcanary"),
        );
        assert_eq!(format!("{all:?}"), "(***, ***, ***)");
    }
}
