//! JSON, and the binary format in it: values are replaced in place, so that order and layout stay.

use super::Opened;
use super::error::{Shape, SopsError, ValueProblem};
use super::raw::Raw;
use super::tree::{Around, Clear, Edit, Leaf, StepId, Tree, Written, splice};
use super::value::{Value, bytes, json_float, plain_float};
use crate::vault::{Plaintext, Segment};
use crate::yaml::Place;
use serde::de::IgnoredAny;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::ops::Range;
use zeroize::Zeroizing;

const FORMAT: &str = "JSON";
const METADATA: &str = "sops";

/// Reads an object.
pub(super) fn read(text: &str) -> Result<Tree, SopsError> {
    // With serde_json's own limit for nesting; what follows may take the syntax for granted.
    serde_json::from_str::<IgnoredAny>(text).map_err(|error| syntax(&error))?;
    let mut reader = Reader {
        text,
        at: 0,
        line: 1,
        line_start: 0,
        tree: Tree::default(),
    };
    let root = reader.tree.steps.root();
    if reader.next() != Some('{') {
        let place = reader.place();
        return Err(SopsError::Shape {
            place,
            problem: Shape::Root,
        });
    }
    reader.object(root, true)?;
    Ok(reader.tree)
}

/// Its message quotes nothing but the syntax that was expected.
fn syntax(error: &serde_json::Error) -> SopsError {
    let text = error.to_string();
    let problem = text.split(" at line ").next().unwrap_or_default();
    SopsError::Syntax {
        place: Place {
            line: error.line().max(1),
            column: error.column().max(1),
        },
        format: FORMAT,
        problem: problem.to_owned(),
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    tree: Tree,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The next character that is no white space; it is not taken.
    fn next(&mut self) -> Option<char> {
        let rest = self.rest();
        let end = rest
            .find(|c| !matches!(c, ' ' | '\t' | '\n' | '\r'))
            .unwrap_or(rest.len());
        for (n, _) in rest.get(..end).unwrap_or_default().match_indices('\n') {
            self.line += 1;
            self.line_start = self.at + n + 1;
        }
        self.at += end;
        self.rest().chars().next()
    }

    /// Counted in bytes: a file may be one long line.
    fn place(&self) -> Place {
        Place {
            line: self.line,
            column: self.at - self.line_start + 1,
        }
    }

    fn broken(&self) -> SopsError {
        SopsError::Syntax {
            place: self.place(),
            format: FORMAT,
            problem: "unexpected character".to_owned(),
        }
    }

    fn skip(&mut self, c: char) -> bool {
        let found = self.next() == Some(c);
        if found {
            self.at += c.len_utf8();
        }
        found
    }

    /// A string with its escapes undone, and its bytes with the quotes.
    fn string(&mut self) -> Result<(String, Range<usize>), SopsError> {
        self.next();
        let rest = self.rest();
        let mut escaped = false;
        let end = rest.char_indices().skip(1).find(|(_, c)| {
            let found = *c == '"' && !escaped;
            escaped = *c == '\\' && !escaped;
            found
        });
        let length = end.map(|(n, _)| n + 1).ok_or_else(|| self.broken())?;
        let source = rest.get(..length).unwrap_or_default();
        let text = serde_json::from_str(source).map_err(|_| self.broken())?;
        let span = self.at..self.at + length;
        self.at += length;
        Ok((text, span))
    }

    fn object(&mut self, step: StepId, root: bool) -> Result<(), SopsError> {
        self.skip('{');
        let (open, mut before, mut own, mut behind) = (self.at, None, None, None);
        let mut keys = HashSet::new();
        while self.next() == Some('"') {
            let place = self.place();
            let (key, span) = self.string()?;
            if !keys.insert(key.clone()) {
                let problem = Shape::Duplicate(key);
                return Err(SopsError::Shape { place, problem });
            }
            self.skip(':');
            if root && key == METADATA {
                self.metadata()?;
                own = Some(span.start..self.at);
            } else {
                let below = self.tree.steps.below(step, Segment::Key(key), place)?;
                self.value(below)?;
                match own {
                    Some(_) => _ = behind.get_or_insert(span.start),
                    None => before = Some(self.at),
                }
            }
            self.skip(',');
        }
        self.next();
        if let Some(own) = own {
            let cut = match (before, behind) {
                (Some(before), _) => before..own.end,
                (None, Some(behind)) => own.start..behind,
                (None, None) => open..self.at,
            };
            self.tree.cuts.push((cut, ""));
        }
        if self.skip('}') {
            Ok(())
        } else {
            Err(self.broken())
        }
    }

    fn array(&mut self, step: StepId) -> Result<(), SopsError> {
        self.skip('[');
        let mut index = 0;
        while self.next().is_some_and(|c| c != ']') {
            let place = self.place();
            let below = self.tree.steps.below(step, Segment::Index(index), place)?;
            self.value(below)?;
            self.skip(',');
            index += 1;
        }
        if self.skip(']') {
            Ok(())
        } else {
            Err(self.broken())
        }
    }

    fn value(&mut self, step: StepId) -> Result<(), SopsError> {
        let next = self.next();
        let place = self.place();
        let (written, span) = match next {
            Some('{') => return self.object(step, false),
            Some('[') => return self.array(step),
            Some('"') => {
                let (text, span) = self.string()?;
                (Written::Text(text), span)
            }
            _ => {
                let rest = self.rest();
                let word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
                let length = rest.find(|c| !word(c)).unwrap_or(rest.len());
                if length == 0 {
                    return Err(self.broken());
                }
                let span = self.at..self.at + length;
                self.at += length;
                let written = bare(rest.get(..length).unwrap_or_default());
                let problem = |problem| SopsError::Value {
                    path: self.tree.steps.shown(step),
                    place,
                    problem,
                };
                (written.map_err(problem)?, span)
            }
        };
        self.tree.leaves.push(Leaf {
            step,
            place,
            span,
            written,
            around: Around::default(),
        });
        Ok(())
    }

    fn metadata(&mut self) -> Result<(), SopsError> {
        self.next();
        let mut values =
            serde_json::Deserializer::from_str(self.rest()).into_iter::<serde_json::Value>();
        let value = values
            .next()
            .and_then(Result::ok)
            .ok_or_else(|| self.broken())?;
        self.tree.metadata = Some(Raw::from_json(value));
        self.at += values.byte_offset();
        Ok(())
    }
}

/// A number or a word. Older versions of sops make a float of every number, newer ones keep integers.
fn bare(text: &str) -> Result<Written, ValueProblem> {
    let (mac, other_mac) = match text {
        "null" => return Ok(Written::Null),
        "true" => ("True".to_owned(), None),
        "false" => ("False".to_owned(), None),
        number => {
            let float = number.parse().ok().filter(|float: &f64| float.is_finite());
            let float = plain_float(float.ok_or(ValueProblem::TooLarge)?);
            let integer = number.parse().ok().map(|integer: i64| integer.to_string());
            let other = integer.filter(|integer| *integer != float);
            (float, other)
        }
    };
    Ok(Written::Clear(Clear {
        text: Zeroizing::new(text.to_owned()),
        mac: Zeroizing::new(mac.into_bytes()),
        other_mac,
    }))
}

/// The text of a decrypted value without quotes, as a variable gets it.
pub(super) fn text(value: &Value) -> Option<Plaintext> {
    match value {
        Value::Float(number) => Some(Plaintext::from(json_float(*number)?.as_str())),
        value => Some(value.yaml_text()),
    }
}

/// Writes the file.
pub(super) fn write(
    source: &str,
    tree: &Tree,
    opened: &Opened,
) -> Result<Zeroizing<Vec<u8>>, SopsError> {
    let mut edits: Vec<Edit> = tree
        .cuts
        .iter()
        .map(|(span, with)| Edit::new(span.clone(), *with))
        .collect();
    for (leaf, value) in tree.leaves.iter().zip(&opened.values) {
        if let Some(value) = value {
            let written = written(value).ok_or_else(|| SopsError::Value {
                path: tree.steps.shown(leaf.step),
                place: leaf.place,
                problem: ValueProblem::Unwritable,
            })?;
            edits.push(Edit::new(leaf.span.clone(), written.as_bytes()));
        }
    }
    Ok(splice(source, edits))
}

/// JSON has no bytes, no comments and no number without an end.
fn written(value: &Value) -> Option<Zeroizing<String>> {
    let Plaintext::Text(text) = text(value)? else {
        return None;
    };
    Some(match value {
        Value::Comment(_) => return None,
        Value::Text(_) | Value::Time(_) => quoted(text.expose()),
        _ => Zeroizing::new(text.expose().to_owned()),
    })
}

/// As Go's encoder, which has HTML pages in mind.
fn quoted(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 6 + 2));
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\x08' => out.push_str("\\b"),
            '\x0c' => out.push_str("\\f"),
            '\0'..='\x1f' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Reads the object that sops makes of a binary file.
pub(super) fn read_binary(text: &str) -> Result<Tree, SopsError> {
    let tree = read(text)?;
    let data = |leaf: &Leaf| tree.steps.path(leaf.step) == [Segment::Key("data".to_owned())];
    match tree.leaves.as_slice() {
        [leaf] if data(leaf) && matches!(leaf.written, Written::Text(_)) => Ok(tree),
        _ => Err(SopsError::Shape {
            place: Place { line: 1, column: 1 },
            problem: Shape::NotBinary,
        }),
    }
}

/// The file's bytes; those of an empty one are not encrypted.
pub(super) fn write_binary(opened: &Opened) -> Zeroizing<Vec<u8>> {
    match opened.values.as_slice() {
        [Some(value)] => bytes(&value.yaml_text()),
        _ => Zeroizing::default(),
    }
}
