//! What is wrong with a template: where, why, and what to do; never with a value in it.

use super::filters::{NO_BASE64, NO_TEXT};
use super::names::{Missing, Place};
use super::root::Refused;
use super::{MAX_OUTPUT, MAX_STEPS};
use minijinja::ErrorKind;
use std::fmt;

/// What minijinja says of a circle.
const ENDLESS: &str = "recursion limit exceeded";

/// One thing that is wrong with a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub template: String,
    pub line: Option<usize>,
    /// The cause, and after a colon the remedy.
    pub message: String,
}

impl Error {
    /// About a template as a whole.
    pub fn of(template: String, message: String) -> Error {
        Error {
            template,
            line: None,
            message,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.template)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Error {}

/// Why an include has no text. What displays it shows the name only where the template has it.
#[derive(Debug, thiserror::Error)]
#[error("include: {cause}")]
pub struct NotIncluded {
    pub name: String,
    pub cause: String,
}

impl NotIncluded {
    pub fn told(name: &str, refused: &Refused) -> String {
        match refused {
            Refused::Missing => {
                format!("include \"{name}\": no such file below the root: correct its name")
            }
            Refused::For(cause) => format!("include \"{name}\": {cause}"),
        }
    }
}

/// The error where it began: in the innermost include.
pub fn deepest(error: &minijinja::Error) -> &minijinja::Error {
    let source = std::error::Error::source(error);
    match source.and_then(|source| source.downcast_ref::<minijinja::Error>()) {
        Some(inner) if matches!(error.kind(), ErrorKind::BadInclude | ErrorKind::EvalBlock) => {
            deepest(inner)
        }
        _ => error,
    }
}

/// Whether it may be for a name that is not set.
pub fn may_be_unset(error: &minijinja::Error) -> bool {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        ErrorKind::UndefinedError => true,
        // Some operators take what is not set for a value of the wrong type.
        ErrorKind::InvalidOperation => ![NO_BASE64, NO_TEXT, ENDLESS].contains(&detail),
        _ => false,
    }
}

/// Tells an error of minijinja's. Its own words may hold values, so only those that stand in the template's
/// text are repeated.
pub fn explain(
    error: &minijinja::Error,
    template: &str,
    text: &str,
    missing: Option<&Missing>,
) -> Error {
    Error {
        template: template.to_owned(),
        line: error.line(),
        message: match missing {
            Some(missing) => unset(missing),
            None => message(error, text),
        },
    }
}

fn unset(missing: &Missing) -> String {
    let name = &missing.name;
    match missing {
        Missing {
            is_binary: true, ..
        } => {
            format!("the variable {name} is not UTF-8: no template can hold it")
        }
        Missing {
            place: Place::Secrets,
            ..
        } => {
            format!("secrets.{name} is not set: name its place under values")
        }
        _ => format!(
            "the variable {name} is not set: set it for the container or under env, or write {name} | default(\"…\")"
        ),
    }
}

fn message(error: &minijinja::Error, text: &str) -> String {
    let detail = error.detail().unwrap_or_default();
    match error.kind() {
        // The parser has seen nothing but the template.
        ErrorKind::SyntaxError | ErrorKind::BadEscape => format!("syntax error: {detail}"),
        ErrorKind::UndefinedError => {
            "an attribute or an item that is not there: correct it, or write | default(\"…\")"
                .to_owned()
        }
        ErrorKind::UnknownFilter => unknown("filter", detail, text),
        ErrorKind::UnknownTest => unknown("test", detail, text),
        ErrorKind::UnknownFunction => unknown("function", detail, text),
        ErrorKind::UnknownMethod => {
            "a method that is not there: use a filter, such as | replace(\"a\", \"b\")".to_owned()
        }
        ErrorKind::TemplateNotFound => not_found(detail, text),
        ErrorKind::OutOfFuel => format!(
            "more than {MAX_STEPS} steps: does a loop run too often? let a program write this file"
        ),
        ErrorKind::WriteFailure => format!(
            "more than {} MiB: let a program write this file",
            MAX_OUTPUT >> 20
        ),
        ErrorKind::TooManyArguments | ErrorKind::MissingArgument => {
            format!("{}: correct those of the filter or function", error.kind())
        }
        ErrorKind::InvalidOperation => invalid(error, detail, text),
        kind => format!("{kind}: every variable is a text, | int makes it a number"),
    }
}

fn invalid(error: &minijinja::Error, detail: &str, text: &str) -> String {
    let source = std::error::Error::source(error);
    if let Some(NotIncluded { name, cause }) = source.and_then(|source| source.downcast_ref()) {
        return if stands(name, text) {
            NotIncluded::told(name, &Refused::For(cause.clone()))
        } else {
            format!("an include {cause}")
        };
    }
    match detail {
        NO_BASE64 => format!("{NO_BASE64}: correct the value"),
        NO_TEXT => format!("{NO_TEXT}: write | join(\",\") or | json"),
        ENDLESS => {
            "templates or macros call each other without end: break the circle".to_owned()
        }
        _ => "an operation that these values do not have: every variable is a text, | int makes it a number".to_owned(),
    }
}

/// `filter foo is unknown`, or `foo is unknown` of a function, if the template says so itself.
fn unknown(what: &str, detail: &str, text: &str) -> String {
    let detail = detail.strip_prefix(what).unwrap_or(detail).trim_start();
    let name = detail.split(' ').next().unwrap_or_default();
    if stands(name, text) {
        format!("no {what} {name}: correct its name")
    } else {
        format!("no such {what}: correct its name")
    }
}

fn not_found(detail: &str, text: &str) -> String {
    let name = detail.split('"').nth(1).unwrap_or_default();
    if stands(name, text) {
        NotIncluded::told(name, &Refused::Missing)
    } else {
        "an include has a name that is no file's: write its name in quotes".to_owned()
    }
}

fn stands(name: &str, text: &str) -> bool {
    !name.is_empty() && text.contains(name)
}
