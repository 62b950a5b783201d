//! The choice: pure, from the deployment history.

use super::{Ended, Past, To};
use crate::deploy::plan::short;
use std::collections::BTreeSet;

/// Why there is nothing to go back to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("nothing is known of what ran before {0}: name a revision with --to")]
    NoHistory(String),
    #[error("only {0} deployments served before this one: give --steps {0} or fewer, or --to")]
    TooFar(usize),
    #[error("{0} never served here, known are {1}")]
    Unknown(String, String),
    #[error("{0} fits several of them: {1}")]
    Ambiguous(String, String),
    #[error("{0} is what runs already")]
    Same(String),
    #[error("{0} was deregistered, and cannot run again: deploy its commit")]
    Inactive(String),
}

/// The ARN to go back to. `history` has the oldest first; `is_active` says whether a definition can run.
pub fn choose(
    current: &str,
    history: &[Past],
    to: &To,
    is_active: &dyn Fn(&str) -> bool,
) -> Result<String, Refusal> {
    let target = match to {
        To::LastGood => back(current, history, 1)?,
        To::Steps(steps) => back(current, history, *steps)?,
        To::Revision(name) | To::Sha(name) => {
            let is_meant = |past: &Past| is_named(to, &past.definition, past.sha.as_deref());
            named(history, name, &is_meant)?
        }
    };
    if target == current {
        return Err(Refusal::Same(short(target).to_owned()));
    }
    if !is_active(target) {
        return Err(Refusal::Inactive(short(target).to_owned()));
    }
    Ok(target.to_owned())
}

/// What served, in order, without what was rolled back from: to return to a definition is to leave all that
/// came after it.
fn served(history: &[Past]) -> Vec<&str> {
    let mut stack: Vec<&str> = Vec::new();
    for past in history.iter().filter(|past| past.ended == Ended::Good) {
        match stack.iter().position(|known| *known == past.definition) {
            Some(place) => stack.truncate(place + 1),
            None => stack.push(&past.definition),
        }
    }
    stack
}

fn back<'h>(current: &str, history: &'h [Past], steps: usize) -> Result<&'h str, Refusal> {
    let mut stack = served(history);
    // What fails just now is not in it: the last that served is one step back.
    if let Some(place) = stack.iter().position(|known| *known == current) {
        stack.truncate(place);
    }
    let known = stack.len();
    if known == 0 {
        return Err(Refusal::NoHistory(short(current).to_owned()));
    }
    let place = known.checked_sub(steps.max(1));
    let place = place.ok_or(Refusal::TooFar(known))?;
    stack.get(place).copied().ok_or(Refusal::TooFar(known))
}

/// Whether a definition, of a commit if that is known, is what was named.
pub(super) fn is_named(to: &To, definition: &str, sha: Option<&str>) -> bool {
    match to {
        To::LastGood | To::Steps(_) => false,
        To::Revision(name) => is_revision(definition, name),
        // Either may be the beginning of the other: an image may be tagged with a short one.
        To::Sha(name) => {
            sha.is_some_and(|known| known.starts_with(name.as_str()) || name.starts_with(known))
        }
    }
}

fn is_revision(arn: &str, name: &str) -> bool {
    let own = short(arn);
    arn == name || own == name || own.rsplit(':').next() == Some(name)
}

fn named<'h>(
    history: &'h [Past],
    name: &str,
    is_meant: &dyn Fn(&Past) -> bool,
) -> Result<&'h str, Refusal> {
    let good = || history.iter().filter(|past| past.ended == Ended::Good);
    let found: BTreeSet<&str> = good()
        .filter(|past| is_meant(past))
        .map(|past| past.definition.as_str())
        .collect();
    let list = |all: &BTreeSet<&str>| {
        let names: Vec<&str> = all.iter().map(|arn| short(arn)).collect();
        names.join(", ")
    };
    let found_one = found.first().copied();
    match (found_one, found.len()) {
        (Some(one), 1) => Ok(one),
        (None, _) => {
            let known = good().map(|past| past.definition.as_str()).collect();
            Err(Refusal::Unknown(name.to_owned(), list(&known)))
        }
        _ => Err(Refusal::Ambiguous(name.to_owned(), list(&found))),
    }
}

/// The bad revision, if it may be deregistered: once the rollback has served, and nothing else refers to it
/// (services, rules, tasks that run).
#[must_use]
pub fn retire<'b>(bad: &'b str, rollback: Ended, referred: &[&str]) -> Option<&'b str> {
    let free = !referred.iter().any(|other| short(other) == short(bad));
    (rollback == Ended::Good && free).then_some(bad)
}
