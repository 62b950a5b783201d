//! YAML into a tree: libyaml's events with their bytes, go-yaml's types, sops's shapes.

use super::super::error::{Shape, SopsError};
use super::super::raw::Raw;
use super::super::tree::{Around, Clear, Leaf, MAX_DEPTH, StepId, Tree, Written};
use super::comments::{self, Mark};
use super::cut::Entry;
use super::resolve::{Resolved, resolve};
use crate::vault::Segment;
use crate::yaml::{self, Event, Place, RawEvent, Style};
use std::collections::{BTreeMap, HashSet};
use zeroize::Zeroizing;

/// The key that sops keeps for itself.
pub(super) const METADATA: &str = "sops";

/// Reads all documents; the metadata is the first one's.
pub(in super::super) fn read(text: &str) -> Result<Tree, SopsError> {
    let events = yaml::events(text).map_err(|error| SopsError::Syntax {
        place: error.place,
        format: "YAML",
        problem: error.problem,
    })?;
    let mut reader = Reader {
        text,
        events: &events,
        at: 0,
        tree: Tree::default(),
        marks: Vec::new(),
        bare: false,
    };
    while reader.peek().is_some() {
        reader.document()?;
    }
    let Reader {
        mut tree, marks, ..
    } = reader;
    for comment in comments::find(text, &marks) {
        if !tree.steps.bear(&comment) {
            return Err(shape(Place::of(text, comment.span.start), Shape::TooLong));
        }
        tree.comments.push(comment);
    }
    Ok(tree)
}

/// A scalar's event, taken apart.
struct Scalar<'a> {
    event: &'a Event,
    value: &'a str,
    resolved: Result<Resolved, super::super::error::ValueProblem>,
}

struct Reader<'a> {
    text: &'a str,
    events: &'a [Event],
    at: usize,
    tree: Tree,
    /// Where scalars are, and which collections are around them.
    marks: Vec<Mark>,
    /// Whether a document had no metadata.
    bare: bool,
}

