//! Tags inside of plaintexts: an encrypted node loses its tag, which stands before the value instead.

use regex::Regex;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// What `!!` stands for.
const STANDARD: &str = "tag:yaml.org,2002:";

/// The plaintext of a node.
pub(super) fn join(tag: Option<&str>, value: &str) -> String {
    match tag {
        Some(tag) => format!("{tag} {value}"),
        None => value.to_owned(),
    }
}

/// The tag and the value of a plaintext, without loss. `plain_like`: the encrypted node is plain or
/// tagged `!`; a tagged source never becomes anything else, an untagged quoted text never that.
pub(super) fn split(text: &str, plain_like: bool) -> (Option<&str>, &str) {
    let Some((tag, value)) = text.split_once(' ').filter(|_| plain_like) else {
        return (None, text);
    };
    let standard = tag
        .strip_prefix(STANDARD)
        .is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase()));
    if tag.starts_with('!') || standard {
        (Some(tag), value)
    } else {
        (None, text)
    }
}

#[expect(clippy::expect_used, reason = "a literal, which the tests compile")]
static GEM: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\A(!.*?)[ \t\r\n\x0b\x0c]+(.*)\z").expect("the gem's rule is a regular expression")
});

/// The tag and the value that the gem's reader makes of a plaintext, whatever the node's style.
pub(super) fn split_as_gem(text: &str) -> (Option<&str>, &str) {
    let parts = GEM.captures(text).and_then(|found| {
        let (tag, value) = (found.get(1)?, found.get(2)?);
        Some((tag.as_str(), value.as_str()))
    });
    match parts {
        Some((tag, value)) => (Some(tag), value),
        None => (None, text),
    }
}

/// A tag as one writes it: `!foo`, `!!str`, else in full.
pub(super) fn written(tag: &str) -> String {
    if let Some(name) = tag.strip_prefix(STANDARD).filter(|name| is_name(name)) {
        return format!("!!{}", escape(name));
    }
    match tag.strip_prefix('!') {
        Some("") => "!".to_owned(),
        Some(name) if is_name(name) => format!("!{}", escape(name)),
        _ => verbatim(tag),
    }
}

/// A tag in full, which no `%TAG` line changes.
pub(super) fn verbatim(tag: &str) -> String {
    format!("!<{}>", escape(tag))
}

/// A second `!` would end a handle, a `<` begin a full tag.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('!') && !name.starts_with('<')
}

/// Percent escapes for all that YAML does not allow in a tag.
fn escape(tag: &str) -> String {
    let mut out = String::with_capacity(tag.len());
    for byte in tag.bytes() {
        if byte.is_ascii_alphanumeric() || b"_-;/?:@&=+$.!~*'()".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lossless_and_the_gems() {
        let cases: [(&str, _, _); 12] = [
            ("!t v", (Some("!t"), "v"), (Some("!t"), "v")),
            ("!t  v", (Some("!t"), " v"), (Some("!t"), "v")),
            ("!t ", (Some("!t"), ""), (Some("!t"), "")),
            ("!t", (None, "!t"), (None, "!t")),
            ("! 1", (Some("!"), "1"), (Some("!"), "1")),
            ("!t a\nb", (Some("!t"), "a\nb"), (Some("!t a"), "b")),
            ("!t\nb", (None, "!t\nb"), (Some("!t"), "b")),
            ("a b", (None, "a b"), (None, "a b")),
            (
                "tag:yaml.org,2002:str 1",
                (Some("tag:yaml.org,2002:str"), "1"),
                (None, "tag:yaml.org,2002:str 1"),
            ),
            (
                "tag:yaml.org,2002: 1",
                (None, "tag:yaml.org,2002: 1"),
                (None, "tag:yaml.org,2002: 1"),
            ),
            (
                "tag:x,2000:t v",
                (None, "tag:x,2000:t v"),
                (None, "tag:x,2000:t v"),
            ),
            ("", (None, ""), (None, "")),
        ];
        for (text, ours, gems) in cases {
            assert_eq!(split(text, true), ours, "{text:?}");
            assert_eq!(split(text, false), (None, text), "{text:?}");
            assert_eq!(split_as_gem(text), gems, "{text:?}");
        }
    }

    #[test]
    fn writing() {
        let cases = [
            ("!", "!"),
            ("!ruby/range", "!ruby/range"),
            ("!a b", "!a%20b"),
            ("!a!b", "!<!a!b>"),
            ("tag:yaml.org,2002:str", "!!str"),
            ("tag:x.com,2000:t", "!<tag:x.com%2C2000:t>"),
            ("!é", "!%C3%A9"),
            ("!50%", "!50%25"),
        ];
        for (tag, want) in cases {
            assert_eq!(written(tag), want, "{tag}");
            let text = format!("- {want} x\n- {} x\n", verbatim(tag));
            let events = crate::yaml::events(&text).unwrap();
            let tags: Vec<_> = events
                .iter()
                .filter_map(|event| match &event.raw {
                    crate::yaml::RawEvent::Scalar { tag, .. } => tag.as_deref(),
                    _ => None,
                })
                .collect();
            assert_eq!(tags, [tag, tag], "{text}");
        }
    }
}
