//! What is to be encrypted, and what encryption would lose.

use super::super::key_path::KeyPath;
use super::problem::{Problem, Problems, Reason};
use super::render::Meaning;
use super::tree::NodeId;
use super::{Affixes, Document, Unmatched, tag};
use crate::vault::Secret;
use crate::yaml::{Place, Style};
use std::fmt;

/// A scalar that is to be encrypted.
#[derive(Clone, Debug)]
pub struct Chosen {
    /// What `splice_messages` takes.
    pub id: NodeId,
    pub path: String,
    pub place: Place,
    /// What the message must hold: the value, its tag before it.
    pub plaintext: Secret,
}

/// Something that the gem's own reader would not give back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    pub path: String,
    pub place: Place,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Warning { path, place } = self;
        write!(
            f,
            "{place}: {path}: entry reads the value back, but the yaml_vault gem will change it, for its text begins like a tag"
        )
    }
}

/// All that key paths choose for encryption.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    pub scalars: Vec<Chosen>,
    pub unmatched: Vec<Unmatched>,
    pub warnings: Vec<Warning>,
}

/// An encrypted text and the choice it came from.
#[derive(Debug)]
pub struct Encrypted {
    pub text: String,
    pub choice: Choice,
}

impl Document {
    /// What these key paths mean in a document that is to be encrypted. Refuses what no reader, or not
    /// the gem's, could decrypt in full.
    pub fn choose_plaintexts(&self, paths: &[KeyPath]) -> Result<Choice, Problems> {
        let mut matched = vec![false; paths.len()];
        let mut choice = Choice::default();
        let mut problems = Vec::new();
        for id in self.matching(paths, &mut matched) {
            match self.chosen(id) {
                Ok(chosen) => {
                    choice.warnings.extend(self.warning(id, &chosen));
                    choice.scalars.push(chosen);
                }
                Err(reason) => problems.push(self.problem(id, reason)),
            }
        }
        if let Some(key) = self.tree.complex_key.filter(|_| !choice.scalars.is_empty()) {
            problems.push(self.problem(key, Reason::ComplexKey));
        }
        let missed = paths.iter().zip(matched).filter(|(_, matched)| !matched);
        choice.unmatched = missed
            .map(|(path, _)| Unmatched {
                path: path.clone(),
                through: None,
            })
            .collect();
        Problems::none_or(problems, choice)
    }

    /// Chooses, encrypts and splices; `seal` makes a message of a plaintext.
    pub fn encrypt<E: From<Problems>>(
        &self,
        paths: &[KeyPath],
        affixes: &Affixes,
        mut seal: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Encrypted, E> {
        let choice = self.choose_plaintexts(paths)?;
        let mut messages = Vec::with_capacity(choice.scalars.len());
        for chosen in &choice.scalars {
            messages.push((chosen.id, seal(chosen.plaintext.expose())?));
        }
        let text = self.splice_messages(&messages, affixes)?;
        Ok(Encrypted { text, choice })
    }

    fn chosen(&self, id: NodeId) -> Result<Chosen, Reason> {
        let Some(scalar) = self.scalar(id) else {
            return Err(Reason::Unwritable);
        };
        if self.source_text(id).contains("<%") {
            return Err(Reason::Erb);
        }
        let plaintext = tag::join(scalar.tag, scalar.value);
        let plain_like = self.encrypted_meaning(id) != Some(Meaning::Text);
        if tag::split(&plaintext, plain_like) != (scalar.tag, scalar.value) {
            return Err(Reason::Tag(scalar.tag.unwrap_or_default().to_owned()));
        }
        Ok(Chosen {
            id,
            path: self.path(id),
            place: self.place(id),
            plaintext: Secret::new(plaintext),
        })
    }

    /// How the encrypted node must read. Tagged nodes lose their tag: plain ones become plain, the
    /// others get `!`, as libyaml's emitter writes them.
    pub(super) fn encrypted_meaning(&self, id: NodeId) -> Option<Meaning> {
        let scalar = self.scalar(id)?;
        Some(match (scalar.tag, scalar.style) {
            // A plain text that looks like a plaintext with its tag: quotes keep it what it is.
            (None, Style::Plain) if tag::split(scalar.value, true).0.is_some() => Meaning::Text,
            (_, Style::Plain) => Meaning::Plain,
            (None, _) => Meaning::Text,
            (Some(_), _) => Meaning::Tagged("!".to_owned()),
        })
    }

    fn warning(&self, id: NodeId, chosen: &Chosen) -> Option<Warning> {
        let scalar = self.scalar(id)?;
        let gems = tag::split_as_gem(chosen.plaintext.expose());
        // `! 1` comes back as `!<%21> 1`, which is no integer any more.
        let changed = gems != (scalar.tag, scalar.value) || scalar.tag == Some("!");
        changed.then(|| Warning {
            path: chosen.path.clone(),
            place: chosen.place,
        })
    }

    fn problem(&self, id: NodeId, reason: Reason) -> Problem {
        Problem {
            path: self.path(id),
            place: self.place(id),
            reason,
        }
    }
}
