//! Secrets: read the files, decrypt, and hold the results for publishing.
//!
//! Everything that is wrong with any of them is told at once; then nothing is used.

use super::Failure;
use super::launch::{SecretOutput, Secrets};
use crate::check::text;
use crate::config::{Export, Mode, Passphrase, SecretFile};
use crate::vault::{
    Affixes, Document, Found, KeyPath, Problems, Secret, Segment, Selection, Simple, SimpleOptions,
};
use std::collections::HashMap;
use std::ffi::OsString;
use std::rc::Rc;
use zeroize::Zeroizing;

/// Fetches everything the mode names, or tells everything that is wrong with it.
pub fn fetch(mode: &Mode) -> Result<Secrets, Failure> {
    let mut fetching = Fetching::default();
    for file in &mode.secrets {
        let mut problems = Vec::new();
        fetching.fetch(file, &mut problems);
        let place = format!("{}: {}", file.declared_at, file.vault.display());
        fetching
            .problems
            .extend(problems.iter().map(|problem| format!("{place}: {problem}")));
    }
    for (name, _) in &mode.env {
        if let Some(origin) = fetching.origins.get(name) {
            let problem =
                format!("{origin}: {name} is set by the mode's env, too: take one of them away");
            fetching.problems.push(problem);
        }
    }
    Failure::all(fetching.problems)?;
    Ok(fetching.secrets)
}

#[derive(Default)]
struct Fetching {
    secrets: Secrets,
    problems: Vec<String>,
    /// Where each exported variable comes from.
    origins: HashMap<String, String>,
    /// Deriving a key takes milliseconds, and files often share one.
    derived: Vec<(SimpleOptions, Secret, Option<Secret>, Rc<Simple>)>,
}

impl Fetching {
    fn fetch(&mut self, file: &SecretFile, problems: &mut Vec<String>) {
        let content = text(&file.vault)
            .map_err(|problem| problems.push(problem))
            .ok();
        let cryptor = self
            .cryptor(file)
            .map_err(|more| problems.extend(more))
            .ok();
        if let (Some(content), Some(cryptor)) = (content, cryptor) {
            match self.decrypt(file, &content, &cryptor) {
                Ok(()) => {}
                Err(more) => problems.extend(more),
            }
        }
    }

    fn cryptor(&mut self, file: &SecretFile) -> Result<Rc<Simple>, Vec<String>> {
        let passphrase = self.passphrase(&file.passphrase).and_then(|found| {
            let blank = found
                .as_ref()
                .is_some_and(|found| found.expose().trim().is_empty());
            let source = source(&file.passphrase);
            match found {
                Some(_) if blank => Err(format!("{source} is blank: give it the passphrase")),
                Some(passphrase) => Ok(passphrase),
                None => Err(format!("{source} is not set: give it to the container")),
            }
        });
        let sign = self.passphrase(&file.sign_passphrase);
        let (passphrase, sign) = match (passphrase, sign) {
            (Ok(passphrase), Ok(sign)) => (passphrase, sign),
            (passphrase, sign) => {
                return Err(passphrase.err().into_iter().chain(sign.err()).collect());
            }
        };
        let known = self.derived.iter().find(|(options, first, second, _)| {
            *options == file.options && *first == passphrase && *second == sign
        });
        if let Some((_, _, _, simple)) = known {
            return Ok(Rc::clone(simple));
        }
        let simple = Simple::new(&file.options, &passphrase, sign.as_ref())
            .map_err(|error| vec![error.to_string()])?;
        let simple = Rc::new(simple);
        self.derived
            .push((file.options.clone(), passphrase, sign, Rc::clone(&simple)));
        Ok(simple)
    }

