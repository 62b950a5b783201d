//! Two definitions compared, value by value: what is equal but for defaults, order and emptiness is no change.

use super::defaults::{self, Defaults, is_set, keys};
use crate::deploy::config::fields::AS_MAP;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// A value that is not as it should be.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// Such as `containerDefinitions[app].environment[RAILS_ENV]`.
    pub path: String,
    /// What runs.
    pub from: Option<Value>,
    /// What the file says.
    pub to: Option<Value>,
}

/// How much of what runs is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// All of it: what the file does not name goes away.
    Whole,
    /// What the file names.
    Named,
    /// What the file names, and what has a default: an item of a list, which is sent as a whole.
    Item,
}

impl Extent {
    /// Of a list's items.
    fn within(self) -> Extent {
        match self {
            Extent::Whole => Extent::Whole,
            Extent::Named | Extent::Item => Extent::Item,
        }
    }
}

/// Compares what the file says with what runs.
pub fn changes(
    want: &Map<String, Value>,
    have: &Map<String, Value>,
    extent: Extent,
    defaults: &[Defaults],
) -> Vec<Change> {
    let mut comparison = Comparison {
        defaults,
        found: Vec::new(),
    };
    let root = Place {
        shown: String::new(),
        plain: String::new(),
        last: String::new(),
    };
    comparison.maps(&root, want, have, extent);
    comparison.found
}

struct Comparison<'d> {
    defaults: &'d [Defaults],
    found: Vec<Change>,
}

/// Where a value stands.
struct Place {
    shown: String,
    /// Without places in lists.
    plain: String,
    last: String,
}

impl Place {
    fn member(&self, key: &str) -> Place {
        let join = |path: &str| match path {
            "" => key.to_owned(),
            path => format!("{path}.{key}"),
        };
        Place {
            shown: join(&self.shown),
            plain: join(&self.plain),
            last: key.to_owned(),
        }
    }

    fn item(&self, name: &str) -> Place {
        Place {
            shown: format!("{}[{name}]", self.shown),
            plain: self.plain.clone(),
            last: String::new(),
        }
    }
}

impl Comparison<'_> {
    fn maps(
        &mut self,
        place: &Place,
        want: &Map<String, Value>,
        have: &Map<String, Value>,
        extent: Extent,
    ) {
        let more = have.keys().filter(|key| match extent {
            Extent::Whole => true,
            Extent::Named => false,
            Extent::Item => defaults::of(self.defaults, &place.member(key).plain).is_some(),
        });
        let keys: BTreeSet<&String> = want.keys().chain(more).collect();
        for key in keys {
            self.values(&place.member(key), want.get(key), have.get(key), extent);
        }
    }

    fn values(
        &mut self,
        place: &Place,
        want: Option<&Value>,
        have: Option<&Value>,
        extent: Extent,
    ) {
        let none = Map::new();
        match (want.unwrap_or(&Value::Null), have.unwrap_or(&Value::Null)) {
            (Value::Object(want), Value::Object(have)) => self.maps(place, want, have, extent),
            (Value::Object(want), Value::Null) => self.maps(place, want, &none, extent),
            (Value::Null, Value::Object(have)) => self.maps(place, &none, have, extent),
            (Value::Array(want), Value::Array(have)) => self.lists(place, want, have, extent),
            (Value::Array(want), Value::Null) => self.lists(place, want, &[], extent),
            (Value::Null, Value::Array(have)) => self.lists(place, &[], have, extent),
            (want, have) => self.single(place, want, have),
        }
    }

    fn single(&mut self, place: &Place, want: &Value, have: &Value) {
        let default = defaults::of(self.defaults, &place.plain).unwrap_or(Value::Null);
        let meant = |value: &Value| match value {
            Value::Null => default.clone(),
            value => value.clone(),
        };
        if !equal(&meant(want), &meant(have)) {
            self.note(place, want, have);
        }
    }

    fn note(&mut self, place: &Place, want: &Value, have: &Value) {
        let shown = |value: &Value| (!value.is_null()).then(|| value.clone());
        self.found.push(Change {
            path: place.shown.clone(),
            from: shown(have),
            to: shown(want),
        });
    }

    fn lists(&mut self, place: &Place, want: &[Value], have: &[Value], extent: Extent) {
        let names = |items| keys(&place.last).and_then(|keys| by_name(items, keys));
        if let (Some(wanted), Some(there)) = (names(want), names(have)) {
            self.named(place, &wanted, &there, extent);
            return;
        }
        let (mut sorted, mut there) = (want.to_vec(), have.to_vec());
        if is_set(&place.last) {
            sorted.sort_by_key(ToString::to_string);
            there.sort_by_key(ToString::to_string);
        }
        let within = extent.within();
        let same = sorted.len() == there.len()
            && sorted.iter().zip(&there).all(|(want, have)| {
                let mut inner = Comparison {
                    defaults: self.defaults,
                    found: Vec::new(),
                };
                inner.values(&place.item(""), Some(want), Some(have), within);
                inner.found.is_empty()
            });
        if !same {
            let list = |items: &[Value]| match items {
                [] => Value::Null,
                items => Value::Array(items.to_vec()),
            };
            self.note(place, &list(want), &list(have));
        }
    }

    fn named(
        &mut self,
        place: &Place,
        want: &BTreeMap<String, &Value>,
        have: &BTreeMap<String, &Value>,
        extent: Extent,
    ) {
        // Tags are the one list that others add to.
        let keep = extent == Extent::Named && place.last == "tags";
        let more = have.keys().filter(|_| !keep);
        let names: BTreeSet<&String> = want.keys().chain(more).collect();
        let inner = AS_MAP.iter().find(|(list, _, _)| *list == place.last);
        for name in names {
            let item = place.item(name);
            let (want, have) = (want.get(name).copied(), have.get(name).copied());
            match (inner, want, have) {
                (Some((_, _, value)), want, have) => {
                    let value =
                        |item: Option<&Value>| item.and_then(|item| item.get(value)).cloned();
                    let (want, have) = (value(want), value(have));
                    if want != have {
                        let null = Value::Null;
                        let (want, have) = (want.as_ref(), have.as_ref());
                        self.note(&item, want.unwrap_or(&null), have.unwrap_or(&null));
                    }
                }
                (None, Some(want), Some(have)) => {
                    self.values(&item, Some(want), Some(have), extent.within());
                }
                (None, want, have) => {
                    let null = Value::Null;
                    self.note(&item, want.unwrap_or(&null), have.unwrap_or(&null));
                }
            }
        }
    }
}

/// A list's items by what they are known by; `None` if two are known by the same.
fn by_name<'v>(items: &'v [Value], keys: &[&str]) -> Option<BTreeMap<String, &'v Value>> {
    let mut all = BTreeMap::new();
    for item in items {
        let part = |key: &&str| match (item.get(*key), *key) {
            (Some(Value::String(text)), _) => Some(text.clone()),
            (Some(value), _) => Some(value.to_string()),
            (None, "protocol") => Some("tcp".to_owned()),
            (None, _) => None,
        };
        let parts: Vec<String> = keys.iter().filter_map(part).collect();
        if parts.is_empty() || all.insert(parts.join("/"), item).is_some() {
            return None;
        }
    }
    Some(all)
}

/// `1` and `1.0` are one number.
fn equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (one, other) => one == other,
    }
}
