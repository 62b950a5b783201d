//! Comments of lists, which are items while they are encrypted: once they are gone, the items behind them
//! have other places.

use super::Opened;
use super::tree::{StepId, Tree};
use super::value::Value;
use crate::vault::Segment;
use std::collections::HashMap;

/// The items that go.
pub(super) struct Lost {
    /// The places of those that go, in order.
    gone: HashMap<StepId, Vec<usize>>,
    items: HashMap<StepId, usize>,
}

impl Lost {
    pub fn of(tree: &Tree, opened: &Opened) -> Lost {
        let mut gone: HashMap<StepId, Vec<usize>> = HashMap::new();
        for (leaf, value) in tree.leaves.iter().zip(&opened.values) {
            if let (Some(Value::Comment(_)), Some((list, Segment::Index(index)))) =
                (value, tree.steps.from(leaf.step))
            {
                gone.entry(list).or_default().push(*index);
            }
        }
        let mut items = HashMap::new();
        if !gone.is_empty() {
            for list in tree.steps.lists() {
                *items.entry(list).or_default() += 1;
            }
        }
        Lost { gone, items }
    }

    /// Whether this is the last item of a list of nothing but comments.
    pub fn is_hollow(&self, tree: &Tree, item: StepId) -> bool {
        let Some((list, Segment::Index(index))) = tree.steps.from(item) else {
            return false;
        };
        let items = self.items.get(&list).copied().unwrap_or_default();
        let gone = self.gone.get(&list).map_or(0, Vec::len);
        items == gone && index + 1 == items
    }

    /// The path that a leaf has after the loss.
    pub fn path(&self, tree: &Tree, leaf: StepId) -> Vec<Segment> {
        let steps = tree.steps.ancestors(leaf).filter_map(|id| {
            let (parent, segment) = tree.steps.from(id)?;
            Some(match (segment, self.gone.get(&parent)) {
                (Segment::Index(index), Some(gone)) => {
                    Segment::Index(index - gone.partition_point(|gone| gone < index))
                }
                _ => segment.clone(),
            })
        });
        let mut path: Vec<Segment> = steps.collect();
        path.reverse();
        path
    }
}
