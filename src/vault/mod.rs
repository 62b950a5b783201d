//! yaml_vault documents: key paths, messages, and the scalar splice that decrypts a file in place.
//!
//! Pure: no I/O, no clock; random bytes are handed in.

/// A key path such as `$.production.'a.b'./^api_/`.
#[derive(Clone, Debug)]
pub struct KeyPath;

/// Options of the cryptor `simple`, under the gem's names; the passphrases are not among them.
#[derive(Clone, Debug, Default)]
pub struct SimpleOptions;
