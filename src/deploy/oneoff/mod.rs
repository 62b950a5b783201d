//! A task that runs once: its output, its exit code, and that it does run once, whatever dies in between.
//!
//! ```text
//! definition, service, command ─▶ Job ─▶ members of RunTask (request)
//! tasks that began before, by name (key) ─▶ join one, count one, or run a new one (again) ─▶ a task (start)
//! its state and its lines, until it has ended and its lines are all there (watch) ─▶ Ended (task)
//! ```
//!
//! There is no state of ours: a task's `startedBy` is a digest of what it runs, so that the command that is run
//! again finds it.

mod again;
mod key;
mod own;
mod request;
mod start;
mod task;
mod watch;

pub use again::{Again, Foreign, Repeat, again, newest_foreign};
pub use key::{started_by, token};
pub use request::{Job, container, placement, run_task};
pub use start::{Start, definition, start};
pub use task::{Container, Task, reason};
pub use watch::{Ended, Stopped, Watch};

use super::logs::CallsIn;
use crate::aws::{AwsError, Ecs};
use std::time::Duration;
use tokio::sync::watch::Receiver;

/// What is told while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told<'t> {
    /// The task, by its ARN, before anything else is told of it.
    Task { arn: &'t str, start: Start },
    /// What became of it: `PENDING`, `RUNNING`, …
    Status(&'t str),
    /// What it wrote, at a time in milliseconds of the epoch.
    Line { at: i64, text: &'t str },
    /// What whoever reads should know.
    Note(&'t str),
}

/// Who is told.
pub type Sink<'s> = &'s mut dyn FnMut(Told<'_>);

/// Whether somebody asked to end it.
pub type StopAsked = Receiver<bool>;

/// Why there is no exit code to tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error("{0}")]
    Job(String),
    #[error("ECS started no task: {0}")]
    Refused(String),
    #[error(
        "AWS does not know the task {0} any more, so that its exit code is not known: it forgets a task an hour \
         after its end"
    )]
    Forgotten(String),
    #[error("the task {task} runs on, but nothing is known of it: {cause}")]
    Blind { task: String, cause: AwsError },
    #[error("the task {task} runs on, since it cannot be stopped: {cause}")]
    NotStopped { task: String, cause: AwsError },
    #[error(
        "ECS was told to stop the task {0}, and it has not ended: look whether the agent of its container instance is \
         connected"
    )]
    Stuck(String),
}

/// Runs a job, or finds that it ran: until it has ended and all of its output is told.
///
/// # Errors
///
/// If there is no task, or no answer to what became of it. A task that failed is no error.
pub async fn run(
    job: &Job,
    repeat: &Repeat,
    ecs: &Ecs<'_>,
    calls_in: CallsIn<'_>,
    timeout: Option<Duration>,
    stop: &mut StopAsked,
    sink: Sink<'_>,
) -> Result<Ended, Error> {
    let (task, how) = start(job, repeat, ecs, sink).await?;
    sink(Told::Task {
        arn: &task,
        start: how,
    });
    let mut watch = Watch::new(job, task, *ecs, calls_in);
    watch.until_end(timeout, stop, sink).await
}
