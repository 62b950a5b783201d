//! Whether a deployment came to what it should: a pure answer to each poll.
//!
//! ```text
//! DescribeServices, stopped tasks ─▶ Observation (observation) ─┐
//! Expected: the deployment's id, its definition, limits ────────┼▶ verdict (decide) ─▶ Wait, or an Outcome
//! Memory: what earlier polls saw ───────────────────────────────┘   ▲
//!                                     failed starts, grouped (starts)
//! ```
//!
//! A deployment is known by its id: that the service is stable says nothing, since after a rollback it is, too.

mod decide;
mod observation;
mod starts;

pub(in crate::deploy) use decide::SETTLE;
pub(in crate::deploy) use observation::seconds;

pub use decide::verdict;
pub use observation::{
    Alternate, Container, Deployment, Event, Hook, LoadBalancer, Observation, Rollout, Service,
    Stopped, Targets, Unhealthy,
};
pub use starts::{Cause, causes, is_failure};

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// What is waited for.
#[derive(Clone, Debug, PartialEq)]
pub struct Expected {
    /// The id that the reply to our call gave, `ecs-svc/…`.
    pub deployment: String,
    /// ARN of our task definition.
    pub definition: String,
    /// ARN of what ran before; `None` for a new service.
    pub before: Option<String>,
    /// How many tasks our call asked for; 0 if it left that as it was.
    pub tasks: u64,
    /// That no task is asked for is meant so.
    pub allow_zero: bool,
    /// A pause at a hook is what was waited for.
    pub until_paused: bool,
    pub limits: Limits,
}

/// How long, and how many times.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    pub timeout: Duration,
    /// How long there may be no room for a task: nodes take longer than tasks.
    pub capacity: Duration,
    /// So many tasks that do not start are enough to know.
    pub failed_starts: usize,
}

/// What earlier polls saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// Our deployment was in an answer.
    pub seen: bool,
    /// By ARN; AWS forgets stopped tasks after an hour.
    pub failed: BTreeMap<String, Stopped>,
    /// Since when there is no room.
    pub no_room: Option<Duration>,
    /// How long there was none before that.
    pub roomless: Duration,
}

/// The answer to one poll.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Wait(Waiting),
    End(Outcome),
}

/// What is still to come.
#[derive(Clone, Debug, PartialEq)]
pub enum Waiting {
    /// Nothing could be seen.
    Unseen,
    /// AWS does not show the deployment yet.
    Appearing,
    Starting {
        running: u64,
        desired: u64,
    },
    NoRoom {
        message: String,
    },
    Targets(Unhealthy),
    /// The tasks run, but AWS has not finished: old tasks drain, or it bakes.
    Finishing,
    Paused(Hook),
}

/// How it ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    Success,
    RolledBack {
        reason: String,
        causes: Vec<Cause>,
    },
    /// By the definition or deployment of someone else.
    Superseded {
        by: String,
    },
    /// Somebody stopped the deployment where it was.
    Stopped,
    FailedStarts {
        causes: Vec<Cause>,
    },
    Missing {
        reason: String,
    },
    /// It is deployed, but no task is asked for.
    NotStarted,
    Paused(Hook),
    Timeout {
        waiting: Waiting,
        causes: Vec<Cause>,
    },
}

impl Outcome {
    /// The exit code of a command that waited for it.
    #[must_use]
    pub fn code(&self) -> u8 {
        match self {
            Outcome::Success | Outcome::Paused(_) => 0,
            Outcome::Missing { .. } | Outcome::NotStarted | Outcome::Stopped => 1,
            Outcome::RolledBack { .. } => 10,
            Outcome::Superseded { .. } => 11,
            Outcome::Timeout { .. } => 12,
            Outcome::FailedStarts { .. } => 13,
        }
    }

    /// Why tasks did not start, if some did not.
    #[must_use]
    pub fn causes(&self) -> &[Cause] {
        match self {
            Outcome::RolledBack { causes, .. }
            | Outcome::FailedStarts { causes }
            | Outcome::Timeout { causes, .. } => causes,
            _ => &[],
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Success => f.write_str("deployed"),
            Outcome::RolledBack { reason, .. } => write!(f, "rolled back: {reason}"),
            Outcome::Superseded { by } => write!(f, "superseded by {by}"),
            Outcome::Stopped => f.write_str("the deployment was stopped"),
            Outcome::FailedStarts { .. } => f.write_str("its tasks do not start"),
            Outcome::Missing { reason } => write!(f, "there is no such service: {reason}"),
            Outcome::NotStarted => {
                f.write_str("deployed, but not started: the service's desired count is 0")
            }
            Outcome::Paused(hook) => write!(f, "{hook}"),
            Outcome::Timeout { waiting, .. } => write!(f, "timeout: {waiting}"),
        }
    }
}

impl fmt::Display for Waiting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Waiting::Unseen => f.write_str("AWS does not answer"),
            Waiting::Appearing => f.write_str("AWS does not show the deployment yet"),
            Waiting::Starting { running, desired } => {
                write!(f, "{running} of {desired} tasks run")
            }
            Waiting::NoRoom { message } => write!(f, "there is no room for a task: {message}"),
            Waiting::Targets(unhealthy) => write!(f, "{unhealthy}"),
            Waiting::Finishing => f.write_str("its tasks run, and ECS has not finished"),
            Waiting::Paused(hook) => write!(f, "{hook}"),
        }
    }
}

impl fmt::Display for Unhealthy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Unhealthy {
            group,
            targets,
            reason,
        } = self;
        let are = if *targets == 1 { " is" } else { "s are" };
        write!(
            f,
            "{targets} target{are} not healthy in target group {group}: {reason}"
        )
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "paused at {} by the hook {}", self.stage, self.id)
    }
}
