//! dotenv as sops reads it: nothing is trimmed and quotes are text, but `\n` stands for a line feed.

use super::Opened;
use super::error::{Shape, SopsError, ValueProblem};
use super::is_one_line;
use super::raw::Raw;
use super::sealed::is_sealed;
use super::tree::{Around, Comment, Edit, Leaf, Tree, Written, splice};
use super::value::{Value, bytes};
use crate::vault::Segment;
use crate::yaml::Place;
use std::collections::HashSet;
use zeroize::Zeroizing;

/// Names that sops keeps for itself.
const METADATA: &str = "sops_";
const ESCAPED: &str = "\\n";

/// Reads the lines.
pub(super) fn read(text: &str) -> Result<Tree, SopsError> {
    let mut tree = Tree::default();
    let root = tree.steps.root();
    let mut names = HashSet::new();
    let mut members = Vec::new();
    let mut at = 0;
    for (n, whole) in text.split_inclusive('\n').enumerate() {
        let span = at..at + whole.len();
        at = span.end;
        let line = whole.strip_suffix('\n').unwrap_or(whole);
        let place = Place {
            line: n + 1,
            column: 1,
        };
        let shape = |problem| SopsError::Shape { place, problem };
        if let Some(comment) = line.strip_prefix('#') {
            if is_sealed(comment) {
                let span = span.start..span.start + line.len();
                let near = [Some(root), None];
                tree.comments.push(Comment { span, near });
            }
            continue;
        }
        if line.is_empty() {
            // sops writes none.
            tree.cuts.push((span, ""));
            continue;
        }
        let (name, value) = line.split_once('=').ok_or_else(|| shape(Shape::Line))?;
        if !names.insert(name) {
            return Err(shape(Shape::Duplicate(name.to_owned())));
        }
        let text = value.replace(ESCAPED, "\n");
        if let Some(member) = name.strip_prefix(METADATA) {
            members.push((member.to_owned(), text));
            tree.cuts.push((span, ""));
            continue;
        }
        let step = tree
            .steps
            .below(root, Segment::Key(name.to_owned()), place)?;
        let start = span.start + name.len() + 1;
        tree.leaves.push(Leaf {
            step,
            place,
            span: start..start + value.len(),
            written: Written::Text(text),
            around: Around::default(),
        });
    }
    if !members.is_empty() {
        let raw = Raw::from_flat(&members);
        tree.metadata = Some(
            raw.ok_or_else(|| super::metadata::problem("names", "they contradict one another"))?,
        );
    }
    Ok(tree)
}

/// Writes the lines.
pub(super) fn write(
    source: &str,
    tree: &Tree,
    opened: &Opened,
) -> Result<Zeroizing<Vec<u8>>, SopsError> {
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
        let Some(value) = value else { continue };
        if matches!(value, Value::Comment(_)) {
            return Err(SopsError::Value {
                path: tree.steps.shown(leaf.step),
                place: leaf.place,
                problem: ValueProblem::Unwritable,
            });
        }
        edits.push(Edit::new(
            leaf.span.clone(),
            escaped(&bytes(&value.yaml_text())).to_vec(),
        ));
    }
    Ok(splice(source, edits))
}

fn escaped(bytes: &[u8]) -> Zeroizing<Vec<u8>> {
    // At its full length at once: growing would leave copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(bytes.len() * 2));
    for byte in bytes {
        match byte {
            b'\n' => out.extend_from_slice(ESCAPED.as_bytes()),
            byte => out.push(*byte),
        }
    }
    out
}
