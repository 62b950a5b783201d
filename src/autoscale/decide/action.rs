//! What is to be done, and why, or why not.

use super::memory::Memory;
use super::why::Why;
use crate::autoscale::{GroupId, ServiceId};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// What follows from a snapshot.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    /// To be done in this order.
    pub actions: Vec<Action>,
    /// Why something else was not done.
    pub reasons: Vec<Reason>,
    pub memory: Memory,
    /// The capacity that each group needs, as far as it is known.
    pub needs: BTreeMap<GroupId, u32>,
}

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub struct Action {
    pub act: Act,
    pub why: Why,
}

/// A call, in the words of what it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// `UpdateService`.
    SetCount {
        service: ServiceId,
        from: u32,
        to: u32,
    },
    /// The group's desired capacity or the fleet's target, and nothing else of it.
    SetNodes { group: GroupId, from: u32, to: u32 },
    /// The container instance gets no more tasks, and loses those of services.
    Drain { group: GroupId, instance: Arc<str> },
    /// It gets tasks again.
    Activate { group: GroupId, instance: Arc<str> },
    /// Ends the instance; `lowers`: with its units less of desired capacity, else it is replaced.
    Terminate {
        group: GroupId,
        instance: Arc<str>,
        lowers: bool,
    },
}

/// Why something was not done.
#[derive(Clone, Debug, PartialEq)]
pub struct Reason {
    pub subject: Subject,
    pub why: Why,
}

/// What something is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    Service(ServiceId),
    Group(GroupId),
}

impl Subject {
    /// What an action is about.
    #[must_use]
    pub fn of(act: &Act) -> Subject {
        match act {
            Act::SetCount { service, .. } => Subject::Service(service.clone()),
            Act::SetNodes { group, .. }
            | Act::Drain { group, .. }
            | Act::Activate { group, .. }
            | Act::Terminate { group, .. } => Subject::Group(group.clone()),
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Subject::Service(id) => id.fmt(f),
            Subject::Group(id) => id.fmt(f),
        }
    }
}

impl fmt::Display for Act {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Act::SetCount { from, to, .. } => write!(f, "{from} → {to} tasks"),
            Act::SetNodes { from, to, .. } => write!(f, "{from} → {to} units of capacity"),
            Act::Drain { instance, .. } => write!(f, "drain {instance}"),
            Act::Activate { instance, .. } => write!(f, "activate {instance}"),
            Act::Terminate {
                instance,
                lowers: true,
                ..
            } => write!(f, "terminate {instance}"),
            Act::Terminate { instance, .. } => write!(f, "replace {instance}"),
        }
    }
}
