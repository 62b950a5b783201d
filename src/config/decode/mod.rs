//! From what was written to what it means: typed reading of a tree, with every problem noted.
//!
//! A reader returns `None` when it noted a problem, or when the value is not to be known yet
//! (`Fill::Literal`), and its caller goes on to find the next problem.

mod aws;
mod command;
mod files;
mod mode;
mod processes;
mod render;
mod scalar;
mod secrets;
mod stop;

pub use mode::mode;

use super::interpolate::{self, Otherwise, Part};
use super::node::{At, Key, Node, Scalar, Value};
use super::problems::{Problem, Problems, suggestion};
use super::schema::{self, Dialect, Table};
use super::scope::{Found, Scope};
use super::shown;
use crate::yaml::Style;

/// What becomes of `${NAME}`.
pub enum Fill<'a> {
    /// Only values without variables are read: the check of a file by itself.
    Literal,
    Scope(Scope<'a>),
}

/// Reads nodes and collects problems.
pub struct Decoder<'a> {
    pub fill: Fill<'a>,
    pub dialect: &'static Dialect,
    /// The file that lies under every mode.
    pub defaults: Option<String>,
    pub problems: Problems,
    /// Every variable that was asked for, with where.
    filled: Vec<(String, At, String)>,
}

/// A node and the dotted key that leads to it.
#[derive(Clone)]
pub struct Item<'n> {
    pub path: String,
    pub node: &'n Node,
}

/// The entries of a map whose keys are all known.
pub struct Fields<'n> {
    pub item: Item<'n>,
    table: &'static Table,
}

/// A scalar, filled in.
pub struct Text<'n> {
    pub value: String,
    pub style: Style,
    written: &'n str,
    filled: bool,
}

impl Text<'_> {
    /// For messages: as it stands in the file, never the value of a variable.
    pub fn shown(&self) -> String {
        let written = shown::value(self.written);
        if self.filled {
            format!("{written}, filled in,")
        } else {
            written
        }
    }

    /// Whether all of it stands in the file, so that a message may hold any part of it.
    pub fn is_literal(&self) -> bool {
        !self.filled
    }

    pub fn is_quoted(&self) -> bool {
        self.style != Style::Plain
    }
}

impl<'n> Item<'n> {
    pub fn root(node: &'n Node) -> Self {
        Item {
            path: String::new(),
            node,
        }
    }

