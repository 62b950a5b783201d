//! What was written: a YAML document as a tree whose every value knows its file and place.
//!
//! Nothing is resolved here: a scalar is its text, and a variable in it is still `${NAME}`.

use crate::yaml::{Place, Style};
use std::rc::Rc;

/// A file and a place in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    pub file: Rc<str>,
    pub place: Place,
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub struct Node {
    pub at: At,
    pub value: Value,
}

/// A key of a map and where it stands.
#[derive(Clone, Debug)]
pub struct Key {
    pub at: At,
    pub text: String,
}

#[derive(Clone, Debug)]
pub enum Value {
    Scalar(Scalar),
    List(Vec<Node>),
    /// In the order written; no key twice.
    Map(Vec<(Key, Node)>),
}

#[derive(Clone, Debug)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
    pub tag: Option<String>,
}

impl Scalar {
    /// `key:` with nothing behind it, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        self.style == Style::Plain
            && self.tag.is_none()
            && matches!(self.text.as_str(), "" | "~" | "null" | "Null" | "NULL")
    }
}

impl Node {
    /// A map without entries, in place of a file that is not there.
    #[must_use]
    pub fn empty(file: &str) -> Node {
        Node {
            at: At {
                file: file.into(),
                place: Place { line: 1, column: 1 },
            },
            value: Value::Map(Vec::new()),
        }
    }

    /// The entries of a map; none for anything else.
    #[must_use]
    pub fn entries(&self) -> &[(Key, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a map's key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries()
            .iter()
            .find(|(known, _)| known.text == key)
            .map(|(_, node)| node)
    }

    /// What it is, for `expected …, found …`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(scalar) if scalar.is_null() => "nothing",
            Value::Scalar(_) => "a single value",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// How many values it holds, itself included.
    #[must_use]
    pub fn size(&self) -> usize {
        1 + match &self.value {
            Value::Scalar(_) => 0,
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|(_, node)| 1 + node.size()).sum(),
        }
    }
}
