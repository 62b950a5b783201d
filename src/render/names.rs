//! The names that a template sees, and which of them it looked at.
//!
//! A variable stands under its own name and in `env`, a value by name in `secrets`.

use minijinja::Value;
use minijinja::value::{Enumerator, Object};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// All names and their values. `Debug` shows none.
#[derive(Default)]
pub struct Names {
    variables: BTreeMap<String, Held>,
    secrets: BTreeMap<String, Held>,
}

struct Held {
    /// `None`: no template can hold it, it is not UTF-8.
    value: Option<Value>,
    is_secret: bool,
}

impl Names {
    /// Adds a variable of the app's environment.
    pub fn variable(&mut self, name: &str, value: &[u8], is_secret: bool) {
        let value = std::str::from_utf8(value).ok().map(Value::from);
        let held = Held { value, is_secret };
        self.variables.insert(name.to_owned(), held);
    }

    /// A variable's text, and whether it is a secret.
    pub(super) fn text(&self, name: &str) -> Option<(&str, bool)> {
        let held = self.variables.get(name)?;
        Some((held.value.as_ref()?.as_str()?, held.is_secret))
    }

    /// Adds a value that only templates see.
    pub fn secret(&mut self, name: &str, value: &str) {
        let held = Held {
            value: Some(Value::from(value)),
            is_secret: true,
        };
        self.secrets.insert(name.to_owned(), held);
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Names")
    }
}

/// Where a name was looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// By itself.
    Own,
    Env,
    Secrets,
}

/// A name that is not there.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Missing {
    pub place: Place,
    pub name: String,
    /// It is there, but not UTF-8.
    pub is_binary: bool,
}

/// What one rendering looked at.
#[derive(Default)]
struct Notes {
    used_secret: bool,
    missing: Option<Missing>,
    /// Missing, but told already.
    assumed: BTreeSet<Missing>,
}

/// A template's context, or one of its two maps.
#[derive(Clone)]
pub struct Scope {
    names: Arc<Names>,
    /// Names of the language's own, which are looked for here first.
    globals: Arc<BTreeSet<String>>,
    notes: Arc<Mutex<Notes>>,
    place: Place,
}

impl Scope {
    pub fn new(names: Arc<Names>, globals: BTreeSet<String>) -> Scope {
        Scope {
            names,
            globals: Arc::new(globals),
            notes: Arc::default(),
            place: Place::Own,
        }
    }

    pub fn used_secret(&self) -> bool {
        self.notes().used_secret
    }

    /// The last name that was looked for and is not there, unless that was all right.
    pub fn last_missing(&self) -> Option<Missing> {
        self.notes().missing.clone()
    }

    /// Somebody asked whether it is there, or has something else in its place.
    pub fn excuse(&self) {
        self.notes().missing = None;
    }

    /// Gives this name an empty value from now on.
    pub fn assume(&self, missing: Missing) {
        let mut notes = self.notes();
        notes.missing = None;
        notes.assumed.insert(missing);
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> &BTreeMap<String, Held> {
        match self.place {
            Place::Own | Place::Env => &self.names.variables,
            Place::Secrets => &self.names.secrets,
        }
    }
}

impl Object for Scope {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let name = key.as_str()?;
        let inner = match (self.place, name) {
            (Place::Own, "env") => Some(Place::Env),
            (Place::Own, "secrets") => Some(Place::Secrets),
            _ => None,
        };
        if let Some(place) = inner {
            return Some(Value::from_object(Scope {
                place,
                ..Scope::clone(self)
            }));
        }
        let held = self.held().get(name);
        let mut notes = self.notes();
        if let Some(Held {
            value: Some(value),
            is_secret,
        }) = held
        {
            notes.used_secret |= is_secret;
            return Some(value.clone());
        }
        if self.place == Place::Own && self.globals.contains(name) {
            return None;
        }
        let missing = Missing {
            place: self.place,
            name: name.to_owned(),
            is_binary: held.is_some(),
        };
        if notes.assumed.contains(&missing) {
            return Some(Value::from(""));
        }
        notes.missing = Some(missing);
        None
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        let names = self.held().keys().map(|name| Value::from(name.as_str()));
        Enumerator::Values(names.collect())
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.place)
    }
}
