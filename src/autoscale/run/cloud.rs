//! What the loop needs of AWS.

use super::log::Level;
use crate::autoscale::config::Config;
use crate::autoscale::decide::{Action, Memory, Snapshot};
use crate::aws::AwsError;
use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Instant;

/// A future of one thread.
pub type Later<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// What a poll brought.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    pub snapshot: Rc<Snapshot>,
    /// What is missing in it, and why. Each is told once for as long as it lasts.
    pub troubles: Vec<String>,
    /// How many calls it took.
    pub calls: u64,
}

/// What became of an action. An error may mean that nobody knows.
pub type Outcome = Result<(), AwsError>;

/// AWS, or what stands in its place. Every future may be dropped before its end.
pub trait Cloud {
    /// Looks at everything that matters. What is not answered until the deadline is left out.
    fn observe<'a>(
        &'a self,
        config: &'a Rc<Config>,
        memory: &'a Memory,
        now: Timestamp,
        deadline: Instant,
    ) -> Later<'a, Observed>;

    /// Does what was decided: an outcome for each action, in their order. One failure keeps no other from being
    /// done. Nothing is sent after the deadline, since then somebody else may act.
    fn act<'a>(&'a self, actions: &'a [Action], deadline: Instant) -> Later<'a, Vec<Outcome>>;

    /// Waits for what does not wait for polls, spot interruptions, and does what they ask for; returns what there is
    /// to tell. It goes on beside the polls for as long as this copy leads, paused or not.
    fn interruptions(&self, _config: Rc<Config>) -> Later<'_, Vec<(Level, String)>> {
        Box::pin(std::future::pending())
    }
}
