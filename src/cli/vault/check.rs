//! `entryctl vault check`.

use super::arguments::Values;
use super::told;
use crate::cli::{Failure, input, warn};
use crate::vault::KeyPath;
use clap::Args;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Names every value that the key paths match and that has not the shape of a message, and
every key path that matches nothing. No key and no network is needed.

Exit codes: 0 all is encrypted, 1 something is not, 2 wrong usage.

Examples:
  entryctl vault check config/secrets.yml -k '$.production'
  entryctl vault check config/secrets/*.yml --cryptor aws-kms
  git diff --cached --name-only -- config/secrets | xargs -r entryctl vault check";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The files to check
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    values: Values,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let paths = self.values.paths();
        let mut lines = Vec::new();
        for file in &self.files {
            match self.problems(file, &paths) {
                Ok(problems) | Err(Failure::Lines(problems)) => lines.extend(problems),
                Err(failure) => return Err(failure),
            }
        }
        if lines.is_empty() {
            Ok(())
        } else {
            Err(Failure::Lines(lines))
        }
    }

    fn problems(&self, file: &Path, paths: &[KeyPath]) -> Result<Vec<String>, Failure> {
        let name = input::name(file);
        let (_, document) = told::read(file)?;
        let selection = document
            .survey(paths, &self.values.affixes())
            .map_err(|problems| Failure::line(format!("{name}:{problems}")))?;
        let clear = selection
            .scalars
            .iter()
            .filter(|one| !self.values.cryptor.is_message(&one.message))
            .map(|one| format!("{name}:{}: {}: it is in clear text", one.place, one.path));
        for complaint in selection.in_clear_text(|text| self.values.cryptor.is_message(text)) {
            warn(&format!("{name}: {complaint}"));
        }
        let unmatched = selection.unmatched.iter();
        let unmatched = unmatched.map(|one| format!("{name}: {one}"));
        Ok(clear.chain(unmatched).collect())
    }
}
