//! From the data key to the values: each is opened, the MAC of all is compared, and only then anything is
//! given away.

use super::Opened;
use super::error::{SopsError, ValueProblem};
use super::metadata::Metadata;
use super::rule::Rule;
use super::sealed::{self, is_sealed};
use super::tree::{Leaf, Tree, Written};
use super::value::{Value, bytes};
use crate::vault::Plaintext;
use sha2::{Digest, Sha512};
use std::ops::Range;
use subtle::ConstantTimeEq;

/// What the hash begins with where it counts encrypted values only: SHA-256 of `sops`.
const ONLY_ENCRYPTED: &str = "8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69";

/// Opens all values and verifies the MAC.
pub(super) fn open(
    text: &str,
    tree: &Tree,
    metadata: &Metadata,
    key: &[u8],
) -> Result<Opened, SopsError> {
    let stored = stored_mac(metadata, key)?;
    let mut mac = Mac::new(metadata.mac_only_encrypted);
    let mut values = Vec::with_capacity(tree.leaves.len());
    for leaf in &tree.leaves {
        let value =
            open_leaf(tree, leaf, &metadata.rule, key).map_err(|problem| SopsError::Value {
                path: tree.steps.shown(leaf.step),
                place: leaf.place,
                problem,
            })?;
        mac.count(&leaf.written, value.as_ref());
        values.push(value);
    }
    if !mac.is(&stored) {
        return Err(SopsError::Mac);
    }
    Ok(Opened {
        values,
        comments: open_comments(text, tree, key),
    })
}

fn stored_mac(metadata: &Metadata, key: &[u8]) -> Result<Vec<u8>, SopsError> {
    let value =
        sealed::open(&metadata.mac, key, &metadata.last_modified).map_err(SopsError::MacSeal)?;
    Ok(bytes(&value.yaml_text()).to_vec())
}

/// `None` for what stays as it is.
fn open_leaf(
    tree: &Tree,
    leaf: &Leaf,
    rule: &Rule,
    key: &[u8],
) -> Result<Option<Value>, ValueProblem> {
    let text = match &leaf.written {
        Written::Null => return Ok(None),
        // sops leaves them as they are.
        Written::Text(text) if text.is_empty() => return Ok(None),
        Written::Text(text) => Some(text.as_str()),
        Written::Clear(_) => None,
    };
    let looks_sealed = text.is_some_and(is_sealed);
    let keys = tree.steps.keys(leaf.step);
    if !rule.encrypts(keys.into_iter(), looks_sealed) {
        return Ok(None);
    }
    let text = text
        .filter(|_| looks_sealed)
        .ok_or(ValueProblem::NotEncrypted)?;
    sealed::open(text, key, &tree.steps.bound(leaf.step)).map(Some)
}

/// Comments are not in the MAC, and sops leaves those as they are that it cannot open. Which collection a
/// comment belongs to does not show: all around it are tried, from the inside.
fn open_comments(text: &str, tree: &Tree, key: &[u8]) -> Vec<(Range<usize>, Plaintext)> {
    let opened = tree.comments.iter().filter_map(|comment| {
        let sealed = text.get(comment.span.start + 1..comment.span.end)?;
        let around = comment.near.iter().flatten().rev();
        let mut holders = around.flat_map(|step| tree.steps.ancestors(*step));
        let value =
            holders.find_map(|step| sealed::open(sealed, key, &tree.steps.bound(step)).ok())?;
        let (Value::Comment(comment_text) | Value::Text(comment_text)) = value else {
            return None;
        };
        Some((comment.span.clone(), comment_text))
    });
    opened.collect()
}

/// The hash over all values, in two readings where versions of sops differ.
struct Mac {
    only_encrypted: bool,
    hashes: [Sha512; 2],
}

impl Mac {
    fn new(only_encrypted: bool) -> Mac {
        let mut hash = Sha512::new();
        if only_encrypted {
            hash.update(hex::decode(ONLY_ENCRYPTED).unwrap_or_default());
        }
        Mac {
            only_encrypted,
            hashes: [hash.clone(), hash],
        }
    }

    fn count(&mut self, written: &Written, value: Option<&Value>) {
        let [first, second] = &mut self.hashes;
        match (value, written) {
            (Some(value), _) => {
                let bytes = value.mac_bytes();
                first.update(&bytes);
                second.update(&bytes);
            }
            (None, _) if self.only_encrypted => {}
            (None, Written::Null) => {}
            (None, Written::Text(text)) => {
                first.update(text);
                second.update(text);
            }
            (None, Written::Clear(clear)) => {
                first.update(&clear.mac);
                match &clear.other_mac {
                    Some(other) => second.update(other),
                    None => second.update(&clear.mac),
                }
            }
        }
    }

    fn is(self, stored: &[u8]) -> bool {
        let same = self.hashes.map(|hash| {
            let wanted = hex::encode_upper(hash.finalize());
            wanted.as_bytes().ct_eq(stored)
        });
        let [first, second] = same;
        bool::from(first | second)
    }
}
