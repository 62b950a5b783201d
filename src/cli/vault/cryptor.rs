//! Messages to plaintexts and back, by any cryptor: all of a file at once, so that a network is asked
//! for many at a time.

use super::account::Account;
use super::kms::KmsCryptor;
use crate::cli::Failure;
use crate::vault::document::{Chosen, Reason};
use crate::vault::{Choice, Plaintext, Selection, Simple};
use std::collections::HashMap;
use std::time::Duration;

/// What each message turned out to hold.
pub(super) type Opened = HashMap<String, Result<Plaintext, Reason>>;

/// A cryptor with its keys.
pub(super) enum Cryptor {
    Simple {
        simple: Box<Simple>,
        /// The variable that its passphrase came from.
        passphrase: &'static str,
    },
    Kms(Box<KmsCryptor>),
}

impl Cryptor {
    pub fn kms(account: Account, timeout: Duration) -> Result<Cryptor, Failure> {
        Ok(Cryptor::Kms(Box::new(KmsCryptor::new(account, timeout)?)))
    }

    pub fn is_message(&self, text: &str) -> bool {
        match self {
            Cryptor::Simple { simple, .. } => simple.is_message(text),
            Cryptor::Kms(_) => crate::vault::kms::is_message(text),
        }
    }

    /// Whether a key to encrypt with is known; `option` would name it.
    pub fn can_encrypt(&self, option: &str) -> Result<(), Failure> {
        match self {
            Cryptor::Kms(kms) if !kms.has_key() => Err(Failure::line(format!(
                "no KMS key to encrypt with: name it with {option}"
            ))),
            _ => Ok(()),
        }
    }

    /// Decrypts distinct messages.
    pub fn open<'m>(
        &mut self,
        messages: impl IntoIterator<Item = &'m str>,
    ) -> Result<Opened, Failure> {
        match self {
            Cryptor::Simple { simple, .. } => {
                let opened = messages.into_iter().map(|message| {
                    let plaintext = simple.decrypt(message).map_err(Reason::from);
                    (message.to_owned(), plaintext)
                });
                Ok(opened.collect())
            }
            Cryptor::Kms(kms) => kms.open(messages),
        }
    }

    /// Decrypts all that was selected.
    pub fn open_all(&mut self, selection: &Selection) -> Result<Opened, Failure> {
        let messages = selection.messages().into_iter();
        self.open(messages.map(|(message, _)| message))
    }

    /// The message of each scalar, in their order.
    pub fn seal(&mut self, choice: &Choice) -> Result<Vec<Result<String, Reason>>, Failure> {
        match self {
            Cryptor::Simple { simple, .. } => {
                let sealed = choice.scalars.iter().map(|one| seal(simple, one));
                sealed.collect()
            }
            Cryptor::Kms(kms) => kms.seal(&choice.scalars),
        }
    }
}

fn seal(simple: &Simple, chosen: &Chosen) -> Result<Result<String, Reason>, Failure> {
    let mut iv = vec![0; simple.iv_len()];
    getrandom::fill(&mut iv)
        .map_err(|error| Failure::line(format!("the kernel gives no random bytes: {error}")))?;
    let message = simple.encrypt(chosen.plaintext.expose(), &iv);
    Ok(message.map_err(Reason::from))
}

/// What `open` must answer for a message: one that nobody asked for has not been tried.
pub(super) fn lookup(opened: &Opened) -> impl Fn(&str) -> Result<Plaintext, Reason> + '_ {
    |message| {
        let known = opened.get(message);
        known.cloned().unwrap_or(Err(Reason::NotTried))
    }
}
