//! Texts for the eye: what is encrypted is decrypted, what is in clear stays as it is.

use super::cryptor::{Cryptor, lookup};
use super::told;
use crate::cli::Failure;
use crate::vault::{Affixes, Document, KeyPath, Secret, Selection};
use std::collections::BTreeSet;

/// The text of a document with all that was selected decrypted.
pub(super) fn decrypted(
    name: &str,
    document: &Document,
    selection: &Selection,
    cryptor: &mut Cryptor,
) -> Result<Secret, Failure> {
    let opened = cryptor.open_all(selection)?;
    document
        .decrypt_selection(selection, lookup(&opened))
        .map_err(|problems| told::failure(name, problems, cryptor))
}

/// A text to be revealed.
pub(super) struct Veiled {
    name: String,
    document: Document,
    selection: Selection,
}

impl Veiled {
    pub fn new(
        name: &str,
        text: &str,
        paths: &[KeyPath],
        affixes: &Affixes,
        is_message: impl Fn(&str) -> bool,
    ) -> Result<Veiled, Failure> {
        let document = told::parse(name, text)?;
        let mut selection = document
            .survey(paths, affixes)
            .map_err(|problems| Failure::line(format!("{name}:{problems}")))?;
        selection.scalars.retain(|one| is_message(&one.message));
        Ok(Veiled {
            name: name.to_owned(),
            document,
            selection,
        })
    }
}

/// All of them decrypted, each distinct message once.
pub(super) fn reveal(veiled: &[Veiled], cryptor: &mut Cryptor) -> Result<Vec<Secret>, Failure> {
    let scalars = veiled.iter().flat_map(|one| &one.selection.scalars);
    let messages: BTreeSet<&str> = scalars.map(|one| one.message.as_str()).collect();
    let opened = cryptor.open(messages)?;
    let texts = veiled.iter().map(|one| {
        let text = one
            .document
            .decrypt_selection(&one.selection, lookup(&opened));
        text.map_err(|problems| told::failure(&one.name, problems, cryptor))
    });
    texts.collect()
}
