//! `entryctl deploy`, and the commands around it.

mod apply;
mod audited;
mod carry;
mod check;
mod confirm;
mod files;
mod history;
mod images;
mod init;
mod interrupt;
mod lines;
mod lock;
mod logs;
mod plan;
mod retire;
mod rollback;
mod run;
mod scale;
mod status;
mod stop;
mod tasks;
mod told;
mod verify;

pub(super) use apply::Arguments as DeployArguments;
pub(super) use history::Arguments as HistoryArguments;
pub(super) use init::Arguments as InitArguments;
pub(super) use lock::{LockArguments, UnlockArguments};
pub(super) use logs::Arguments as LogsArguments;
pub(super) use plan::Arguments as PlanArguments;
pub(super) use rollback::Arguments as RollbackArguments;
pub(super) use run::Arguments as RunArguments;
pub(super) use scale::Arguments as ScaleArguments;
pub(super) use status::Arguments as StatusArguments;
pub(super) use stop::Arguments as StopArguments;
pub(super) use tasks::Arguments as TasksArguments;
pub(super) use verify::Arguments as VerifyArguments;

use std::time::Duration;

/// For all calls of a command that only reads.
const DEADLINE: Duration = Duration::from_mins(1);
