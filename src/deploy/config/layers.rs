//! What lies under what: `deploy.yml` under an environment's file, a definition's `file` under the rest of it.
//!
//! Maps merge. So do lists whose items all have a `name` (or `key`, as tags have): containers, variables, secrets,
//! volumes. Other lists and single values of the upper file replace, and a value of `null` takes one away.

use super::names::in_aws_names;
use crate::config::Text;
use crate::config::merge::lay_with;
use crate::config::node::{Key, Node, Scalar, Value};
use crate::config::problems::Problems;
use crate::config::tree;

/// Reads a file by its path: its text, or what is wrong and the remedy.
pub type Read<'a> = &'a dyn Fn(&str) -> Result<Text, (String, &'static str)>;

/// The files, and how others that they name are read, relative to `main`.
pub struct Files<'a> {
    pub main: Text,
    /// The environment's own.
    pub environment: Option<Text>,
    pub read: Read<'a>,
}

impl Files<'_> {
    /// One tree of both, with AWS's names in definitions.
    pub(super) fn tree(&self, problems: &mut Problems) -> Option<Node> {
        let below = read(&self.main, problems);
        match &self.environment {
            None => below,
            Some(environment) => {
                let above = read(environment, problems);
                let mut merged = lay(&below?, &above?);
                if let Value::Map(entries) = &mut merged.value {
                    let own = |node: &Node| *node.at.file == *environment.file;
                    entries.retain(|(_, node)| !(own(node) && is_null(node)));
                }
                Some(merged)
            }
        }
    }
}

/// What takes away.
fn is_null(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.is_null())
}

fn read(text: &Text, problems: &mut Problems) -> Option<Node> {
    let mut root = parse(text, problems)?;
    if let Value::Map(entries) = &mut root.value {
        // `x-…` holds what anchors are put on.
        entries.retain(|(key, _)| !key.text.starts_with("x-"));
        for (key, node) in entries {
            if matches!(key.text.as_str(), "tasks" | "services") {
                definitions(node, problems);
            }
        }
    }
    Some(root)
}

pub(super) fn parse(text: &Text, problems: &mut Problems) -> Option<Node> {
    let most = super::schema::DIALECT.most_values;
    tree::parse(&text.file, &text.text, most, problems)
}

/// `web: web.json` is `web: {file: web.json}`.
fn definitions(node: &mut Node, problems: &mut Problems) {
    let Value::Map(entries) = &mut node.value else {
        return;
    };
    for (key, definition) in entries {
        let written = matches!(&definition.value, Value::Scalar(scalar) if !scalar.is_null());
        *definition = if written {
            let file = Key {
                at: key.at.clone(),
                text: "file".to_owned(),
            };
            Node {
                at: definition.at.clone(),
                value: Value::Map(vec![(file, definition.clone())]),
            }
        } else {
            in_aws_names(definition, problems)
        };
    }
}

/// One tree over another.
pub(super) fn lay(lower: &Node, upper: &Node) -> Node {
    lay_with(lower, upper, &by_name)
}

fn by_name(lower: &Node, upper: &Node) -> Node {
    let (Value::List(below), Value::List(above)) = (&lower.value, &upper.value) else {
        return upper.clone();
    };
    let named = |items: &[Node]| items.iter().all(|item| name(item).is_some());
    if !named(below) || !named(above) {
        return upper.clone();
    }
    let over = |item: &Node| {
        let same = above.iter().find(|other| name(other) == name(item));
        same.map_or_else(|| item.clone(), |other| lay(item, other))
    };
    let new = |item: &&Node| !below.iter().any(|other| name(other) == name(item));
    let items = below.iter().map(over);
    Node {
        at: upper.at.clone(),
        value: Value::List(items.chain(above.iter().filter(new).cloned()).collect()),
    }
}

/// What an item of a list is known by.
fn name(item: &Node) -> Option<&str> {
    match &item.get("name").or_else(|| item.get("key"))?.value {
        Value::Scalar(Scalar { text, .. }) => Some(text),
        _ => None,
    }
}
