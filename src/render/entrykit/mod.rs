//! `EntryKit`'s templates, as far as they fill in variables: `$VAR`, `${VAR}`, `${VAR:-x}`,
//! `{{ var "VAR" }}` and `default`. All else is an error that tells how Jinja says it.
//!
//! sigil, which `EntryKit` renders with, makes nothing of a variable that is not set; here it is an error. It
//! fills in `$VAR` before it reads the braces, so that values could add to the template; here they cannot.

mod jinja;

#[cfg(test)]
mod tests;

use super::Error;
use jinja::{instead, jinja};

/// The text of a template, or everything in it that is not understood. `name` is for messages.
pub fn render(
    text: &str,
    name: &str,
    lookup: &dyn Fn(&str) -> Option<String>,
) -> Result<String, Vec<Error>> {
    let mut reader = Reader {
        text,
        name,
        lookup,
        output: String::with_capacity(text.len()),
        errors: Vec::new(),
    };
    reader.all();
    if reader.errors.is_empty() {
        Ok(reader.output)
    } else {
        Err(reader.errors)
    }
}

struct Reader<'t> {
    text: &'t str,
    name: &'t str,
    lookup: &'t dyn Fn(&str) -> Option<String>,
    output: String,
    errors: Vec<Error>,
}

/// What is wrong, and what to write instead in a template of entry's own.
struct Wrong {
    what: String,
    instead: String,
}

fn wrong<T>(what: impl Into<String>, instead: impl Into<String>) -> Result<T, Wrong> {
    Err(Wrong {
        what: what.into(),
        instead: instead.into(),
    })
}

impl<'t> Reader<'t> {
    fn all(&mut self) {
        let mut rest = self.text;
        while let Some(at) = next(rest) {
            let (plain, marked) = rest.split_at(at);
            self.output += plain;
            let (filled, length) = if let Some(action) = marked.strip_prefix("{{") {
                let inside = action.get(..end_of_action(action)).unwrap_or_default();
                let closed = action.len() > inside.len();
                let filled = if closed {
                    self.action(inside)
                } else {
                    wrong("a {{ without }}", "close it")
                };
                (filled, inside.len() + 4)
            } else {
                self.dollar(marked)
            };
            match filled {
                Ok(filled) => self.output += &filled,
                Err(wrong) => self.error(at + self.text.len() - rest.len(), &wrong),
            }
            rest = marked.get(length..).unwrap_or_default();
        }
        self.output += rest;
    }

    fn error(&mut self, at: usize, wrong: &Wrong) {
        let before = self.text.get(..at).unwrap_or_default();
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        self.errors.push(Error {
            line: Some(line),
            ..Error::of(
                self.name.to_owned(),
                format!("{}: {}", wrong.what, wrong.instead),
            )
        });
    }

    /// What a `$` at the start of this text means, and how much of it.
    fn dollar(&self, text: &'t str) -> (Result<String, Wrong>, usize) {
        let after = text.get(1..).unwrap_or_default();
        if let Some(inside) = after.strip_prefix('{') {
            let Some(inside) = inside.get(..end_of_braces(inside)) else {
                return (wrong("a ${ without }", "close it"), text.len());
            };
            return (self.braces(inside), inside.len() + 3);
        }
        let name = after.get(..name_length(after)).unwrap_or_default();
        let first = after.chars().next();
        match first {
            // The last byte of a text stands for itself.
            None => (Ok("$".to_owned()), 1),
            Some(first) if name.is_empty() || first.is_ascii_digit() => {
                let what = format!("${} is no variable", first.escape_debug());
                let instead = jinja("a $, which means nothing there");
                (wrong(what, instead), 1 + first.len_utf8())
            }
            Some(_) => (self.variable(name), 1 + name.len()),
        }
    }

