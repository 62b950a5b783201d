//! The metadata as it is written, before anything in it has a meaning: every scalar is a text, since YAML,
//! JSON and dotenv tell types apart in three ways.

use std::collections::BTreeMap;

/// A piece of metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Raw {
    Null,
    Text(String),
    List(Vec<Raw>),
    Map(BTreeMap<String, Raw>),
}

impl Raw {
    pub fn text(&self) -> Option<&str> {
        match self {
            Raw::Text(text) => Some(text),
            _ => None,
        }
    }

    /// From JSON, whose numbers and booleans are read as they are written.
    pub fn from_json(value: serde_json::Value) -> Raw {
        use serde_json::Value;
        match value {
            Value::Null => Raw::Null,
            Value::Bool(truth) => Raw::Text(truth.to_string()),
            Value::Number(number) => Raw::Text(number.to_string()),
            Value::String(text) => Raw::Text(text),
            Value::Array(items) => Raw::List(items.into_iter().map(Raw::from_json).collect()),
            Value::Object(members) => {
                let members = members.into_iter();
                Raw::Map(
                    members
                        .map(|(key, value)| (key, Raw::from_json(value)))
                        .collect(),
                )
            }
        }
    }

    /// From dotenv's flat names, `age__list_0__map_enc`. `None` where two names contradict each other, or a
    /// list has holes.
    pub fn from_flat(members: &[(String, String)]) -> Option<Raw> {
        let mut root = Growing::Map(BTreeMap::new());
        for (name, text) in members {
            root.insert(&steps(name), text)?;
        }
        root.finish()
    }
}

/// One step of a flat name.
enum Step<'a> {
    Member(&'a str),
    Item(usize),
}

fn steps(name: &str) -> Vec<Step<'_>> {
    // Like sops, this takes the separators wherever they stand.
    let mut steps = Vec::new();
    for (n, part) in name.split("__map_").enumerate() {
        for (m, piece) in part.split("__list_").enumerate() {
            match piece.parse() {
                Ok(index) if m > 0 => steps.push(Step::Item(index)),
                _ if m > 0 || (n > 0 && piece.is_empty()) => steps.push(Step::Member("")),
                _ => steps.push(Step::Member(piece)),
            }
        }
    }
    steps
}

/// A tree whose lists may still have holes.
enum Growing {
    Text(String),
    List(BTreeMap<usize, Growing>),
    Map(BTreeMap<String, Growing>),
}

/// Metadata has five levels at most.
const MAX_STEPS: usize = 16;

impl Growing {
    fn insert(&mut self, steps: &[Step<'_>], text: &str) -> Option<()> {
        if steps.len() > MAX_STEPS {
            return None;
        }
        let (first, rest) = steps.split_first()?;
        let fresh = || match rest.first() {
            None => Growing::Text(text.to_owned()),
            Some(Step::Item(_)) => Growing::List(BTreeMap::new()),
            Some(Step::Member(_)) => Growing::Map(BTreeMap::new()),
        };
        let (known, below) = match (self, first) {
            (Growing::List(items), Step::Item(index)) => (
                items.contains_key(index),
                items.entry(*index).or_insert_with(fresh),
            ),
            (Growing::Map(members), Step::Member(name)) => {
                let known = members.contains_key(*name);
                (
                    known,
                    members.entry((*name).to_owned()).or_insert_with(fresh),
                )
            }
            _ => return None,
        };
        match (rest.is_empty(), known) {
            (true, true) => None,
            (true, false) => Some(()),
            (false, _) => below.insert(rest, text),
        }
    }

    fn finish(self) -> Option<Raw> {
        Some(match self {
            Growing::Text(text) => Raw::Text(text),
            Growing::List(items) => {
                let whole = items.keys().copied().eq(0..items.len());
                let items: Option<Vec<Raw>> = items.into_values().map(Growing::finish).collect();
                Raw::List(items.filter(|_| whole)?)
            }
            Growing::Map(members) => {
                let finish = |(name, below): (String, Growing)| Some((name, below.finish()?));
                Raw::Map(members.into_iter().map(finish).collect::<Option<_>>()?)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flat(members: &[(&str, &str)]) -> Option<Raw> {
        let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
        Raw::from_flat(&members.iter().map(own).collect::<Vec<_>>())
    }

    #[test]
    fn flat_names_become_a_tree() {
        let raw = flat(&[
            ("key_groups__list_0__map_age__list_0__map_enc", "x"),
            (
                "key_groups__list_1__map_kms__list_0__map_context__map_env",
                "prod",
            ),
            ("key_groups__list_1__map_kms__list_1__map_arn", "y"),
            ("shamir_threshold", "2"),
            ("mac", "m"),
        ]);
        let want = Raw::from_json(json!({
            "key_groups": [
                {"age": [{"enc": "x"}]},
                {"kms": [{"context": {"env": "prod"}}, {"arn": "y"}]},
            ],
            "shamir_threshold": 2,
            "mac": "m",
        }));
        assert_eq!(raw, Some(want));
    }

    #[test]
    fn contradictions_are_refused() {
        for members in [
            &[("a", "x"), ("a__map_b", "y")][..],
            &[("a__map_b", "y"), ("a", "x")],
            &[("a__list_0", "y"), ("a__map_b", "x")],
            &[("a", "x"), ("a", "y")],
            &[("a__list_1", "x")],
            &[("a__list_0", "x"), ("a__list_2", "x")],
            &[("a__list_99999999999", "x")],
            &[("a__list_x", "x"), ("a__list_0", "x")],
        ] {
            assert_eq!(flat(members), None, "{members:?}");
        }
        assert_eq!(flat(&[(&"a__map_".repeat(10_000), "x")]), None);
    }
}
