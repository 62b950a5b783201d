//! `entryctl deploy`, `plan`, `status`, `lock` and `unlock`.

mod apply;
mod check;
mod files;
mod interrupt;
mod lock;
mod plan;
mod status;

pub(super) use apply::Arguments as DeployArguments;
pub(super) use lock::{LockArguments, UnlockArguments};
pub(super) use plan::Arguments as PlanArguments;
pub(super) use status::Arguments as StatusArguments;

use std::time::Duration;

/// For all calls of a command that only reads.
const DEADLINE: Duration = Duration::from_mins(1);
