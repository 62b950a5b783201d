//! Ruby's `Symbol#inspect`, which the gem compares with the raw text of a key.

use regex::Regex;
use std::fmt::Write as _;
use std::sync::LazyLock;

#[expect(clippy::expect_used, reason = "a literal, which the tests compile")]
static BARE: LazyLock<Regex> = LazyLock::new(|| {
    let word = r"[A-Za-z_\u{80}-\u{10FFFF}][0-9A-Za-z_\u{80}-\u{10FFFF}]*";
    let operator = r"[|^&/%~`!<>+\-*]|<=>|===?|=~|>=|>>|<=|<<|\*\*|[-+]@|\[\]=?|!=|!~";
    let global = format!(r"\$(?:{word}|[0-9]+|-[0-9A-Za-z_]|[~*$?!@/\\;,.=:<>\x22&`'+_])");
    Regex::new(&format!(
        r"\A(?:{word}[?!=]?|@@?{word}|{global}|{operator})\z"
    ))
    .expect("the shape of a symbol is a regular expression")
});

/// `:name`, or `:"name"` where Ruby needs the quotes.
pub(super) fn inspect(name: &str) -> String {
    if BARE.is_match(name) {
        return format!(":{name}");
    }
    let mut out = ":\"".to_owned();
    let mut chars = name.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '#' if matches!(chars.peek(), Some('{' | '$' | '@')) => out.push_str("\\#"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\x07' => out.push_str("\\a"),
            '\x08' => out.push_str("\\b"),
            '\x0b' => out.push_str("\\v"),
            '\x0c' => out.push_str("\\f"),
            '\x1b' => out.push_str("\\e"),
            c if c.is_ascii_control() => {
                let _ = write!(out, "\\x{:02X}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Asked of Ruby 3.1.
    #[test]
    fn as_ruby_inspects() {
        let cases = [
            ("foo", ":foo"),
            ("foo?", ":foo?"),
            ("foo=", ":foo="),
            ("é", ":é"),
            ("@a", ":@a"),
            ("$1", ":$1"),
            ("$-w", ":$-w"),
            ("[]", ":[]"),
            ("!", ":!"),
            ("@a?", ":\"@a?\""),
            ("a!=", ":\"a!=\""),
            ("foo-bar", ":\"foo-bar\""),
            ("1a", ":\"1a\""),
            ("a\nb#x", ":\"a\\nb#x\""),
            ("a#{x}", ":\"a\\#{x}\""),
        ];
        for (name, want) in cases {
            assert_eq!(inspect(name), want, "{name}");
        }
    }
}
