//! AWS's own names for keys in `snake_case`, as ecs_deploy has them. What the user named stays as it is.

use super::fields::{AS_MAP, DOCUMENT, IRREGULAR, USER_MAPS};
use crate::config::node::{Key, Node, Scalar, Value};
use crate::config::problems::{Problem, Problems};
use crate::yaml::Style;

/// `container_definitions` is `containerDefinitions`; a name without an underscore stays.
#[must_use]
pub fn camel(name: &str) -> String {
    if let Some((_, camel)) = IRREGULAR.iter().find(|(snake, _)| *snake == name) {
        return (*camel).to_owned();
    }
    let mut words = name.split('_');
    let mut camel = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.extend(letters);
    }
    camel
}

/// Whether what stands below this key is the user's own.
#[must_use]
pub fn is_user_data(name: &str) -> bool {
    name == DOCUMENT || USER_MAPS.contains(&name)
}

/// A definition with AWS's names throughout, and lists where it has maps in their place.
pub(super) fn in_aws_names(node: &Node, problems: &mut Problems) -> Node {
    let value = match &node.value {
        Value::Map(entries) => Value::Map(renamed(entries, problems)),
        Value::List(items) => {
            let items = items.iter().map(|item| in_aws_names(item, problems));
            Value::List(items.collect())
        }
        Value::Scalar(_) => return node.clone(),
    };
    Node {
        at: node.at.clone(),
        value,
    }
}

fn renamed(entries: &[(Key, Node)], problems: &mut Problems) -> Vec<(Key, Node)> {
    let mut all: Vec<(Key, Node)> = Vec::new();
    for (key, node) in entries {
        let key = Key {
            at: key.at.clone(),
            text: camel(&key.text),
        };
        if let Some((first, _)) = all.iter().find(|(known, _)| known.text == key.text) {
            problems.push(Problem {
                place: Some(key.at.place),
                key: key.text.clone(),
                ..Problem::of(
                    &*key.at.file,
                    format!("duplicate key, first written at {}", first.at.place),
                    "keep one spelling of it",
                )
            });
            continue;
        }
        let node = if is_user_data(&key.text) {
            node.clone()
        } else {
            let listed = as_list(&key.text, node);
            in_aws_names(listed.as_ref().unwrap_or(node), problems)
        };
        all.push((key, node));
    }
    all
}

/// `environment: {A: b}` as AWS has it.
fn as_list(key: &str, node: &Node) -> Option<Node> {
    let (_, name, value) = AS_MAP.iter().find(|(known, _, _)| *known == key)?;
    let Value::Map(entries) = &node.value else {
        return None;
    };
    let item = |(key, node): &(Key, Node)| {
        let word = |text: &str| Key {
            at: key.at.clone(),
            text: text.to_owned(),
        };
        let named = Node {
            at: key.at.clone(),
            value: Value::Scalar(Scalar {
                // A key is no place for a variable.
                text: key.text.replace("${", "$${"),
                style: Style::DoubleQuoted,
                tag: None,
            }),
        };
        Node {
            at: key.at.clone(),
            value: Value::Map(vec![(word(name), named), (word(value), node.clone())]),
        }
    };
    Some(Node {
        at: node.at.clone(),
        value: Value::List(entries.iter().map(item).collect()),
    })
}
