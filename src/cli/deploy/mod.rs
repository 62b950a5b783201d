//! `entryctl deploy`, `plan` and `status`; `run`, `logs`, `tasks` and `stop`.

mod check;
mod files;
mod interrupts;
mod lines;
mod logs;
mod plan;
mod run;
mod status;
mod stop;
mod tasks;
mod told;

pub(super) use logs::Arguments as LogsArguments;
pub(super) use plan::Arguments as PlanArguments;
pub(super) use run::Arguments as RunArguments;
pub(super) use status::Arguments as StatusArguments;
pub(super) use stop::Arguments as StopArguments;
pub(super) use tasks::Arguments as TasksArguments;

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
