//! The pieces of a scalar in the text: anchor, tag, content, and for one that is not written at all
//! the gap where it would stand.

use super::block::BlockSource;
use super::tree::{Content, NodeId};
use super::{Document, Scalar};
use crate::yaml::{RawEvent, Style};
use std::ops::Range;

/// Where a scalar's pieces are, in bytes of the text.
pub(super) struct Source {
    pub tag: Option<Range<usize>>,
    /// The scalar itself, without anchor and tag; empty for an empty plain one.
    pub content: Range<usize>,
    pub block: Option<BlockSource>,
    /// Whether it stands in a flow collection.
    pub flow: bool,
    /// Whether it has an anchor or a tag.
    pub has_properties: bool,
}

/// A place in the text where nothing is written yet, and what must surround a value there.
pub(super) struct Gap {
    pub at: usize,
    pub before: String,
    pub after: &'static str,
}

/// The places of a node's properties, and the end of them.
struct Properties {
    tag: Option<Range<usize>>,
    /// Where the node goes on, white space and comments skipped.
    content: usize,
}

impl Document {
    pub(super) fn source(&self, id: NodeId, scalar: &Scalar<'_>) -> Source {
        let span = scalar.event.span.clone();
        let found = self.properties(&scalar.event.raw, span.clone());
        let content = found.content.min(span.end)..span.end;
        let block = matches!(scalar.style, Style::Literal | Style::Folded).then(|| {
            BlockSource::find(
                &self.text,
                content.clone(),
                self.indent_around(id),
                self.eol(),
            )
        });
        Source {
            has_properties: found.content > span.start,
            tag: found.tag,
            content,
            block,
            flow: self.in_flow(id),
        }
    }

    /// How a scalar is written.
    pub(super) fn written(&self, id: NodeId) -> Option<&str> {
        let scalar = self.scalar(id)?;
        let span = written_span(&scalar, &self.source(id, &scalar));
        self.text.get(span)
    }

    /// An anchor and a tag stand before a node in any order, with white space and comments between.
    fn properties(&self, raw: &RawEvent, span: Range<usize>) -> Properties {
        let (mut anchor, mut tag) = match raw {
            RawEvent::Scalar { anchor, tag, .. }
            | RawEvent::SequenceStart { anchor, tag, .. }
            | RawEvent::MappingStart { anchor, tag, .. } => (anchor.is_some(), tag.is_some()),
            _ => (false, false),
        };
        let mut found = Properties {
            tag: None,
            content: span.start,
        };
        while anchor || tag {
            let rest = self.text.get(found.content..).unwrap_or_default();
            let length = property_len(rest);
            let whole = found.content..found.content + length;
            match rest.chars().next() {
                Some('&') if anchor => anchor = false,
                Some('!') if tag => {
                    tag = false;
                    found.tag = Some(whole.clone());
                }
                _ => break,
            }
            found.content = whole.end + blank_len(self.text.get(whole.end..).unwrap_or_default());
        }
        found
    }

    fn in_flow(&self, id: NodeId) -> bool {
        self.tree.ancestors(id).skip(1).any(|id| {
            let raw = self.event(id).map(|event| &event.raw);
            matches!(
                raw,
                Some(
                    RawEvent::SequenceStart { flow: true, .. }
                        | RawEvent::MappingStart { flow: true, .. }
                )
            )
        })
    }

    /// The column, from 0, of the innermost block collection around a node: what libyaml counts
    /// indentation from. `None` at the root.
    fn indent_around(&self, id: NodeId) -> Option<usize> {
        let parent = self.tree.get(id).parent?;
        let event = self.event(parent)?;
        let start = self
            .properties(&event.raw, event.span.start..self.text.len())
            .content;
        let before = self.text.get(..start)?;
        Some(
            before
                .chars()
                .rev()
                .take_while(|c| !matches!(c, '\n' | '\r'))
                .count(),
        )
    }

