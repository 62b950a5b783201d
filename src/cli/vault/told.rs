//! What went wrong with single values, as lines for whoever typed the command.

use super::cryptor::Cryptor;
use crate::cli::{Failure, input, warn};
use crate::vault::document::{Problem, Reason};
use crate::vault::{Choice, Document, MessageError, Problems};
use std::path::Path;
use zeroize::Zeroizing;

/// The document of a file argument, and its text.
pub(super) fn read(file: &Path) -> Result<(Zeroizing<String>, Document), Failure> {
    let text = input::read(file)?;
    let document = parse(&input::name(file), &text)?;
    Ok((text, document))
}

pub(super) fn parse(name: &str, text: &str) -> Result<Document, Failure> {
    Document::parse(text).map_err(|error| Failure::line(format!("{name}:{error}")))
}

/// One line a problem; one for all where a network gave the same answer to each. What was not tried has
/// its reason in another line.
pub(super) fn failure(name: &str, problems: Problems, cryptor: &Cryptor) -> Failure {
    let (tried, rest): (Vec<Problem>, Vec<Problem>) = problems
        .0
        .into_iter()
        .partition(|one| one.reason != Reason::NotTried);
    let problems = if tried.is_empty() { rest } else { tried };
    let (Some(first), count) = (problems.first(), problems.len()) else {
        return Failure::Lines(Vec::new());
    };
    let alike = problems.iter().all(|one| one.reason == first.reason);
    if count > 1 && alike && matches!(first.reason, Reason::Cryptor(_)) {
        return Failure::line(format!("{name}: {count} values: {}", first.reason));
    }
    let mut lines: Vec<String> = problems.iter().map(|one| format!("{name}:{one}")).collect();
    let unsigned = first.reason == Reason::Message(MessageError::Signature);
    if let (true, Cryptor::Simple { passphrase, .. }) = (count > 1 && alike && unsigned, cryptor) {
        lines.push(format!(
            "no signature matches at all: is {passphrase} the right one?"
        ));
    }
    Failure::Lines(lines)
}

/// What whoever encrypts should know of the values, though it is done.
pub(super) fn warn_of(name: &str, choice: &Choice, is_message: &dyn Fn(&str) -> bool) {
    for warning in &choice.warnings {
        warn(&format!("{name}:{warning}"));
    }
    for chosen in &choice.scalars {
        if is_message(chosen.plaintext.expose()) {
            let (place, path) = (chosen.place, &chosen.path);
            warn(&format!(
                "{name}:{place}: {path}: it looks encrypted already, and is now encrypted twice"
            ));
        }
    }
}
