//! Encrypted comments. libyaml tells nothing of comments, but they stand only where no scalar is.

use super::super::sealed::is_sealed;
use super::super::tree::{Comment, StepId};
use std::ops::Range;

/// A scalar's bytes, and the collection around it.
pub(super) type Mark = (Range<usize>, StepId);

/// All comments that look like encrypted ones.
pub(super) fn find(text: &str, marks: &[Mark]) -> Vec<Comment> {
    let mut found = Vec::new();
    let mut from = 0;
    let mut before = None;
    let ends = marks
        .iter()
        .map(|(span, step)| (span.start, span.end, Some(*step)));
    for (start, end, step) in ends.chain([(text.len(), text.len(), None)]) {
        let near = [before, step];
        in_gap(text, from..start, |span| found.push(Comment { span, near }));
        (from, before) = (end, step);
    }
    found
}

/// The comments between two scalars: a `#` after white space or at the beginning, up to the line's end.
fn in_gap(text: &str, gap: Range<usize>, mut found: impl FnMut(Range<usize>)) {
    let mut at = gap.start;
    while let Some(rest) = text.get(at..gap.end) {
        let Some(hash) = rest.find('#').map(|n| at + n) else {
            return;
        };
        let head = text.get(..hash).unwrap_or_default();
        if !head.is_empty() && !head.ends_with([' ', '\t', '\n', '\r', '\u{feff}']) {
            at = hash + 1;
            continue;
        }
        let line = text.get(hash..).unwrap_or_default();
        let end = hash + line.find(['\n', '\r']).unwrap_or(line.len());
        if text.get(hash + 1..end).is_some_and(is_sealed) {
            found(hash..end);
        }
        at = end.max(hash + 1);
    }
}
