//! The events of a text as a tree of nodes that know their parent, their place in it and their anchor.

use super::super::key_path::{PathLengths, Segment};
use super::DocumentError;
use crate::yaml::{Event, RawEvent};
use std::collections::HashMap;

/// Recursive walks rely on this bound; no configuration comes near it.
const MAX_DEPTH: usize = 256;

/// A node's number in its tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(usize);

pub(super) enum Content {
    Scalar,
    /// The node it stands for, if there is one.
    Alias(Option<NodeId>),
    Sequence(Vec<NodeId>),
    /// Keys with their values.
    Mapping(Vec<(NodeId, NodeId)>),
}

pub(super) struct Node {
    /// Index of the event that begins it.
    pub event: usize,
    pub parent: Option<NodeId>,
    /// The step from the parent to here; `None` for roots and keys.
    pub segment: Option<Segment>,
    /// Whether it is a mapping's key or inside of one.
    pub in_key: bool,
    pub content: Content,
}

#[derive(Default)]
pub(super) struct Tree {
    nodes: Vec<Node>,
    pub roots: Vec<NodeId>,
    /// The first key that is a collection or an alias.
    pub complex_key: Option<NodeId>,
}

struct Open {
    node: NodeId,
    key: Option<NodeId>,
    /// Bytes of its path.
    length: usize,
}

impl Tree {
    pub fn build(events: &[Event]) -> Result<Tree, DocumentError> {
        let mut tree = Tree::default();
        let mut open: Vec<Open> = Vec::new();
        let mut anchors: HashMap<&str, NodeId> = HashMap::new();
        let mut lengths = PathLengths::default();
        for (index, event) in events.iter().enumerate() {
            let (content, anchor) = match &event.raw {
                RawEvent::DocumentStart => {
                    anchors.clear();
                    continue;
                }
                RawEvent::DocumentEnd => continue,
                RawEvent::SequenceEnd | RawEvent::MappingEnd => {
                    open.pop();
                    continue;
                }
                RawEvent::Alias(name) => (Content::Alias(anchors.get(&**name).copied()), &None),
                RawEvent::Scalar { anchor, .. } => (Content::Scalar, anchor),
                RawEvent::SequenceStart { anchor, .. } => (Content::Sequence(Vec::new()), anchor),
                RawEvent::MappingStart { anchor, .. } => (Content::Mapping(Vec::new()), anchor),
            };
            let opens = matches!(content, Content::Sequence(_) | Content::Mapping(_));
            let id = tree.add(events, index, content, open.last_mut());
            if let Some(name) = anchor {
                anchors.insert(name, id);
            }
            let mut length = open.last().map_or(0, |open| open.length);
            if let Some(segment) = &tree.get(id).segment {
                let below = lengths.below(length, segment);
                length = below.ok_or(DocumentError::TooLong(event.place))?;
            }
            if opens {
                open.push(Open {
                    node: id,
                    key: None,
                    length,
                });
                if open.len() > MAX_DEPTH {
                    return Err(DocumentError::TooDeep(event.place));
                }
            }
        }
        Ok(tree)
    }

    fn add(
        &mut self,
        events: &[Event],
        event: usize,
        content: Content,
        open: Option<&mut Open>,
    ) -> NodeId {
        let id = NodeId(self.nodes.len());
        let complex = !matches!(content, Content::Scalar);
        let mut node = Node {
            event,
            parent: None,
            segment: None,
            in_key: false,
            content,
        };
        let Some(open) = open else {
            self.roots.push(id);
            self.nodes.push(node);
            return id;
        };
        let key_segment = open.key.map(|key| self.key_segment(events, key));
        node.parent = Some(open.node);
        if let Some(parent) = self.nodes.get_mut(open.node.0) {
            node.in_key = parent.in_key;
            match (&mut parent.content, open.key.take()) {
                (Content::Sequence(items), _) => {
                    node.segment = Some(Segment::Index(items.len()));
                    items.push(id);
                }
                (Content::Mapping(entries), Some(key)) => {
                    node.segment = key_segment;
                    entries.push((key, id));
                }
                _ => {
                    node.in_key = true;
                    open.key = Some(id);
                    if complex && self.complex_key.is_none() {
                        self.complex_key = Some(id);
                    }
                }
            }
        }
        self.nodes.push(node);
        id
    }

    fn key_segment(&self, events: &[Event], key: NodeId) -> Segment {
        match events.get(self.get(key).event).map(|event| &event.raw) {
            Some(RawEvent::Scalar { value, .. }) => Segment::Key(value.clone()),
            _ => Segment::Complex,
        }
    }

    /// The node of an id of this tree.
    #[expect(
        clippy::indexing_slicing,
        reason = "ids are made by `add` alone, nodes are never removed, and a tree's ids stay with its document"
    )]
    pub fn get(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// All nodes in the order of the text.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..self.nodes.len()).map(NodeId)
    }

    /// The scalars that are neither keys nor inside of one.
    pub fn value_scalars(&self) -> impl Iterator<Item = NodeId> + '_ {
        self.ids().filter(|id| {
            let node = self.get(*id);
            matches!(node.content, Content::Scalar) && !node.in_key
        })
    }

    /// The steps from the root to a node.
    pub fn path(&self, id: NodeId) -> Vec<Segment> {
        let mut segments: Vec<Segment> = self
            .ancestors(id)
            .filter_map(|id| self.get(id).segment.clone())
            .collect();
        segments.reverse();
        segments
    }

    /// The node itself, its parent, and so on up to the root.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(Some(id), |id| self.get(*id).parent)
    }
}
