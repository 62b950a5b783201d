//! How text from a file is shown in a message: quoted, escaped and not too long.

/// More than this tells nothing more, and a pasted certificate would hide the message.
const LONGEST: usize = 60;

/// A written value in quotes.
#[must_use]
pub fn value(written: &str) -> String {
    format!("{:?}", cut(written))
}

/// A key, as it is unless it holds what a terminal would act on.
#[must_use]
pub fn key(written: &str) -> String {
    if written.is_empty() {
        return "\"\"".to_owned();
    }
    cut(written).escape_debug().to_string()
}

fn cut(written: &str) -> String {
    match written.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", written.get(..end).unwrap_or_default()),
        None => written.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn long_and_wild_text_is_tamed() {
        assert_eq!(super::value("a\"b\n"), r#""a\"b\n""#);
        assert_eq!(super::key("a\u{1b}[31m"), "a\\u{1b}[31m");
        assert_eq!(
            super::value(&"é".repeat(61)),
            format!("\"{}…\"", "é".repeat(60))
        );
    }
}
