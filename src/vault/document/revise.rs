//! Documents that are encrypted already, and change: an edited text, another key, one new value.
//!
//! Each gives a choice for `encrypt_choice`. A message whose value is the same stays, and with it every
//! byte of how it is written.

use super::super::key_path::KeyPath;
use super::super::psych;
use super::choose::{Choice, Chosen, Warning};
use super::problem::{Problems, Reason};
use super::render::{Meaning, Target};
use super::tree::NodeId;
use super::{Affixes, Document, Plaintext, Selection, escape, tag};
use crate::vault::Secret;
use crate::yaml::Style;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::{HashMap, VecDeque};
use zeroize::Zeroizing;

/// An encrypted document and what it looks like decrypted: the same nodes with other scalars.
pub struct Before<'a> {
    pub encrypted: &'a Document,
    pub decrypted: &'a Document,
    /// What was decrypted.
    pub selection: &'a Selection,
}

/// What a new value is to be to YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Text; refused where the value would read as something else without quotes.
    Sure,
    /// Text, in quotes where it needs them.
    Text,
    /// What YAML makes of it without quotes: a number, a boolean, nothing.
    Plain,
}

/// Why a value cannot be set. Names and numbers only, no value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    #[error("key path {0} matches nothing")]
    Nothing(KeyPath),
    #[error("key path {0} means no single value: it leads to {1}")]
    NotOne(KeyPath, String),
    #[error("the value is empty")]
    Empty,
    #[error("without quotes, as {0} stands there, the value would be {1}, and not text")]
    Ambiguous(String, &'static str),
    #[error("key path {0} cannot be added: {1}")]
    NotAddable(KeyPath, &'static str),
}

impl Document {
    /// What of an edited text is to be encrypted, and which messages stay.
    pub fn choose_edited(
        &self,
        before: &Before<'_>,
        paths: &[KeyPath],
        affixes: &Affixes,
    ) -> Result<Choice, Problems> {
        let mut origins: HashMap<&str, VecDeque<NodeId>> = HashMap::new();
        for scalar in &before.selection.scalars {
            let same_path = origins.entry(scalar.path.as_str()).or_default();
            same_path.push_back(scalar.id);
        }
        self.choose(paths, affixes, |id| {
            let same_path = origins.get_mut(self.path(id).as_str())?;
            let value = self.joined(id)?;
            let is_same =
                |origin: &NodeId| before.decrypted.joined(*origin).as_ref() == Some(&value);
            let origin = same_path.remove(same_path.iter().position(is_same)?)?;
            self.kept(id, before, origin, affixes)
        })
    }

    fn joined(&self, id: NodeId) -> Option<Zeroizing<String>> {
        let scalar = self.scalar(id)?;
        Some(Zeroizing::new(tag::join(scalar.tag, scalar.value)))
    }

    /// The message of a value that has not changed, if it may stay.
    fn kept(
        &self,
        id: NodeId,
        before: &Before<'_>,
        origin: NodeId,
        affixes: &Affixes,
    ) -> Option<Target> {
        let scalar = before.encrypted.scalar(origin)?;
        if self.written(id) == before.decrypted.written(origin) {
            return Some(Target {
                id,
                value: scalar.value.to_owned(),
                meaning: before.encrypted.message_meaning(origin)?,
                as_written: Some(before.encrypted.written(origin)?.to_owned()),
                keeps_style: false,
            });
        }
        // Written anew, it must be as encryption would write it; a tag beside a message is not.
        let usual = scalar.tag.is_none_or(|tag| tag == "!") && !self.has_erb(id);
        let meaning = self.encrypted_meaning(id).filter(|_| usual)?;
        Some(Target {
            id,
            value: affixes.add(affixes.strip(scalar.value)),
            meaning,
            as_written: None,
            keeps_style: false,
        })
    }

    /// How a message reads that stands in the file.
    fn message_meaning(&self, id: NodeId) -> Option<Meaning> {
        let scalar = self.scalar(id)?;
        Some(match (scalar.tag, scalar.style) {
            (None, Style::Plain) => Meaning::Plain,
            (None, _) => Meaning::Text,
            (Some(tag), _) => Meaning::Tagged(tag.to_owned()),
        })
    }

    /// All selected values, to be encrypted by another key.
    pub fn choose_again(
        &self,
        selection: &Selection,
        open: impl FnMut(&str) -> Result<Plaintext, Reason>,
    ) -> Result<Choice, Problems> {
        let plaintexts = self.plaintexts(selection, open)?;
        let scalars = plaintexts.into_iter().filter_map(|(id, plaintext)| {
            let meaning = self.message_meaning(id)?;
            let (plaintext, meaning) = match plaintext {
                Plaintext::Text(text) => (text, meaning),
                // Encryption takes text only; with its tag the value comes back.
                Plaintext::Binary(bytes) => {
                    let text = tag::join(Some("!binary"), &STANDARD.encode(bytes.as_slice()));
                    let meaning = match meaning {
                        Meaning::Plain => Meaning::Plain,
                        _ => Meaning::Tagged("!".to_owned()),
                    };
                    (Secret::new(text), meaning)
                }
            };
            Some(self.rechosen(id, plaintext, meaning))
        });
        let mut scalars: Vec<Chosen> = scalars.collect();
        scalars.sort_by_key(|chosen| chosen.place);
        Ok(Choice {
            scalars,
            ..Choice::default()
        })
    }

    fn rechosen(&self, id: NodeId, plaintext: Secret, meaning: Meaning) -> Chosen {
        Chosen {
            id,
            path: self.path(id),
            place: self.place(id),
            plaintext,
            meaning,
        }
    }

    /// One new value for the one scalar that stands at the path itself, encrypted before or not.
    pub fn choose_value(
        &self,
        path: &KeyPath,
        value: Secret,
        typing: Typing,
    ) -> Result<Choice, SetError> {
        let id = self.only(path)?;
        if typing == Typing::Sure && value.expose().is_empty() {
            return Err(SetError::Empty);
        }
        let is_plain = self.scalar(id).is_some_and(|scalar| scalar.is_plain_like());
        let stands = self.message_meaning(id).filter(|_| is_plain);
        let kind = psych::resolve(value.expose());
        let is_text = kind == psych::Kind::String;
        let meaning = match (typing, stands) {
            (Typing::Plain, _) => Meaning::Plain,
            (Typing::Sure, Some(_)) if !is_text => {
                return Err(SetError::Ambiguous(self.path(id), kind.words()));
            }
            // What needs quotes gets them, and what looks like a tag would be taken for one.
            (_, Some(plain)) if is_text && escape::plain(value.expose(), true) => plain,
            _ => Meaning::Text,
        };
        let chosen = self.rechosen(id, value, meaning);
        let gems = tag::split_as_gem(chosen.plaintext.expose());
        let lost = gems.0.map(|_| Warning {
            path: chosen.path.clone(),
            place: chosen.place,
        });
        Ok(Choice {
            scalars: vec![chosen],
            warnings: lost.into_iter().collect(),
            ..Choice::default()
        })
    }

    /// The one scalar at the path itself, not below it.
    pub fn only(&self, path: &KeyPath) -> Result<NodeId, SetError> {
        const SHOWN: usize = 3;
        let ids = self.matching(std::slice::from_ref(path), &mut [false]);
        match ids.as_slice() {
            [] => Err(SetError::Nothing(path.clone())),
            [id] if self.tree.path(*id).len() == path.depth() => Ok(*id),
            several => {
                let mut shown: Vec<String> = several
                    .iter()
                    .take(SHOWN)
                    .map(|id| self.path(*id))
                    .collect();
                if several.len() > SHOWN {
                    shown.push(format!("{} more", several.len() - SHOWN));
                }
                Err(SetError::NotOne(path.clone(), shown.join(", ")))
            }
        }
    }
}
