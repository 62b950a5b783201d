//! `entryctl vault set`.

use super::arguments::AffixOptions;
use super::options::CryptorOptions;
use super::{prompt, store, told};
use crate::cli::{Failure, input, warn};
use crate::vault::document::{SetError, Typing};
use crate::vault::{Document, KeyPath, Secret};
use clap::Args;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
The value is read from standard input, without one newline at its end; a terminal is
asked for it and does not show it. No old value is decrypted: with KMS, kms:Encrypt is
enough. The key must be there already, unless --add puts it below the others.

Exit codes: 0 done, 1 failed (the file is as before), 2 wrong usage.

Examples:
  entryctl vault set config/secrets.yml '$.production.database.password'
  openssl rand -hex 64 | entryctl vault set config/secrets.yml '$.production.secret_key_base'
  entryctl vault set config/secrets.yml '$.production.token' --add <token.txt
  echo 5433 | entryctl vault set config/secrets.yml '$.production.port' --plain";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to change
    file: PathBuf,
    /// The value's key path
    #[arg(value_name = "KEYPATH")]
    path: KeyPath,
    /// Add the key if its mapping is there
    #[arg(long)]
    add: bool,
    /// The value is text, also where it is empty or looks like a number, a boolean, a date
    #[arg(long, conflicts_with = "plain")]
    string: bool,
    /// The value is what YAML makes of it without quotes: a number, a boolean, nothing
    #[arg(long)]
    plain: bool,
    #[command(flatten)]
    affixes: AffixOptions,
    #[command(flatten)]
    cryptor: CryptorOptions,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        store::is_changeable(&self.file)?;
        let name = input::name(&self.file);
        let (text, document) = told::read(&self.file)?;
        let mut cryptor = self.cryptor.encryptor()?;
        let document = self.with_key(&name, document)?;
        let value = self.value()?;
        let has_erb = value.expose().contains("<%");
        let choice = document
            .choose_value(&self.path, value, self.typing())
            .map_err(|error| refused(&name, &error))?;
        let affixes = self.affixes.affixes();
        let sealed = store::sealed(&name, &document, &choice, &affixes, &mut cryptor)?;
        let is_message = |text: &str| cryptor.is_message(affixes.strip(text));
        told::warn_of(&name, &choice, &is_message);
        if has_erb {
            warn(&format!(
                "{name}: {}: the value holds `<%`, which Rails runs as ERB after the gem decrypted it",
                self.path
            ));
        }
        store::replace(&self.file, &text, &sealed)
    }

    fn typing(&self) -> Typing {
        match (self.string, self.plain) {
            (true, _) => Typing::Text,
            (_, true) => Typing::Plain,
            _ => Typing::Sure,
        }
    }

    /// The document with the key, which may have to be added.
    fn with_key(&self, name: &str, document: Document) -> Result<Document, Failure> {
        let refused = |error| refused(name, &error);
        match document.only(&self.path) {
            Err(SetError::Nothing(_)) if self.add => {
                let text = document.added(&self.path).map_err(refused)?;
                told::parse(name, &text)
            }
            found => found.map(|_| document).map_err(refused),
        }
    }

    fn value(&self) -> Result<Secret, Failure> {
        if io::stdin().is_terminal() {
            return prompt::hidden(&format!("Value of {}: ", self.path));
        }
        let text = input::read(Path::new(input::DASH))?;
        Ok(Secret::from(text.strip_suffix('\n').unwrap_or(&text)))
    }
}

fn refused(name: &str, error: &SetError) -> Failure {
    let remedy = match error {
        SetError::Nothing(_) => ": correct it, or add the key with --add",
        SetError::NotOne(..) => ": name one value",
        SetError::Empty => ": allow that with --string, or write nothing (null) with --plain",
        SetError::Ambiguous(..) => ": keep it text with --string, or give it its type with --plain",
        SetError::NotAddable(..) => "",
    };
    Failure::line(format!("{name}: {error}{remedy}"))
}
