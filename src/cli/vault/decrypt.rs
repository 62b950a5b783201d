//! `entryctl vault decrypt`.

use super::arguments::Values;
use super::reveal::decrypted;
use super::told;
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input, warn};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Passphrases are read from the environment: YAML_VAULT_PASSPHRASE, and
YAML_VAULT_SIGN_PASSPHRASE if one was used. All that is not an encrypted value stays
byte for byte: comments, order, quoting.

Exit codes: 0 done, 1 failed (nothing is written), 2 wrong usage.

Examples:
  entryctl vault decrypt config/secrets.yml
  entryctl vault decrypt config/secrets.yml.enc -o config/secrets.yml -k '$.production'
  entryctl vault decrypt secrets.yml -k '$.*.password' -k '$./^api_/' --prefix '{ENC:' --suffix '}'
  entryctl vault decrypt config/secrets.yml --cryptor aws-kms --aws-profile staging
  git show main:config/secrets.yml | entryctl vault decrypt - | less";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// Write here, whole or not at all; new decrypted files are the owner's alone (0600) [default:
    /// standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    values: Values,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let (_, document) = told::read(&self.file)?;
        let mut cryptor = self.values.cryptor.cryptor()?;
        let selection = document
            .select(&self.values.paths(), &self.values.affixes())
            .map_err(|problems| told::failure(&name, problems, &cryptor))?;
        let text = decrypted(&name, &document, &selection, &mut cryptor)?;
        for complaint in selection.complaints(|text| cryptor.is_message(text)) {
            warn(&complaint);
        }
        output::write(self.output.as_deref(), text.expose(), Privacy::Secret)
    }
}
