//! A YAML text whose scalars are decrypted or encrypted in place.
//!
//! A scalar's source is replaced and nothing else: comments, order, quoting and line ends stay. The
//! work has two phases, so that a cryptor on the network can sit between: `select`, then
//! `decrypt_selection`; or one of `choose_…`, then `encrypt_choice`.

mod add;
mod block;
mod choose;
mod escape;
mod lookup;
mod merge;
mod problem;
mod reach;
mod render;
mod revise;
mod select;
mod source;
mod splice;
mod tag;
mod tree;

pub use choose::{Choice, Chosen, Encrypted, Warning};
pub use lookup::{Found, LookupError};
pub use problem::{Problem, Problems, Reason};
pub use reach::Via;
pub use revise::{Before, SetError, Typing};
pub use select::{Affixes, Aliased, Decrypted, Selected, Selection, Unmatched};
pub use tree::NodeId as ScalarId;

use super::{Plaintext, key_path};
use crate::yaml::{self, Event, Place, RawEvent, Style};
use std::fmt;
use tree::{NodeId, Tree};
use zeroize::Zeroizing;

/// A parsed text with all its documents.
pub struct Document {
    text: Zeroizing<String>,
    events: Vec<Event>,
    tree: Tree,
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.text.len())
    }
}

/// Why a text is no document.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// Not YAML.
    #[error("{place}: not YAML: {problem}")]
    Syntax { place: Place, problem: String },
    /// Not YAML, and ERB may be the reason.
    #[error(
        "{place}: not YAML: {problem}; the ERB at {erb} is not run here and stays text: it must keep the file YAML, in quotes or a comment"
    )]
    Erb {
        place: Place,
        problem: String,
        erb: Place,
    },
    /// Collections in collections, too many.
    #[error("{0}: collections are nested too deeply: no settings file needs it")]
    TooDeep(Place),
    /// Long keys above many values.
    #[error("{0}: the key paths down to here are too long together: no settings file needs it")]
    TooLong(Place),
}

impl Document {
    /// Parses all documents of a text. ERB is not run: `<%` is text like any other.
    pub fn parse(text: &str) -> Result<Document, DocumentError> {
        let events = yaml::events(text).map_err(|error| match text.find("<%") {
            Some(at) => DocumentError::Erb {
                place: error.place,
                problem: error.problem,
                erb: Place::of(text, at),
            },
            None => DocumentError::Syntax {
                place: error.place,
                problem: error.problem,
            },
        })?;
        let tree = Tree::build(&events)?;
        Ok(Document {
            text: Zeroizing::new(text.to_owned()),
            events,
            tree,
        })
    }

    fn event(&self, id: NodeId) -> Option<&Event> {
        self.events.get(self.tree.get(id).event)
    }

    fn scalar(&self, id: NodeId) -> Option<Scalar<'_>> {
        let event = self.event(id)?;
        match &event.raw {
            RawEvent::Scalar {
                tag, value, style, ..
            } => Some(Scalar {
                event,
                tag: tag.as_deref(),
                value,
                style: *style,
            }),
            _ => None,
        }
    }

    fn place(&self, id: NodeId) -> Place {
        let start = Place { line: 1, column: 1 };
        self.event(id).map_or(start, |event| event.place)
    }

    fn path(&self, id: NodeId) -> String {
        key_path::show(&self.tree.path(id))
    }

    fn source_text(&self, id: NodeId) -> &str {
        let span = self.event(id).map(|event| event.span.clone());
        span.and_then(|span| self.text.get(span))
            .unwrap_or_default()
    }
}

struct Scalar<'a> {
    event: &'a Event,
    tag: Option<&'a str>,
    value: &'a str,
    style: Style,
}

impl Scalar<'_> {
    /// Whether Psych resolves its text as it does a plain scalar's: `! '1'` is the integer 1 to it.
    fn is_plain_like(&self) -> bool {
        match self.tag {
            None => self.style == Style::Plain,
            Some(tag) => tag == "!",
        }
    }
}

#[cfg(test)]
mod tests;
