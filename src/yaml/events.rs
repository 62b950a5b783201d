//! libyaml's events with their bytes in the source.

use crate::sys::libyaml::{Mark, Parser, RawEvent};
use std::fmt;
use std::ops::Range;

/// A line and a column, both counted from 1, as editors do; the column counts characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// An event, its bytes in the source (properties such as a tag included), and its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// What it says.
    pub raw: RawEvent,
    /// Its bytes in the source.
    pub span: Range<usize>,
    /// Where it begins.
    pub place: Place,
}

/// Why a text is not YAML, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{problem}")]
pub struct SyntaxError {
    /// libyaml's own words, such as `did not find expected key`.
    pub problem: String,
    /// Where.
    pub place: Place,
}

/// libyaml's time is quadratic in the depth of flow collections.
const MAX_DEPTH: usize = 1000;

/// All events of a text, in order. A leading byte order mark is skipped.
pub fn events(text: &str) -> Result<Vec<Event>, SyntaxError> {
    const BOM: char = '\u{feff}';
    let body = text.strip_prefix(BOM).unwrap_or(text);
    let skipped = text.len() - body.len();
    let mut parser = Parser::new(body);
    let mut events = Vec::new();
    let mut depth = 0_usize;
    loop {
        match parser.next_event() {
            Ok(Some((raw, start, end))) => {
                match &raw {
                    RawEvent::SequenceStart { .. } | RawEvent::MappingStart { .. } => depth += 1,
                    RawEvent::SequenceEnd | RawEvent::MappingEnd => depth = depth.saturating_sub(1),
                    _ => {}
                }
                if depth > MAX_DEPTH {
                    let problem = "collections are nested too deeply".to_owned();
                    return Err(SyntaxError {
                        problem,
                        place: place(start),
                    });
                }
                let span = skipped + start.index..skipped + end.index;
                events.push(Event {
                    raw,
                    span,
                    place: place(start),
                });
            }
            Ok(None) => return Ok(events),
            Err(error) => {
                return Err(SyntaxError {
                    problem: error.problem,
                    place: place(error.mark),
                });
            }
        }
    }
}

fn place(mark: Mark) -> Place {
    Place {
        line: mark.line + 1,
        column: mark.column + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_bytes() {
        let text = "\u{feff}é: ü ö # c\nb: 'x'\n";
        let scalars: Vec<&str> = events(text)
            .unwrap()
            .into_iter()
            .filter(|e| matches!(e.raw, RawEvent::Scalar { .. }))
            .map(|e| &text[e.span])
            .collect();
        assert_eq!(scalars, ["é", "ü ö", "b", "'x'"]);
    }

    #[test]
    fn errors_have_a_place() {
        let error = events("a: 1\nb: [1, 2\nc: 3\n").unwrap_err();
        assert_eq!(
            (error.place.line, error.problem.as_str()),
            (3, "did not find expected ',' or ']'")
        );
    }

    #[test]
    fn depth_is_bounded_while_parsing() {
        assert!(events(&"[".repeat(1_000_000)).is_err());
        assert!(events(&"a: {".repeat(1_000_000)).is_err());
        assert!(events(&format!("{}{}", "[".repeat(900), "]".repeat(900))).is_ok());
    }

    #[test]
    fn a_tag_in_a_flow_sequence_may_end_at_a_comma() {
        assert!(events("[!x, b]").is_ok());
    }
}
