//! A definition's tree as the JSON that AWS gets: variables filled in, numbers and text as AWS wants them.

use super::fields::{FLAGS, NUMBERS, TEXTS};
use super::names::is_user_data;
use crate::config::decode::{Decoder, Item};
use crate::config::node;
use serde_json::{Map, Number, Value};

/// Functions of ecspresso's templates, in whose place a variable stands here.
const TEMPLATE: [&str; 8] = [
    "cfn_export",
    "cfn_output",
    "env",
    "must_env",
    "secretsmanager_arn",
    "ssm",
    "ssm_list",
    "tfstate",
];

/// Where a value stands.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Directly in a definition, where `cpu` and `memory` are text.
    Top,
    Inside,
    /// Below what the user named.
    UserData,
}

/// What stands below a key of a definition; `None` if a problem was noted.
pub fn field(decoder: &mut Decoder, key: &str, item: &Item) -> Option<Value> {
    value(decoder, key, item, Place::Top)
}

fn value(decoder: &mut Decoder, key: &str, item: &Item, place: Place) -> Option<Value> {
    match &item.node.value {
        node::Value::Scalar(scalar) => scalar_value(decoder, key, item, scalar, place),
        node::Value::List(_) => {
            let items = item.items();
            let inside = inside(key, place);
            // All of them, so that every problem is told.
            let values: Vec<_> = items
                .iter()
                .map(|item| value(decoder, key, item, inside))
                .collect();
            values
                .into_iter()
                .collect::<Option<Vec<Value>>>()
                .map(Value::Array)
        }
        node::Value::Map(_) => {
            let inside = inside(key, place);
            let entries = decoder.map(item, "a map");
            let written = entries.iter().filter(|(_, item)| !is_null(item));
            let values: Vec<_> = written
                .map(|(key, item)| {
                    let value = value(decoder, &key.text, item, inside)?;
                    Some((key.text.clone(), value))
                })
                .collect();
            values
                .into_iter()
                .collect::<Option<Map<_, _>>>()
                .map(Value::Object)
        }
    }
}

fn inside(key: &str, place: Place) -> Place {
    if place == Place::UserData || is_user_data(key) {
        Place::UserData
    } else {
        Place::Inside
    }
}

/// `null` takes away what a lower file says.
pub fn is_null(item: &Item) -> bool {
    matches!(&item.node.value, node::Value::Scalar(scalar) if scalar.is_null())
}

fn scalar_value(
    decoder: &mut Decoder,
    key: &str,
    item: &Item,
    scalar: &node::Scalar,
    place: Place,
) -> Option<Value> {
    if let Some(function) = template(&scalar.text) {
        let message = format!("{{{{ {function} … }}}} is a template of ecspresso's");
        decoder.problem(item, message, "write ${NAME}");
        return None;
    }
    let text = decoder.text(item)?;
    let is_size = matches!(key, "cpu" | "memory");
    if place == Place::UserData || TEXTS.contains(&key) || (is_size && place == Place::Top) {
        return Some(Value::String(text.value));
    }
    let number = serde_json::from_str::<Number>(text.value.trim()).ok();
    if NUMBERS.contains(&key) || is_size {
        if number.is_none() {
            let message = format!("{} is no number", text.shown());
            decoder.problem(item, message, "");
        }
        return number.map(Value::Number);
    }
    let flag = match text.value.as_str() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    };
    if FLAGS.contains(&key) {
        if flag.is_none() {
            let message = format!("{} is neither true nor false", text.shown());
            decoder.problem(item, message, "");
        }
        return flag.map(Value::Bool);
    }
    // Of a field that is not known here, its spelling tells.
    if text.is_quoted() || !text.is_literal() {
        return Some(Value::String(text.value));
    }
    let typed = flag.map(Value::Bool).or(number.map(Value::Number));
    Some(typed.unwrap_or(Value::String(text.value)))
}

fn template(text: &str) -> Option<&'static str> {
    text.split("{{").skip(1).find_map(|rest| {
        let rest = rest.trim_start_matches(['-', ' ']);
        let word = rest.split([' ', '`', '"', '}']).next()?;
        TEMPLATE.into_iter().find(|known| *known == word)
    })
}
