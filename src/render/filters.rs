//! What configuration files need beside Jinja's own filters.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::{Environment, Error, ErrorKind, Value};

pub fn add(environment: &mut Environment<'_>) {
    environment.add_filter("json", json);
    // Jinja's own escapes for HTML, which is no better JSON, and takes what is not set for null.
    environment.add_filter("tojson", json);
    environment.add_filter("shell", |text: String| {
        shell_words::quote(&text).into_owned()
    });
    environment.add_filter("base64", |text: String| STANDARD.encode(text));
    environment.add_filter("base64_decode", base64_decode);
}

fn json(value: &Value) -> Result<String, Error> {
    if value.is_undefined() {
        return Err(ErrorKind::UndefinedError.into());
    }
    serde_json::to_string(value).map_err(|_| ErrorKind::BadSerialization.into())
}

/// The error tells nothing of the text, which may be a secret.
fn base64_decode(text: String) -> Result<String, Error> {
    let bytes = STANDARD.decode(text.trim()).ok();
    let decoded = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
    decoded.ok_or_else(|| Error::new(ErrorKind::InvalidOperation, NO_BASE64))
}

pub const NO_BASE64: &str = "this is no base64 of a text";
