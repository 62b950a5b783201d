//! A value as go-yaml writes it: without quotes where that reads back, in single quotes, in double quotes,
//! or as a literal block.

use super::super::tree::Around;
use super::super::value::Value;
use super::resolve::{Resolved, resolve};
use crate::vault::Plaintext;
use crate::yaml::Style;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt::Write as _;
use zeroize::Zeroizing;

/// Words that YAML 1.1 takes for booleans; go-yaml reads them as strings, but quotes them for others.
const OLD_BOOLEANS: [&str; 16] = [
    "y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off",
    "OFF",
];

/// The source of a value. `block` says that nothing but the line's end follows.
pub(super) fn source(value: &Value, around: Around, block: bool) -> Zeroizing<String> {
    let plain = value.yaml_text();
    Zeroizing::new(match (value, plain) {
        (_, Plaintext::Binary(bytes)) => format!("!!binary {}", STANDARD.encode(&*bytes)),
        (Value::Text(_), Plaintext::Text(text)) => string(text.expose(), around, block),
        (_, Plaintext::Text(text)) => text.expose().to_owned(),
    })
}

fn string(text: &str, around: Around, block: bool) -> String {
    let special = is_special(text);
    if text.contains('\n') {
        return if block && !around.flow && !special && !has_lost_blanks(text) {
            literal(text, around)
        } else {
            double(text)
        };
    }
    let own_type = resolve(text, None, Style::Plain) == Ok(Resolved::Text);
    if !own_type || OLD_BOOLEANS.contains(&text) || is_sixtieths(text) || special {
        return double(text);
    }
    if is_plain(text, around.flow) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', "''"))
    }
}

/// `1:20`, a number to base 60 in YAML 1.1.
fn is_sixtieths(text: &str) -> bool {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let mut parts = digits.split(':');
    let head = parts.next().unwrap_or_default();
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit() || b == b'_');
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let minutes = whole.split(':').skip(1);
    head.starts_with(|c: char| c.is_ascii_digit())
        && number(head)
        && number(fraction)
        && whole.contains(':')
        && minutes.clone().all(|part| {
            let tens = part.len() < 2 || part.starts_with(['0', '1', '2', '3', '4', '5']);
            (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()) && tens
        })
}

/// Whether a character needs an escape; a tab does so outside of a block.
fn is_special(text: &str) -> bool {
    let lines = text.contains('\n');
    let fits = |c: char| is_printable(c) || (lines && matches!(c, '\n' | '\t'));
    !text.chars().all(fits)
}

/// Blanks at a line's end, which nobody sees.
fn has_lost_blanks(text: &str) -> bool {
    let blank = [' ', '\t'];
    text.split('\n').any(|line| line.ends_with(blank))
}

/// Whether one line can stand without quotes.
fn is_plain(text: &str, flow: bool) -> bool {
    if text.starts_with(' ')
        || text.ends_with(' ')
        || text.starts_with("---")
        || text.starts_with("...")
    {
        return false;
    }
    let mut before = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let blank_next = chars.peek().is_none_or(|c| c.is_whitespace());
        let blank_before = before.is_some_and(char::is_whitespace);
        let indicator = match (before, c) {
            (
                None,
                '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%'
                | '@' | '`',
            ) => true,
            (_, '?' | ':') if flow => true,
            (Some(_), ',' | '[' | ']' | '{' | '}') => flow,
            (None, '?' | '-') | (_, ':') => blank_next,
            (Some(_), '#') => blank_before,
            _ => false,
        };
        if indicator {
            return false;
        }
        before = Some(c);
    }
    true
}

/// Without the line separators, which YAML 1.1 folds, and what lies beyond 16 bits, which go-yaml escapes.
fn is_printable(c: char) -> bool {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        ' '..='~' | '\u{a0}'..='\u{fffd}' => true,
        _ => false,
    }
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0' => out.push_str("\\0"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\x1b' => out.push_str("\\e"),
            '\u{85}' => out.push_str("\\N"),
            '\u{2028}' => out.push_str("\\L"),
            '\u{2029}' => out.push_str("\\P"),
            c if is_printable(c) => out.push(c),
            c => {
                let _ = match u32::from(c) {
                    code @ 0..=0xff => write!(out, "\\x{code:02X}"),
                    code @ 0..=0xffff => write!(out, "\\u{code:04X}"),
                    code => write!(out, "\\U{code:08X}"),
                };
            }
        }
    }
    out.push('"');
    out
}

