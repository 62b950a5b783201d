//! The ways a new value can be written over a scalar, the nicest first.

use super::super::key_path::Segment;
use super::escape;
use super::source::{Source, written_span};
use super::tag;
use super::tree::NodeId;
use super::{Document, Scalar};
use crate::yaml::{RawEvent, Style};
use std::fmt;
use std::ops::Range;

/// Bytes of the text, and what replaces them.
pub(super) struct Edit {
    pub range: Range<usize>,
    pub with: String,
}

impl Edit {
    pub fn new(range: Range<usize>, with: String) -> Edit {
        Edit { range, with }
    }
}

/// The meaning of a scalar that must survive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Resolved as plain: plain, or tagged `!`.
    Plain,
    /// A string: quoted or block, no tag.
    Text,
    /// This tag.
    Tagged(String),
}

/// A new value for a scalar.
#[derive(Clone)]
pub(super) struct Target {
    pub id: NodeId,
    pub value: String,
    pub meaning: Meaning,
    /// How it was written elsewhere, which is the nicest way of all.
    pub as_written: Option<String>,
    /// Whether it takes the place of a message, whose style stays.
    pub keeps_style: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Target")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

impl Target {
    /// Whether an event is this value with this meaning and that anchor.
    pub fn is_met_by(&self, raw: &RawEvent, old: &RawEvent) -> bool {
        let (
            RawEvent::Scalar {
                anchor,
                tag,
                value,
                style,
            },
            RawEvent::Scalar {
                anchor: old_anchor, ..
            },
        ) = (raw, old)
        else {
            return false;
        };
        let meaning = match (&self.meaning, tag.as_deref()) {
            (Meaning::Plain, None) => *style == Style::Plain,
            (Meaning::Plain, Some(tag)) => tag == "!",
            (Meaning::Text, tag) => tag.is_none() && *style != Style::Plain,
            (Meaning::Tagged(want), tag) => tag == Some(want.as_str()),
        };
        meaning && anchor == old_anchor && *value == self.value
    }
}

impl Document {
    /// All ways to write a target that are legal by themselves, as edits sorted by place.
    pub(super) fn ways(&self, target: &Target) -> Vec<Vec<Edit>> {
        let Some(scalar) = self.scalar(target.id) else {
            return Vec::new();
        };
        let source = self.source(target.id, &scalar);
        let double = Style::DoubleQuoted;
        let (single, own) = (Style::SingleQuoted, scalar.style);
        let bang = || Some("!".to_owned());
        let ladder: Vec<(Style, Option<String>)> = match &target.meaning {
            // What reads as plain behind a `!` may stay in its quotes or block.
            Meaning::Plain if target.keeps_style && scalar.tag == Some("!") => {
                vec![(own, bang()), (single, bang()), (double, bang())]
            }
            Meaning::Plain => vec![(Style::Plain, None), (single, bang()), (double, bang())],
            Meaning::Text => {
                let own = if own == Style::Plain { single } else { own };
                vec![(own, None), (Style::Literal, None), (double, None)]
            }
            Meaning::Tagged(tag) => {
                let (written, full) = (tag::written(tag), tag::verbatim(tag));
                vec![
                    (own, Some(written.clone())),
                    (single, Some(written.clone())),
                    (double, Some(written)),
                    (double, Some(full)),
                ]
            }
        };
        let span = written_span(&scalar, &source);
        let as_written = target.as_written.iter().filter_map(|text| {
            if span.is_empty() {
                self.filled(target.id, &source, text, None)
            } else {
                Some(vec![Edit::new(span.clone(), text.clone())])
            }
        });
        let rendered = ladder
            .into_iter()
            .filter_map(|(style, tag)| self.way(target, &source, &scalar, style, tag));
        as_written.chain(rendered).collect()
    }

