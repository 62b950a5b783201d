//! What a deploy would do: each definition unchanged or registered, each service created, updated, deleted or
//! unchanged. The same value is shown, and applied.
//!
//! ```text
//! Config ─┐            ┌ both in one form (canonical), compared with AWS's own defaults in mind (defaults)
//! Running ┴▶ decide ──▶│ Change, Change, … (changes)
//!                      └▶ Plan ─▶ lines or JSON (show)
//! ```
//!
//! A task definition is compared as a whole, since a revision is registered as a whole. Of a service only what
//! the file names is compared and sent: what others set stays.

mod bare;
mod canonical;
mod changes;
mod decide;
mod defaults;
mod show;

pub use bare::{Bare, bare_service, bare_task};
pub use canonical::short;
pub use changes::Change;
pub use decide::plan;
pub use show::Paint;

pub(in crate::deploy) use canonical::over;
pub(in crate::deploy) use changes::{Extent, changes};
pub(in crate::deploy) use defaults::Defaults;

use crate::aws::Rule;
use crate::deploy::config::OneOff;
use crate::deploy::schedules::ScheduleStep;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What AWS answered.
#[derive(Clone, Debug, Default)]
pub struct Running {
    /// By name, as `DescribeServices` has them; those that it does not know are not here.
    pub services: BTreeMap<String, Map<String, Value>>,
    /// By family: the revisions that services run, then the latest.
    pub definitions: BTreeMap<String, Vec<Revision>>,
    /// ARNs of families that services name without a revision.
    pub latest: BTreeMap<String, String>,
    /// Services whose desired count Application Auto Scaling sets.
    pub scalable: BTreeSet<String>,
    /// By name: rules of the file's scheduled tasks; those that there are not are not here.
    pub rules: BTreeMap<String, Rule>,
    /// Asked for only where rules need it.
    pub cluster_arn: Option<String>,
}

/// A registered task definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Revision {
    pub arn: String,
    /// As `DescribeTaskDefinition` has it, with its `tags` in it.
    pub definition: Map<String, Value>,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    pub cluster: String,
    pub definitions: Vec<DefinitionStep>,
    /// Only where something changes.
    pub before: Vec<OneOff>,
    /// In the order of their waves.
    pub services: Vec<ServiceStep>,
    pub scheduled: Vec<ScheduleStep>,
    pub after: Vec<OneOff>,
    /// What could not be asked, and what counts in its place.
    pub warnings: Vec<String>,
    /// Why it cannot be done.
    pub refusals: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DefinitionStep {
    /// As the file calls it.
    pub name: String,
    pub family: String,
    pub action: DefinitionAction,
    /// Names of variables whose values are not shown.
    pub hidden: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum DefinitionAction {
    Unchanged {
        arn: String,
    },
    Register {
        /// The members of `RegisterTaskDefinition`.
        request: Map<String, Value>,
        /// The revision that it was compared with.
        against: Option<String>,
        changes: Vec<Change>,
    },
}

/// The definition that a service gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Definition {
    Arn(String),
    /// The one that is registered first, by the file's name of it.
    New(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ServiceStep {
    pub name: String,
    pub wave: u32,
    pub action: ServiceAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ServiceAction {
    Unchanged,
    Create {
        /// The members of `CreateService` but `taskDefinition`.
        request: Map<String, Value>,
        definition: Definition,
    },
    Update {
        /// The members of `UpdateService` but `taskDefinition`: cluster, service, and what changes.
        request: Map<String, Value>,
        /// Where it changes.
        definition: Option<Definition>,
        /// For `TagResource`.
        tags: Map<String, Value>,
        changes: Vec<Change>,
    },
    Delete,
}

impl Plan {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.deploys() && !self.scheduled.iter().any(ScheduleStep::acts)
    }

    /// Whether a revision is registered or a service changes: what tasks before and after are for.
    #[must_use]
    pub fn deploys(&self) -> bool {
        let acts = |step: &ServiceStep| step.action != ServiceAction::Unchanged;
        self.definitions.iter().any(DefinitionStep::registers) || self.services.iter().any(acts)
    }
}

impl DefinitionStep {
    /// Whether a revision is registered.
    #[must_use]
    pub fn registers(&self) -> bool {
        matches!(self.action, DefinitionAction::Register { .. })
    }
}
