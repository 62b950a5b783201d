//! Passphrases, and the keys that are derived from them.

use crate::check::text;
use crate::config::Passphrase;
use crate::vault::{Secret, Simple, SimpleOptions};
use std::ffi::OsString;
use std::rc::Rc;

/// The cryptors of a boot. Deriving a key takes milliseconds, and files often share one.
#[derive(Default)]
pub struct Cryptors {
    /// Variables that held a passphrase.
    pub used: Vec<String>,
    derived: Vec<(SimpleOptions, Secret, Option<Secret>, Rc<Simple>)>,
}

impl Cryptors {
    /// The cryptor `simple` with its keys, or everything that is wrong with its passphrases.
    pub fn simple(
        &mut self,
        passphrase: &Passphrase,
        sign_passphrase: &Passphrase,
        options: &SimpleOptions,
    ) -> Result<Rc<Simple>, Vec<String>> {
        let sign = self.passphrase(sign_passphrase);
        let passphrase = self.passphrase(passphrase).and_then(|found| {
            let blank = found
                .as_ref()
                .is_some_and(|found| found.expose().trim().is_empty());
            let source = source(passphrase);
            match found {
                Some(_) if blank => Err(format!("{source} is blank: give it the passphrase")),
                Some(passphrase) => Ok(passphrase),
                None => Err(format!("{source} is not set: give it to the container")),
            }
        });
        let (passphrase, sign) = match (passphrase, sign) {
            (Ok(passphrase), Ok(sign)) => (passphrase, sign),
            (passphrase, sign) => {
                return Err(passphrase.err().into_iter().chain(sign.err()).collect());
            }
        };
        let known = self.derived.iter().find(|(known, first, second, _)| {
            known == options && *first == passphrase && *second == sign
        });
        if let Some((_, _, _, simple)) = known {
            return Ok(Rc::clone(simple));
        }
        let simple = Simple::new(options, &passphrase, sign.as_ref())
            .map_err(|error| vec![error.to_string()])?;
        let simple = Rc::new(simple);
        self.derived
            .push((options.clone(), passphrase, sign, Rc::clone(&simple)));
        Ok(simple)
    }

    /// The passphrase; `None` where its variable is not set.
    fn passphrase(&mut self, source: &Passphrase) -> Result<Option<Secret>, String> {
        match source {
            Passphrase::Variable(name) => {
                let Some(value) = std::env::var_os(name) else {
                    return Ok(None);
                };
                if !self.used.contains(name) {
                    self.used.push(name.clone());
                }
                let text = OsString::into_string(value);
                text.map(|text| Some(Secret::new(text))).map_err(|_| {
                    format!("the passphrase variable {name} is not UTF-8: set it anew")
                })
            }
            Passphrase::File(path) => {
                let content = text(path).map_err(|problem| {
                    format!("the passphrase file {}: {problem}", path.display())
                })?;
                Ok(Some(Secret::from(
                    content.strip_suffix('\n').unwrap_or(&content),
                )))
            }
        }
    }
}

fn source(passphrase: &Passphrase) -> String {
    match passphrase {
        Passphrase::Variable(name) => format!("the passphrase variable {name}"),
        Passphrase::File(path) => format!("the passphrase file {}", path.display()),
    }
}
