//! `entryctl vault encrypt`.

use super::arguments::Values;
use super::{store, told};
use crate::cli::output::{self, Privacy};
use crate::cli::{Failure, input, warn};
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Passphrases are read from the environment: YAML_VAULT_PASSPHRASE, and
YAML_VAULT_SIGN_PASSPHRASE if the signature is to have its own. With AWS KMS a value
may have 4096 bytes, with Google's 65,536.

Exit codes: 0 done, 1 failed (nothing is written), 2 wrong usage.

Examples:
  entryctl vault encrypt secrets.yml -o secrets.yml -k '$.production'
  entryctl vault encrypt secrets.yml -k '$.*.password,$.*.key' --cipher aes-256-gcm
  entryctl vault encrypt secrets.yml -o secrets.yml -k '$.production' \\
    --cryptor aws-kms --aws-kms-key-id alias/production
  entryctl vault encrypt secrets.yml --cryptor gcp-kms --gcp-credential-file key.json \\
    --gcp-kms-resource-id projects/myapp/locations/global/keyRings/rails/cryptoKeys/production";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// Write here, whole or not at all [default: standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    values: Values,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let (_, document) = told::read(&self.file)?;
        let mut cryptor = self.values.cryptor.encryptor()?;
        let choice = document
            .choose_plaintexts(&self.values.paths())
            .map_err(|problems| told::failure(&name, problems, &cryptor))?;
        let affixes = self.values.affixes();
        let text = store::sealed(&name, &document, &choice, &affixes, &mut cryptor)?;
        let is_message = |text: &str| cryptor.is_message(affixes.strip(text));
        told::warn_of(&name, &choice, &is_message);
        for complaint in choice.complaints(is_message) {
            warn(&complaint);
        }
        output::write(self.output.as_deref(), &text, Privacy::Public)
    }
}
