//! One-line texts of scalars: plain where a parser agrees, in single quotes, in double quotes.
//!
//! A value with `<%` is written as `"<\x25"`: Rails runs ERB over the decrypted file, and a secret
//! must not become a program.

use crate::yaml::{self, RawEvent, Style};
use std::fmt::Write as _;

const ERB: &str = "<%";

/// Whether the text needs no escape but line feeds.
pub(super) fn is_printable(text: &str) -> bool {
    !text.contains(ERB) && text.chars().all(|c| c == '\n' || printable(c))
}

fn printable(c: char) -> bool {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        '\t' | ' '..='~' | '\u{a0}'..='\u{fffd}' | '\u{10000}'.. => true,
        _ => false,
    }
}

/// Whether a text can stand without quotes and stay one untagged plain scalar.
pub(super) fn plain(text: &str, flow: bool) -> bool {
    if text.is_empty() || text.contains('\n') || !is_printable(text) {
        return false;
    }
    // libyaml is asked, in the positions that a value can have.
    let probe = if flow {
        format!("[{text}, {{k: {text}}}]")
    } else {
        format!("- {text}\n- k: {text}\n")
    };
    let Ok(events) = yaml::events(&probe) else {
        return false;
    };
    let mut scalars = 0;
    for event in &events {
        match &event.raw {
            RawEvent::Scalar {
                anchor: None,
                tag: None,
                value,
                style: Style::Plain,
            } if value == text || value == "k" => scalars += 1,
            RawEvent::Scalar { .. } | RawEvent::Alias(_) => return false,
            _ => {}
        }
    }
    // Document, sequence and mapping each begin and end.
    scalars == 3 && events.len() == 9
}

/// In single quotes, if that is possible on one line.
pub(super) fn single(text: &str) -> Option<String> {
    let possible = !text.contains('\n') && is_printable(text);
    possible.then(|| format!("'{}'", text.replace('\'', "''")))
}

/// In double quotes, which is always possible.
pub(super) fn double(text: &str) -> String {
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
            '%' if out.ends_with('<') => out.push_str("\\x25"),
            c if printable(c) => out.push(c),
            c => escape(c, &mut out),
        }
    }
    out.push('"');
    out
}

fn escape(c: char, out: &mut String) {
    let _ = match u32::from(c) {
        code @ 0..=0xff => write!(out, "\\x{code:02X}"),
        code @ 0..=0xffff => write!(out, "\\u{code:04X}"),
        code => write!(out, "\\U{code:08X}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> Vec<String> {
        let values = |event: yaml::Event| match event.raw {
            RawEvent::Scalar { value, .. } => Some(value),
            _ => None,
        };
        yaml::events(text)
            .unwrap()
            .into_iter()
            .filter_map(values)
            .collect()
    }

    #[test]
    fn what_may_be_plain() {
        let cases = [
            ("hello", true, true),
            ("two words", true, true),
            ("a:b", true, true),
            ("1,000", true, false),
            ("[x", false, false),
            ("a]", true, false),
            ("a}b", true, false),
            ("a: b", false, false),
            ("a:", false, false),
            ("a #b", false, false),
            ("a#b", true, true),
            ("- x", false, false),
            ("-x", true, true),
            ("? x", false, false),
            ("*x", false, false),
            ("&x", false, false),
            ("!x", false, false),
            ("%x", false, false),
            ("@x", false, false),
            ("`x", false, false),
            ("|", false, false),
            ("'x", false, false),
            (" x", false, false),
            ("x ", false, false),
            ("", false, false),
            ("a\nb", false, false),
            ("日本語", true, true),
            ("\u{1}", false, false),
            ("k", true, true),
            ("a<%b", false, false),
        ];
        for (text, block, flow) in cases {
            assert_eq!(
                (plain(text, false), plain(text, true)),
                (block, flow),
                "{text:?}"
            );
        }
    }

    #[test]
    fn double_quotes() {
        let cases = [
            ("a\"b\\", r#""a\"b\\""#),
            ("\t\n\r\0\x1b\x7f", r#""\t\n\r\0\e\x7F""#),
            ("\u{feff}\u{2028}\u{85}\u{fffe}", r#""\uFEFF\L\N\uFFFE""#),
            ("é 日 😀", "\"é 日 😀\""),
            ("<%= x %>", r#""<\x25= x %>""#),
        ];
        for (text, want) in cases {
            assert_eq!(double(text), want);
            assert_eq!(read(want), [text]);
        }
    }

    proptest! {
        #[test]
        fn quoted_texts_survive(text in any::<String>()) {
            prop_assert_eq!(read(&double(&text)), [text.as_str()]);
            if let Some(single) = single(&text) {
                prop_assert_eq!(read(&single), [text.as_str()]);
            }
        }
    }
}