    fn way(
        &self,
        target: &Target,
        source: &Source,
        scalar: &Scalar<'_>,
        style: Style,
        tag: Option<String>,
    ) -> Option<Vec<Edit>> {
        let value = &*target.value;
        let mut edits = match (style, &source.block) {
            (Style::Literal | Style::Folded, block) => block.as_ref()?.edits(style, value)?,
            (Style::Plain, None) if value.is_empty() => {
                return self.emptied(target.id, source, tag);
            }
            _ => {
                let text = match style {
                    Style::Plain if escape::plain(value, source.flow) => value.to_owned(),
                    Style::Plain => return None,
                    Style::SingleQuoted => escape::single(value)?,
                    _ => escape::double(value),
                };
                match &source.block {
                    Some(block) => vec![
                        Edit::new(block.indicator.clone(), text),
                        Edit::new(block.body.clone(), String::new()),
                    ],
                    None if source.content.is_empty() => {
                        return self.filled(target.id, source, &text, tag);
                    }
                    None => vec![Edit::new(source.content.clone(), text)],
                }
            }
        };
        match (&source.tag, tag) {
            (None, None) => {}
            (Some(old), Some(new)) => edits.insert(0, Edit::new(old.clone(), new)),
            (Some(old), None) => edits.insert(0, self.removed(old, scalar.event.span.end)),
            (None, Some(new)) => {
                let first = edits.first_mut()?;
                first.with = format!("{new} {}", first.with);
            }
        }
        Some(edits)
    }

    /// A tag and the blanks after it.
    fn removed(&self, tag: &Range<usize>, end: usize) -> Edit {
        let rest = self.text.get(tag.end..end).unwrap_or_default();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        Edit::new(tag.start..tag.end + blanks, String::new())
    }

    fn is_item(&self, id: NodeId) -> bool {
        matches!(self.tree.get(id).segment, Some(Segment::Index(_)))
    }

    /// A written scalar becomes an empty plain one.
    fn emptied(&self, id: NodeId, source: &Source, tag: Option<String>) -> Option<Vec<Edit>> {
        // `[, 1]` is no YAML.
        if source.flow && tag.is_none() && self.is_item(id) {
            return None;
        }
        let content = source.content.clone();
        if content.is_empty() {
            return Some(match (&source.tag, tag) {
                (Some(old), Some(new)) => vec![Edit::new(old.clone(), new)],
                (Some(old), None) => vec![Edit::new(old.clone(), String::new())],
                (None, Some(new)) => return self.filled(id, source, &new, None),
                (None, None) => Vec::new(),
            });
        }
        if let Some(new) = tag {
            let range = source.tag.as_ref().map_or(content.start, |old| old.start)..content.end;
            return Some(vec![Edit::new(range, new)]);
        }
        let start = source.tag.as_ref().map_or(content.start, |old| old.start);
        let before = self.text.get(..start).unwrap_or_default();
        // The blank after the colon or the dash came with the value.
        let lone_blank = before
            .strip_suffix(' ')
            .is_some_and(|text| !text.ends_with(char::is_whitespace) && !text.is_empty());
        let start = if lone_blank && !source.flow {
            start - 1
        } else {
            start
        };
        Some(vec![Edit::new(start..content.end, String::new())])
    }

    /// An empty plain scalar becomes a written one.
    fn filled(
        &self,
        id: NodeId,
        source: &Source,
        text: &str,
        tag: Option<String>,
    ) -> Option<Vec<Edit>> {
        let end = source.content.end;
        if !source.has_properties {
            let gap = self.gap(id)?;
            let tag = tag.map(|tag| tag + " ").unwrap_or_default();
            let text = format!("{}{tag}{text}{}", gap.before, gap.after);
            return Some(vec![Edit::new(gap.at..gap.at, text)]);
        }
        Some(match (&source.tag, tag) {
            (Some(old), None) if old.end == end => vec![Edit::new(old.clone(), text.to_owned())],
            (Some(old), None) => vec![
                self.removed(old, end),
                Edit::new(end..end, format!(" {text}")),
            ],
            (Some(old), Some(new)) => vec![
                Edit::new(old.clone(), new),
                Edit::new(end..end, format!(" {text}")),
            ],
            (None, Some(new)) => vec![Edit::new(end..end, format!(" {new} {text}"))],
            (None, None) => vec![Edit::new(end..end, format!(" {text}"))],
        })
    }
}