fn shape(place: Place, problem: Shape) -> SopsError {
    SopsError::Shape { place, problem }
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<&'a Event> {
        self.events.get(self.at)
    }

    fn take(&mut self) -> Option<&'a Event> {
        let event = self.peek();
        self.at += 1;
        event
    }

    /// The next event's scalar, if it is one.
    fn scalar(&self) -> Option<Scalar<'a>> {
        let event = self.peek()?;
        match &event.raw {
            RawEvent::Scalar {
                tag, value, style, ..
            } => Some(Scalar {
                event,
                value,
                resolved: resolve(value, tag.as_deref(), *style),
            }),
            _ => None,
        }
    }

    fn document(&mut self) -> Result<(), SopsError> {
        self.take(); // its start
        let root = self.tree.steps.root();
        let Some(event) = self.peek() else {
            return Ok(());
        };
        match &event.raw {
            RawEvent::MappingStart { flow, .. } => self.mapping(root, *flow, true)?,
            // Nothing but comments between two markers.
            RawEvent::Scalar {
                value,
                style: Style::Plain,
                ..
            } if resolve(value, None, Style::Plain) == Ok(Resolved::Null) => {
                self.take();
            }
            RawEvent::DocumentEnd => {}
            _ => return Err(shape(event.place, Shape::Root)),
        }
        self.take(); // its end
        Ok(())
    }

    fn mapping(&mut self, step: StepId, flow: bool, root: bool) -> Result<(), SopsError> {
        self.take();
        let column = self.peek().map_or(0, |event| event.place.column - 1);
        let mut keys = HashSet::new();
        let mut entry = Entry::default();
        while let Some(event) = self.peek() {
            if event.raw == RawEvent::MappingEnd {
                break;
            }
            let key = self.key()?;
            if !keys.insert(key.clone()) {
                return Err(shape(event.place, Shape::Duplicate(key)));
            }
            self.marks.push((event.span.clone(), step));
            self.take();
            if root && key == METADATA {
                let first = self.at;
                self.metadata(event.place)?;
                entry.metadata(event, self.events.get(first..self.at).unwrap_or_default());
                continue;
            }
            let below = self
                .tree
                .steps
                .below(step, Segment::Key(key), event.place)?;
            let around = Around {
                flow,
                item: false,
                column,
            };
            self.value(below, step, around)?;
            let last = self
                .at
                .checked_sub(1)
                .and_then(|last| self.events.get(last));
            entry.other(event, last);
        }
        let end = self.take();
        if root {
            self.bare |= !entry.has_metadata();
            if self.tree.metadata.is_some() && self.bare {
                let place = end.map_or(Place { line: 1, column: 1 }, |event| event.place);
                return Err(shape(place, Shape::OtherMetadata));
            }
            self.tree.cuts.extend(entry.cut(self.text, flow, end));
        }
        Ok(())
    }

    /// The key that stands here, which is not taken yet.
    fn key(&self) -> Result<String, SopsError> {
        let place = self
            .peek()
            .map_or(Place { line: 1, column: 1 }, |event| event.place);
        match self.scalar() {
            Some(Scalar {
                value,
                resolved: Ok(Resolved::Text | Resolved::Merge),
                ..
            }) => Ok(value.to_owned()),
            _ => Err(shape(place, Shape::Key)),
        }
    }

    fn sequence(&mut self, step: StepId, flow: bool) -> Result<(), SopsError> {
        let start = self.take();
        let column = start.map_or(0, |event| event.place.column - 1);
        let around = Around {
            flow,
            item: true,
            column,
        };
        let mut index = 0;
        while let Some(event) = self.peek() {
            if event.raw == RawEvent::SequenceEnd {
                break;
            }
            let below = self
                .tree
                .steps
                .below(step, Segment::Index(index), event.place)?;
            self.value(below, step, around)?;
            index += 1;
        }
        self.take();
        Ok(())
    }

    fn value(&mut self, step: StepId, parent: StepId, around: Around) -> Result<(), SopsError> {
        let Some(event) = self.peek() else {
            return Ok(());
        };
        match &event.raw {
            RawEvent::MappingStart { flow, .. } => self.mapping(step, *flow, false),
            RawEvent::SequenceStart { flow, .. } => self.sequence(step, *flow),
            RawEvent::Alias(_) => Err(shape(event.place, Shape::Alias)),
            _ => self.leaf(step, parent, around),
        }
    }

    fn leaf(&mut self, step: StepId, parent: StepId, around: Around) -> Result<(), SopsError> {
        let Some(Scalar {
            event,
            value,
            resolved,
        }) = self.scalar()
        else {
            return Ok(());
        };
        self.take();
        let resolved = resolved.map_err(|problem| SopsError::Value {
            path: self.tree.steps.shown(step),
            place: event.place,
            problem,
        })?;
        let written = match (&resolved, resolved.mac_bytes()) {
            (Resolved::Null, _) => Written::Null,
            (_, None) => Written::Text(value.to_owned()),
            (_, Some(mac)) => Written::Clear(Clear {
                text: Zeroizing::new(value.to_owned()),
                mac: Zeroizing::new(mac),
                other_mac: None,
            }),
        };
        self.marks.push((event.span.clone(), parent));
        self.tree.leaves.push(Leaf {
            step,
            place: event.place,
            span: event.span.clone(),
            written,
            around,
        });
        Ok(())
    }

    /// Every document has the same.
    fn metadata(&mut self, place: Place) -> Result<(), SopsError> {
        let raw = self.raw(0)?;
        match &self.tree.metadata {
            Some(first) if *first != raw => Err(shape(place, Shape::OtherMetadata)),
            Some(_) => Ok(()),
            None => {
                self.tree.metadata = Some(raw);
                Ok(())
            }
        }
    }

    fn raw(&mut self, depth: usize) -> Result<Raw, SopsError> {
        let Some(event) = self.take() else {
            return Ok(Raw::Null);
        };
        if depth > MAX_DEPTH {
            return Err(shape(event.place, Shape::TooDeep));
        }
        let done =
            |reader: &Self, end: &RawEvent| reader.peek().is_none_or(|event| event.raw == *end);
        match &event.raw {
            RawEvent::Scalar {
                tag, value, style, ..
            } => {
                let null = resolve(value, tag.as_deref(), *style) == Ok(Resolved::Null);
                Ok(if null {
                    Raw::Null
                } else {
                    Raw::Text(value.clone())
                })
            }
            RawEvent::SequenceStart { .. } => {
                let mut items = Vec::new();
                while !done(self, &RawEvent::SequenceEnd) {
                    items.push(self.raw(depth + 1)?);
                }
                self.take();
                Ok(Raw::List(items))
            }
            RawEvent::MappingStart { .. } => {
                let mut members = BTreeMap::new();
                while let Some(event) = self
                    .peek()
                    .filter(|event| event.raw != RawEvent::MappingEnd)
                {
                    let RawEvent::Scalar { value: key, .. } = &event.raw else {
                        return Err(shape(event.place, Shape::Key));
                    };
                    self.take();
                    let below = self.raw(depth + 1)?;
                    if members.insert(key.clone(), below).is_some() {
                        return Err(shape(event.place, Shape::Duplicate(key.clone())));
                    }
                }
                self.take();
                Ok(Raw::Map(members))
            }
            _ => Err(shape(event.place, Shape::Alias)),
        }
    }
}
