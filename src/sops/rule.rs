//! Which leaves are encrypted: one rule a file, which holds for a leaf if it holds for any key on its path.

use super::error::SopsError;
use super::metadata::{given, problem};
use super::raw::Raw;
use regex::{Regex, RegexBuilder};
use std::collections::BTreeMap;

/// A file without any rule has this one.
const DEFAULT: (&str, &str) = ("unencrypted_suffix", "_unencrypted");

const NAMES: [&str; 6] = [
    "unencrypted_suffix",
    "encrypted_suffix",
    "unencrypted_regex",
    "encrypted_regex",
    "unencrypted_comment_regex",
    "encrypted_comment_regex",
];

/// A compiled rule may not fill the memory.
const REGEX_BYTES: usize = 1 << 20;

/// The rule.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    ClearSuffix(String),
    SealedSuffix(String),
    ClearRegex(Regex),
    SealedRegex(Regex),
    /// By comments: what was encrypted shows only in the values, and the MAC sees that they are.
    AsWritten,
}

impl Rule {
    pub fn read(members: &BTreeMap<String, Raw>) -> Result<Rule, SopsError> {
        let set = NAMES
            .iter()
            .filter_map(|name| Some((*name, given(members, name)?)));
        let set: Vec<(&str, &str)> = set.collect();
        let (name, text) = match set.as_slice() {
            [] => DEFAULT,
            [one] => *one,
            [(first, _), (second, _), ..] => {
                return Err(problem(
                    &format!("{first} and {second}"),
                    "a file has one rule at most",
                ));
            }
        };
        let regex = || {
            let built = RegexBuilder::new(text).size_limit(REGEX_BYTES).build();
            built.map_err(|_| problem(name, "it is not a regular expression, or too large a one"))
        };
        Ok(match name {
            "unencrypted_suffix" => Rule::ClearSuffix(text.to_owned()),
            "encrypted_suffix" => Rule::SealedSuffix(text.to_owned()),
            "unencrypted_regex" => Rule::ClearRegex(regex()?),
            "encrypted_regex" => Rule::SealedRegex(regex()?),
            _ => Rule::AsWritten,
        })
    }

    /// Whether a leaf at these keys is encrypted; `sealed` says whether it looks so.
    pub fn encrypts<'a>(&self, mut keys: impl Iterator<Item = &'a str>, sealed: bool) -> bool {
        match self {
            Rule::ClearSuffix(end) => !keys.any(|key| key.ends_with(end)),
            Rule::SealedSuffix(end) => keys.any(|key| key.ends_with(end)),
            Rule::ClearRegex(regex) => !keys.any(|key| regex.is_match(key)),
            Rule::SealedRegex(regex) => keys.any(|key| regex.is_match(key)),
            Rule::AsWritten => sealed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(members: &[(&str, &str)]) -> Result<Rule, SopsError> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), Raw::Text((*text).to_owned()));
        Rule::read(&members.iter().map(own).collect())
    }

    #[test]
    fn any_key_on_the_path_decides() {
        for (members, clear, sealed) in [
            (&[][..], "a_unencrypted/b", "a/b"),
            (
                &[("unencrypted_suffix", "_pub")],
                "a/b_pub/c",
                "a_unencrypted",
            ),
            (&[("encrypted_suffix", "_sec")], "a/b", "a/b_sec/c"),
            (
                &[("unencrypted_regex", "^(kind|port)$")],
                "x/kind/y",
                "kinds",
            ),
            (&[("encrypted_regex", "pass")], "user", "a/mypassword/b"),
            (
                &[("encrypted_suffix", "_sec"), ("unencrypted_suffix", "")],
                "a/b",
                "b_sec",
            ),
        ] {
            let rule = rule(members).unwrap();
            for (path, want) in [(clear, false), (sealed, true)] {
                assert_eq!(
                    rule.encrypts(path.split('/'), !want),
                    want,
                    "{members:?} {path}"
                );
            }
        }
        let comment = rule(&[("encrypted_comment_regex", "sops:enc")]).unwrap();
        assert!(
            comment.encrypts(["a"].into_iter(), true)
                && !comment.encrypts(["a"].into_iter(), false)
        );
    }

    #[test]
    fn two_rules_or_a_bad_one_are_refused() {
        let error = rule(&[("encrypted_regex", "a"), ("unencrypted_suffix", "b")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the sops metadata's unencrypted_suffix and encrypted_regex: a file has one rule at most"
        );
        for text in ["(", "(?=a)", &"a{1000}".repeat(1000)] {
            assert!(rule(&[("encrypted_regex", text)]).is_err());
        }
    }
}
