//! A secret that is a JSON object, and its keys. Numbers keep their digits as they are written: a password
//! `007` has quotes, and an account number has more digits than a float holds.

use crate::vault::Secret;
use serde::Deserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// Why a key gives no value; the value itself is never said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum JsonError {
    #[error("secret {0} is no JSON object; take the whole of it as one value")]
    NoObject(String),
    #[error("secret {secret} has the key {key:?} twice")]
    Twice { secret: String, key: String },
    #[error("secret {secret} has no key {key:?}{}", listed(.known))]
    NoKey {
        secret: String,
        key: String,
        known: Vec<String>,
    },
    #[error("secret {secret} has the key {key:?} at its top and by its parts; rename one")]
    Ambiguous { secret: String, key: String },
    #[error("secret {secret}: {key:?} is {kind}, and only a string, number or boolean can be a value{}", remedy(.kind))]
    NoScalar {
        secret: String,
        key: String,
        kind: &'static str,
    },
}

fn listed(keys: &[String]) -> String {
    if keys.is_empty() {
        return "; it has none".to_owned();
    }
    format!("; its keys are {}", keys.join(", "))
}

fn remedy(kind: &str) -> &'static str {
    match kind {
        "an object" => "; name a key of it, as in a.b",
        _ => "",
    }
}

type Members<'a> = BTreeMap<String, &'a RawValue>;

/// A secret whose text is a JSON object.
pub struct JsonSecret<'a> {
    name: &'a str,
    members: Members<'a>,
}

impl fmt::Debug for JsonSecret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JsonSecret({}, ***)", self.name)
    }
}

impl<'a> JsonSecret<'a> {
    /// `name` is what errors say; no key may stand twice.
    pub fn parse(name: &'a str, text: &'a str) -> Result<JsonSecret<'a>, JsonError> {
        Ok(JsonSecret {
            name,
            members: object(name, text)?,
        })
    }

    /// One key's value: of the top, or by the keys that lead to it, `database.password`.
    pub fn get(&self, key: &str) -> Result<Secret, JsonError> {
        let value = match (self.members.get(key).copied(), self.nested(key)?) {
            (Some(_), Some(_)) => {
                return Err(JsonError::Ambiguous {
                    secret: self.name.to_owned(),
                    key: key.to_owned(),
                });
            }
            (Some(value), None) | (None, Some(value)) => value,
            (None, None) => {
                return Err(JsonError::NoKey {
                    secret: self.name.to_owned(),
                    key: key.to_owned(),
                    known: self.members.keys().cloned().collect(),
                });
            }
        };
        self.scalar(key, value)
    }

    /// Every key of the top with its value; each must be a scalar.
    pub fn all(&self) -> Result<Vec<(String, Secret)>, JsonError> {
        let one = |(key, value): (&String, &&RawValue)| {
            let value = self.scalar(key, value)?;
            Ok((key.clone(), value))
        };
        self.members.iter().map(one).collect()
    }

    /// The value that a dotted key leads to; `None` unless every part is there.
    fn nested(&self, key: &str) -> Result<Option<&'a RawValue>, JsonError> {
        let Some((first, rest)) = key.split_once('.') else {
            return Ok(None);
        };
        let mut value = self.members.get(first).copied();
        for part in rest.split('.') {
            value = match value {
                Some(outer) if outer.get().starts_with('{') => {
                    object(self.name, outer.get())?.get(part).copied()
                }
                _ => return Ok(None),
            };
        }
        Ok(value)
    }

    fn scalar(&self, key: &str, value: &RawValue) -> Result<Secret, JsonError> {
        let text = value.get();
        let kind = match text.bytes().next() {
            // What the parser let pass as a string can be one.
            Some(b'"') => match serde_json::from_str(text) {
                Ok(text) => return Ok(Secret::new(text)),
                Err(_) => "no text that UTF-8 can hold",
            },
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'n') => "null",
            _ => return Ok(Secret::from(text)),
        };
        Err(JsonError::NoScalar {
            secret: self.name.to_owned(),
            key: key.to_owned(),
            kind,
        })
    }
}

fn object<'a>(secret: &str, text: &'a str) -> Result<Members<'a>, JsonError> {
    let mut twice = None;
    let mut parser = serde_json::Deserializer::from_str(text);
    let members = parser.deserialize_map(Object(&mut twice));
    // The parser's own message could quote the text.
    match members.and_then(|members| parser.end().map(|()| members)) {
        Ok(members) => Ok(members),
        Err(_) => Err(match twice {
            Some(key) => JsonError::Twice {
                secret: secret.to_owned(),
                key,
            },
            None => JsonError::NoObject(secret.to_owned()),
        }),
    }
}

/// Reads an object's members, and says here which key stood twice.
struct Object<'k>(&'k mut Option<String>);

