//! The rules: each has a name, what it was decided from, and a sentence.

use crate::autoscale::config::Capacity;
use crate::autoscale::{AlarmId, AlarmState, ServiceId};
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The rule that decided.
#[derive(Clone, Debug, PartialEq)]
pub enum Why {
    // What moves a count.
    Trigger {
        alarm: AlarmId,
        state: AlarmState,
    },
    BelowMin {
        min: u32,
    },
    AboveMax {
        max: u32,
    },
    NextLevel {
        max: u32,
    },
    Fallback {
        count: u32,
    },
    Capacity {
        wanted: u32,
    },
    // What holds a count.
    NoService,
    Lease {
        holder: Arc<str>,
        until: Timestamp,
    },
    Lost {
        to: u32,
    },
    Foreign {
        count: u32,
    },
    Idle {
        left: Duration,
    },
    Settling,
    Deploying,
    /// Of tasks and of nodes.
    UnknownLease,
    UnknownAlarm {
        alarm: AlarmId,
    },
    NoData {
        alarm: AlarmId,
    },
    Stabilizing {
        step: i64,
    },
    Rate {
        step: i64,
    },
    LevelWait {
        max: u32,
        left: Duration,
    },
    AtMax {
        max: u32,
    },
    NoCapacity {
        wanted: u32,
    },
    // What moves nodes.
    Need {
        need: u32,
        tasks: Capacity,
        buffer: Capacity,
    },
    NeededAgain {
        need: u32,
    },
    Surplus {
        need: u32,
        zone: Arc<str>,
    },
    DrainAgain,
    Empty,
    TimeIsUp {
        tasks: u32,
    },
    Orphan {
        age: Duration,
    },
    // What holds nodes.
    NoGroup,
    NoNodes,
    UnknownNeed,
    EmptyCluster,
    NoneRegistered {
        instances: usize,
    },
    ManyOrphans {
        orphans: usize,
        instances: usize,
    },
    GroupMax {
        need: u32,
        max: u32,
    },
    Launching,
    Waits {
        service: ServiceId,
    },
    Draining {
        instance: Arc<str>,
        tasks: u32,
    },
    Kept {
        instance: Arc<str>,
    },
    NoCandidate {
        surplus: u32,
    },
    PerPoll {
        surplus: u32,
    },
    PerHour {
        surplus: u32,
    },
}

fn counted(tasks: u32) -> String {
    format!("{tasks} task{}", if tasks == 1 { "" } else { "s" })
}

/// A duration as people say it, without parts of seconds.
fn spoken(duration: Duration) -> String {
    humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string()
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Trigger { .. }
            | Why::BelowMin { .. }
            | Why::AboveMax { .. }
            | Why::NextLevel { .. }
            | Why::Fallback { .. }
            | Why::Capacity { .. } => self.moves_count(f),
            Why::NoService
            | Why::Lease { .. }
            | Why::Lost { .. }
            | Why::Foreign { .. }
            | Why::Idle { .. }
            | Why::Settling
            | Why::Deploying
            | Why::UnknownLease
            | Why::UnknownAlarm { .. }
            | Why::NoData { .. }
            | Why::Stabilizing { .. }
            | Why::Rate { .. }
            | Why::LevelWait { .. }
            | Why::AtMax { .. }
            | Why::NoCapacity { .. } => self.holds_count(f),
            Why::Need { .. }
            | Why::NeededAgain { .. }
            | Why::Surplus { .. }
            | Why::DrainAgain
            | Why::Empty
            | Why::TimeIsUp { .. }
            | Why::Orphan { .. } => self.moves_nodes(f),
            _ => self.holds_nodes(f),
        }
    }
}