    /// `NAME`, or `NAME:-default`.
    fn braces(&self, inside: &str) -> Result<String, Wrong> {
        let (name, operator) = inside.split_at(name_length(inside));
        if name.is_empty() || name.starts_with(|first: char| first.is_ascii_digit()) {
            return match inside.strip_prefix('#') {
                Some(name) if !name.is_empty() => wrong(
                    format!("${{{inside}}} is a length"),
                    jinja(&format!("{{{{ {name} | length }}}}")),
                ),
                _ => wrong(format!("${{{inside}}} is no variable"), "correct its name"),
            };
        }
        if operator.is_empty() {
            return self.variable(name);
        }
        if let Some(default) = operator.strip_prefix(":-") {
            if default.contains('$') {
                let what = format!("${{{inside}}} has a variable in its default");
                return wrong(
                    what,
                    jinja(&format!("{{{{ {name} | default(OTHER, true) }}}}")),
                );
            }
            return Ok(self.or(name, default));
        }
        let (what, instead) = match operator.trim_start_matches(':').split_at_checked(1) {
            Some(("-", word)) => (
                "a default",
                format!("{{{{ {name} | default(\"{word}\") }}}}"),
            ),
            Some(("=", word)) => (
                "an assignment",
                format!("{{{{ {name} | default(\"{word}\", true) }}}}"),
            ),
            Some(("?", _)) => (
                "a demand",
                format!("{{{{ {name} }}}}, which fails if it is not set"),
            ),
            Some(("+", word)) => (
                "an alternative",
                format!("{{{{ \"{word}\" if {name} is defined else \"\" }}}}"),
            ),
            _ => ("an expansion", format!("{{{{ {name} }}}} and a filter")),
        };
        wrong(format!("${{{inside}}} is {what}"), jinja(&instead))
    }

    fn variable(&self, name: &str) -> Result<String, Wrong> {
        match (self.lookup)(name) {
            Some(value) => Ok(value),
            None => wrong(
                format!("the variable {name} is not set"),
                format!("set it, or write ${{{name}:-}} for nothing"),
            ),
        }
    }

    /// What is empty counts as not set.
    fn or(&self, name: &str, default: &str) -> String {
        let value = (self.lookup)(name).filter(|value| !value.is_empty());
        value.unwrap_or_else(|| default.to_owned())
    }

    /// `var "NAME"`, its default before or after it.
    fn action(&self, inside: &str) -> Result<String, Wrong> {
        let words = words(inside)?;
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let text = |word: &&str| word.strip_prefix('"').map(ToOwned::to_owned);
        let parts = match words.as_slice() {
            ["var", name] => (text(name), Some(None)),
            ["var", name, "|", "default", default]
            | ["default", default, "(", "var", name, ")"] => (text(name), text(default).map(Some)),
            _ => (None, None),
        };
        match parts {
            (Some(name), Some(None)) => self.variable(&name),
            (Some(name), Some(Some(default))) => Ok(self.or(&name, &default)),
            _ => wrong(
                format!("{{{{{inside}}}}} is more than var and default"),
                jinja(&instead(&words)),
            ),
        }
    }
}

/// Where the next mark is.
fn next(text: &str) -> Option<usize> {
    [text.find("{{"), text.find('$')]
        .into_iter()
        .flatten()
        .min()
}

fn name_length(text: &str) -> usize {
    let in_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    text.find(|c| !in_name(c)).unwrap_or(text.len())
}

/// Where the `}` is that closes what has begun before this text; past its end if there is none.
fn end_of_braces(text: &str) -> usize {
    let mut depth = 1;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len() + 1
}

/// Where the `}}` is, outside of texts.
fn end_of_action(text: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some('"') if escaped => escaped = false,
            Some('"') if c == '\\' => escaped = true,
            Some(open) if c == open => quote = None,
            None if c == '"' || c == '`' => quote = Some(c),
            None if text.get(at..).is_some_and(|rest| rest.starts_with("}}")) => return at,
            _ => {}
        }
    }
    text.len()
}

/// The words of an action; a text is one that begins with a `"`.
fn words(inside: &str) -> Result<Vec<String>, Wrong> {
    let mut words = Vec::new();
    let mut rest = inside.trim_start();
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '`' => {
                let after = rest.get(1..).unwrap_or_default();
                let Some(length) = after.find(first) else {
                    return wrong(
                        format!("{{{{{inside}}}}} has a text without end"),
                        "close it",
                    );
                };
                let text = after.get(..length).unwrap_or_default();
                if first == '"' && text.contains('\\') {
                    let what = format!("{{{{{inside}}}}} has a backslash in a text");
                    return wrong(what, "write it in backticks: `…`");
                }
                words.push(format!("\"{text}"));
                length + 2
            }
            '|' | '(' | ')' => {
                words.push(first.to_string());
                1
            }
            _ => {
                let ends = |c: char| c.is_whitespace() || ['"', '`', '|', '(', ')'].contains(&c);
                let length = rest.find(ends).unwrap_or(rest.len());
                words.push(rest.get(..length).unwrap_or_default().to_owned());
                length
            }
        };
        rest = rest.get(length..).unwrap_or_default().trim_start();
    }
    Ok(words)
}
