//! What Psych makes of a plain scalar: YAML 1.1 with Psych's own additions.
//!
//! Only the type is told; for environment variables the text itself is what counts.

use regex::Regex;
use std::sync::LazyLock;

/// The Ruby type that a plain scalar becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Null,
    Boolean(bool),
    Integer,
    Float,
    Date,
    Time,
    Symbol,
    String,
}

impl Kind {
    /// For messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Kind::Null => "nothing (null)",
            Kind::Boolean(_) => "a boolean",
            Kind::Integer | Kind::Float => "a number",
            Kind::Date => "a date",
            Kind::Time => "a time",
            Kind::Symbol => "a symbol",
            Kind::String => "text",
        }
    }
}

/// What Psych makes of the text of a plain scalar.
#[must_use]
pub fn resolve(text: &str) -> Kind {
    if text.is_empty() {
        return Kind::Null;
    }
    let rules = &*RULES;
    if rules.wordlike.is_match(text) || text.contains('\n') {
        word(text)
    } else if rules.time.is_match(text) {
        if is_time(text) {
            Kind::Time
        } else {
            Kind::String
        }
    } else if rules.date.is_match(text) {
        if is_date(text) {
            Kind::Date
        } else {
            Kind::String
        }
    } else if text.starts_with(':') && text.len() > 1 {
        Kind::Symbol
    } else if rules.float.is_match(text) && !matches!(text, "." | "+." | "-.") {
        Kind::Float
    } else if rules.integer.is_match(text) && is_number(text) {
        Kind::Integer
    } else {
        Kind::String
    }
}

/// Whether a plain scalar is null.
#[must_use]
pub fn is_null(text: &str) -> bool {
    resolve(text) == Kind::Null
}

fn word(text: &str) -> Kind {
    // Psych looks no further from six characters on.
    if text.chars().count() > 5 {
        return Kind::String;
    }
    // A line of a folded text is enough for Psych's line anchors.
    let line = |words: &[&str]| {
        text.lines()
            .any(|line| words.iter().any(|word| line.eq_ignore_ascii_case(word)))
    };
    if text.lines().any(|line| !line.starts_with(STARTS)) {
        Kind::String
    } else if text == "~" || line(&["null"]) {
        Kind::Null
    } else if line(&["yes", "true", "on"]) {
        Kind::Boolean(true)
    } else if line(&["no", "false", "off"]) {
        Kind::Boolean(false)
    } else {
        Kind::String
    }
}

/// What a boolean or a null can begin with.
const STARTS: [char; 11] = ['y', 't', 'o', 'n', 'f', '~', 'Y', 'T', 'O', 'N', 'F'];

struct Rules {
    wordlike: Regex,
    time: Regex,
    date: Regex,
    float: Regex,
    integer: Regex,
}

#[expect(clippy::expect_used, reason = "literals, which the tests compile")]
static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let regex = |text: &str| Regex::new(text).expect("a rule of Psych is a regular expression");
    Rules {
        wordlike: regex(r"(?m)^[^0-9.:\-]?[\p{Alphabetic}_\s!@#$%\^&*(){}<>|/\\~;=]+"),
        time: regex(
            r"^-?[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt]|\s+)[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]*)?(?:\s*(?:Z|[-+][0-9]{1,2}:?(?:[0-9]{2})?))?$",
        ),
        date: regex(r"^[0-9]{4}-(?:1[012]|0[0-9]|[0-9])-(?:[12][0-9]|3[01]|0[0-9]|[0-9])$"),
        float: regex(
            r"^(?:[-+]?(?:[0-9][0-9_,]*)?\.[0-9]*(?:[eE][-+][0-9]+)?|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9]){1,2}\.[0-9_]*|[-+]?\.(?i:inf)|\.(?i:nan))$",
        ),
        integer: regex(
            r"^[-+]?(?:0b[01_,]+|0[0-7_,]+|0|[1-9](?:[0-9]|,[0-9]|_[0-9])*|0x[0-9a-fA-F_,]+|[0-9][0-9_]*(?::[0-5]?[0-9]){1,2})$",
        ),
    }
});

/// `0x_` and `0b,` have the shape of a number but no digit.
fn is_number(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']);
    let digits = digits
        .strip_prefix("0b")
        .or_else(|| digits.strip_prefix("0x"))
        .unwrap_or(digits);
    digits.contains(|c: char| c.is_ascii_hexdigit())
}

fn numbers(text: &str) -> Vec<u32> {
    text.split(|c: char| !c.is_ascii_digit())
        .filter_map(|part| part.parse().ok())
        .collect()
}

/// A day that the calendar has; Ruby raises on others, and Psych then keeps the string.
fn is_date(text: &str) -> bool {
    let &[year, month, day] = numbers(text).as_slice() else {
        return false;
    };
    (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Ruby's `Time` takes day 31 of every month, hour 24 and second 60, but nothing beyond.
fn is_time(text: &str) -> bool {
    let numbers = numbers(text.trim_start_matches('-'));
    let &[_, month, day, hour, minute, second, ..] = numbers.as_slice() else {
        return false;
    };
    let last_hour = hour == 24 && minute == 0 && second == 0;
    (1..=12).contains(&month)
        && (1..=31).contains(&day)
        && (hour < 24 || last_hour)
        && minute < 60
        && second <= 60
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The table was made by Psych itself.
    #[test]
    fn as_psych_resolves() {
        let table = include_str!("../../tests/vectors/psych_plain.json");
        let table: serde_json::Value = serde_json::from_str(table).unwrap();
        let mut checked = 0;
        for row in table.as_array().unwrap() {
            let text = row["text"].as_str().unwrap();
            // The rows with an error are no plain scalars at all.
            let Some(class) = row["class"].as_str() else {
                continue;
            };
            let want = match class {
                "NilClass" => Kind::Null,
                "TrueClass" => Kind::Boolean(true),
                "FalseClass" => Kind::Boolean(false),
                "Integer" => Kind::Integer,
                "Float" => Kind::Float,
                "Date" => Kind::Date,
                "Time" => Kind::Time,
                "Symbol" => Kind::Symbol,
                "String" => Kind::String,
                other => panic!("{other}"),
            };
            assert_eq!(resolve(text), want, "{text}");
            checked += 1;
        }
        assert!(checked > 50);
    }

    /// Asked of Psych 4.0.4.
    #[test]
    fn more_of_psych() {
        let cases = [
            ("~", Kind::Null),
            ("", Kind::Null),
            ("nUlL", Kind::Null),
            ("0755", Kind::Integer),
            ("1_000", Kind::Integer),
            ("1e3", Kind::String),
            ("1.5e3", Kind::String),
            ("0o17", Kind::String),
            ("2023-02-29", Kind::String),
            ("2024-02-29", Kind::Date),
            ("n\nno", Kind::Boolean(false)),
            ("a\nno", Kind::String),
            ("é", Kind::String),
            (".", Kind::String),
        ];
        for (text, want) in cases {
            assert_eq!(resolve(text), want, "{text:?}");
        }
    }
}
