//! What a key path reaches when aliases are followed and merge keys merged, as Psych does on loading.

use super::super::key_path::{KeyPath, PathLengths, Segment};
use super::Document;
use super::merge::{Entry, MERGE};
use super::tree::{Content, NodeId};
use crate::yaml::RawEvent;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::rc::Rc;

/// What leads to a value in place of its own keys.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Via {
    /// `*name`
    Alias(String),
    /// `<<`
    Merge,
}

impl Via {
    fn name_len(&self) -> usize {
        match self {
            Via::Alias(name) => name.len(),
            Via::Merge => 0,
        }
    }
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Via::Alias(name) => write!(f, "the alias *{name}"),
            Via::Merge => f.write_str("a merge key"),
        }
    }
}

/// A scalar, the steps that lead to it, and whether an alias or merge key was among them.
pub(super) struct Reached {
    pub id: NodeId,
    pub segments: Vec<Segment>,
    pub via: Option<Via>,
}

/// More steps than this are an alias bomb: a small file that unfolds to millions of values.
const MAX_STEPS: usize = 1_000_000;

/// Bytes of a name that it costs a step more to copy.
pub(super) const NAME: usize = 32;

/// Recursion ends here; a text nests less deeply, so only aliases lead further down.
pub(super) const MAX_DEPTH: usize = 1_000;

/// The unfolding of aliases went beyond all bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bomb;

pub(super) struct Walk<'a> {
    pub(super) document: &'a Document,
    path: &'a KeyPath,
    /// Each node is visited once for each depth of the path, which is all that matching depends on.
    once: Option<HashSet<(NodeId, usize, bool)>>,
    /// By mapping, and whether the path names its `<<` as a key.
    pub(super) merged: HashMap<(NodeId, bool), Rc<Vec<Entry>>>,
    /// Aliases that are being followed, for those that lead back to themselves.
    open: Vec<NodeId>,
    /// Merges inside of merges.
    pub(super) merges: usize,
    segments: Vec<Segment>,
    /// Bytes of the segments.
    length: usize,
    lengths: PathLengths,
    steps: usize,
    found: Vec<Reached>,
}

impl<'a> Walk<'a> {
    fn new(document: &'a Document, path: &'a KeyPath) -> Walk<'a> {
        Walk {
            document,
            path,
            once: None,
            merged: HashMap::new(),
            open: Vec::new(),
            merges: 0,
            segments: Vec::new(),
            length: 0,
            lengths: PathLengths::default(),
            steps: 0,
            found: Vec::new(),
        }
    }

    /// Scalars that the path reaches through an alias or a merge key, each once, in all documents.
    pub fn through_aliases(
        document: &'a Document,
        path: &'a KeyPath,
    ) -> Result<Vec<Reached>, Bomb> {
        if !document.has_aliases() {
            return Ok(Vec::new());
        }
        let mut walk = Walk::new(document, path);
        walk.once = Some(HashSet::new());
        for root in &document.tree.roots {
            walk.visit(*root, None)?;
        }
        let mut known = HashSet::new();
        walk.found
            .retain(|one| one.via.is_some() && known.insert(one.id));
        Ok(walk.found)
    }

    /// All scalars at or below the path in the first document, aliases unfolded.
    pub fn all(document: &'a Document, path: &'a KeyPath) -> Result<Vec<Reached>, Bomb> {
        let mut walk = Walk::new(document, path);
        if let Some(root) = document.tree.roots.first() {
            walk.visit(*root, None)?;
        }
        Ok(walk.found)
    }

    pub(super) fn spend(&mut self, steps: usize) -> Result<(), Bomb> {
        self.steps += steps;
        if self.steps > MAX_STEPS {
            Err(Bomb)
        } else {
            Ok(())
        }
    }

    fn visit(&mut self, id: NodeId, via: Option<Via>) -> Result<(), Bomb> {
        self.spend(1 + via.as_ref().map_or(0, Via::name_len) / NAME)?;
        if self.segments.len() + self.open.len() > MAX_DEPTH {
            return Err(Bomb);
        }
        let depth = self.segments.len();
        if let Some(once) = &mut self.once {
            let state = (id, depth.min(self.path.depth()), via.is_some());
            if !once.insert(state) {
                return Ok(());
            }
        }
        match &self.document.tree.get(id).content {
            Content::Scalar => {
                if self.path.ends(depth) {
                    let segments = self.segments.clone();
                    self.found.push(Reached { id, segments, via });
                }
                Ok(())
            }
            Content::Alias(target) => match target {
                Some(target) if !self.open.contains(target) => {
                    self.open.push(*target);
                    let done = self.visit(*target, Some(self.alias(id)));
                    self.open.pop();
                    done
                }
                _ => Ok(()),
            },
            Content::Sequence(items) => {
                for (index, item) in items.iter().enumerate() {
                    self.enter(Segment::Index(index), *item, via.clone())?;
                }
                Ok(())
            }
            Content::Mapping(_) => {
                let raw_merge = self.path.names(depth, MERGE);
                for entry in self.entries(id, raw_merge)?.iter() {
                    let via = via.clone().or_else(|| entry.via.clone());
                    self.enter(entry.segment.clone(), entry.value, via)?;
                }
                Ok(())
            }
        }
    }

    fn enter(&mut self, segment: Segment, id: NodeId, via: Option<Via>) -> Result<(), Bomb> {
        if !self.path.step(self.segments.len(), &segment) {
            return Ok(());
        }
        let below = self.lengths.below(self.length, &segment).ok_or(Bomb)?;
        let length = std::mem::replace(&mut self.length, below);
        self.segments.push(segment);
        let done = self.visit(id, via);
        self.segments.pop();
        self.length = length;
        done
    }

    pub(super) fn alias(&self, id: NodeId) -> Via {
        match self.document.event(id).map(|event| &event.raw) {
            Some(RawEvent::Alias(name)) => Via::Alias(name.clone()),
            _ => Via::Merge,
        }
    }
}
