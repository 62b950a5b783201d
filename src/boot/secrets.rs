//! The items of `secrets` on their way from what the mode says to values.

use super::cryptors::Cryptors;
use super::given::{Given, place};
use super::sops_files::Sealed;
use super::vaults::{Opened, Plaintexts};
use crate::aws::Encrypted;
use crate::config::{Cryptor, ManagedSecret, ParameterSet, SecretItem, SecretSource, ValuePlace};
use std::path::Path;
use zeroize::Zeroizing;

/// All items, in their order.
pub struct Secrets<'m> {
    states: Vec<State<'m>>,
    /// Variables that held a passphrase or an identity.
    pub used: Vec<String>,
}

enum State<'m> {
    Vault(Opened<'m>),
    Sops(Sealed<'m>),
    Ssm(&'m SecretItem, &'m ParameterSet),
    SecretsManager(&'m SecretItem, &'m ManagedSecret),
    Given(Given<'m>),
    /// What is wrong was told.
    Failed,
}

impl<'m> Secrets<'m> {
    /// Reads the files of all items, and decrypts what needs nobody else; tells everything that is wrong.
    pub fn open(items: &'m [SecretItem]) -> (Secrets<'m>, Vec<String>) {
        let mut cryptors = Cryptors::default();
        let mut used = Vec::new();
        let mut problems = Vec::new();
        let mut states = Vec::new();
        for item in items {
            let opened = match &item.source {
                SecretSource::Vault(file) => {
                    Opened::open(item, file, &mut cryptors).map(State::Vault)
                }
                SecretSource::Sops(file) => Sealed::open(item, file, &mut used)
                    .and_then(|sealed| match sealed.decrypt_here() {
                        Some(given) => given.map(State::Given),
                        None => Ok(State::Sops(sealed)),
                    })
                    .map_err(|problem| vec![problem]),
                SecretSource::Ssm(set) => Ok(State::Ssm(item, set)),
                SecretSource::SecretsManager(secret) => Ok(State::SecretsManager(item, secret)),
            };
            states.push(opened.unwrap_or_else(|wrong| {
                problems.extend(at(item, wrong));
                State::Failed
            }));
        }
        used.extend(cryptors.used);
        (Secrets { states, used }, problems)
    }

    /// Whether AWS must be asked for any.
    pub fn wait(&self) -> bool {
        let done = |state: &State| matches!(state, State::Given(_) | State::Failed);
        !self.states.iter().all(done)
    }

    /// Whether anything but Google's KMS must be asked.
    pub fn need_aws(&self) -> bool {
        let done = |state: &State| match state {
            State::Vault(opened) => matches!(opened.cryptor(), Cryptor::GcpKms { .. }),
            state => matches!(state, State::Given(_) | State::Failed),
        };
        !self.states.iter().all(done)
    }

    /// What is known, in the order of the items.
    pub fn given(&self) -> impl Iterator<Item = &Given<'m>> {
        self.states.iter().filter_map(|state| match state {
            State::Given(given) => Some(given),
            _ => None,
        })
    }

    /// One value that is known.
    pub fn value(&self, place: &ValuePlace) -> Result<Zeroizing<String>, String> {
        let is_it = |item: &SecretItem| matches!(&item.source, SecretSource::Vault(file) if file.path == place.vault);
        let given = self.given().filter(|given| is_it(given.item));
        let found: Vec<_> = given
            .filter_map(|given| {
                let mut found = given.values.as_ref()?.lookup(&place.key).ok()?;
                let one = found.pop().filter(|_| found.is_empty())?;
                (one.below.is_empty() && !one.is_null).then_some((given, one))
            })
            .collect();
        // Several items may decrypt different parts of one vault.
        let decrypted = found.iter().find(|(given, one)| !(given.is_encrypted)(one));
        let (key, vault) = (&place.key, place.vault.display());
        match decrypted {
            Some((_, one)) => Ok(Zeroizing::new(one.text.expose().to_owned())),
            None if found.is_empty() => Err(format!("{key} is not one value of {vault}")),
            None => Err(format!(
                "{key} of {vault} is still encrypted: add its key path to `keys`"
            )),
        }
    }

    /// The messages of vaults that wait for KMS, with their ciphertexts and the key that the mode names.
    pub fn messages(&self) -> Vec<(String, Encrypted)> {
        let messages = self.vaults().flat_map(|opened| {
            let Cryptor::AwsKms { key_id } = opened.cryptor() else {
                return Vec::new();
            };
            let ciphertexts = opened.ciphertexts().into_iter();
            ciphertexts
                .map(|(message, ciphertext)| {
                    let key_id = key_id.clone();
                    (message, Encrypted { ciphertext, key_id })
                })
                .collect()
        });
        messages.collect()
    }

    /// The same for Google's KMS.
    pub fn google(&self) -> Vec<GoogleMessage<'m>> {
        let messages = self.vaults().flat_map(|opened| {
            let Cryptor::GcpKms {
                resource_id,
                credential_file,
            } = opened.cryptor()
            else {
                return Vec::new();
            };
            let ciphertexts = opened.ciphertexts().into_iter();
            ciphertexts
                .map(|(message, ciphertext)| GoogleMessage {
                    message,
                    ciphertext,
                    resource_id,
                    credential_file: credential_file.as_deref(),
                })
                .collect()
        });
        messages.collect()
    }

    fn vaults(&self) -> impl Iterator<Item = &Opened<'m>> {
        self.states.iter().filter_map(|state| match state {
            State::Vault(opened) => Some(opened),
            _ => None,
        })
    }

    /// Decrypts every vault whose plaintexts are all known; tells everything that is wrong.
    pub fn decrypt(&mut self, plaintexts: &Plaintexts) -> Vec<String> {
        let mut problems = Vec::new();
        for state in &mut self.states {
            let ready = |opened: &Opened| opened.is_answered(plaintexts);
            match std::mem::replace(state, State::Failed) {
                State::Vault(opened) if ready(&opened) => {
                    let item = opened.item;
                    match opened.decrypt(plaintexts) {
                        Ok(given) => *state = State::Given(given),
                        Err(wrong) => problems.extend(at(item, wrong)),
                    }
                }
                other => *state = other,
            }
        }
        problems
    }

    /// sops files that wait for KMS, with their index.
    pub fn sealed(&self) -> impl Iterator<Item = (usize, &Sealed<'m>)> {
        let states = self.states.iter().enumerate();
        states.filter_map(|(index, state)| match state {
            State::Sops(sealed) => Some((index, sealed)),
            _ => None,
        })
    }

    /// Sets of parameters, with their index.
    pub fn parameters(&self) -> impl Iterator<Item = (usize, &'m SecretItem, &'m ParameterSet)> {
        let states = self.states.iter().enumerate();
        states.filter_map(|(index, state)| match state {
            State::Ssm(item, set) => Some((index, *item, *set)),
            _ => None,
        })
    }

    /// Secrets of Secrets Manager, with their index.
    pub fn managed(&self) -> impl Iterator<Item = (usize, &'m SecretItem, &'m ManagedSecret)> {
        let states = self.states.iter().enumerate();
        states.filter_map(|(index, state)| match state {
            State::SecretsManager(item, secret) => Some((index, *item, *secret)),
            _ => None,
        })
    }

    /// Takes in what came of items; tells what is wrong with it.
    pub fn take(&mut self, came: Came<'m>) -> Vec<String> {
        let mut problems = Vec::new();
        for (index, item, given) in came {
            let state = match given {
                Ok(given) => State::Given(given),
                Err(problem) => {
                    problems.extend(at(item, vec![problem]));
                    State::Failed
                }
            };
            if let Some(old) = self.states.get_mut(index) {
                *old = state;
            }
        }
        problems
    }
}

/// What came of items: their index, the item, and its values or why there are none.
pub type Came<'m> = Vec<(usize, &'m SecretItem, Result<Given<'m>, String>)>;

/// An encrypted value, and the key of Google's that decrypts it.
pub struct GoogleMessage<'m> {
    pub message: String,
    pub ciphertext: Vec<u8>,
    pub resource_id: &'m str,
    pub credential_file: Option<&'m Path>,
}

fn at(item: &SecretItem, problems: Vec<String>) -> impl Iterator<Item = String> {
    let place = place(item);
    problems
        .into_iter()
        .map(move |problem| format!("{place}: {problem}"))
}
