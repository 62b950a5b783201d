//! From YAML events to the located tree: aliases and merge keys resolved, keys unique, one document.
//!
//! Expansion is bounded, so that a few lines of nested aliases cannot fill the memory.

use super::node::{At, Key, Node, Scalar, Value};
use super::problems::{Problem, Problems};
use crate::yaml::{self, Event, Place, RawEvent, Style};
use std::collections::HashMap;
use std::fmt::Write;
use std::rc::Rc;

/// Nesting; a mode needs five levels, and every level is a stack frame.
const DEEPEST: usize = 64;

/// The problem is noted and the rest of the file cannot be read.
struct Unreadable;

/// The document in `text`; `None` (with problems noted) if it is not YAML at all.
///
/// A text without a document is an empty map; `most` bounds its values once aliases are expanded.
pub fn parse(file: &str, text: &str, most: usize, problems: &mut Problems) -> Option<Node> {
    let events = match yaml::events(text) {
        Ok(events) => events,
        Err(error) => {
            let tab = text
                .lines()
                .nth(error.place.line - 1)
                .is_some_and(|line| line.trim_start_matches(' ').starts_with('\t'));
            let remedy = if tab {
                "indent with spaces, not tabs"
            } else {
                ""
            };
            problems.push(Problem {
                place: Some(error.place),
                ..Problem::of(file, format!("not YAML: {}", error.problem), remedy)
            });
            return None;
        }
    };
    Builder {
        file: file.into(),
        events: events.into_iter(),
        anchors: HashMap::new(),
        most,
        left: most,
        path: String::new(),
        problems,
    }
    .document()
    .ok()
}

struct Builder<'p> {
    file: Rc<str>,
    events: std::vec::IntoIter<Event>,
    anchors: HashMap<String, Node>,
    most: usize,
    left: usize,
    /// The dotted key of what is being read.
    path: String,
    problems: &'p mut Problems,
}

