//! The bytes of the metadata in a document, which a decrypted file has no more.

use crate::yaml::{Event, RawEvent};
use std::ops::Range;

/// What a document's root has, as far as it was read.
#[derive(Default)]
pub(super) struct Entry {
    /// Where the metadata's key begins and its value ends.
    metadata: Option<Range<usize>>,
    /// The end of the value before it.
    before: Option<usize>,
    /// The beginning of the key behind it.
    behind: Option<usize>,
}

impl Entry {
    /// The metadata was read: its key, and all events of its value.
    pub fn metadata(&mut self, key: &Event, value: &[Event]) {
        // A block collection ends where the next thing begins, so its last scalar counts.
        let ends = value.iter().filter(|event| !event.span.is_empty());
        let end = ends.map(|event| event.span.end).max();
        self.metadata = Some(key.span.start..end.unwrap_or(key.span.end));
    }

    pub fn has_metadata(&self) -> bool {
        self.metadata.is_some()
    }

    /// Another entry was read: its key, and the last event of its value.
    pub fn other(&mut self, key: &Event, last: Option<&Event>) {
        if self.metadata.is_some() {
            self.behind.get_or_insert(key.span.start);
        } else {
            self.before = last.map(|event| event.span.end);
        }
    }

    /// What to take out, and what to put there. `end` is the end of the root.
    pub fn cut(
        self,
        text: &str,
        flow: bool,
        end: Option<&Event>,
    ) -> Option<(Range<usize>, &'static str)> {
        let own = self.metadata?;
        if flow {
            let end = end.filter(|event| event.raw == RawEvent::MappingEnd);
            let last = end.map_or(own.end, |event| event.span.start);
            return Some(match (self.before, self.behind) {
                (Some(before), _) => (before..own.end, ""),
                (None, Some(behind)) => (own.start..behind, ""),
                (None, None) => (own.start..last, ""),
            });
        }
        let head = text.get(..own.start)?;
        let start = head.trim_end_matches(' ').len();
        let tail = text.get(own.end..)?;
        let whole = head.ends_with('\n') && text.get(..own.end)?.ends_with('\n');
        let end = if text.get(..own.end)?.ends_with('\n') || whole {
            own.end
        } else {
            own.end + tail.find('\n').map_or(tail.len(), |n| n + 1)
        };
        let alone = self.before.is_none() && self.behind.is_none();
        Some((start..end, if alone { "{}\n" } else { "" }))
    }
}
