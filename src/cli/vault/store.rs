//! Sealing what was chosen, and putting a changed file in the place of the one that was read.

use super::cryptor::Cryptor;
use super::told;
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input};
use crate::vault::document::Reason;
use crate::vault::{Affixes, Choice, Document};
use std::path::Path;

/// The text of a document with all that was chosen encrypted.
pub(super) fn sealed(
    name: &str,
    document: &Document,
    choice: &Choice,
    affixes: &Affixes,
    cryptor: &mut Cryptor,
) -> Result<String, Failure> {
    let mut messages = cryptor.seal(choice)?.into_iter();
    let next = |_: &_| messages.next().unwrap_or(Err(Reason::NotTried));
    document
        .encrypt_choice(choice, affixes, next)
        .map_err(|problems| told::failure(name, problems, cryptor))
}

/// A file that is changed in its place.
pub(super) fn is_changeable(file: &Path) -> Result<(), Failure> {
    if file == Path::new(input::DASH) {
        let line = "standard input cannot be changed: name a file".to_owned();
        return Err(Failure::Lines(vec![line]));
    }
    Ok(())
}

/// Replaces a file, unless somebody else has changed it since it was read.
pub(super) fn replace(file: &Path, read: &str, text: &str) -> Result<(), Failure> {
    if *input::read(file)? != read {
        return Err(Failure::line(format!(
            "{} was changed by somebody else in between, and stays as it is now: do it again",
            file.display()
        )));
    }
    output::write(Some(file), text, Privacy::Public)
}