    /// The passphrase; `None` where its variable is not set.
    fn passphrase(&mut self, source: &Passphrase) -> Result<Option<Secret>, String> {
        match source {
            Passphrase::Variable(name) => {
                let Some(value) = std::env::var_os(name) else {
                    return Ok(None);
                };
                if !self.secrets.used.contains(name) {
                    self.secrets.used.push(name.clone());
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

    fn decrypt(
        &mut self,
        file: &SecretFile,
        text: &str,
        cryptor: &Simple,
    ) -> Result<(), Vec<String>> {
        let one = |problem: &dyn ToString| vec![problem.to_string()];
        let document = Document::parse(text).map_err(|error| one(&error))?;
        let affixes = Affixes {
            prefix: file.prefix.clone(),
            suffix: file.suffix.clone(),
        };
        let decrypted = document
            .decrypt(&file.keys, &affixes, |message| cryptor.decrypt(message))
            .map_err(|problems| tell(&document, file, &affixes, &problems))?;
        let is_message = |text: &str| cryptor.is_message(affixes.strip(text));
        let mut problems = decrypted
            .selection
            .complaints(|text| cryptor.is_message(text));
        self.secrets.decrypted +=
            u32::try_from(decrypted.selection.scalars.len()).unwrap_or(u32::MAX);
        let plain = Document::parse(decrypted.text.expose()).map_err(|error| one(&error))?;
        self.secrets
            .warnings
            .extend(integer_key_bases(&decrypted.selection, &plain, file));
        for export in &file.env {
            if let Err(problem) = self.export(export, &plain, &is_message, &file.declared_at) {
                problems.push(problem);
            }
        }
        if let Some(write) = &file.write {
            let bytes = Zeroizing::new(decrypted.text.expose().as_bytes().to_vec());
            self.secrets.files.push(SecretOutput {
                target: write.path.clone(),
                bytes,
                mode: write.mode,
            });
        }
        if problems.is_empty() {
            Ok(())
        } else {
            Err(problems)
        }
    }

    fn export(
        &mut self,
        export: &Export,
        plain: &Document,
        is_message: &dyn Fn(&str) -> bool,
        origin: &str,
    ) -> Result<(), String> {
        let (path, found) = match export {
            Export::One { path, .. } | Export::Subtree { path, .. } => {
                (path, look_up(plain, path)?)
            }
        };
        let values: Vec<(String, &Found)> = match export {
            Export::One { name, .. } => vec![(name.clone(), single(name, path, &found)?)],
            // A null is no value in Ruby's ENV either: the variable is left out.
            Export::Subtree { prefix, .. } => {
                let values = found.iter().filter(|one| !one.is_null);
                values
                    .map(|one| Ok((subtree_name(prefix, one)?, one)))
                    .collect::<Result<_, String>>()?
            }
        };
        for (name, one) in values {
            if is_message(one.text.expose()) {
                return Err(format!(
                    "env: {name}: {} is still encrypted: add its key path to `keys`",
                    one.path
                ));
            }
            if let Some(first) = self.origins.insert(name.clone(), origin.to_owned()) {
                return Err(format!(
                    "env: {name} is set twice, here and by {first}: rename one of them"
                ));
            }
            self.secrets
                .env
                .push((name, Zeroizing::new(one.text.expose().to_owned())));
        }
        Ok(())
    }
}

fn source(passphrase: &Passphrase) -> String {
    match passphrase {
        Passphrase::Variable(name) => format!("the passphrase variable {name}"),
        Passphrase::File(path) => format!("the passphrase file {}", path.display()),
    }
}

/// One line a problem; but one for all where every value fails alike, as with a wrong passphrase.
fn tell(
    document: &Document,
    file: &SecretFile,
    affixes: &Affixes,
    problems: &Problems,
) -> Vec<String> {
    let selected = document
        .select(&file.keys, affixes)
        .map_or(0, |selection| selection.scalars.len());
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
        all => all.iter().map(ToString::to_string).collect(),
    }
}

/// Rails takes a `secret_key_base` of digits alone for an Integer, and answers every request with 500.
fn integer_key_bases(selection: &Selection, plain: &Document, file: &SecretFile) -> Vec<String> {
    let paths = selection
        .scalars
        .iter()
        .map(|scalar| &scalar.path)
        .filter(|path| path.ends_with(".secret_key_base"));
    let found = paths.filter_map(|path| plain.lookup(&KeyPath::parse(path).ok()?).ok());
    let integers = found.flatten().filter(|one| one.is_integer);
    let tell = |one: Found| {
        format!(
            "{}: {}: {} is a number to YAML, and Rails wants a string: quote it",
            file.declared_at,
            file.vault.display(),
            one.path
        )
    };
    integers.map(tell).collect()
}

fn look_up(plain: &Document, path: &KeyPath) -> Result<Vec<Found>, String> {
    let found = plain
        .lookup(path)
        .map_err(|error| format!("env: {error}"))?;
    if found.is_empty() {
        Err(format!("env: key path {path} matches nothing"))
    } else {
        Ok(found)
    }
}

fn single<'f>(name: &str, path: &KeyPath, found: &'f [Found]) -> Result<&'f Found, String> {
    match found {
        [one] if one.below.is_empty() && one.is_null => Err(format!(
            "env: {name}: {path} is null: give it a value, or \"\" for an empty one"
        )),
        [one] if one.below.is_empty() => Ok(one),
        _ => Err(format!(
            "env: {name}: {path} is not one value: name one of those below it, or write \"{name}_*\" for all"
        )),
    }
}

/// `DB_` and `primary`, `host` make `DB_PRIMARY_HOST`.
fn subtree_name(prefix: &str, one: &Found) -> Result<String, String> {
    let part = |segment: &Segment| match segment {
        Segment::Key(key) => Ok(key
            .to_uppercase()
            .replace(|c: char| !c.is_ascii_alphanumeric(), "_")),
        Segment::Index(index) => Ok(index.to_string()),
        Segment::Complex => Err(format!(
            "env: {prefix}*: the key of {} is a collection, which makes no name",
            one.path
        )),
    };
    let parts: Vec<String> = one.below.iter().map(part).collect::<Result<_, _>>()?;
    Ok(format!("{prefix}{}", parts.join("_")))
}
