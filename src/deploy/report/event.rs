//! The events, as data.

use crate::deploy::plan::Plan;
use crate::deploy::verdict::{Cause, Outcome};
use jiff::Timestamp;
use std::fmt;

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// Something is not as one may think; the deploy goes on.
    Warning(String),
    /// Somebody else holds the lock.
    LockHeld {
        name: String,
        holder: String,
        message: String,
        until: Timestamp,
    },
    Locked {
        name: String,
    },
    Planned(Box<Plan>),
    Registered {
        task: String,
        definition: String,
    },
    /// A one-off task is asked for; whether it has run already is for others to say.
    OneOff {
        when: When,
        task: String,
        command: Vec<String>,
    },
    /// A line that a one-off task wrote.
    Output {
        task: String,
        line: String,
    },
    OneOffEnded {
        when: When,
        task: String,
        code: i64,
        /// It ran in an earlier deploy that broke off.
        earlier: bool,
    },
    Changed {
        service: String,
        change: Change,
        /// ARN of the definition that is deployed.
        definition: Option<String>,
        deployment: Option<String>,
    },
    /// A definition that nothing runs any more.
    Deregistered {
        definition: String,
    },
    /// A call for a scheduled task's rule.
    Scheduled {
        name: String,
        /// `PutTargets`.
        operation: &'static str,
    },
    Progress {
        service: String,
        waiting: String,
    },
    /// What ECS tells of a service.
    Told {
        service: String,
        /// Epoch seconds, as AWS has them.
        at: f64,
        message: String,
    },
    /// Tasks do not start, or do not stay.
    Failing {
        service: String,
        causes: Vec<Cause>,
    },
    /// The last lines of a container that failed.
    Log {
        service: String,
        task: String,
        container: String,
        lines: Vec<String>,
    },
    Ended {
        service: String,
        outcome: Outcome,
    },
}

/// When a one-off task runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Before,
    After,
}

/// What was done to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    Created,
    Updated,
    Tagged,
    Deleted,
    /// Its deployment of this very definition was begun before.
    Resumed,
    /// To the definition that ran before.
    Back,
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            When::Before => "before",
            When::After => "after",
        })
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Change::Created => "created",
            Change::Updated => "updated",
            Change::Tagged => "tagged",
            Change::Deleted => "deleted",
            Change::Resumed => "resumed",
            Change::Back => "sent back",
        })
    }
}
