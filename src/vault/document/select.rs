//! What a list of key paths means in an encrypted document.

use super::super::key_path::{self, KeyPath};
use super::super::simple::MessageError;
use super::problem::{Problem, Problems, Reason};
use super::reach::{Bomb, Via, Walk};
use super::tree::NodeId;
use super::{Document, Plaintext};
use crate::vault::Secret;
use crate::yaml::Place;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

/// What stands around messages in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affixes {
    pub prefix: String,
    pub suffix: String,
}

impl Affixes {
    /// Without prefix and suffix, each where it is there: messages without them still decrypt.
    #[must_use]
    pub fn strip<'a>(&self, text: &'a str) -> &'a str {
        let text = text.strip_prefix(&*self.prefix).unwrap_or(text);
        text.strip_suffix(&*self.suffix).unwrap_or(text)
    }

    pub(super) fn add(&self, message: &str) -> String {
        format!("{}{message}{}", self.prefix, self.suffix)
    }
}

/// A scalar that is to be decrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selected {
    /// What `splice` takes.
    pub id: NodeId,
    /// Its key path.
    pub path: String,
    /// Where it begins.
    pub place: Place,
    /// Its text without affixes: a message, if it is encrypted at all.
    pub message: String,
}

/// A key path that means no scalar of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unmatched {
    pub path: KeyPath,
    /// Where the value stands that it means through an alias or a merge key.
    pub through: Option<(Via, String, Place)>,
}

impl fmt::Display for Unmatched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = &self.path;
        match &self.through {
            None => write!(f, "key path {path} matches nothing"),
            Some((via, source, place)) => write!(
                f,
                "key path {path} matches only through {via}, which stays as it is: add {source}, where the value stands ({place})"
            ),
        }
    }
}

/// A scalar that is meant through an alias or a merge key only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aliased {
    /// The key path that it has through the alias.
    pub path: String,
    /// The key path where it stands.
    pub source: String,
    pub place: Place,
    pub via: Via,
    /// Its text without affixes.
    pub message: String,
}

impl Aliased {
    /// That it stays in clear text, with how many more values come the same way.
    fn in_clear_text(&self, more: usize) -> String {
        let Aliased {
            path,
            source,
            place,
            via,
            ..
        } = self;
        let (more, stays, comes) = match more {
            0 => (String::new(), "stays", "it comes"),
            n => (format!(" and {n} more"), "stay", "they come"),
        };
        format!(
            "{path}{more} {stays} in clear text, for {comes} only through {via}: add the key path {source}, where the value stands ({place})"
        )
    }
}

/// Which values are in clear text though key paths lead to them, but for what `unmatched` tells.
pub(super) fn in_clear_text(
    aliased: &[Aliased],
    unmatched: &[Unmatched],
    is_message: impl Fn(&str) -> bool,
) -> Vec<String> {
    let told: Vec<&Via> = unmatched
        .iter()
        .filter_map(|one| one.through.as_ref().map(|(via, ..)| via))
        .collect();
    let mut first: Vec<(&Aliased, usize)> = Vec::new();
    let mut known: HashMap<&Via, usize> = HashMap::new();
    for one in aliased {
        if told.contains(&&one.via) || is_message(&one.message) {
            continue;
        }
        let index = *known.entry(&one.via).or_insert(first.len());
        match first.get_mut(index) {
            Some((_, more)) => *more += 1,
            None => first.push((one, 0)),
        }
    }
    let lines = first.into_iter();
    lines.map(|(one, more)| one.in_clear_text(more)).collect()
}

impl fmt::Display for Aliased {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Aliased {
            path,
            source,
            place,
            via,
            ..
        } = self;
        write!(
            f,
            "{path} stays encrypted, for it comes only through {via}: add the key path {source}, where the value stands ({place})"
        )
    }
}

/// What is to be decrypted, and what key paths miss.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// In the order of the text.
    pub scalars: Vec<Selected>,
    pub unmatched: Vec<Unmatched>,
    /// Not selected, encrypted or not; see `left_encrypted`.
    pub aliased: Vec<Aliased>,
}

