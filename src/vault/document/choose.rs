//! What is to be encrypted, and what encryption would lose.

use super::super::key_path::KeyPath;
use super::problem::{Problem, Problems, Reason};
use super::render::{Meaning, Target};
use super::select::in_clear_text;
use super::tree::NodeId;
use super::{Affixes, Aliased, Document, Unmatched, tag};
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
    /// How the message must read in the file.
    pub(super) meaning: Meaning,
}

impl Chosen {
    /// That it cannot be encrypted.
    #[must_use]
    pub fn problem(&self, reason: Reason) -> Problem {
        Problem {
            path: self.path.clone(),
            place: self.place,
            reason,
        }
    }
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
    /// Values that are meant through an alias or a merge key only, which encryption does not follow.
    pub aliased: Vec<Aliased>,
    pub warnings: Vec<Warning>,
    /// Messages that stay as they were.
    pub(super) kept: Vec<Target>,
}

impl Choice {
    /// How many values keep their message.
    #[must_use]
    pub fn kept(&self) -> usize {
        self.kept.len()
    }

    /// One sentence for each key path that matches nothing, and for each alias that leads to values which
    /// stay in clear text.
    pub fn complaints(&self, is_message: impl Fn(&str) -> bool) -> Vec<String> {
        let told = self.unmatched.iter().map(ToString::to_string);
        let clear = in_clear_text(&self.aliased, &self.unmatched, is_message);
        told.chain(clear).collect()
    }
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
        self.choose(paths, &Affixes::default(), |_| None)
    }

    /// The same, but for what `keep` finds a message that may stay.
    pub(super) fn choose(
        &self,
        paths: &[KeyPath],
        affixes: &Affixes,
        mut keep: impl FnMut(NodeId) -> Option<Target>,
    ) -> Result<Choice, Problems> {
        let mut matched = vec![false; paths.len()];
        let mut choice = Choice::default();
        let mut problems = Vec::new();
        let ids = self.matching(paths, &mut matched);
        for id in &ids {
            if let Some(target) = keep(*id) {
                choice.kept.push(target);
                continue;
            }
            match self.chosen(*id) {
                Ok(chosen) => {
                    choice.warnings.extend(self.warning(*id, &chosen));
                    choice.scalars.push(chosen);
                }
                Err(reason) => problems.push(self.problem(*id, reason)),
            }
        }
        if let Some(key) = self.tree.complex_key.filter(|_| !choice.scalars.is_empty()) {
            problems.push(self.problem(key, Reason::ComplexKey));
        }
        let missed = self.missed(paths, &matched, &ids, affixes)?;
        (choice.unmatched, choice.aliased) = missed;
        Problems::none_or(problems, choice)
    }

    /// The text with all that was chosen encrypted; `seal` gives the message of each, and all failures
    /// are told together.
    pub fn encrypt_choice(
        &self,
        choice: &Choice,
        affixes: &Affixes,
        mut seal: impl FnMut(&Chosen) -> Result<String, Reason>,
    ) -> Result<String, Problems> {
        let mut targets = choice.kept.clone();
        let mut problems = Vec::new();
        for chosen in &choice.scalars {
            match seal(chosen) {
                Ok(message) => {
                    let value = affixes.add(&message);
                    targets.push(Target {
                        id: chosen.id,
                        meaning: chosen.meaning.clone(),
                        as_written: None,
                        keeps_style: true,
                        value,
                    });
                }
                Err(reason) => problems.push(chosen.problem(reason)),
            }
        }
        Problems::none_or(problems, ())?;
        self.spliced(targets)
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
        let (Some(scalar), Some(meaning)) = (self.scalar(id), self.encrypted_meaning(id)) else {
            return Err(Reason::Unwritable);
        };
        if self.has_erb(id) {
            return Err(Reason::Erb);
        }
        let plaintext = tag::join(scalar.tag, scalar.value);
        let plain_like = meaning != Meaning::Text;
        if tag::split(&plaintext, plain_like) != (scalar.tag, scalar.value) {
            return Err(Reason::Tag(scalar.tag.unwrap_or_default().to_owned()));
        }
        Ok(Chosen {
            id,
            path: self.path(id),
            place: self.place(id),
            plaintext: Secret::new(plaintext),
            meaning,
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

    pub(super) fn warning(&self, id: NodeId, chosen: &Chosen) -> Option<Warning> {
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
