//! Block scalars (`|`, `>`): their parts in the text, and new content at the same indentation.
//!
//! The header's comment and the blank lines after the content are left where they are; the chomping
//! indicator is chosen such that they mean what they should.

use super::escape;
use super::render::Edit;
use super::source::line_end;
use crate::yaml::Style;
use std::ops::Range;

/// Where the parts of a block scalar are.
pub(super) struct BlockSource {
    /// `|2-` and the like.
    pub indicator: Range<usize>,
    /// All lines of content, from the header's end (a comment in it included) to the last one's end,
    /// without its line end.
    pub body: Range<usize>,
    digit: Option<usize>,
    /// `|-2` in place of `|2-`.
    digit_last: bool,
    /// Blanks before each line.
    indent: usize,
    /// What the indicator's digit counts from.
    base: usize,
    eol: &'static str,
    /// Line ends between the content and the end of the scalar.
    breaks_after: usize,
}

impl BlockSource {
    /// `around` is the column of the block collection around it.
    pub fn find(
        text: &str,
        content: Range<usize>,
        around: Option<usize>,
        default_eol: &'static str,
    ) -> BlockSource {
        let source = text.get(content.clone()).unwrap_or_default();
        let mark = |c: char| matches!(c, '|' | '>' | '+' | '-') || c.is_ascii_digit();
        let indicator = source.find(|c| !mark(c)).unwrap_or(source.len());
        let digit = source
            .get(..indicator)
            .and_then(|text| text.chars().find_map(|c| c.to_digit(10)))
            .and_then(|digit| usize::try_from(digit).ok());
        let header = source.find(['\n', '\r']).unwrap_or(source.len());
        let rest = source.get(header..).unwrap_or_default();
        let eol = line_end(rest).unwrap_or(default_eol);
        let base = around.unwrap_or(0);
        let indent = match digit {
            Some(digit) => base + digit,
            None => detect_indent(rest, around),
        };
        let body_len = content_len(rest, indent);
        let body_end = content.start + header + body_len;
        let tail = rest.get(body_len..).unwrap_or_default();
        BlockSource {
            indicator: content.start..content.start + indicator,
            body: content.start + header..body_end,
            digit,
            digit_last: digit.is_some() && source.get(1..2).is_some_and(|c| matches!(c, "+" | "-")),
            indent,
            base,
            eol,
            breaks_after: tail.replace("\r\n", "\n").matches(['\n', '\r']).count(),
        }
    }

    /// New content in the given style, if it can have it.
    pub fn edits(&self, style: Style, value: &str) -> Option<Vec<Edit>> {
        if !escape::is_printable(value) {
            return None;
        }
        let content = value.trim_end_matches('\n');
        let breaks = value.len() - content.len();
        if content.is_empty() {
            // With nothing but line feeds, the lines after it would have to be counted too.
            return (breaks == 0).then(|| self.replaced(style, self.digit, "-", String::new()));
        }
        let first = content.split('\n').find(|line| !line.is_empty())?;
        let digit = if first.starts_with([' ', '\t']) {
            let digit = self.indent.checked_sub(self.base)?;
            Some(digit).filter(|digit| (1..=9).contains(digit))?.into()
        } else {
            self.digit
        };
        let missing = match breaks {
            0 => 0,
            1 => 1_usize.saturating_sub(self.breaks_after),
            // With `+` each line end that follows counts; there is no telling fewer of them.
            _ => breaks.checked_sub(self.breaks_after)?,
        };
        let chomping = match breaks {
            0 => "-",
            1 => "",
            _ => "+",
        };
        let mut body = String::new();
        for line in lines(style, content) {
            body.push_str(self.eol);
            if !line.is_empty() {
                body.push_str(&" ".repeat(self.indent));
                body.push_str(line);
            }
        }
        body.push_str(&self.eol.repeat(missing));
        Some(self.replaced(style, digit, chomping, body))
    }

    fn replaced(
        &self,
        style: Style,
        digit: Option<usize>,
        chomping: &str,
        body: String,
    ) -> Vec<Edit> {
        let mark = if style == Style::Folded { '>' } else { '|' };
        let digit = digit.map(|digit| digit.to_string()).unwrap_or_default();
        let indicator = if self.digit_last {
            format!("{mark}{chomping}{digit}")
        } else {
            format!("{mark}{digit}{chomping}")
        };
        vec![
            Edit::new(self.indicator.clone(), indicator),
            Edit::new(self.body.clone(), body),
        ]
    }
}

/// Lines with their offsets; each text is without its line end.
fn with_offsets(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let now = rest?;
        let at = text.len() - now.len();
        let length = now.find(['\n', '\r']).unwrap_or(now.len());
        let (line, tail) = now.split_at_checked(length)?;
        rest = tail
            .strip_prefix("\r\n")
            .or_else(|| tail.strip_prefix(['\n', '\r']));
        Some((at, line))
    })
}

fn leading_blanks(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// That of the first line that is not blank, but more than what is around.
fn detect_indent(body: &str, around: Option<usize>) -> usize {
    let least = around.map_or(1, |n| n + 1);
    // The first line is the rest of the header.
    let mut lines = with_offsets(body).skip(1).map(|(_, line)| line);
    let first = lines.find(|line| !line.trim_matches(' ').is_empty());
    match first {
        Some(line) => leading_blanks(line).max(least),
        None => around.map_or(2, |n| n + 2),
    }
}

/// Bytes up to the end of the last line with content. Blanks within the indentation are none.
fn content_len(body: &str, indent: usize) -> usize {
    let ends = with_offsets(body).skip(1).filter_map(|(at, line)| {
        let blank = line.trim_matches(' ').is_empty() && line.len() <= indent;
        (!blank).then_some(at + line.len())
    });
    ends.last().unwrap_or(0)
}

/// The lines that stand for a content: in a folded scalar a line feed between two lines of text needs
/// one empty line more, next to an indented line it does not.
fn lines(style: Style, content: &str) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut last: Option<&str> = None;
    for line in content.split('\n') {
        let text = |line: &str| !line.starts_with([' ', '\t']);
        if !line.is_empty() {
            if style == Style::Folded && text(line) && last.is_some_and(text) {
                lines.push("");
            }
            last = Some(line);
        }
        lines.push(line);
    }
    lines
}
