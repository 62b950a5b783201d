//! What the formats have in common: leaves in the order of the text, each with its place in the tree.

use super::error::{Shape, SopsError};
use super::raw::Raw;
use crate::vault::{PathLengths, Segment, show_path};
use crate::yaml::Place;
use std::ops::Range;
use zeroize::Zeroizing;

/// Deeper nesting is refused; no settings file needs it.
pub(super) const MAX_DEPTH: usize = 100;

/// A place in the tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct StepId(usize);

#[derive(Debug)]
struct Step {
    /// `None` for a document's root.
    from: Option<(StepId, Segment)>,
    depth: usize,
    /// Bytes of the path.
    length: usize,
}

/// All places; each knows its parent, so that long paths are kept once.
#[derive(Debug, Default)]
pub(super) struct Steps {
    steps: Vec<Step>,
    lengths: PathLengths,
}

impl Steps {
    pub fn root(&mut self) -> StepId {
        self.steps.push(Step {
            from: None,
            depth: 0,
            length: 0,
        });
        StepId(self.steps.len() - 1)
    }

    pub fn below(
        &mut self,
        parent: StepId,
        segment: Segment,
        place: Place,
    ) -> Result<StepId, SopsError> {
        let shape = |problem| SopsError::Shape { place, problem };
        let (depth, length) = self
            .get(parent)
            .map_or((0, 0), |step| (step.depth, step.length));
        if depth >= MAX_DEPTH {
            return Err(shape(Shape::TooDeep));
        }
        let length = self.lengths.below(length, &segment);
        let length = length.ok_or_else(|| shape(Shape::TooLong))?;
        self.steps.push(Step {
            from: Some((parent, segment)),
            depth: depth + 1,
            length,
        });
        Ok(StepId(self.steps.len() - 1))
    }

    /// Counts the paths of all that may bind a comment; says whether that is not too much.
    pub fn bear(&mut self, comment: &Comment) -> bool {
        let near = comment.near.iter().flatten();
        let around = near.flat_map(|step| self.ancestors(*step));
        let lengths = around.filter_map(|id| Some(self.get(id)?.length));
        let bytes = lengths.sum();
        self.lengths.spend(bytes)
    }

    fn get(&self, id: StepId) -> Option<&Step> {
        self.steps.get(id.0)
    }

    /// The parent and the step from there.
    pub fn from(&self, id: StepId) -> Option<(StepId, &Segment)> {
        let (parent, segment) = self.get(id)?.from.as_ref()?;
        Some((*parent, segment))
    }

    /// The place itself, its parent, and so on up to the root.
    pub fn ancestors(&self, id: StepId) -> impl Iterator<Item = StepId> + '_ {
        std::iter::successors(Some(id), |id| self.from(*id).map(|(parent, _)| parent))
    }

    pub fn path(&self, id: StepId) -> Vec<Segment> {
        let steps = self
            .ancestors(id)
            .filter_map(|id| Some(self.from(id)?.1.clone()));
        let mut path: Vec<Segment> = steps.collect();
        path.reverse();
        path
    }

    /// The mappings' keys on the path, from the root.
    pub fn keys(&self, id: StepId) -> Vec<&str> {
        let keys = self.ancestors(id).filter_map(|id| match self.from(id)?.1 {
            Segment::Key(key) => Some(key.as_str()),
            _ => None,
        });
        let mut keys: Vec<&str> = keys.collect();
        keys.reverse();
        keys
    }

    /// What sops binds a value to its place with: places in lists add nothing.
    pub fn bound(&self, id: StepId) -> String {
        let mut bound = self.keys(id).join(":");
        bound.push(':');
        bound
    }

    /// How many documents there are.
    pub fn roots(&self) -> usize {
        self.steps.iter().filter(|step| step.from.is_none()).count()
    }

    /// The list around each item of any list.
    pub fn lists(&self) -> impl Iterator<Item = StepId> + '_ {
        self.steps.iter().filter_map(|step| match &step.from {
            Some((list, Segment::Index(_))) => Some(*list),
            _ => None,
        })
    }

    pub fn shown(&self, id: StepId) -> String {
        show_path(&self.path(id))
    }
}

/// What stands in the file for a leaf.
#[derive(Debug)]
pub(super) enum Written {
    Null,
    /// A string, perhaps an encrypted value.
    Text(String),
    /// Something else in clear text.
    Clear(Clear),
}

