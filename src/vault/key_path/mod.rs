//! Key paths: which scalars of a document are meant.
//!
//! A path matches a place if each of its elements matches the place's segment at the same depth;
//! deeper segments do not matter, so `$.a` means all that is below `a` too.

mod lengths;
mod parse;
mod regexp;
mod symbol;

use regex::Regex;
use std::fmt::{self, Write as _};

pub(crate) use lengths::PathLengths;
pub use parse::KeyPathError;

/// One step from the root of a document to a place in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Segment {
    /// The text of a mapping's key as written, so `~` and `1` are texts too.
    Key(String),
    /// A place in a sequence, from 0.
    Index(usize),
    /// A key that is no scalar but a collection or an alias; only `*` matches it.
    Complex,
}

impl Segment {
    /// Bytes of its text.
    pub(super) fn text_len(&self) -> usize {
        match self {
            Segment::Key(key) => key.len(),
            Segment::Index(_) | Segment::Complex => 0,
        }
    }
}

#[derive(Clone, Debug)]
enum Element {
    Any,
    Text(String),
    Regexp(Regex),
    Index(usize),
}

impl Element {
    /// `None` is a place that is less deep than the path.
    fn matches(&self, segment: Option<&Segment>) -> bool {
        match (self, segment) {
            (Element::Any, _) => true,
            (Element::Text(text), Some(Segment::Key(key))) => text == key,
            (Element::Regexp(regexp), Some(Segment::Key(key))) => regexp.is_match(key),
            (Element::Index(want), Some(Segment::Index(index))) => want == index,
            _ => false,
        }
    }
}

/// A key path such as `$.production.'a.b'./^api_/`.
#[derive(Clone)]
pub struct KeyPath {
    written: String,
    /// Those after the `$`.
    elements: Vec<Element>,
}

impl KeyPath {
    /// Reads a path as the gem does.
    pub fn parse(text: &str) -> Result<KeyPath, KeyPathError> {
        parse::parse(text)
    }

    /// Reads what the gem's `-k` takes: paths between commas, each with at most one blank after it.
    /// Quotes do not protect a comma.
    pub fn parse_list(text: &str) -> Result<Vec<KeyPath>, KeyPathError> {
        let mut parts: Vec<&str> = Vec::new();
        for (n, part) in text.split(',').enumerate() {
            let blank = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n' | '\x0b' | '\x0c');
            let part = if n > 0 {
                part.strip_prefix(blank).unwrap_or(part)
            } else {
                part
            };
            parts.push(part);
        }
        // Ruby's split drops empty strings at the end.
        while parts.len() > 1 && parts.last().is_some_and(|part| part.is_empty()) {
            parts.pop();
        }
        parts.into_iter().map(KeyPath::parse).collect()
    }

    /// Whether the path means the place at these segments, which begin after the root.
    #[must_use]
    pub fn matches(&self, segments: &[Segment]) -> bool {
        self.elements
            .iter()
            .enumerate()
            .all(|(n, element)| element.matches(segments.get(n)))
    }

    /// Elements after the `$`.
    pub(super) fn depth(&self) -> usize {
        self.elements.len()
    }

    /// The keys, if the path names each in full.
    pub(super) fn keys(&self) -> Option<Vec<&str>> {
        let keys = self.elements.iter().map(|element| match element {
            Element::Text(text) => Some(text.as_str()),
            _ => None,
        });
        keys.collect()
    }

    /// Whether the element at this depth matches; one that is not there does.
    pub(super) fn step(&self, depth: usize, segment: &Segment) -> bool {
        self.elements
            .get(depth)
            .is_none_or(|element| element.matches(Some(segment)))
    }

    /// Whether a place at this depth, matched so far, is meant: what is left of the path is `*`.
    pub(super) fn ends(&self, depth: usize) -> bool {
        self.elements
            .iter()
            .skip(depth)
            .all(|element| element.matches(None))
    }

    /// Whether the element at this depth names exactly this key.
    pub(super) fn names(&self, depth: usize, key: &str) -> bool {
        matches!(self.elements.get(depth), Some(Element::Text(text)) if text == key)
    }
}

impl Default for KeyPath {
    /// `$`: everything.
    fn default() -> KeyPath {
        KeyPath {
            written: "$".to_owned(),
            elements: Vec::new(),
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl fmt::Debug for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPath({})", self.written)
    }
}

impl PartialEq for KeyPath {
    fn eq(&self, other: &KeyPath) -> bool {
        self.written == other.written
    }
}

impl Eq for KeyPath {}

impl std::str::FromStr for KeyPath {
    type Err = KeyPathError;

    fn from_str(text: &str) -> Result<KeyPath, KeyPathError> {
        KeyPath::parse(text)
    }
}

/// Segments as a key path that means this place, where one can be written.
pub(crate) fn show(segments: &[Segment]) -> String {
    let mut out = "$".to_owned();
    for segment in segments {
        out.push('.');
        match segment {
            Segment::Key(key) => out.push_str(&parse::quote(key)),
            Segment::Index(index) => {
                let _ = write!(out, "[{index}]");
            }
            Segment::Complex => out.push('*'),
        }
    }
    out
}

#[cfg(test)]
mod tests;
