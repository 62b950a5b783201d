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

impl Place {
    /// That of a byte of a text.
    pub fn of(text: &str, at: usize) -> Place {
        let before = text.get(..at).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |n| n + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
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

/// As in anchors, aliases and tags, which whoever reads the events copies; libyaml has this limit for keys. A
/// `%TAG` may make long tags of short ones.
const MAX_NAME: usize = 1024;

/// libyaml compares every `%TAG`, and every tag, with all that came before.
const MAX_TAG_DIRECTIVES: usize = 100;

/// All events of a text, in order. A leading byte order mark is skipped.
pub fn events(text: &str) -> Result<Vec<Event>, SyntaxError> {
    const BOM: char = '\u{feff}';
    let body = text.strip_prefix(BOM).unwrap_or(text);
    let skipped = text.len() - body.len();
    if let Some((at, _)) = body.match_indices("%TAG").nth(MAX_TAG_DIRECTIVES) {
        return Err(too_much(
            "too many %TAG directives",
            Place::of(text, skipped + at),
        ));
    }
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
                    return Err(too_much("collections are nested too deeply", place(start)));
                }
                if raw.names().any(|name| name.len() > MAX_NAME) {
                    return Err(too_much("an anchor or a tag is too long", place(start)));
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

fn too_much(problem: &str, place: Place) -> SyntaxError {
    SyntaxError {
        problem: problem.to_owned(),
        place,
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
    fn names_are_bounded() {
        let long = "n".repeat(5000);
        // Of each short tag a long one would be made.
        let unfolding = format!("%TAG !e! {long}\n---\n- !e!x y\n");
        for text in [
            format!("a: &{long} b\n"),
            format!("a: *{long}\n"),
            format!("a: !{long} b\n"),
            format!("- !<{long}> []\n"),
            unfolding,
        ] {
            assert_eq!(
                events(&text).unwrap_err().problem,
                "an anchor or a tag is too long"
            );
        }
        let directives = |n: usize| {
            let line = |n| format!("%TAG !e{n}! x\n");
            (0..n).map(line).collect::<String>() + "---\n"
        };
        assert!(events(&directives(100)).is_ok());
        let error = events(&directives(500_000)).unwrap_err();
        assert_eq!(error.to_string(), "too many %TAG directives");
        assert_eq!(
            error.place,
            Place {
                line: 101,
                column: 1
            }
        );
    }

    #[test]
    fn a_tag_in_a_flow_sequence_may_end_at_a_comma() {
        assert!(events("[!x, b]").is_ok());
    }
}