    /// The first line end of the text, which new lines get too.
    pub(super) fn eol(&self) -> &'static str {
        line_end(&self.text).unwrap_or("\n")
    }

    /// Where the value of an empty plain scalar without properties belongs.
    pub(super) fn gap(&self, id: NodeId) -> Option<Gap> {
        let start = self.event(id)?.span.start;
        let node = self.tree.get(id);
        let Some(parent) = node.parent else {
            return Some(self.root_gap(node.event, start));
        };
        match &self.tree.get(parent).content {
            // The mark of an empty item is right after its dash.
            Content::Sequence(_) => Some(after(start)),
            Content::Mapping(entries) => {
                let at = entries.binary_search_by_key(&id, |(_, value)| *value);
                let (key, _) = entries.get(at.ok()?)?;
                self.value_gap(id, *key, start)
            }
            _ => None,
        }
    }

    fn root_gap(&self, event: usize, start: usize) -> Gap {
        let marker = event.checked_sub(1).and_then(|n| self.events.get(n));
        let end = marker.map_or(start, |event| event.span.end);
        if self
            .text
            .get(..end)
            .is_some_and(|text| text.ends_with("---"))
        {
            after(end)
        } else {
            Gap {
                at: start,
                before: String::new(),
                after: "",
            }
        }
    }

    fn value_gap(&self, id: NodeId, key: NodeId, mark: usize) -> Option<Gap> {
        let key_end = self.event(key)?.span.end;
        let after_key = self.text.get(key_end..)?;
        // Right behind a quote libyaml takes a `#` for a comment, too.
        let comment = after_key.starts_with('#');
        let line_end = comment.then(|| after_key.find(['\n', '\r'])).flatten();
        let line_end = line_end.unwrap_or(0);
        let colon = key_end + line_end + blank_len(after_key.get(line_end..)?);
        let flow = self.in_flow(id);
        if colon <= mark && self.text.get(colon..)?.starts_with(':') {
            let at = colon + 1;
            // In a flow collection the blank that is there serves: `{a: , b}` and back.
            let has_blank = flow && at < mark && self.text.get(at..)?.starts_with(' ');
            return Some(if has_blank {
                Gap {
                    at: at + 1,
                    before: String::new(),
                    after: "",
                }
            } else {
                after(at)
            });
        }
        if flow {
            return Some(Gap {
                at: key_end,
                before: ": ".to_owned(),
                after: "",
            });
        }
        // `? key` alone: the value gets a line of its own.
        let indent = " ".repeat(self.indent_around(id)?);
        let eol = self.eol();
        let rest = self.text.get(key_end..)?;
        let at_line_start = self.text.get(..key_end)?.ends_with(['\n', '\r']);
        let at = key_end + rest.find(['\n', '\r']).unwrap_or(rest.len());
        Some(if at_line_start {
            Gap {
                at: key_end,
                before: format!("{indent}: "),
                after: eol,
            }
        } else {
            Gap {
                at,
                before: format!("{eol}{indent}: "),
                after: "",
            }
        })
    }
}

/// A scalar's bytes without the blank lines after a block scalar, which libyaml counts in.
pub(super) fn written_span(scalar: &Scalar<'_>, source: &Source) -> Range<usize> {
    let span = scalar.event.span.clone();
    let end = source
        .block
        .as_ref()
        .map_or(span.end, |block| block.body.end);
    span.start..end
}

fn after(at: usize) -> Gap {
    Gap {
        at,
        before: " ".to_owned(),
        after: "",
    }
}

/// The first line end of a text.
pub(super) fn line_end(text: &str) -> Option<&'static str> {
    let rest = text.get(text.find(['\n', '\r'])?..)?;
    Some(if rest.starts_with("\r\n") {
        "\r\n"
    } else if rest.starts_with('\r') {
        "\r"
    } else {
        "\n"
    })
}

/// Bytes of an anchor or a tag at the beginning of a text.
fn property_len(text: &str) -> usize {
    if text.starts_with("!<") {
        return text.find('>').map_or(text.len(), |n| n + 1);
    }
    let end = |c: char| c.is_whitespace() || matches!(c, ',' | '[' | ']' | '{' | '}');
    text.find(end).unwrap_or(text.len())
}

/// Bytes of white space and comments at the beginning of a text.
fn blank_len(text: &str) -> usize {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        // A `#` begins a comment only after a blank.
        let at = text.len() - rest.len();
        if at == 0 || !rest.starts_with('#') {
            return at;
        }
        rest = rest
            .find(['\n', '\r'])
            .and_then(|n| rest.get(n..))
            .unwrap_or_default();
    }
}