impl<'a> Visitor<'a> for Object<'_> {
    type Value = Members<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Members<'a>, A::Error> {
        let mut members = Members::new();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            if members.contains_key(&key) {
                *self.0 = Some(key);
                return Err(A::Error::custom("a key twice"));
            }
            members.insert(key, value);
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn get(text: &str, key: &str) -> Result<String, String> {
        let secret = JsonSecret::parse("app/db", text).map_err(|error| error.to_string())?;
        let value = secret.get(key).map_err(|error| error.to_string())?;
        Ok(value.expose().to_owned())
    }

    #[test]
    fn keys_give_scalars_as_they_are_written() {
        let text = r#" {"password": "a\u00e9\n\"", "port": 5432, "big": 12345678901234567890123, "ratio": 1.10,
            "on": true, "empty": "", "db": {"user": {"name": "u"}, "n": -1e3}, "x.y": "flat", "": "nameless"} "#;
        let table = [
            ("password", "a\u{e9}\n\""),
            ("port", "5432"),
            ("big", "12345678901234567890123"),
            ("ratio", "1.10"),
            ("on", "true"),
            ("empty", ""),
            ("db.user.name", "u"),
            ("db.n", "-1e3"),
            ("x.y", "flat"),
            ("", "nameless"),
        ];
        for (key, value) in table {
            assert_eq!(get(text, key).as_deref(), Ok(value), "{key}");
        }
    }

    #[test]
    fn what_gives_no_value_is_said_without_any() {
        let text = r#"{"db": {"user": "canary", "twice": {"a": "canary", "a": 1}}, "list": ["canary"], "no": null,
            "db.user": "canary", "half": "\ud800canary"}"#;
        let keys = "its keys are db, db.user, half, list, no";
        let table = [
            (
                text,
                "db",
                "\"db\" is an object, and only a string, number or boolean can be a value; name a key of it, as in a.b",
            ),
            (text, "list", "\"list\" is a list, and only"),
            (text, "no", "\"no\" is null, and only"),
            (text, "half", "\"half\" is no text that UTF-8 can hold"),
            (
                text,
                "db.user",
                "has the key \"db.user\" at its top and by its parts",
            ),
            (text, "db.twice.a", "secret app/db has the key \"a\" twice"),
            (text, "db.none", keys),
            (text, "db.user.more", keys),
            (text, "list.0", keys),
            (text, "DB", keys),
            ("{}", "a", "secret app/db has no key \"a\"; it has none"),
            (
                r#"{"a": "canary", "a": 2}"#,
                "a",
                "secret app/db has the key \"a\" twice",
            ),
            (
                "canary",
                "a",
                "secret app/db is no JSON object; take the whole of it as one value",
            ),
            ("[\"canary\"]", "a", "is no JSON object"),
            ("\"canary\"", "a", "is no JSON object"),
            ("{\"a\": \"canary\"", "a", "is no JSON object"),
            ("{\"a\": 1} canary", "a", "is no JSON object"),
            ("", "a", "is no JSON object"),
        ];
        for (text, key, words) in table {
            let error = get(text, key).unwrap_err();
            assert!(
                error.contains(words) && !error.contains("canary"),
                "{key}: {error}"
            );
        }
    }

    #[test]
    fn all_keys_are_given_or_none() {
        let all = |text| {
            let all = JsonSecret::parse("s", text).unwrap().all();
            let text = |(key, value): (String, Secret)| format!("{key}={}", value.expose());
            all.map(|all| all.into_iter().map(text).collect::<Vec<_>>())
        };
        assert_eq!(all(r#"{"b": 1, "a": "x"}"#).unwrap(), ["a=x", "b=1"]);
        assert!(matches!(
            all(r#"{"b": 1, "a": {}}"#),
            Err(JsonError::NoScalar { .. })
        ));
        let secret = JsonSecret::parse("s", r#"{"a": "canary"}"#).unwrap();
        assert_eq!(format!("{secret:?}"), "JsonSecret(s, ***)");
    }

    #[test]
    fn depth_needs_no_stack() {
        let deep = format!(
            "{{\"a\": {}{}}}",
            "[".repeat(1_000_000),
            "]".repeat(1_000_000)
        );
        assert!(get(&deep, "a").unwrap_err().contains("is a list"));
    }

    proptest! {
        #[test]
        fn every_string_comes_back(values in prop::collection::btree_map("[a-z]{1,4}", any::<String>(), 0..6)) {
            let text = json!(values).to_string();
            let secret = JsonSecret::parse("s", &text).unwrap();
            for (key, value) in &values {
                let found = secret.get(key).unwrap();
                prop_assert_eq!(found.expose(), value);
            }
            prop_assert_eq!(secret.all().unwrap().len(), values.len());
        }

        #[test]
        fn every_number_keeps_its_text(number in any::<f64>().prop_filter("finite", |n| n.is_finite())) {
            let text = Value::from(number).to_string();
            prop_assert_eq!(get(&format!("{{\"n\":{text}}}"), "n"), Ok(text));
        }

        #[test]
        fn nothing_panics(text in any::<String>(), key in any::<String>()) {
            let _ = get(&text, &key);
            let _ = get(&format!("{{{text}}}"), &key);
        }
    }
}
