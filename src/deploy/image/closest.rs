//! Which tags might have been meant in place of one that is missing.

use crate::aws::Tagged;
use std::fmt;

/// How many are named.
const ANCESTORS: usize = 2;
const NEWEST: usize = 3;
/// The length of a commit's SHA1.
const SHA: usize = 40;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Closest {
    /// Tags of commits before the one that was meant, with how many commits before.
    pub ancestors: Vec<(String, usize)>,
    /// The tags that were pushed last, the newest first.
    pub newest: Vec<String>,
}

/// `ancestors` gives the commits before one, the nearest first.
#[must_use]
pub fn closest(tag: &str, tags: &[Tagged], ancestors: &dyn Fn(&str) -> Vec<String>) -> Closest {
    let known = |tag: &String| tags.iter().any(|known| known.tag == *tag);
    let before = commit(tag).map(|sha| {
        let of = ancestors(sha).into_iter().enumerate();
        let of = of.map(|(place, ancestor)| (tag.replace(sha, &ancestor), place + 1));
        of.filter(|(tag, _)| known(tag)).take(ANCESTORS).collect()
    });
    let mut newest: Vec<&Tagged> = tags.iter().collect();
    newest.sort_by(|a, b| b.pushed_at.total_cmp(&a.pushed_at).then(a.tag.cmp(&b.tag)));
    Closest {
        ancestors: before.unwrap_or_default(),
        newest: newest
            .iter()
            .take(NEWEST)
            .map(|one| one.tag.clone())
            .collect(),
    }
}

/// The SHA1 in a text.
pub(in crate::deploy) fn commit(text: &str) -> Option<&str> {
    text.split(|c: char| !c.is_ascii_alphanumeric())
        .find(|word| {
            word.len() == SHA
                && word
                    .bytes()
                    .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        })
}

impl fmt::Display for Closest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = Vec::new();
        for (tag, commits) in &self.ancestors {
            let plural = if *commits == 1 { "" } else { "s" };
            said.push(format!("{tag} is there, {commits} commit{plural} before"));
        }
        match self.newest.as_slice() {
            [] => said.push("it has no tags at all".to_owned()),
            newest => said.push(format!("the newest tags are {}", newest.join(", "))),
        }
        f.write_str(&said.join("; "))
    }
}
