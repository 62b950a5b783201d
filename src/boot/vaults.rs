//! yaml_vault files: reading one, what of it is to be decrypted, and what it gives.
//!
//! Between the two a network may have to be asked, so an opened file waits for its plaintexts.

use super::cryptors::Cryptors;
use super::given::{Given, place};
use crate::check::text;
use crate::config::{Cryptor, SecretItem, VaultFile};
use crate::vault::document::{Problem, Reason};
use crate::vault::{
    Affixes, Document, Found, KeyPath, Plaintext, Problems, Selection, Simple, kms,
};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use zeroize::Zeroizing;

/// What each message turned out to hold.
pub type Plaintexts = HashMap<String, Result<Plaintext, Reason>>;

/// A file that was read, its key at hand.
pub struct Opened<'m> {
    pub item: &'m SecretItem,
    file: &'m VaultFile,
    document: Document,
    selection: Selection,
    /// The key of the cryptor `simple`.
    simple: Option<Rc<Simple>>,
}

impl<'m> Opened<'m> {
    /// Reads a file and finds its key, or tells everything that is wrong with either.
    pub fn open(
        item: &'m SecretItem,
        file: &'m VaultFile,
        cryptors: &mut Cryptors,
    ) -> Result<Opened<'m>, Vec<String>> {
        let document = text(&file.path)
            .map_err(|problem| vec![problem])
            .and_then(|text| Document::parse(&text).map_err(|error| vec![error.to_string()]));
        let simple = match &file.cryptor {
            Cryptor::AwsKms { .. } | Cryptor::GcpKms { .. } => Ok(None),
            Cryptor::Simple {
                passphrase,
                sign_passphrase,
                options,
            } => cryptors
                .simple(passphrase, sign_passphrase, options)
                .map(Some),
        };
        let (document, simple) = match (document, simple) {
            (Ok(document), Ok(simple)) => (document, simple),
            (document, simple) => {
                let problems = [document.err(), simple.err()];
                return Err(problems.into_iter().flatten().flatten().collect());
            }
        };
        let selection = document
            .select(&file.keys, &affixes(file))
            .map_err(|problems| lines(&problems))?;
        Ok(Opened {
            item,
            file,
            document,
            selection,
            simple,
        })
    }

    /// How its values are encrypted.
    pub fn cryptor(&self) -> &'m Cryptor {
        &self.file.cryptor
    }

    /// The ciphertexts that KMS must decrypt, under their messages; none of a file with a passphrase. What
    /// is no message needs no network: `decrypt` tells it.
    pub fn ciphertexts(&self) -> Vec<(String, Vec<u8>)> {
        if self.simple.is_some() {
            return Vec::new();
        }
        let messages = self.selection.messages().into_iter();
        let read = messages.filter_map(|(message, _)| {
            let ciphertext = kms::ciphertext(message).ok()?;
            Some((message.to_owned(), ciphertext))
        });
        read.collect()
    }

    /// Whether nothing is left to be asked, or asking would not help.
    pub fn is_answered(&self, plaintexts: &Plaintexts) -> bool {
        let messages = self.selection.messages();
        let malformed = |message| kms::ciphertext(message).is_err();
        self.simple.is_some()
            || messages.iter().any(|(message, _)| malformed(message))
            || messages
                .iter()
                .all(|(message, _)| plaintexts.contains_key(*message))
    }

    /// Decrypts the file.
    pub fn decrypt(self, plaintexts: &Plaintexts) -> Result<Given<'m>, Vec<String>> {
        let Opened {
            item,
            file,
            document,
            selection,
            simple,
        } = self;
        let decrypted = document.decrypt_selection(&selection, |message| match &simple {
            Some(simple) => simple.decrypt(message).map_err(Reason::from),
            None => match plaintexts.get(message) {
                Some(plaintext) => plaintext.clone(),
                None => match kms::ciphertext(message) {
                    Ok(_) => Err(Reason::NotTried),
                    Err(error) => Err(error.into()),
                },
            },
        });
        let text = decrypted.map_err(|problems| tell(&selection, problems))?;
        let problems = selection.complaints(|text| file.cryptor.is_message(text));
        if !problems.is_empty() {
            return Err(problems);
        }
        let values = Document::parse(text.expose()).map_err(|error| vec![error.to_string()])?;
        let warnings = integer_key_bases(&selection, &values, item);
        let content = Zeroizing::new(text.expose().as_bytes().to_vec());
        let count = selection.scalars.len();
        Ok(Given {
            warnings,
            is_encrypted: Box::new(still_encrypted(file, &selection)),
            ..Given::whole(item, Some(values), content, count)
        })
    }
}

fn affixes(file: &VaultFile) -> Affixes {
    Affixes {
        prefix: file.prefix.clone(),
        suffix: file.suffix.clone(),
    }
}

/// Whether a value of the decrypted file is a message that nobody decrypted.
fn still_encrypted<'m>(
    file: &'m VaultFile,
    selection: &Selection,
) -> impl Fn(&Found) -> bool + use<'m> {
    let affixes = affixes(file);
    let scalars = selection.scalars.iter();
    let decrypted: HashSet<String> = scalars.map(|scalar| scalar.path.clone()).collect();
    move |one: &Found| {
        !decrypted.contains(one.path.as_str())
            && file.cryptor.is_message(affixes.strip(one.text.expose()))
    }
}

fn lines(problems: &Problems) -> Vec<String> {
    problems.0.iter().map(ToString::to_string).collect()
}

/// One line a problem; but one for all where every value fails alike, as with a wrong passphrase. Those
/// that were not tried have a reason that stands with another one.
fn tell(selection: &Selection, problems: Problems) -> Vec<String> {
    let selected = selection.scalars.len();
    let tried = |one: &Problem| one.reason != Reason::NotTried;
    let problems = Problems(problems.0.into_iter().filter(tried).collect());
    match problems.0.as_slice() {
        [first, .., last]
            if problems.0.len() == selected
                && problems.0.iter().all(|one| one.reason == last.reason) =>
        {
            vec![format!(
                "none of the {selected} values can be decrypted: {}",
                first.reason
            )]
        }
        _ => lines(&problems),
    }
}

/// Rails takes a `secret_key_base` of digits alone for an Integer, and answers every request with 500.
fn integer_key_bases(selection: &Selection, plain: &Document, item: &SecretItem) -> Vec<String> {
    let paths = selection
        .scalars
        .iter()
        .map(|scalar| &scalar.path)
        .filter(|path| path.ends_with(".secret_key_base"));
    let found = paths.filter_map(|path| plain.lookup(&KeyPath::parse(path).ok()?).ok());
    let integers = found.flatten().filter(|one| one.is_integer);
    let tell = |one: Found| {
        format!(
            "{}: {} is a number to YAML, and Rails wants a string: quote it",
            place(item),
            one.path
        )
    };
    integers.map(tell).collect()
}
