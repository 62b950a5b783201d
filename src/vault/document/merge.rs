//! A mapping's entries as Psych makes them: in order, merge keys (`<<`) merged where they stand, and the
//! last of two equal keys wins.

use super::super::key_path::Segment;
use super::Document;
use super::reach::{Bomb, MAX_DEPTH, NAME, Via, Walk};
use super::tree::{Content, NodeId};
use std::collections::HashMap;
use std::rc::Rc;

pub(super) const MERGE: &str = "<<";

/// Merges within merges recurse deeper than walks do.
const MAX_MERGES: usize = MAX_DEPTH / 4;

#[derive(Clone)]
pub(super) struct Entry {
    pub segment: Segment,
    pub value: NodeId,
    /// What brought it here, if it does not stand here.
    pub via: Option<Via>,
}

#[derive(Default)]
struct Entries {
    list: Vec<Entry>,
    index: HashMap<Segment, usize>,
}

impl Entries {
    fn put(&mut self, entry: Entry) {
        // Collections as keys are not compared, so none replaces another.
        let known = (entry.segment != Segment::Complex)
            .then(|| self.index.insert(entry.segment.clone(), self.list.len()))
            .flatten();
        match known.and_then(|n| self.list.get_mut(n).map(|old| (n, old))) {
            Some((n, old)) => {
                self.index.insert(entry.segment.clone(), n);
                *old = entry;
            }
            None => self.list.push(entry),
        }
    }
}

impl Document {
    /// Whether any alias or merge key makes a value have more than one path.
    pub(super) fn has_aliases(&self) -> bool {
        self.tree
            .ids()
            .any(|id| matches!(self.tree.get(id).content, Content::Alias(_)) || self.is_merge(id))
    }

    /// Quotes do not matter to Psych here, the tag does.
    fn is_merge(&self, key: NodeId) -> bool {
        self.tree.get(key).in_key
            && self.scalar(key).is_some_and(|scalar| {
                scalar.value == MERGE && scalar.tag != Some("tag:yaml.org,2002:str")
            })
    }
}

impl Entry {
    /// What it costs of the walk's steps to merge it: it is kept, key and all, where a step is only made.
    fn cost(&self) -> usize {
        10 + self.segment.text_len() / NAME
    }
}

impl Walk<'_> {
    /// The entries of a mapping; `raw_merge` keeps `<<` as a key like any other.
    pub(super) fn entries(&mut self, id: NodeId, raw_merge: bool) -> Result<Rc<Vec<Entry>>, Bomb> {
        if let Some(entries) = self.merged.get(&(id, raw_merge)) {
            return Ok(Rc::clone(entries));
        }
        // What leads back to itself adds nothing.
        self.merged.insert((id, raw_merge), Rc::default());
        let Content::Mapping(pairs) = &self.document.tree.get(id).content else {
            return Ok(Rc::default());
        };
        let mut entries = Entries::default();
        for (key, value) in pairs {
            if !raw_merge && self.document.is_merge(*key) {
                self.merge(*value, &mut entries)?;
            } else {
                let segment = self.document.tree.get(*value).segment.clone();
                entries.put(Entry {
                    segment: segment.unwrap_or(Segment::Complex),
                    value: *value,
                    via: None,
                });
            }
        }
        let entries = Rc::new(entries.list);
        self.merged.insert((id, raw_merge), Rc::clone(&entries));
        Ok(entries)
    }

    /// Puts in what a merge key's value brings; of several mappings the first wins.
    fn merge(&mut self, value: NodeId, into: &mut Entries) -> Result<(), Bomb> {
        self.merges += 1;
        self.spend(1)?;
        if self.merges > MAX_MERGES {
            return Err(Bomb);
        }
        match &self.document.tree.get(value).content {
            Content::Alias(Some(target)) => {
                let mut brought = Entries::default();
                self.merge(*target, &mut brought)?;
                let via = Some(self.alias(value));
                for entry in brought.list {
                    self.spend(entry.cost())?;
                    into.put(Entry {
                        via: via.clone(),
                        ..entry
                    });
                }
            }
            Content::Mapping(_) => {
                for entry in self.entries(value, false)?.iter() {
                    self.spend(entry.cost())?;
                    let via = entry.via.clone().or(Some(Via::Merge));
                    into.put(Entry {
                        via,
                        ..entry.clone()
                    });
                }
            }
            Content::Sequence(items) => {
                for item in items.iter().rev() {
                    self.merge(*item, into)?;
                }
            }
            _ => {}
        }
        self.merges -= 1;
        Ok(())
    }
}
