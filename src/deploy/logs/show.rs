//! A line for a terminal: pure. A file or a pipe gets each byte as it was written, since a program may read it; on
//! a terminal whoever can write a line into the log could move the cursor, set the title or make the terminal
//! type, so only colors stay.

use std::fmt::Write;

const ESCAPE: char = '\u{1b}';

/// The line with its colors, and every other control character in words, as `cat -v` has them.
pub fn for_terminal(line: &str) -> String {
    // A container with a terminal ends its lines so.
    let line = line.strip_suffix('\r').unwrap_or(line);
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    let mut colored = false;
    while let Some(first) = rest.chars().next() {
        let length = color(rest);
        if length > 0 {
            shown.push_str(&rest[..length]);
            rest = &rest[length..];
            colored = true;
            continue;
        }
        rest = &rest[first.len_utf8()..];
        match first {
            '\t' | '\n' => shown.push(first),
            '\0'..='\u{1f}' => {
                shown.push('^');
                // Below 32, it is a letter of ASCII.
                shown.push(char::from(first as u8 + b'@'));
            }
            '\u{7f}' => shown.push_str("^?"),
            // The second set of control characters, and what turns the direction of writing round.
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                // Writing to a String cannot fail.
                let _ = write!(shown, "<U+{:04X}>", u32::from(first));
            }
            _ => shown.push(first),
        }
    }
    if colored {
        shown.push_str("\u{1b}[0m");
    }
    shown
}

/// The length of the color sequence (`ESC [ … m`) that a text begins with, 0 for none.
fn color(text: &str) -> usize {
    let Some(rest) = text
        .strip_prefix(ESCAPE)
        .and_then(|rest| rest.strip_prefix('['))
    else {
        return 0;
    };
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b';' | b':');
    let parts = rest.bytes().take_while(|byte| is_part(byte)).count();
    if rest.as_bytes().get(parts) == Some(&b'm') {
        ESCAPE.len_utf8() + 1 + parts + 1
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_stay_and_the_rest_is_told_in_words() {
        let table = [
            ("plain ümläut\ttab", "plain ümläut\ttab"),
            (
                "\u{1b}[1;31mred\u{1b}[m",
                "\u{1b}[1;31mred\u{1b}[m\u{1b}[0m",
            ),
            ("\u{1b}[2Jgone", "^[[2Jgone"),
            ("\u{1b}]0;title\u{7}", "^[]0;title^G"),
            ("\u{1b}[31", "^[[31"),
            ("\u{1b}", "^["),
            ("50%\r100%\r", "50%^M100%"),
            ("\u{9b}2J\u{7f}\0", "<U+009B>2J^?^@"),
            ("\u{202e}txt", "<U+202E>txt"),
            ("two\nlines", "two\nlines"),
            ("", ""),
        ];
        for (line, shown) in table {
            assert_eq!(for_terminal(line), shown, "{line:?}");
        }
    }
}
