//! yaml_vault documents: key paths, messages, and the scalar splice that decrypts a file in place.
//!
//! Pure: no I/O, no clock; random bytes are handed in.

mod cipher;
pub mod document;
mod key_path;
pub mod kms;
pub mod marshal;
mod options;
pub mod psych;
mod secret;
mod simple;
#[cfg(test)]
mod simple_tests;

pub use document::{
    Affixes, Choice, Document, DocumentError, Found, Problems, Selected, Selection,
};
pub use key_path::{KeyPath, KeyPathError, Segment};
pub(crate) use key_path::{PathLengths, show as show_path};
pub use options::{Cipher, Digest, KdfDigest, OptionsError, SimpleOptions};
pub use secret::{Plaintext, Secret};
pub use simple::{MessageError, Simple, SimpleError};
