//! The decrypted file: values, comments and metadata replaced in place, then read again, since a value must
//! never become more than a value.

use super::super::error::{SopsError, ValueProblem};
use super::super::lost::Lost;
use super::super::tree::{Edit, Leaf, Tree, Written, splice};
use super::super::value::{Value, bytes};
use super::super::{Opened, is_one_line};
use super::read::read;
use super::style;
use crate::vault::Plaintext;
use std::ops::Range;
use zeroize::Zeroizing;

/// Writes the file.
pub(in super::super) fn write(
    text: &str,
    tree: &Tree,
    opened: &Opened,
) -> Result<Zeroizing<Vec<u8>>, SopsError> {
    let lost = Lost::of(tree, opened);
    let mut edits: Vec<Edit> = tree
        .cuts
        .iter()
        .map(|(span, with)| Edit::new(span.clone(), *with))
        .collect();
    for (span, comment) in &opened.comments {
        edits.extend(
            is_one_line(comment).map(|comment| Edit::new(span.clone(), format!("#{comment}"))),
        );
    }
    for (leaf, value) in tree.leaves.iter().zip(&opened.values) {
        match value {
            None => {}
            Some(Value::Comment(comment)) => {
                let edit = item_comment(text, leaf, comment, lost.is_hollow(tree, leaf.step));
                edits.push(edit.ok_or_else(|| unwritable(tree, leaf))?);
            }
            Some(value) => {
                let source = style::source(value, leaf.around, ends_line(text, &leaf.span));
                edits.push(Edit::new(leaf.span.clone(), source.as_bytes()));
            }
        }
    }
    let out = splice(text, edits);
    check(&out, tree, opened, &lost)?;
    Ok(out)
}

fn unwritable(tree: &Tree, leaf: &Leaf) -> SopsError {
    SopsError::Value {
        path: tree.steps.shown(leaf.step),
        place: leaf.place,
        problem: ValueProblem::Unwritable,
    }
}

/// Whether nothing is behind it in its line, and the line has an end.
fn ends_line(text: &str, span: &Range<usize>) -> bool {
    let rest = text.get(span.end..).unwrap_or_default();
    rest.trim_start_matches([' ', '\t', '\r']).starts_with('\n')
}

/// A comment that was an item becomes one again, in the place of the item and its dash. Where it was the
/// list's last one, `hollow`, the list is written as an empty one.
fn item_comment(text: &str, leaf: &Leaf, comment: &Plaintext, hollow: bool) -> Option<Edit> {
    let comment = is_one_line(comment)?;
    if leaf.around.flow || !ends_line(text, &leaf.span) {
        return None;
    }
    let head = text.get(..leaf.span.start)?.trim_end_matches(' ');
    let dash = head.strip_suffix('-')?.len();
    let mut with = format!("#{comment}");
    if hollow {
        with.push('\n');
        with.extend(std::iter::repeat_n(' ', leaf.around.column.max(1)));
        with.push_str("[]");
    }
    Some(Edit::new(dash..leaf.span.end, with))
}

/// Reads what was written, and compares every leaf.
fn check(out: &[u8], tree: &Tree, opened: &Opened, lost: &Lost) -> Result<(), SopsError> {
    let wanted = tree.leaves.iter().zip(&opened.values);
    let mut wanted = wanted.filter(|(_, value)| !matches!(value, Some(Value::Comment(_))));
    let again = std::str::from_utf8(out)
        .ok()
        .and_then(|text| read(text).ok());
    let again =
        again.filter(|again| again.metadata.is_none() && again.steps.roots() == tree.steps.roots());
    let found = again
        .as_ref()
        .map(|again| again.leaves.as_slice())
        .unwrap_or_default();
    for new in found {
        let Some((leaf, value)) = wanted.next() else {
            return Err(tree
                .leaves
                .last()
                .map_or(SopsError::NoMetadata, |leaf| unwritable(tree, leaf)));
        };
        let same_path = again
            .as_ref()
            .is_some_and(|again| again.steps.path(new.step) == lost.path(tree, leaf.step));
        if !same_path || !is_same(&leaf.written, value.as_ref(), &new.written) {
            return Err(unwritable(tree, leaf));
        }
    }
    match (wanted.next(), again) {
        (Some((leaf, _)), _) => Err(unwritable(tree, leaf)),
        (None, Some(_)) => Ok(()),
        (None, None) => Err(tree
            .leaves
            .last()
            .map_or(SopsError::NoMetadata, |leaf| unwritable(tree, leaf))),
    }
}

fn is_same(old: &Written, value: Option<&Value>, new: &Written) -> bool {
    match (value, old, new) {
        (None, Written::Null, Written::Null) => true,
        (None, Written::Text(old), Written::Text(new)) => old == new,
        (None, Written::Clear(old), Written::Clear(new)) => {
            old.text == new.text && old.mac == new.mac
        }
        (Some(Value::Text(Plaintext::Text(text))), _, Written::Text(new)) => text.expose() == new,
        (Some(Value::Text(Plaintext::Binary(bytes))), _, Written::Clear(new)) => *bytes == new.mac,
        (Some(Value::Text(_)) | None, ..) => false,
        (Some(value), _, Written::Clear(new)) => *bytes(&value.yaml_text()) == *new.text.as_bytes(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written, other than it should be.
    #[test]
    fn a_file_that_reads_otherwise_is_not_given_away() {
        let text = "a: ENC\nb:\n    - ENC\n    - 1\n";
        let tree = read(text).unwrap();
        let opened = |first: &str| Opened {
            values: vec![
                Some(Value::Text(Plaintext::from(first))),
                Some(Value::Comment(Plaintext::from(" c"))),
                None,
            ],
            comments: Vec::new(),
        };
        let tell = |out: &str, first: &str| {
            let opened = opened(first);
            let lost = Lost::of(&tree, &opened);
            check(out.as_bytes(), &tree, &opened, &lost).map_err(|error| error.to_string())
        };
        assert_eq!(tell("a: x\nb:\n    # c\n    - 1\n", "x"), Ok(()));
        assert_eq!(tell("a: \"1\"\nb: [1]\n", "1"), Ok(()));
        for (out, first, path) in [
            ("a: y\nb: [1]\n", "x", "1:4: $.a"),
            ("a: 1\nb: [1]\n", "1", "1:4: $.a"),
            ("b: [1]\n", "x", "1:4: $.a"),
            ("a: x\nb: [2]\n", "x", "4:7: $.b.[1]"),
            ("a: x\nb: [\"1\"]\n", "x", "4:7: $.b.[1]"),
            ("a: x\nb: [z, 1]\n", "x", "4:7: $.b.[1]"),
            ("a: x\nb: 1\n", "x", "4:7: $.b.[1]"),
            ("a: x\n", "x", "4:7: $.b.[1]"),
            ("a: x\nb: [1]\nc: 1\n", "x", "4:7: $.b.[1]"),
            ("a: x\nb: [1]\nsops: {}\n", "x", "1:4: $.a"),
            ("a: x\nb: [1]\n---\n", "x", "1:4: $.a"),
            ("a: x\n---\nb: [1]\n", "x", "1:4: $.a"),
            ("a: [", "x", "1:4: $.a"),
        ] {
            assert_eq!(
                tell(out, first),
                Err(format!("{path}: {}", ValueProblem::Unwritable)),
                "{out}"
            );
        }
    }
}
