//! `entryctl deploy`, and the commands around it.

mod check;
mod confirm;
mod files;
mod history;
mod plan;
mod rollback;
mod scale;
mod status;

pub(super) use history::Arguments as HistoryArguments;
pub(super) use plan::Arguments as PlanArguments;
pub(super) use rollback::Arguments as RollbackArguments;
pub(super) use scale::Arguments as ScaleArguments;
pub(super) use status::Arguments as StatusArguments;

use super::Failure;
use clap::Subcommand;
use std::time::Duration;

/// For all calls of a command that only reads.
const DEADLINE: Duration = Duration::from_mins(1);

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check deploy.yml and what it names
    Check(check::Arguments),
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Check(arguments) => arguments.run(),
        }
    }
}
