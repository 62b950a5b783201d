//! AWS's query protocols: members in a form, `Names.member.1=…`, or with EC2 `InstanceId.1=…`; replies and
//! errors in XML.

use super::call::Request;
use super::xml;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use std::fmt::Write;

/// How the items of a list are named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lists {
    /// `Names.member.1`
    Members,
    /// `InstanceId.1`
    Bare,
}

pub(super) fn request(lists: Lists, version: &str, operation: &str, input: &Value) -> Request {
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    Request {
        headers: vec![("content-type", kind.to_owned())],
        body: form(lists, version, operation, input).into_bytes(),
    }
}

fn form(lists: Lists, version: &str, operation: &str, input: &Value) -> String {
    let mut form = String::new();
    pair(&mut form, "Action", operation);
    pair(&mut form, "Version", version);
    flatten(&mut form, lists, "", input);
    form
}

fn flatten(form: &mut String, lists: Lists, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(members) => {
            for (key, value) in members {
                let dot = if name.is_empty() { "" } else { "." };
                flatten(form, lists, &format!("{name}{dot}{key}"), value);
            }
        }
        // What changes a list to none says so with an empty value; EC2 has no such lists.
        Value::Array(items) if items.is_empty() && lists == Lists::Members => pair(form, name, ""),
        Value::Array(items) => {
            let infix = match lists {
                Lists::Members => ".member",
                Lists::Bare => "",
            };
            for (number, item) in (1..).zip(items) {
                flatten(form, lists, &format!("{name}{infix}.{number}"), item);
            }
        }
        Value::String(text) => pair(form, name, text),
        other => pair(form, name, &other.to_string()),
    }
}

fn pair(form: &mut String, name: &str, value: &str) {
    if !form.is_empty() {
        form.push('&');
    }
    escape(form, name);
    form.push('=');
    escape(form, value);
}

fn escape(form: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            form.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(form, "%{byte:02X}");
        }
    }
}

/// The members of a reply, without what is put around them. `None` if it is no reply.
pub(super) fn reply(operation: &str, body: &[u8]) -> Option<Value> {
    let (name, value) = xml::read(body)?;
    if name.strip_suffix("Response") != Some(operation) {
        return None;
    }
    let members = |value| match value {
        Value::Object(members) => Some(Value::Object(members)),
        Value::Null => Some(Value::Object(Map::new())),
        _ => None,
    };
    let mut outer = match value {
        Value::Object(outer) => outer,
        other => return members(other),
    };
    match outer.remove(&format!("{operation}Result")) {
        Some(inner) => members(inner),
        None => Some(Value::Object(outer)),
    }
}

pub(super) fn read_error(reply: &HttpResponse) -> ErrorMetadata {
    metadata(reply.body().bytes().unwrap_or_default())
}

/// An error stands in `ErrorResponse`, with EC2 in `Response` and `Errors`.
fn metadata(body: &[u8]) -> ErrorMetadata {
    let read = xml::read(body);
    let outer = read.as_ref().map(|(_, value)| value);
    let error = outer.and_then(|outer| {
        let error = outer.get("Errors").unwrap_or(outer).get("Error")?;
        // Several are a list.
        error.get(0).or(Some(error))
    });
    let member = |name: &str| error?.get(name)?.as_str();
    let mut builder = ErrorMetadata::builder();
    if let Some(code) = member("Code") {
        builder = builder.code(code);
    }
    if let Some(message) = member("Message") {
        builder = builder.message(message);
    }
    builder.build()
}

/// For a list of a reply, of which an empty one is `null`, as every empty element.
pub(super) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

#[cfg(test)]
#[path = "query_tests.rs"]
mod tests;