impl Selection {
    /// Each distinct message with the scalars that hold it, so that it is decrypted once.
    #[must_use]
    pub fn messages(&self) -> Vec<(&str, Vec<&Selected>)> {
        let mut order: Vec<(&str, Vec<&Selected>)> = Vec::new();
        let mut known: HashMap<&str, usize> = HashMap::new();
        for scalar in &self.scalars {
            let index = *known.entry(&scalar.message).or_insert(order.len());
            match order.get_mut(index) {
                Some((_, scalars)) => scalars.push(scalar),
                None => order.push((&scalar.message, vec![scalar])),
            }
        }
        order
    }

    /// One sentence for each key path that matches nothing and each value that would stay encrypted:
    /// errors at boot, warnings on the command line.
    pub fn complaints(&self, is_message: impl Fn(&str) -> bool) -> Vec<String> {
        let missed = self.unmatched.iter().map(ToString::to_string);
        let explained: HashSet<Place> = self
            .unmatched
            .iter()
            .filter_map(|unmatched| unmatched.through.as_ref().map(|(_, _, place)| *place))
            .collect();
        let encrypted = self
            .aliased
            .iter()
            .filter(|aliased| !explained.contains(&aliased.place) && is_message(&aliased.message))
            .map(ToString::to_string);
        missed.chain(encrypted).collect()
    }

    /// One sentence for each alias that leads to values in clear text.
    pub fn in_clear_text(&self, is_message: impl Fn(&str) -> bool) -> Vec<String> {
        in_clear_text(&self.aliased, &self.unmatched, is_message)
    }
}

/// A decrypted text and the selection it came from.
#[derive(Debug)]
pub struct Decrypted {
    pub text: Secret,
    pub selection: Selection,
}

impl Document {
    /// What these key paths mean here. Fails where ERB stands in a selected value.
    pub fn select(&self, paths: &[KeyPath], affixes: &Affixes) -> Result<Selection, Problems> {
        let selection = self.survey(paths, affixes)?;
        let erb = selection.scalars.iter().filter(|one| self.has_erb(one.id));
        let problems = erb.map(|one| one.problem(Reason::Erb)).collect();
        Problems::none_or(problems, selection)
    }

    /// The same for one who only looks: ERB is text like any other.
    pub fn survey(&self, paths: &[KeyPath], affixes: &Affixes) -> Result<Selection, Problems> {
        let mut matched = vec![false; paths.len()];
        let ids = self.matching(paths, &mut matched);
        let (unmatched, aliased) = self.missed(paths, &matched, &ids, affixes)?;
        Ok(Selection {
            scalars: ids.iter().map(|id| self.selected(*id, affixes)).collect(),
            unmatched,
            aliased,
        })
    }

    /// Whether ERB stands in a scalar.
    #[must_use]
    pub fn has_erb(&self, id: NodeId) -> bool {
        self.source_text(id).contains("<%")
    }

    /// What key paths mean beside these scalars: nothing at all, or values through aliases and merge keys.
    pub(super) fn missed(
        &self,
        paths: &[KeyPath],
        matched: &[bool],
        ids: &[NodeId],
        affixes: &Affixes,
    ) -> Result<(Vec<Unmatched>, Vec<Aliased>), Problems> {
        let chosen: HashSet<NodeId> = ids.iter().copied().collect();
        let mut unmatched = Vec::new();
        let mut aliased: BTreeMap<NodeId, Aliased> = BTreeMap::new();
        for (path, matched) in paths.iter().zip(matched) {
            let reached = Walk::through_aliases(self, path).map_err(|Bomb| bomb())?;
            let missed: Vec<_> = reached
                .iter()
                .filter(|one| !chosen.contains(&one.id))
                .collect();
            if !matched && (reached.is_empty() || !missed.is_empty()) {
                let through = missed.first().and_then(|one| {
                    Some((one.via.clone()?, self.path(one.id), self.place(one.id)))
                });
                unmatched.push(Unmatched {
                    path: path.clone(),
                    through,
                });
            }
            for one in missed {
                let Some(via) = one.via.clone() else { continue };
                aliased.entry(one.id).or_insert_with(|| Aliased {
                    path: key_path::show(&one.segments),
                    via,
                    source: self.path(one.id),
                    place: self.place(one.id),
                    message: self.selected(one.id, affixes).message,
                });
            }
        }
        Ok((unmatched, aliased.into_values().collect()))
    }

