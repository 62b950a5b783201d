//! A new key in a mapping that is there, on a line of its own below the others.

use super::super::key_path::{KeyPath, Segment};
use super::super::psych;
use super::revise::SetError;
use super::tree::{Content, NodeId};
use super::{Document, escape};
use crate::yaml::{Event, RawEvent, Style};

impl Document {
    /// The text with the last key of the path added, its value an empty text in quotes.
    pub fn added(&self, path: &KeyPath) -> Result<String, SetError> {
        let refused = |why| SetError::NotAddable(path.clone(), why);
        let keys = path
            .keys()
            .ok_or_else(|| refused("write each key in full"))?;
        let Some((key, parents)) = keys.split_last() else {
            return Err(refused("it names no key"));
        };
        let parent = self.only_mapping(parents).map_err(refused)?;
        let text = self.with_line(parent, key).map_err(refused)?;
        if self.is_only_added(&text, parent) {
            Ok(text)
        } else {
            Err(refused(
                "the mapping has no room for it on a line of its own",
            ))
        }
    }

    fn only_mapping(&self, keys: &[&str]) -> Result<NodeId, &'static str> {
        let wanted: Vec<Segment> = keys.iter().map(|key| Segment::Key((*key).into())).collect();
        let is_there = |id: &NodeId| {
            let node = self.tree.get(*id);
            matches!(node.content, Content::Mapping(_))
                && !node.in_key
                && self.tree.path(*id) == wanted
        };
        let mut found = self.tree.ids().filter(is_there);
        match (found.next(), found.next()) {
            (Some(parent), None) => Ok(parent),
            (None, _) => Err("there is no such mapping"),
            (Some(_), Some(_)) => Err("several mappings have this path"),
        }
    }

    /// Below the last value of a block mapping, indented as its first key.
    fn with_line(&self, parent: NodeId, key: &str) -> Result<String, &'static str> {
        const FLOW: &str = "its mapping stands in braces or is empty";
        let node = self.tree.get(parent);
        let block = matches!(
            self.event(parent).map(|event| &event.raw),
            Some(RawEvent::MappingStart { flow: false, .. })
        );
        let Content::Mapping(entries) = &node.content else {
            return Err(FLOW);
        };
        let first = entries.first().and_then(|(key, _)| self.event(*key));
        let (true, Some(first)) = (block, first) else {
            return Err(FLOW);
        };
        let end = self.end_of(node.event).unwrap_or(first.span.end);
        let before = self.text.get(..end).unwrap_or_default();
        let rest = self.text.get(end..).unwrap_or_default();
        let at = if before.ends_with(['\n', '\r']) {
            end
        } else {
            end + rest.find(['\n', '\r']).unwrap_or(rest.len())
        };
        let (head, tail) = self.text.split_at_checked(at).unwrap_or((&self.text, ""));
        let eol = self.eol();
        let line = format!(
            "{}{}: \"\"",
            " ".repeat(first.place.column.saturating_sub(1)),
            written(key)
        );
        Ok(if before.ends_with(['\n', '\r']) {
            format!("{head}{line}{eol}{tail}")
        } else {
            format!("{head}{eol}{line}{tail}")
        })
    }

    /// The end of what is written in a collection.
    fn end_of(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        let mut end = None;
        for event in self.events.get(start..)? {
            match &event.raw {
                RawEvent::MappingStart { .. } | RawEvent::SequenceStart { .. } => depth += 1,
                RawEvent::MappingEnd | RawEvent::SequenceEnd => depth = depth.saturating_sub(1),
                _ => {}
            }
            // A block collection ends where the next token begins, one in braces behind its brace.
            let is_block_end = event.span.is_empty()
                && matches!(event.raw, RawEvent::MappingEnd | RawEvent::SequenceEnd);
            if !is_block_end {
                end = Some(event.span.end);
            }
            if depth == 0 {
                break;
            }
        }
        end
    }

    /// Whether a text has the same events and two more, the last of the mapping.
    fn is_only_added(&self, text: &str, parent: NodeId) -> bool {
        let Ok(events) = crate::yaml::events(text) else {
            return false;
        };
        let Some(end) = self.closing(self.tree.get(parent).event) else {
            return false;
        };
        let raw = |events: &[Event]| events.iter().map(|event| event.raw.clone()).collect();
        let (mut old, new): (Vec<RawEvent>, Vec<RawEvent>) = (raw(&self.events), raw(&events));
        let Some([_, value]) = new.get(end..end + 2) else {
            return false;
        };
        let empty = matches!(value, RawEvent::Scalar { value, tag: None, style: Style::DoubleQuoted, .. } if value.is_empty());
        old.splice(end..end, new.get(end..end + 2).unwrap_or_default().to_vec());
        empty && old == new
    }

    /// The index of the event that ends a collection.
    fn closing(&self, start: usize) -> Option<usize> {
        let mut depth = 0_usize;
        for (index, event) in self.events.iter().enumerate().skip(start) {
            match &event.raw {
                RawEvent::MappingStart { .. } | RawEvent::SequenceStart { .. } => depth += 1,
                RawEvent::MappingEnd | RawEvent::SequenceEnd => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return Some(index);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// A key as text: without quotes where nobody reads it as anything else.
fn written(key: &str) -> String {
    let is_text = psych::resolve(key) == psych::Kind::String && key != "<<";
    if is_text && escape::plain(key, false) {
        key.to_owned()
    } else {
        escape::double(key)
    }
}
