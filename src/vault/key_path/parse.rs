//! The gem's tokenizer for key paths: at each position the first of its six rules that matches.

use super::{Element, KeyPath, regexp, symbol};

/// Why a text is no key path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyPathError {
    /// It does not begin with the root.
    #[error("key path {0:?} does not begin with `$`: write it as `$.a.b`, an index as `$.a.[0]`")]
    Root(String),
    /// Ruby's regular expressions know more than Rust's.
    #[error("key path {path:?}: the regular expression /{regexp}/ is not supported: {reason}")]
    Regexp {
        path: String,
        regexp: String,
        reason: String,
    },
}

enum Token<'a> {
    Text(&'a str),
    Regexp(&'a str),
    Index(&'a str),
    Symbol(&'a str),
}

/// Tokens of a path, the dots left out.
fn tokens(mut rest: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    while let Some(first) = rest.chars().next() {
        let (token, after) = match first {
            '.' => (None, rest.get(1..)),
            '\'' | '"' if let Some((text, after)) = enclosed(rest, first) => {
                (Some(Token::Text(text)), Some(after))
            }
            '/' if let Some((text, after)) = enclosed(rest, '/') => {
                (Some(Token::Regexp(text)), Some(after))
            }
            '[' if let Some((digits, after)) = index(rest) => {
                (Some(Token::Index(digits)), Some(after))
            }
            ':' if until_dot(rest).len() > 1 => {
                let text = until_dot(rest);
                (text.get(1..).map(Token::Symbol), rest.get(text.len()..))
            }
            _ => {
                let text = until_dot(rest);
                (Some(Token::Text(text)), rest.get(text.len()..))
            }
        };
        tokens.extend(token);
        rest = after.unwrap_or_default();
    }
    tokens
}

/// The text between a delimiter at the beginning and its next copy, in one line; no escapes.
fn enclosed(text: &str, delimiter: char) -> Option<(&str, &str)> {
    let (inner, after) = text.strip_prefix(delimiter)?.split_once(delimiter)?;
    (!inner.contains('\n')).then_some((inner, after))
}

fn index(text: &str) -> Option<(&str, &str)> {
    let (digits, after) = text.strip_prefix('[')?.split_once(']')?;
    let only_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    only_digits.then_some((digits, after))
}

fn until_dot(text: &str) -> &str {
    text.split('.').next().unwrap_or_default()
}

pub(super) fn parse(text: &str) -> Result<KeyPath, KeyPathError> {
    let mut tokens = tokens(text).into_iter();
    if !matches!(tokens.next(), Some(Token::Text("$"))) {
        return Err(KeyPathError::Root(text.to_owned()));
    }
    let element = |token| {
        Ok(match token {
            Token::Text("*") => Element::Any,
            Token::Text(text) => Element::Text(text.to_owned()),
            Token::Symbol(name) => Element::Text(symbol::inspect(name)),
            // An index beyond all sequences matches none of them.
            Token::Index(digits) => Element::Index(digits.parse().unwrap_or(usize::MAX)),
            Token::Regexp(source) => Element::Regexp(regexp::compile(source).map_err(
                |reason| KeyPathError::Regexp {
                    path: text.to_owned(),
                    regexp: source.to_owned(),
                    reason,
                },
            )?),
        })
    };
    Ok(KeyPath {
        written: text.to_owned(),
        elements: tokens.map(element).collect::<Result<_, _>>()?,
    })
}

/// A key as a path writes it: bare if that reads back as the same text, else in quotes.
pub(super) fn quote(key: &str) -> String {
    let bare = !key.is_empty()
        && key != "*"
        && !key.contains('.')
        && !key.starts_with(['\'', '"', '/', '[', ':']);
    if bare {
        key.to_owned()
    } else if key.contains('\'') {
        format!("\"{key}\"")
    } else {
        format!("'{key}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn describe(text: &str) -> Option<Vec<String>> {
        let shown = |token: &Token| match token {
            Token::Text(text) => format!("text {text}"),
            Token::Regexp(text) => format!("regexp {text}"),
            Token::Index(text) => format!("index {text}"),
            Token::Symbol(text) => format!("symbol {text}"),
        };
        parse(text).ok()?;
        Some(tokens(text).iter().map(shown).collect())
    }

    /// The table was made by the gem itself.
    #[test]
    fn as_the_gem_reads_paths() {
        let table = include_str!("../../../tests/vectors/key_paths.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        let mut checked = 0;
        for row in table.as_array().unwrap() {
            let path = row["path"].as_str().unwrap();
            let want = row["parsed"].as_array().map(|parts| {
                let part = |part: &serde_json::Value| match part {
                    serde_json::Value::String(text) => format!("text {text}"),
                    serde_json::Value::Number(n) => format!("index {n}"),
                    part if part["regexp"].is_string() => {
                        format!("regexp {}", part["regexp"].as_str().unwrap())
                    }
                    part => {
                        let name = part["symbol"].as_str().unwrap();
                        assert_eq!(symbol::inspect(name), part["inspect"].as_str().unwrap());
                        format!("symbol {name}")
                    }
                };
                parts.iter().map(part).collect::<Vec<_>>()
            });
            assert_eq!(describe(path), want, "{path}");
            checked += 1;
        }
        assert!(checked > 20);
    }

    #[test]
    fn more_shapes() {
        let cases: [(&str, &[&str]); 6] = [
            ("$./re/i.x", &["text $", "regexp re", "text i", "text x"]),
            ("$.[-1].a[0]", &["text $", "text [-1]", "text a[0]"]),
            ("$.'a.b'c", &["text $", "text a.b", "text c"]),
            ("$.''", &["text $", "text "]),
            ("$.:", &["text $", "text :"]),
            ("$.日本.[٣]", &["text $", "text 日本", "text [٣]"]),
        ];
        for (path, want) in cases {
            assert_eq!(describe(path).unwrap(), want, "{path}");
        }
    }

    #[test]
    fn errors_name_path_and_remedy() {
        let error = parse("a.b").unwrap_err().to_string();
        assert!(
            error.contains("\"a.b\"") && error.contains("`$.a.b`"),
            "{error}"
        );
        let error = parse("$./(?=x)/").unwrap_err().to_string();
        assert!(
            error.contains("/(?=x)/") && error.contains("look-around"),
            "{error}"
        );
    }
}