    /// The scalars that any of these paths matches; says which paths did.
    pub(super) fn matching(&self, paths: &[KeyPath], matched: &mut [bool]) -> Vec<NodeId> {
        let scalars = self.tree.value_scalars();
        scalars
            .filter(|id| {
                let segments = self.tree.path(*id);
                let mut any = false;
                for (path, matched) in paths.iter().zip(matched.iter_mut()) {
                    let is_match = path.matches(&segments);
                    *matched |= is_match;
                    any |= is_match;
                }
                any
            })
            .collect()
    }

    /// One scalar as a selection has it.
    #[must_use]
    pub fn selected(&self, id: NodeId, affixes: &Affixes) -> Selected {
        let text = self.scalar(id).map_or("", |scalar| scalar.value);
        Selected {
            id,
            path: self.path(id),
            place: self.place(id),
            message: affixes.strip(text).to_owned(),
        }
    }

    /// Selects, decrypts each distinct message once, and splices; all failures together.
    pub fn decrypt(
        &self,
        paths: &[KeyPath],
        affixes: &Affixes,
        mut open: impl FnMut(&str) -> Result<Plaintext, MessageError>,
    ) -> Result<super::Decrypted, Problems> {
        let selection = self.select(paths, affixes)?;
        let text = self.decrypt_selection(&selection, |message| Ok(open(message)?))?;
        Ok(Decrypted { text, selection })
    }

    /// The second half of `decrypt`, for a cryptor that had to be asked in between: `open` is called once
    /// for each distinct message.
    pub fn decrypt_selection(
        &self,
        selection: &Selection,
        open: impl FnMut(&str) -> Result<Plaintext, Reason>,
    ) -> Result<Secret, Problems> {
        let plaintexts = self.plaintexts(selection, open)?;
        self.splice(&plaintexts)
    }

    /// What each selected scalar holds; all failures together.
    pub(super) fn plaintexts(
        &self,
        selection: &Selection,
        mut open: impl FnMut(&str) -> Result<Plaintext, Reason>,
    ) -> Result<Vec<(NodeId, Plaintext)>, Problems> {
        let mut plaintexts = Vec::new();
        let mut problems = Vec::new();
        for (message, scalars) in selection.messages() {
            match open(message) {
                Ok(plain) => plaintexts.extend(scalars.iter().map(|one| (one.id, plain.clone()))),
                Err(reason) => problems.extend(
                    scalars
                        .iter()
                        .map(|one| one.problem(self.explain(one.id, reason.clone()))),
                ),
            }
        }
        problems.sort_by_key(|problem| problem.place);
        Problems::none_or(problems, plaintexts)
    }

    fn explain(&self, id: NodeId, reason: Reason) -> Reason {
        match self.tree.complex_key.filter(|key| *key < id) {
            Some(key) if reason == Reason::Message(MessageError::NotAMessage) => {
                Reason::AfterComplexKey(self.place(key))
            }
            _ => reason,
        }
    }
}

impl Selected {
    fn problem(&self, reason: Reason) -> Problem {
        Problem {
            path: self.path.clone(),
            place: self.place,
            reason,
        }
    }
}

fn bomb() -> Problems {
    Problems(vec![Problem {
        path: "$".to_owned(),
        place: Place { line: 1, column: 1 },
        reason: Reason::TooManyAliases,
    }])
}