/// A clear scalar that is no string.
#[derive(Debug)]
pub(super) struct Clear {
    /// As it is written; what a variable gets.
    pub text: Zeroizing<String>,
    /// What the MAC counts.
    pub mac: Zeroizing<Vec<u8>>,
    /// What the MAC of another version of sops counts.
    pub other_mac: Option<String>,
}

/// A scalar value.
#[derive(Debug)]
pub(super) struct Leaf {
    pub step: StepId,
    pub place: Place,
    /// Its bytes in the text.
    pub span: Range<usize>,
    pub written: Written,
    pub around: Around,
}

/// Where a YAML scalar stands, which decides how another value can be written there.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Around {
    pub flow: bool,
    /// An item of a list, not a mapping's value.
    pub item: bool,
    /// From 0, of the collection around it.
    pub column: usize,
}

/// An encrypted comment.
#[derive(Debug)]
pub(super) struct Comment {
    /// From its `#` to the end of the line.
    pub span: Range<usize>,
    /// Collections around what is before and behind it: it belongs to one of these, or to one around them.
    pub near: [Option<StepId>; 2],
}

/// What is put in the place of some bytes.
pub(super) struct Edit {
    pub span: Range<usize>,
    pub with: Zeroizing<Vec<u8>>,
}

impl Edit {
    pub fn new(span: Range<usize>, with: impl Into<Vec<u8>>) -> Edit {
        Edit {
            span,
            with: Zeroizing::new(with.into()),
        }
    }
}

/// A file without a meaning yet.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub steps: Steps,
    pub leaves: Vec<Leaf>,
    pub comments: Vec<Comment>,
    /// Where the metadata stands, and what is to be there in its stead.
    pub cuts: Vec<(Range<usize>, &'static str)>,
    pub metadata: Option<Raw>,
}

/// The text with the edits; those within a cut, or within one another, are left out.
pub(super) fn splice(text: &str, mut edits: Vec<Edit>) -> Zeroizing<Vec<u8>> {
    edits.sort_by_key(|edit| (edit.span.start, std::cmp::Reverse(edit.span.end)));
    let more: usize = edits.iter().map(|edit| edit.with.len()).sum();
    // At its full length at once: growing would leave copies behind.
    let mut out = Zeroizing::new(Vec::with_capacity(text.len() + more));
    let mut done = 0;
    for edit in &edits {
        if edit.span.start < done {
            continue;
        }
        out.extend_from_slice(
            text.get(done..edit.span.start)
                .unwrap_or_default()
                .as_bytes(),
        );
        out.extend_from_slice(&edit.with);
        done = edit.span.end;
    }
    out.extend_from_slice(text.get(done..).unwrap_or_default().as_bytes());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Place = Place { line: 1, column: 1 };

    #[test]
    fn places_in_lists_bind_nothing() {
        let mut steps = Steps::default();
        let root = steps.root();
        let list = steps
            .below(root, Segment::Key("a:b".into()), START)
            .unwrap();
        let item = steps.below(list, Segment::Index(3), START).unwrap();
        let leaf = steps.below(item, Segment::Key("c".into()), START).unwrap();
        assert_eq!(
            (steps.bound(root), steps.bound(item), steps.bound(leaf)),
            (":".into(), "a:b:".into(), "a:b:c:".into())
        );
        assert_eq!(
            steps.path(leaf),
            [
                Segment::Key("a:b".into()),
                Segment::Index(3),
                Segment::Key("c".into())
            ]
        );
    }

    #[test]
    fn paths_are_bounded() {
        let mut steps = Steps::default();
        let root = steps.root();
        let mut step = root;
        for _ in 0..MAX_DEPTH {
            step = steps.below(step, Segment::Index(0), START).unwrap();
        }
        assert!(steps.below(step, Segment::Index(0), START).is_err());
        let long = steps
            .below(root, Segment::Key("x".repeat(1 << 20)), START)
            .unwrap();
        let added = (0..1000)
            .take_while(|_| steps.below(long, Segment::Index(0), START).is_ok())
            .count();
        assert!((12..18).contains(&added), "{added}");
    }

    #[test]
    fn edits_in_any_order() {
        let edit = |span, with: &str| Edit::new(span, with);
        let edits = vec![
            edit(4..5, "E"),
            edit(0..1, ""),
            edit(4..5, "x"),
            edit(2..4, "CD"),
            edit(3..4, "x"),
        ];
        assert_eq!(*splice("abcdef", edits), b"bCDEf");
    }
}
