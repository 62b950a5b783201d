//! JSON objects of texts: encryption contexts and instruction files. Nothing nested, no name twice, since
//! two readers could see two different envelopes in it.

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;

/// A context: all members are texts.
pub struct Texts(pub BTreeMap<String, String>);

/// An instruction file: some clients write its numbers as numbers.
pub struct TextsAndNumbers(pub BTreeMap<String, String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Texts, D::Error> {
        struct Text(String);
        impl<'de> Deserialize<'de> for Text {
            fn deserialize<D: Deserializer<'de>>(source: D) -> Result<Text, D::Error> {
                String::deserialize(source).map(Text)
            }
        }
        source
            .deserialize_map(Members(|Text(text)| text))
            .map(Texts)
    }
}

impl<'de> Deserialize<'de> for TextsAndNumbers {
    fn deserialize<D: Deserializer<'de>>(source: D) -> Result<TextsAndNumbers, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Value {
            Text(String),
            Number(u64),
        }
        let text = |value| match value {
            Value::Text(text) => text,
            Value::Number(number) => number.to_string(),
        };
        source.deserialize_map(Members(text)).map(TextsAndNumbers)
    }
}

/// Reads a map of values that become texts.
struct Members<V>(fn(V) -> String);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Members<V> {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut source: A) -> Result<Self::Value, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = source.next_entry::<String, V>()? {
            if members.insert(name, self.0(value)).is_some() {
                return Err(A::Error::custom("a name stands in it twice"));
            }
        }
        Ok(members)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_flat_objects_without_repetition() {
        let good = serde_json::from_str::<Texts>(r#"{"b": "2", "a": "\u00e9"}"#).unwrap();
        let pair = |name: &str, text: &str| (name.to_owned(), text.to_owned());
        assert_eq!(good.0, BTreeMap::from([pair("a", "é"), pair("b", "2")]));
        let bad = [
            "",
            "null",
            "[]",
            r#""a""#,
            r#"{"a": 1}"#,
            r#"{"a": null}"#,
            r#"{"a": {"b": "c"}}"#,
            r#"{"a": "b", "a": "b"}"#,
            r#"{"a": "b"} {}"#,
            r#"{"a": "b"#,
        ];
        for text in bad {
            assert!(serde_json::from_str::<Texts>(text).is_err(), "{text}");
        }
    }

    #[test]
    fn an_instruction_file_may_hold_numbers() {
        let read = |text| serde_json::from_str::<TextsAndNumbers>(text).map(|map| map.0);
        let good = read(r#"{"x-amz-tag-len": 128}"#).unwrap();
        assert_eq!(good["x-amz-tag-len"], "128");
        for text in [r#"{"a": 1.5}"#, r#"{"a": -1}"#, r#"{"a": true}"#] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