impl Why {
    fn moves_count(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Trigger { alarm, state } => write!(f, "{alarm} is {state}"),
            Why::BelowMin { min } => write!(f, "the minimum is {min}"),
            Why::AboveMax { max } => write!(f, "the maximum is {max}"),
            Why::NextLevel { max } => write!(f, "the next level, up to {max}, is open"),
            Why::Fallback { count } => {
                write!(f, "alarms are unknown, and {count} tasks are safe")
            }
            Why::Capacity { wanted } => {
                write!(f, "there is capacity for the {wanted} that are wanted")
            }
            _ => Ok(()),
        }
    }

    fn holds_count(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NoService => f.write_str("not answered for, or not active: left alone"),
            Why::Lease { holder, until } => write!(f, "left to {holder} until {until}"),
            Why::Lost { to } => write!(f, "the change to {to} never arrived"),
            Why::Foreign { count } => write!(f, "somebody else set {count}"),
            Why::Idle { left } => write!(f, "idle for another {}", spoken(*left)),
            Why::Settling => f.write_str("tasks of the last scale-in are still running"),
            Why::Deploying => f.write_str("not scaled in during a deployment"),
            Why::UnknownLease => f.write_str("not scaled in, a lock of a deploy could not be read"),
            Why::UnknownAlarm { alarm } => write!(f, "not scaled in, {alarm} is unknown"),
            Why::NoData { alarm } => write!(f, "not scaled in, {alarm} has no data"),
            Why::Stabilizing { step } => write!(f, "{step:+} is not asked for long enough"),
            Why::Rate { step } => write!(f, "{step:+} is more than the rates allow"),
            Why::LevelWait { max, left } => {
                write!(f, "stays at {max} for another {}", spoken(*left))
            }
            Why::AtMax { max } => write!(f, "the largest maximum, {max}, is reached"),
            Why::NoCapacity { wanted } => {
                write!(f, "{wanted} are wanted, and wait for capacity")
            }
            _ => Ok(()),
        }
    }

    fn moves_nodes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Need {
                need,
                tasks,
                buffer,
            } => write!(
                f,
                "{need} are needed: {tasks} for tasks and a buffer of {buffer}"
            ),
            Why::NeededAgain { need } => write!(f, "{need} are needed again"),
            Why::Surplus { need, zone } => write!(f, "{need} are needed, and {zone} has most"),
            Why::DrainAgain => f.write_str("it was chosen, and is not draining"),
            Why::Empty => f.write_str("it is empty"),
            Why::TimeIsUp { tasks } => {
                write!(f, "its time is up, with {} still running", counted(*tasks))
            }
            Why::Orphan { age } => {
                write!(f, "{} old and not in the cluster", spoken(*age))
            }
            _ => Ok(()),
        }
    }

    fn holds_nodes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::NoGroup => f.write_str("not answered for: left alone"),
            Why::NoNodes => f.write_str("no node is removed, the cluster's were not read"),
            Why::UnknownNeed => f.write_str("no node is removed, a service is unknown"),
            Why::EmptyCluster => f.write_str(
                "suspicious: the cluster has no node at all, none is removed: check cluster in the file",
            ),
            Why::NoneRegistered { instances } => write!(
                f,
                "suspicious: none of {instances} instances is in the cluster, none is removed: check cluster in the file"
            ),
            Why::ManyOrphans { orphans, instances } => write!(
                f,
                "suspicious: {orphans} of {instances} instances are not in the cluster, none is removed"
            ),
            Why::GroupMax { need, max } => write!(f, "{need} are needed, the group's own maximum is {max}"),
            Why::Launching => f.write_str("no node is chosen while others are launched"),
            Why::Waits { service } => write!(f, "no node is chosen while {service} is deployed"),
            Why::Draining { instance, tasks } => {
                write!(f, "{instance} drains, with {} left", counted(*tasks))
            }
            Why::Kept { instance } => write!(f, "{instance} drains, and is needed"),
            Why::NoCandidate { surplus } => write!(
                f,
                "{surplus} could go, but no node of the largest zone may"
            ),
            Why::PerPoll { surplus } => write!(f, "{surplus} more could go, but not in one poll"),
            Why::PerHour { surplus } => write!(f, "{surplus} more could go, but not within an hour"),
            _ => Ok(()),
        }
    }
}
