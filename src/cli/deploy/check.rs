//! `entryctl deploy check`: the files by themselves, without a call.

use super::files::Files;
use crate::cli::{Failure, output};
use clap::Args;

const EXAMPLES: &str = "\
Reads deploy.yml, the environment's file and every definition that they name. Unknown keys of
ours, wrong types, unset variables and missing files are problems, all of them told at once. A
field of AWS's that is not known is a warning, and is passed on. ${SHA} is the commit: $SHA,
else HEAD. Nothing is asked of AWS.

Exit codes: 0 nothing wrong, 1 problems, 2 wrong usage.

Examples:
  entryctl deploy check
  entryctl deploy check --env production";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    files: Files,
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let count = |number: usize, what: &str| {
            let s = if number == 1 { "" } else { "s" };
            format!("{number} {what}{s}")
        };
        let line = format!(
            "{}: fine: {}, {}, {}\n",
            self.files.name(),
            count(config.tasks.len(), "task"),
            count(config.services.len(), "service"),
            count(config.scheduled_tasks.len(), "scheduled task"),
        );
        output::print(line.as_bytes())
    }
}