impl Builder<'_> {
    fn document(mut self) -> Result<Node, Unreadable> {
        match self.events.next() {
            Some(event) if event.raw == RawEvent::DocumentStart => {}
            _ => return Ok(Node::empty(&self.file)),
        }
        let Some(first) = self.events.next() else {
            return Ok(Node::empty(&self.file));
        };
        let root = self.node(first, 0)?;
        // DocumentEnd, then nothing or the start of a second document.
        if let Some(second) = self.events.nth(1) {
            self.problem(
                second.place,
                "a second document begins here",
                "keep one of them",
            );
        }
        Ok(match &root.value {
            Value::Scalar(scalar) if scalar.is_null() => Node {
                value: Value::Map(Vec::new()),
                ..root
            },
            _ => root,
        })
    }

    fn node(&mut self, event: Event, depth: usize) -> Result<Node, Unreadable> {
        if depth > DEEPEST {
            return Err(self.unreadable(event.place, &format!("nested more than {DEEPEST} deep")));
        }
        self.spend(1, event.place)?;
        let (anchor, value) = match event.raw {
            RawEvent::Alias(name) => return self.alias(&name, event.place),
            RawEvent::Scalar {
                anchor,
                tag,
                value,
                style,
            } => {
                let text = value;
                (anchor, Value::Scalar(Scalar { text, style, tag }))
            }
            RawEvent::SequenceStart { anchor, tag, .. } => {
                self.no_tag(tag.as_deref(), event.place);
                (anchor, Value::List(self.list(depth)?))
            }
            RawEvent::MappingStart { anchor, tag, .. } => {
                self.no_tag(tag.as_deref(), event.place);
                (anchor, Value::Map(self.map(depth)?))
            }
            // libyaml's grammar has a node here.
            _ => return Err(self.unreadable(event.place, "not YAML")),
        };
        let node = Node {
            at: self.at(event.place),
            value,
        };
        if let Some(anchor) = anchor {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn alias(&mut self, name: &str, place: Place) -> Result<Node, Unreadable> {
        let Some(size) = self.anchors.get(name).map(Node::size) else {
            return Err(self.unreadable(place, &format!("*{name} has no anchor &{name} before it")));
        };
        self.spend(size, place)?;
        self.anchors.get(name).cloned().ok_or(Unreadable)
    }

    fn list(&mut self, depth: usize) -> Result<Vec<Node>, Unreadable> {
        let mut items = Vec::new();
        while let Some(event) = self.events.next() {
            if event.raw == RawEvent::SequenceEnd {
                break;
            }
            let outer = self.path.len();
            // Writing to a String cannot fail.
            let _ = write!(self.path, "[{}]", items.len());
            items.push(self.node(event, depth + 1)?);
            self.path.truncate(outer);
        }
        Ok(items)
    }

    fn map(&mut self, depth: usize) -> Result<Vec<(Key, Node)>, Unreadable> {
        let mut entries: Vec<(Key, Node)> = Vec::new();
        let mut seen: HashMap<String, Place> = HashMap::new();
        let mut merged = None;
        while let Some(event) = self.events.next() {
            if event.raw == RawEvent::MappingEnd {
                break;
            }
            let place = event.place;
            let Value::Scalar(key) = self.node(event, depth + 1)?.value else {
                self.problem(place, "a key must be a single word", "");
                self.value(depth)?;
                continue;
            };
            let outer = self.enter_key(&key.text);
            let value = self.value(depth)?;
            if let Some(first) = seen.get(&key.text) {
                let message = format!("duplicate key, first written at {first}");
                self.problem(place, &message, "keep one of them");
            } else {
                seen.insert(key.text.clone(), place);
                if key.style == Style::Plain && key.text == "<<" {
                    merged = Some((entries.len(), value));
                } else {
                    let at = self.at(place);
                    entries.push((Key { at, text: key.text }, value));
                }
            }
            self.path.truncate(outer);
        }
        if let Some((index, value)) = merged {
            let below = self.merge_key(value, &seen);
            entries.splice(index..index, below);
        }
        Ok(entries)
    }

    fn value(&mut self, depth: usize) -> Result<Node, Unreadable> {
        match self.events.next() {
            Some(event) => self.node(event, depth + 1),
            // libyaml has a value for every key.
            None => Err(Unreadable),
        }
    }

    /// The entries that `<<` brings: those not written out, the first of several maps first.
    fn merge_key(&mut self, value: Node, written: &HashMap<String, Place>) -> Vec<(Key, Node)> {
        let place = value.at.place;
        let maps = match value.value {
            Value::List(items) => items,
            _ => vec![value],
        };
        let mut entries: Vec<(Key, Node)> = Vec::new();
        for map in maps {
            let Value::Map(brought) = map.value else {
                self.problem(place, "only a map can be merged", "write <<: *anchor");
                continue;
            };
            for (key, node) in brought {
                let known = |(other, _): &(Key, Node)| other.text == key.text;
                if !written.contains_key(&key.text) && !entries.iter().any(known) {
                    entries.push((key, node));
                }
            }
        }
        entries
    }

    fn spend(&mut self, nodes: usize, place: Place) -> Result<(), Unreadable> {
        let Some(left) = self.left.checked_sub(nodes) else {
            let message = format!("more than {} values once aliases are expanded", self.most);
            return Err(self.unreadable(place, &message));
        };
        self.left = left;
        Ok(())
    }

    fn no_tag(&mut self, tag: Option<&str>, place: Place) {
        if let Some(tag) = tag {
            self.problem(
                place,
                &format!("the tag {tag:?} means nothing here"),
                "leave it out",
            );
        }
    }

    fn at(&self, place: Place) -> At {
        At {
            file: Rc::clone(&self.file),
            place,
        }
    }

    fn unreadable(&mut self, place: Place, message: &str) -> Unreadable {
        self.problem(place, message, "");
        Unreadable
    }

    fn problem(&mut self, place: Place, message: &str, remedy: &str) {
        self.problems.push(Problem {
            place: Some(place),
            key: self.path.clone(),
            ..Problem::of(&*self.file, message, remedy)
        });
    }

    /// Goes down to a key; the length before leads back.
    fn enter_key(&mut self, key: &str) -> usize {
        let outer = self.path.len();
        if outer > 0 {
            self.path.push('.');
        }
        self.path.push_str(&super::shown::key(key));
        outer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Option<Node>, String) {
        let mut problems = Problems::default();
        let node = parse("f", text, 10_000, &mut problems);
        (node, problems.to_string())
    }

    /// The tree as compact text, places left out.
    fn compact(node: &Node) -> String {
        match &node.value {
            Value::Scalar(scalar) => scalar.text.clone(),
            Value::List(items) => {
                format!(
                    "[{}]",
                    items.iter().map(compact).collect::<Vec<_>>().join(" ")
                )
            }
            Value::Map(entries) => {
                let each = entries
                    .iter()
                    .map(|(k, v)| format!("{}={}", k.text, compact(v)));
                format!("{{{}}}", each.collect::<Vec<_>>().join(" "))
            }
        }
    }

    #[test]
    fn trees() {
        for (text, expected) in [
            ("a: 1\nb: [x, y]\n", "{a=1 b=[x y]}"),
            ("", "{}"),
            ("# only a comment\n", "{}"),
            ("---\n", "{}"),
            ("a: &x {k: 1}\nb: *x\n", "{a={k=1} b={k=1}}"),
            (
                "a: &x {k: 1, l: 2}\nb: {m: 0, <<: *x, k: 3}\n",
                "{a={k=1 l=2} b={m=0 l=2 k=3}}",
            ),
            (
                "a: &x {k: 1}\nb: &y {k: 2, l: 3}\nc: {<<: [*x, *y]}",
                "{a={k=1} b={k=2 l=3} c={k=1 l=3}}",
            ),
            ("b: {'<<': 1}", "{b={<<=1}}"),
        ] {
            let (node, problems) = read(text);
            assert_eq!(problems, "", "{text}");
            assert_eq!(compact(&node.unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn faults() {
        for (text, expected) in [
            (
                "a: 1\nb: 2\na: 3\n",
                "f:3:1: a: duplicate key, first written at 1:1, keep one of them",
            ),
            (
                "a: 1\n---\nb: 1\n",
                "f:2:1: a second document begins here, keep one of them",
            ),
            ("a: *x\n", "f:1:4: a: *x has no anchor &x before it"),
            ("a: &x [*x]\n", "f:1:8: a[0]: *x has no anchor &x before it"),
            ("[a]: 1\n", "f:1:1: a key must be a single word"),
            (
                "a: {<<: 1}\n",
                "f:1:9: a: only a map can be merged, write <<: *anchor",
            ),
            (
                "a: !!set {}\n",
                "f:1:4: a: the tag \"tag:yaml.org,2002:set\" means nothing here, leave it out",
            ),
            (
                "a:\n\tb: 1\n",
                "f:2:1: not YAML: found character that cannot start any token, indent with spaces, not tabs",
            ),
        ] {
            assert_eq!(read(text).1, expected, "{text}");
        }
    }

    #[test]
    fn alias_bombs_are_defused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = format!("*a{}", level - 1);
            writeln!(text, "a{level}: &a{level} [{}]", vec![below; 10].join(", ")).unwrap();
        }
        let (node, problems) = read(&text);
        assert!(node.is_none());
        assert!(
            problems.ends_with("more than 10000 values once aliases are expanded"),
            "{problems}"
        );
        let (node, problems) = read(&"[".repeat(5000));
        assert!(node.is_none(), "{problems}");
        let deep = format!("{}{}", "[".repeat(70), "]".repeat(70));
        assert!(read(&deep).1.ends_with("[0]: nested more than 64 deep"));
    }
}
