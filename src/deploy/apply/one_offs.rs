//! What a deploy asks of those who run one-off tasks, and of those who read logs.

use super::Writer;
use crate::aws::Pending;
use crate::deploy::config::OneOff;
use crate::deploy::guard::Stop;
use crate::deploy::report::{Report, When};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;

/// A one-off task of a deploy.
pub struct Request<'r> {
    pub when: When,
    /// Which of them it is, `before 1`: two may do the same.
    pub place: &'r str,
    pub one: &'r OneOff,
    /// ARN of its task's definition, for this deploy.
    pub definition: &'r str,
    pub cluster: &'r str,
    /// The file's first service as it is to be: the task runs where its tasks do.
    pub beside: Option<&'r Map<String, Value>>,
    /// The file's services as they were when the plan was made: which of their deployments are not of this deploy
    /// tells whether a task has run for it.
    pub services: &'r [&'r Map<String, Value>],
    /// ARNs of the definitions that the file's services get.
    pub targets: &'r [String],
    /// Every change goes through it.
    pub writer: &'r Writer<'r>,
    /// Where the task's lines go.
    pub report: &'r dyn Report,
}

/// How a one-off task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The container's exit code.
    pub code: i64,
    /// It had run already, in a deploy that broke off.
    pub earlier: bool,
}

/// Runs one-off tasks, each once for its deploy: one that runs is followed to its end, and one that has ended well
/// is not run again.
pub trait OneOffs {
    fn run<'r>(
        &'r self,
        request: Request<'r>,
    ) -> Pin<Box<dyn Future<Output = Result<Ended, Stop>> + 'r>>;
}

/// Which lines are wanted.
pub struct Tail<'t> {
    /// ARN of the task's definition, which says where its logs go.
    pub definition: &'t str,
    /// ARN of the task.
    pub task: &'t str,
    pub container: &'t str,
    pub most: usize,
}

/// Reads what a container wrote last.
pub trait LogTail {
    /// The oldest first; none if it wrote nothing, or nothing to where we can read.
    fn last_lines<'t>(&'t self, tail: &'t Tail<'t>) -> Pending<'t, Vec<String>>;
}
