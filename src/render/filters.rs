//! What configuration files need beside Jinja's own filters, and strictness where those have none.

use super::names::Scope;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::{Rest, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, Value, escape_formatter, filters};
use std::borrow::Cow;

/// What `base64_decode` says; nothing of the text, which may be a secret.
pub const NO_BASE64: &str = "this is no base64 of a text";

/// What printing a list or a map says.
pub const NO_TEXT: &str = "a list or a map has no text of its own";

/// They take what is not set for nothing, and no configuration file needs them.
const LENIENT: [&str; 4] = ["chain", "groupby", "pprint", "zip"];

pub fn add(environment: &mut Environment<'_>) {
    environment.add_filter("json", |value: &Value| json(value));
    // Jinja's own escapes for HTML, and takes what is not set for null.
    environment.add_filter("tojson", |value: &Value| json(value));
    environment.add_filter("shell", |text: Cow<'_, str>| {
        shell_words::quote(&text).into_owned()
    });
    environment.add_filter("base64", |text: Cow<'_, str>| STANDARD.encode(&*text));
    environment.add_filter("base64_decode", |text: Cow<'_, str>| base64_decode(&text));
    environment.add_filter("join", |value: &Value, between: Rest<Value>| {
        join(value, &between)
    });
    for name in ["escape", "e"] {
        environment.add_filter(name, |state: &State<'_, '_>, value: &Value| {
            all_set(std::slice::from_ref(value))?;
            filters::escape(state, value)
        });
    }
    environment.add_filter(
        "format",
        |state: &State<'_, '_>, text: &Value, args: Rest<Value>| {
            all_set(&args)?;
            filters::format(state, text, args)
        },
    );
    for name in LENIENT {
        environment.remove_filter(name);
    }
}

/// Where a name need not be set.
pub fn excuse(environment: &mut Environment<'_>, scope: &Scope) {
    for name in ["default", "d"] {
        let scope = scope.clone();
        environment.add_filter(
            name,
            move |state: &State<'_, '_>, value: Value, args: Rest<Value>| {
                scope.excuse();
                filters::default(state, &value, args)
            },
        );
    }
    for (name, wanted) in [("defined", true), ("undefined", false)] {
        let scope = scope.clone();
        environment.add_test(name, move |value: Value| {
            scope.excuse();
            value.is_undefined() != wanted
        });
    }
}

/// Prints a value, if there is one way to.
pub fn format(out: &mut Output<'_>, state: &State<'_, '_>, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            Err(Error::new(ErrorKind::InvalidOperation, NO_TEXT))
        }
        _ => escape_formatter(out, state, value),
    }
}

fn json(value: &Value) -> Result<String, Error> {
    serde_json::to_string(&plain(value)?).map_err(|_| ErrorKind::BadSerialization.into())
}

/// The value, if all of it is set.
fn plain(value: &Value) -> Result<serde_json::Value, Error> {
    match value.kind() {
        ValueKind::Undefined => Err(ErrorKind::UndefinedError.into()),
        ValueKind::Seq | ValueKind::Iterable => value.try_iter()?.map(|one| plain(&one)).collect(),
        ValueKind::Map => {
            let keys = value.try_iter()?;
            let entries = keys.map(|key| Ok((key.to_string(), plain(&value.get_item(&key)?)?)));
            entries
                .collect::<Result<_, Error>>()
                .map(serde_json::Value::Object)
        }
        _ => serde_json::to_value(value).map_err(|_| ErrorKind::BadSerialization.into()),
    }
}

fn base64_decode(text: &str) -> Result<String, Error> {
    let bytes = STANDARD.decode(text.trim()).ok();
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, NO_BASE64))
}

fn join(value: &Value, between: &[Value]) -> Result<String, Error> {
    let parts: Vec<Value> = value.try_iter()?.collect();
    for values in [std::slice::from_ref(value), &parts, between] {
        all_set(values)?;
    }
    let between = match between {
        [] => String::new(),
        [between] => between.to_string(),
        _ => return Err(ErrorKind::TooManyArguments.into()),
    };
    let parts: Vec<String> = parts.iter().map(ToString::to_string).collect();
    Ok(parts.join(&between))
}

fn all_set(values: &[Value]) -> Result<(), Error> {
    if values.iter().any(Value::is_undefined) {
        return Err(ErrorKind::UndefinedError.into());
    }
    Ok(())
}