    /// The entries of a map that was checked before.
    pub fn fields(&self, table: &'static Table) -> Fields<'n> {
        Fields {
            item: self.clone(),
            table,
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> Vec<Item<'n>> {
        let Value::List(nodes) = &self.node.value else {
            return Vec::new();
        };
        let path = |index| format!("{}[{index}]", self.path);
        let items = nodes.iter().enumerate();
        items
            .map(|(index, node)| Item {
                path: path(index),
                node,
            })
            .collect()
    }

    /// `modes/web.yml:7`, for messages.
    fn declared_at(&self) -> String {
        format!("{}:{}", self.node.at.file, self.node.at.place.line)
    }

    fn child(&self, key: &str, node: &'n Node) -> Item<'n> {
        let key = shown::key(key);
        let path = if self.path.is_empty() {
            key
        } else {
            format!("{}.{key}", self.path)
        };
        Item { path, node }
    }
}

impl<'n> Fields<'n> {
    /// The value of a key of the table.
    pub fn get(&self, name: &'static str) -> Option<Item<'n>> {
        debug_assert!(
            self.table.names().contains(&name),
            "{name} is not in the table"
        );
        self.item
            .node
            .get(name)
            .map(|node| self.item.child(name, node))
    }
}

impl<'a> Decoder<'a> {
    pub fn new(fill: Fill<'a>) -> Self {
        Decoder {
            fill,
            dialect: &schema::MODES,
            defaults: None,
            problems: Problems::default(),
            filled: Vec::new(),
        }
    }

    pub fn problem(&mut self, item: &Item, message: impl Into<String>, remedy: impl Into<String>) {
        self.problem_at(&item.node.at, &item.path, message, remedy);
    }

    pub fn problem_at(
        &mut self,
        at: &At,
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        self.problems.push(Problem {
            place: Some(at.place),
            key: key.to_owned(),
            ..Problem::of(&*at.file, message, remedy)
        });
    }

    fn expected(&mut self, item: &Item, what: &str) {
        self.problem(
            item,
            format!("expected {what}, found {}", item.node.kind()),
            "",
        );
    }

    /// A map with the keys of `table`; unknown ones are problems.
    pub fn table<'n>(&mut self, item: &Item<'n>, table: &'static Table) -> Option<Fields<'n>> {
        let Value::Map(entries) = &item.node.value else {
            self.expected(item, "a map");
            return None;
        };
        let known = table.names();
        for (key, node) in entries {
            if known.contains(&key.text.as_str()) {
                continue;
            }
            let mut mistakes = self.dialect.mistakes.iter();
            let mistake = mistakes.find(|(wrong, _)| *wrong == key.text);
            let remedy = match mistake {
                Some((_, remedy)) => (*remedy).to_owned(),
                None => suggestion(&key.text, "known keys", &known),
            };
            self.problem_at(
                &key.at,
                &item.child(&key.text, node).path,
                "unknown key",
                remedy,
            );
        }
        Some(item.fields(table))
    }

    /// A map with keys of the writer's choice.
    pub fn map<'n>(&mut self, item: &Item<'n>, what: &str) -> Vec<(&'n Key, Item<'n>)> {
        let Value::Map(entries) = &item.node.value else {
            self.expected(item, what);
            return Vec::new();
        };
        entries
            .iter()
            .map(|(key, node)| (key, item.child(&key.text, node)))
            .collect()
    }

    pub fn list<'n>(&mut self, item: &Item<'n>, what: &str) -> Vec<Item<'n>> {
        if !matches!(item.node.value, Value::List(_)) {
            self.expected(item, what);
        }
        item.items()
    }

    /// A list of at least one, or one value in place of it.
    pub fn one_or_more<'n>(&mut self, item: &Item<'n>, what: &str) -> Vec<Item<'n>> {
        match &item.node.value {
            Value::Scalar(_) => vec![item.clone()],
            Value::List(nodes) if nodes.is_empty() => {
                self.problem(item, "empty list", format!("write {what}"));
                Vec::new()
            }
            _ => self.list(item, what),
        }
    }

    /// A single value, not filled in.
    pub fn scalar<'n>(&mut self, item: &Item<'n>) -> Option<&'n Scalar> {
        let Value::Scalar(scalar) = &item.node.value else {
            self.expected(item, "a single value");
            return None;
        };
        if scalar.is_null() {
            self.problem(
                item,
                "no value",
                "write one, or \"\" for an empty one, or leave the key out",
            );
            return None;
        }
        if let Some(tag) = &scalar.tag
            && !matches!(tag.as_str(), "!" | "tag:yaml.org,2002:str")
        {
            self.problem(
                item,
                format!("the tag {} means nothing here", shown::value(tag)),
                "leave it out",
            );
            return None;
        }
        if scalar.text.contains('\0') {
            self.problem(item, "holds a NUL byte, which no program can be given", "");
            return None;
        }
        Some(scalar)
    }

    /// A single value, filled in; may be empty.
    pub fn text<'n>(&mut self, item: &Item<'n>) -> Option<Text<'n>> {
        let scalar = self.scalar(item)?;
        let parts = self.parts(item, &scalar.text)?;
        let value = self.fill(item, &parts)?.concat();
        Some(Text {
            value,
            style: scalar.style,
            written: &scalar.text,
            filled: parts
                .iter()
                .any(|part| matches!(part, Part::Variable { .. })),
        })
    }

    /// A single value, filled in, with something in it.
    pub fn word<'n>(&mut self, item: &Item<'n>) -> Option<Text<'n>> {
        let text = self.text(item)?;
        if text.value.trim().is_empty() {
            let why = if text.is_literal() {
                "is empty"
            } else {
                "is empty once filled in"
            };
            self.problem(item, why, "write a value, or leave the key out");
            return None;
        }
        Some(text)
    }

    fn parts<'n>(&mut self, item: &Item, text: &'n str) -> Option<Vec<Part<'n>>> {
        match interpolate::parse(text) {
            Ok(parts) => Some(parts),
            Err(fault) => {
                self.problem(item, fault.to_string(), "");
                None
            }
        }
    }

    /// The text of each part; every variable that is missing is a problem.
    fn fill(&mut self, item: &Item, parts: &[Part]) -> Option<Vec<String>> {
        let filled: Vec<Option<String>> = parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => Some((*text).to_owned()),
                Part::Variable { name, otherwise } => self.variable(item, name, *otherwise),
            })
            .collect();
        filled.into_iter().collect()
    }

    fn variable(&mut self, item: &Item, name: &str, otherwise: Otherwise) -> Option<String> {
        let Fill::Scope(scope) = &self.fill else {
            return None;
        };
        let found = scope.get(name);
        self.filled
            .push((name.to_owned(), item.node.at.clone(), item.path.clone()));
        match (&found, otherwise) {
            (Found::Value(value), Otherwise::Fail) => return Some(value.clone()),
            (Found::Value(value), _) if !value.is_empty() => return Some(value.clone()),
            (Found::Value(_) | Found::Unset | Found::Later, Otherwise::Default(default)) => {
                return Some(default.to_owned());
            }
            (Found::Broken, _) => {}
            (Found::NotUtf8, _) => {
                self.problem(
                    item,
                    format!("${{{name}}} is not UTF-8"),
                    "such a value cannot be filled in",
                );
            }
            (Found::Value(_) | Found::Unset | Found::Later, Otherwise::Message(message)) => {
                self.problem(
                    item,
                    format!("${{{name}}} is not set: {}", shown::key(message)),
                    "",
                );
            }
            (Found::Later, Otherwise::Fail) => {
                self.problem(
                    item,
                    format!("${{{name}}} is set further down in env"),
                    "move it up",
                );
            }
            (Found::Unset, Otherwise::Fail) => {
                let unset = self.dialect.unset;
                let remedy = format!("{unset}, or write ${{{name}:-default}}");
                self.problem(item, format!("${{{name}}} is not set"), remedy);
            }
        }
        None
    }

    /// A passphrase is for the cryptor alone: filled in elsewhere it would reach the app or a message.
    fn refuse_filled(&mut self, secret: &str) {
        let found: Vec<_> = self
            .filled
            .iter()
            .filter(|(name, _, _)| name == secret)
            .cloned()
            .collect();
        for (name, at, key) in found {
            let message =
                format!("${{{name}}} holds a passphrase, which is not filled in anywhere");
            self.problem_at(&at, &key, message, "entry reads it by itself: take it out");
        }
    }
}
