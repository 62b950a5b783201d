//! sops files, read only: what they say about their data key, and their values once the caller has it.
//!
//! ```text
//! File::parse ─▶ groups() ─▶ the caller gets the groups' parts: age (identity), AWS KMS (aws)
//!   read by format (yaml, json, dotenv)     combine(parts)  one group's, or Shamir's (keys, shamir)
//!   metadata, rule                          decrypt(key)    every value, then the MAC, then the file
//! ```
//!
//! Pure: no I/O, no clock. A value is replaced in the text where it stands, so that a decrypted file has the
//! order, comments and layout of the encrypted one.

mod decrypt;
mod dotenv;
mod error;
mod format;
mod gcm;
mod identity;
mod json;
mod keys;
mod lost;
mod metadata;
mod raw;
mod rule;
mod sealed;
mod shamir;
#[cfg(test)]
mod tests;
mod time;
mod tree;
mod value;
mod yaml;

pub use crate::vault::Segment;
pub use error::{Shape, SopsError, ValueProblem};
pub use format::Format;
pub use identity::{AgeError, Identities, IdentityError};
pub use keys::{AgeSource, DataKey, Group, KeySource, KmsSource};

use crate::vault::Plaintext;
use lost::Lost;
use metadata::Metadata;
use std::fmt;
use std::ops::Range;
use tree::{Tree, Written};
use value::Value;
use zeroize::Zeroizing;

/// An encrypted file, as far as it can be read without its data key.
pub struct File {
    format: Format,
    text: String,
    tree: Tree,
    metadata: Metadata,
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "File({:?}, {} bytes)", self.format, self.text.len())
    }
}

/// A file whose MAC was verified.
pub struct Decrypted {
    /// The plaintext file, as `sops decrypt` prints it.
    pub content: Zeroizing<Vec<u8>>,
    /// Its values in the order of the file.
    pub leaves: Vec<Leaf>,
}

impl fmt::Debug for Decrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Decrypted({} values)", self.leaves.len())
    }
}

/// One value of a decrypted file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leaf {
    /// From the document's root; in a dotenv file, the variable's name.
    pub path: Vec<Segment>,
    /// Its text without quotes; empty for null.
    pub text: Plaintext,
    pub is_null: bool,
}

/// The opened values.
struct Opened {
    /// For each leaf of the tree; `None` for what is not encrypted.
    values: Vec<Option<Value>>,
    comments: Vec<(Range<usize>, Plaintext)>,
}

impl File {
    /// Reads a file of a format.
    pub fn parse(bytes: &[u8], format: Format) -> Result<File, SopsError> {
        let text =
            std::str::from_utf8(bytes).map_err(|error| SopsError::NotUtf8(error.valid_up_to()))?;
        let mut tree = match format {
            Format::Yaml => yaml::read(text),
            Format::Json => json::read(text),
            Format::Dotenv => dotenv::read(text),
            Format::Binary => json::read_binary(text),
        }?;
        let raw = tree.metadata.take().ok_or(SopsError::NoMetadata)?;
        Ok(File {
            format,
            text: text.to_owned(),
            metadata: Metadata::read(&raw)?,
            tree,
        })
    }

    /// Where the parts of the data key can be had: any source of a group gives that group's part.
    pub fn groups(&self) -> &[Group] {
        &self.metadata.groups
    }

    /// How many groups' parts are needed.
    pub fn threshold(&self) -> usize {
        self.metadata.threshold
    }

    /// The data key out of the parts of as many different groups.
    pub fn combine(&self, parts: &[DataKey]) -> Result<DataKey, SopsError> {
        keys::combine(self.metadata.groups.len(), self.metadata.threshold, parts)
    }

    /// Decrypts everything and verifies the MAC, or gives nothing at all.
    pub fn decrypt(&self, key: &DataKey) -> Result<Decrypted, SopsError> {
        let opened = decrypt::open(&self.text, &self.tree, &self.metadata, key)?;
        let content = match self.format {
            Format::Yaml => yaml::write(&self.text, &self.tree, &opened)?,
            Format::Json => json::write(&self.text, &self.tree, &opened)?,
            Format::Dotenv => dotenv::write(&self.text, &self.tree, &opened)?,
            Format::Binary => json::write_binary(&opened),
        };
        Ok(Decrypted {
            content,
            leaves: self.leaves(&opened),
        })
    }

    fn leaves(&self, opened: &Opened) -> Vec<Leaf> {
        let lost = Lost::of(&self.tree, opened);
        let pairs = self.tree.leaves.iter().zip(&opened.values);
        let leaves = pairs.filter_map(|(leaf, value)| {
            let text = match (value, &leaf.written) {
                (Some(Value::Comment(_)), _) => return None,
                (Some(value), _) if self.format == Format::Json => json::text(value)?,
                (Some(value), _) => value.yaml_text(),
                (None, Written::Null) => Plaintext::from(""),
                (None, Written::Text(text)) => Plaintext::from(text.as_str()),
                (None, Written::Clear(clear)) => Plaintext::from(clear.text.as_str()),
            };
            Some(Leaf {
                path: lost.path(&self.tree, leaf.step),
                text,
                is_null: value.is_none() && matches!(leaf.written, Written::Null),
            })
        });
        leaves.collect()
    }
}

/// A comment's text, if a comment can have it.
fn is_one_line(comment: &Plaintext) -> Option<&str> {
    match comment {
        Plaintext::Text(text) => {
            Some(text.expose()).filter(|text| !text.contains(|c: char| c.is_control() && c != '\t'))
        }
        Plaintext::Binary(_) => None,
    }
}
