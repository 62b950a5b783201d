//! Scheduled tasks: a rule of `EventBridge` for each, with one target that starts tasks of a pinned revision.
//!
//! ```text
//! ScheduledTask ─┐  a rule and its target as one map, in RunTask's names (canonical)
//! Rule ──────────┴▶ decide ─▶ ScheduleStep ─▶ shown (show), or calls (apply)
//! rules that pin a bad revision ─▶ back ─▶ the same
//! ```
//!
//! `PutRule` and `PutTargets` replace as a whole, so what is sent is what is there with what the file names over
//! it: a dead-letter queue, a retry policy and tags that others set stay. Other targets of a rule are not touched.

mod apply;
mod back;
mod canonical;
mod decide;
mod show;

pub use apply::{Request, requests};
pub use back::{Moved, moved, pinned, steps};

pub(in crate::deploy) use decide::{Facts, service, step};

use crate::deploy::plan::{Change, Definition};
use serde_json::{Map, Value};

/// What is to be done about one scheduled task.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduleStep {
    /// The rule's.
    pub name: String,
    pub action: ScheduleAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ScheduleAction {
    Unchanged,
    Put {
        /// There was no such rule.
        is_new: bool,
        /// The members of `PutRule`, where the rule changes.
        rule: Option<Map<String, Value>>,
        /// Where the target changes.
        target: Option<Target>,
        changes: Vec<Change>,
    },
    Delete {
        /// The target's id, where there is one.
        target: Option<String>,
        /// No other target is left: the rule goes, too.
        with_rule: bool,
    },
}

/// A target to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// A member of `PutTargets`' list, but for `EcsParameters.TaskDefinitionArn`.
    pub members: Map<String, Value>,
    pub definition: Definition,
}

impl ScheduleStep {
    /// Whether something is written.
    #[must_use]
    pub fn acts(&self) -> bool {
        self.action != ScheduleAction::Unchanged
    }
}
