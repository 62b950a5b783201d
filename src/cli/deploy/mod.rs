//! `entryctl deploy`, `plan` and `status`.

mod check;
mod files;
mod images;
mod init;
mod plan;
mod status;
mod verify;

pub(super) use init::Arguments as InitArguments;
pub(super) use plan::Arguments as PlanArguments;
pub(super) use status::Arguments as StatusArguments;
pub(super) use verify::Arguments as VerifyArguments;

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
