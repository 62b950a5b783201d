//! Ruby's regular expressions in the `regex` crate's dialect, as far as the two agree.
//!
//! Ruby anchors `^` and `$` at lines, and its `\d`, `\w`, `\s` and `\h` know ASCII only.

use regex::Regex;

/// Compiles a Ruby expression; the error is one line.
pub(super) fn compile(source: &str) -> Result<Regex, String> {
    let error = match Regex::new(&format!("(?m){}", translate(source))) {
        Ok(regexp) => return Ok(regexp),
        Err(error) => error.to_string(),
    };
    let last = error.lines().last().unwrap_or_default();
    Err(last.trim_start_matches("error: ").to_owned())
}

fn translate(source: &str) -> String {
    let mut out = String::with_capacity(source.len() + 16);
    let mut chars = source.chars();
    let mut brackets = 0_usize;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(class) => escape(class, brackets > 0, &mut out),
                None => out.push('\\'),
            },
            '[' => {
                brackets += 1;
                out.push(c);
            }
            ']' => {
                brackets = brackets.saturating_sub(1);
                out.push(c);
            }
            // Two of each are operators inside Rust's brackets, but not in Ruby's.
            '-' | '~' if brackets > 0 && out.ends_with(c) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

fn escape(class: char, in_brackets: bool, out: &mut String) {
    let inside = match class.to_ascii_lowercase() {
        'd' => "0-9",
        'w' => "0-9A-Za-z_",
        's' => r" \t\r\n\f\v",
        'h' => "0-9A-Fa-f",
        _ if class == 'Z' && !in_brackets => return out.push_str(r"\n?\z"),
        // Ruby takes any character after a backslash; Rust only those that may have a meaning.
        '/' | '\'' | '"' | ',' | ':' | ';' | '=' | '!' | '@' | '%' | '`' | '_' | ' ' => {
            return out.push(class);
        }
        _ => {
            out.push('\\');
            return out.push(class);
        }
    };
    let negated = class.is_ascii_uppercase();
    out.push_str(match (in_brackets, negated) {
        (true, false) => "",
        (_, true) => "[^",
        (false, false) => "[",
    });
    out.push_str(inside);
    if !in_brackets || negated {
        out.push(']');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_ruby_does() {
        let cases = [
            ("^pass", "password", true),
            ("^pass", "my\npass", true),
            ("^pass", "mypass", false),
            ("word$", "my password", true),
            (r"\Ab", "a\nb", false),
            (r"b\Z", "b\n", true),
            (r"\d", "٣", false),
            (r"^\w+$", "é", false),
            (r"^[\w-]+$", "a-b", true),
            (r"^[^\W_]+$", "ab1", true),
            (r"^\h+$", "beef", true),
            (r"^\h+$", "beer", false),
            (r"a\/b\_c", "a/b_c", true),
            ("[+--]", ",", true),
            ("(?i)KEY", "key", true),
            ("", "anything", true),
            ("a.c", "a\nc", false),
        ];
        for (source, text, want) in cases {
            let is_match = compile(source).unwrap().is_match(text);
            assert_eq!(is_match, want, "{source} {text:?}");
        }
    }

    #[test]
    fn what_rust_has_not_is_an_error_of_one_line() {
        for source in ["(?=x)", r"(a)\1", "(", "[", r"a\", "(?<!a)b"] {
            let error = compile(source).unwrap_err();
            assert!(
                !error.contains('\n') && !error.is_empty(),
                "{source}: {error}"
            );
        }
    }
}
