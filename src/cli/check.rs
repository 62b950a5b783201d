//! `entryctl check`: every mode as `entry` will load it, before it is deployed.

use super::{Failure, warn};
use crate::check;
use crate::config::{Problems, Source};
use clap::Args;
use std::io::Write;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Loads the modes as entry does and checks that their yaml_vault files are there, that
every key path matches, and that every matched value is encrypted. No passphrase is
needed.

Exit codes: 0 nothing wrong, 1 problems, 2 wrong usage.

Examples:
  entryctl check
  entryctl check web worker --modes deploy/modes
  entryctl check -e RAILS_ENV=staging";

/// What to check, and as what.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The modes to check [default: all of them]
    modes: Vec<String>,
    #[command(flatten)]
    from: Place,
}

/// Where the modes are, and as what they are read.
#[derive(Args)]
pub(super) struct Place {
    /// The folder of the modes [default: `$ENTRY_MODES`, ./modes, /etc/entry/modes]
    #[arg(long = "modes", value_name = "DIR")]
    pub folder: Option<PathBuf>,
    /// A variable of the container, over those of this shell; repeatable
    #[arg(short, long = "env", value_name = "NAME=VALUE", value_parser = variable)]
    pub env: Vec<(String, String)>,
    /// The app's folder here, which the modes' files are relative to in the image [default: each
    /// mode's `workdir`, else this folder]
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give NAME=VALUE".to_owned()),
    }
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let lookup = |name: &str| self.from.variable(name);
        let source = Source::find(self.from.folder.as_deref(), &lookup)?;
        let Some(folder) = source.folder() else {
            let line = "there is no modes folder: name it with --modes DIR".to_owned();
            return Err(Failure::Lines(vec![line]));
        };
        let names: Vec<&str> = self.modes.iter().map(String::as_str).collect();
        let findings = check::modes(&source, &names, &lookup, self.from.root.as_deref(), &|_| {
            Vec::new()
        });
        findings.warnings.iter().for_each(|line| warn(line));
        if !findings.problems.is_empty() {
            return Err(Failure::Lines(findings.problems));
        }
        let names = if names.is_empty() {
            source.mode_names()
        } else {
            names
        };
        let said = format!("{}: fine: {}\n", folder.display(), names.join(", "));
        match std::io::stdout().write_all(said.as_bytes()) {
            Ok(()) => Ok(()),
            Err(_) => Err(Failure::BrokenPipe),
        }
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        Failure::Lines(problems.iter().map(ToString::to_string).collect())
    }
}
