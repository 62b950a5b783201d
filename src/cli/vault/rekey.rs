//! `entryctl vault rekey`.

use super::arguments::Values;
use super::cryptor::lookup;
use super::renewed::NewOptions;
use super::{store, told};
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input, say, warn};
use crate::vault::{Affixes, Document, KeyPath, Selection};
use clap::Args;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
How values are encrypted now is said by the usual options and YAML_VAULT_PASSPHRASE, how
they are to be by `--new-…` and YAML_VAULT_NEW_PASSPHRASE (and
YAML_VAULT_NEW_SIGN_PASSPHRASE, without which there is none). No other byte changes.

Exit codes: 0 done, 1 failed (the file is as before), 2 wrong usage.

Examples:
  entryctl vault rekey config/secrets.yml -k '$.production'
  entryctl vault rekey config/secrets.yml --new-cryptor aws-kms --new-aws-kms-key-id alias/production
  entryctl vault rekey config/secrets.yml --cryptor aws-kms --new-aws-kms-key-id alias/next
  entryctl vault rekey config/secrets.yml --new-cipher aes-256-gcm -o config/secrets.new.yml";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to change, `-` for standard input to standard output
    file: PathBuf,
    /// Write here, whole or not at all [default: the file itself]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    values: Values,
    #[command(flatten)]
    new: NewOptions,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let (read, document) = told::read(&self.file)?;
        let mut old = self.values.cryptor.cryptor()?;
        let mut new = self.new.encryptor(&self.values.cryptor)?;
        let affixes = self.values.affixes();
        let selection = document
            .select(&self.values.paths(), &affixes)
            .map_err(|problems| told::failure(&name, problems, &old))?;
        let opened = old.open_all(&selection)?;
        let choice = document
            .choose_again(&selection, lookup(&opened))
            .map_err(|problems| told::failure(&name, problems, &old))?;
        let renewed = self.new.affixes(&affixes);
        let text = store::sealed(&name, &document, &choice, &renewed, &mut new)?;
        for complaint in selection.complaints(|text| old.is_message(text)) {
            warn(&complaint);
        }
        self.warn_of_rest(&document, &selection, &affixes)?;
        match &self.output {
            Some(output) => output::write(Some(output), &text, Privacy::Public)?,
            None if self.file == Path::new(input::DASH) => {
                output::write(None, &text, Privacy::Public)?;
            }
            None => store::replace(&self.file, &read, &text)?,
        }
        say(&format!("{name}: {} encrypted anew", choice.scalars.len()));
        Ok(())
    }

    /// Whoever revokes the old key next would lose these.
    fn warn_of_rest(
        &self,
        document: &Document,
        selection: &Selection,
        affixes: &Affixes,
    ) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let done: HashSet<_> = selection.scalars.iter().map(|one| one.id).collect();
        let all = document
            .survey(&[KeyPath::default()], affixes)
            .map_err(|problems| Failure::line(format!("{name}:{problems}")))?;
        let rest = all
            .scalars
            .iter()
            .filter(|one| !done.contains(&one.id) && self.values.cryptor.is_message(&one.message));
        for one in rest {
            let (place, path) = (one.place, &one.path);
            warn(&format!(
                "{name}:{place}: {path}: outside of the key paths, it stays encrypted as before"
            ));
        }
        Ok(())
    }
}
