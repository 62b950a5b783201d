//! `entryctl vault textconv`.

use super::arguments::Values;
use super::reveal::{Veiled, reveal};
use crate::cli::output;
use crate::cli::{Failure, input, warn};
use crate::vault::Secret;
use clap::Args;
use std::fs;
use std::path::PathBuf;
use zeroize::Zeroizing;

const EXAMPLES: &str = "\
For git, so that `git diff`, `git log -p` and `git show` have plain values:

  echo 'config/secrets.yml diff=vault' >>.gitattributes
  git config diff.vault.textconv \"entryctl vault textconv -k '\\$.production'\"

A file that cannot be decrypted is shown as it is, with the reason on standard error:
without the key, after a change of the key, or before its first encryption. Leave
`diff.vault.cachetextconv` off: git would keep the plain values in the repository.

Exit codes: 0 shown, 1 the file cannot be read, 2 wrong usage.";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The file to show
    file: PathBuf,
    #[command(flatten)]
    values: Values,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let name = input::name(&self.file);
        let bytes = fs::read(&self.file).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| Failure::line(format!("cannot read {name}: {error}")))?;
        match self.revealed(&name, &bytes) {
            Ok(text) => output::print(text.expose().as_bytes()),
            Err(Failure::Lines(lines)) => {
                let (first, more) = (lines.first().map_or("", String::as_str), lines.len());
                let more = match more {
                    0 | 1 => String::new(),
                    2 => " (and 1 line more)".to_owned(),
                    lines => format!(" (and {} lines more)", lines - 1),
                };
                warn(&format!("{name} is shown as it is: {first}{more}"));
                output::print(&bytes)
            }
            Err(failure) => Err(failure),
        }
    }

    fn revealed(&self, name: &str, bytes: &[u8]) -> Result<Secret, Failure> {
        let text = std::str::from_utf8(bytes)
            .map_err(|_| Failure::line(format!("{name} is not UTF-8")))?;
        let (paths, affixes) = (self.values.paths(), self.values.affixes());
        let veiled = Veiled::new(name, text, &paths, &affixes, |text| {
            self.values.cryptor.is_message(text)
        })?;
        let texts = reveal(&[veiled], &mut self.values.cryptor.cryptor()?)?;
        Ok(texts.into_iter().next().unwrap_or_default())
    }
}