/// Without the last line feed, which the replaced value's own line has.
fn literal(text: &str, around: Around) -> String {
    let indent = if around.item {
        around.column + 2
    } else {
        4 * ((around.column + 4) / 4)
    };
    let mut out = "|".to_owned();
    if text.starts_with([' ', '\n', '\t']) {
        let _ = write!(out, "{}", indent - around.column);
    }
    if text == "\n" || text.ends_with("\n\n") {
        out.push('+');
    } else if !text.ends_with('\n') {
        out.push('-');
    }
    let body = text.strip_suffix('\n').unwrap_or(text);
    for line in body.split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{RawEvent, events};
    use proptest::prelude::*;

    fn written(text: &str, around: Around) -> Zeroizing<String> {
        source(&Value::Text(Plaintext::from(text)), around, true)
    }

    /// Asked of sops 3.11.
    #[test]
    fn as_go_yaml_writes_strings() {
        for (text, want) in [
            ("hello", "hello"),
            (" x", "' x'"),
            ("a ", "'a '"),
            ("", "\"\""),
            ("it's", "it's"),
            ("a: b # c", "'a: b # c'"),
            ("a #b", "'a #b'"),
            ("a:", "'a:'"),
            ("a : b", "'a : b'"),
            ("http://x/y?z=1#a", "http://x/y?z=1#a"),
            ("a, b", "a, b"),
            ("{x", "'{x'"),
            ("- a", "'- a'"),
            ("-", "'-'"),
            ("---", "'---'"),
            ("-x", "-x"),
            ("? x", "'? x'"),
            ("=", "="),
            ("<%= x %>", "<%= x %>"),
            ("%x", "'%x'"),
            ("@x", "'@x'"),
            ("`x", "'`x'"),
            ("*x", "'*x'"),
            ("&x", "'&x'"),
            ("!x", "'!x'"),
            (">x", "'>x'"),
            ("|x", "'|x'"),
            ("say \"x\"", "say \"x\""),
            ("a\\b", "a\\b"),
            ("yes", "\"yes\""),
            ("y", "\"y\""),
            ("true", "\"true\""),
            ("null", "\"null\""),
            ("~", "\"~\""),
            ("42", "\"42\""),
            ("1.5", "\"1.5\""),
            ("2020-01-02", "\"2020-01-02\""),
            ("1:20", "\"1:20\""),
            ("a\tb", "\"a\\tb\""),
            ("a\r\nb", "\"a\\r\\nb\""),
            ("😀", "\"\\U0001F600\""),
            ("日本語 ☃", "日本語 ☃"),
            ("a\u{85}b", "\"a\\Nb\""),
            ("\u{1}", "\"\\x01\""),
            ("a\u{a0}b", "a\u{a0}b"),
            ("a\nb", "|-\n    a\n    b"),
            ("a\nb\n", "|\n    a\n    b"),
            ("a\n\n", "|+\n    a\n"),
            ("\n", "|4+\n"),
            ("\na", "|4-\n\n    a"),
            ("  a\n  b", "|4-\n      a\n      b"),
            ("a \nb", "\"a \\nb\""),
            ("a\nb ", "\"a\\nb \""),
            ("a\tb\nc", "|-\n    a\tb\n    c"),
            ("😀\nx", "\"\\U0001F600\\nx\""),
        ] {
            assert_eq!(*written(text, Around::default()), want, "{text:?}");
        }
        let flow = Around {
            flow: true,
            ..Around::default()
        };
        for (text, want) in [
            ("a, b", "'a, b'"),
            ("a:b", "'a:b'"),
            ("a\nb", "\"a\\nb\""),
            ("-x", "-x"),
        ] {
            assert_eq!(*written(text, flow), want);
        }
    }

    #[test]
    fn literals_stand_deeper_than_what_is_around() {
        let around = |item, column| Around {
            flow: false,
            item,
            column,
        };
        assert_eq!(*written("a\n", around(true, 4)), "|\n      a");
        assert_eq!(*written("a\n", around(false, 6)), "|\n        a");
        assert_eq!(*written(" a\n", around(true, 4)), "|2\n       a");
        assert_eq!(*written("a\n", around(false, 3)), "|\n    a");
    }

    fn read(text: &str) -> Option<String> {
        let scalars = events(text)
            .ok()?
            .into_iter()
            .filter_map(|event| match event.raw {
                RawEvent::Scalar { value, .. } => Some(value),
                _ => None,
            });
        scalars.collect::<Vec<_>>().pop()
    }

    proptest! {
        #[test]
        fn libyaml_reads_the_same_text(text in "[ -~\n\t\u{85}\u{2028}é😀:#,-]{0,20}", column in 0..4_usize, flow: bool, item: bool) {
            let around = Around { flow, item, column };
            let source = written(&text, around);
            let pad = " ".repeat(column);
            let whole = match (flow, item) {
                (true, _) => format!("[{{k: {}}}]\n", *source),
                (false, true) => format!("k:\n{pad}- {}\n", *source),
                (false, false) if column == 0 => format!("k: {}\n", *source),
                (false, false) => format!("r:\n{pad}k: {}\n", *source),
            };
            prop_assert_eq!(read(&whole), Some(text), "{}", whole);
        }
    }
}
