//! Names of what is looked at and acted on; cheap to copy, since every poll names thousands.

use std::fmt;
use std::sync::Arc;

/// A region; `None` is the one that the SDK is configured for.
pub type Region = Option<Arc<str>>;

/// An ECS cluster.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClusterId {
    pub region: Region,
    pub name: Arc<str>,
}

/// An ECS service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceId {
    pub cluster: ClusterId,
    pub name: Arc<str>,
}

/// A CloudWatch alarm, on a metric or on other alarms.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AlarmId {
    pub region: Region,
    pub name: Arc<str>,
}

/// What CloudWatch says of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmState {
    Ok,
    Alarm,
    InsufficientData,
}

impl AlarmState {
    /// CloudWatch's words.
    pub const ALL: [(&str, AlarmState); 3] = [
        ("OK", AlarmState::Ok),
        ("ALARM", AlarmState::Alarm),
        ("INSUFFICIENT_DATA", AlarmState::InsufficientData),
    ];
}

/// What brings a group's nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GroupKind {
    /// An Auto Scaling group; a node is one unit of capacity.
    AutoScaling,
    /// A spot fleet request; a vCPU is one unit of capacity.
    SpotFleet,
    /// A capacity provider or Fargate: only tasks are scaled.
    Simple,
}

/// A group of services and the nodes that carry them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId {
    pub kind: GroupKind,
    pub region: Region,
    pub name: Arc<str>,
}

impl fmt::Display for AlarmState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = AlarmState::ALL.iter().find(|(_, state)| state == self);
        f.write_str(known.map_or("", |(name, _)| name))
    }
}

fn within(f: &mut fmt::Formatter<'_>, region: &Region) -> fmt::Result {
    match region {
        Some(region) => write!(f, " in {region}"),
        None => Ok(()),
    }
}

impl fmt::Display for ClusterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cluster {}", self.name)?;
        within(f, &self.region)
    }
}

impl fmt::Display for ServiceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service {}/{}", self.cluster.name, self.name)?;
        within(f, &self.cluster.region)
    }
}

impl fmt::Display for AlarmId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "alarm {}", self.name)?;
        within(f, &self.region)
    }
}

impl fmt::Display for GroupId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            GroupKind::AutoScaling => "group",
            GroupKind::SpotFleet => "spot fleet",
            GroupKind::Simple => "simple group",
        };
        write!(f, "{kind} {}", self.name)?;
        within(f, &self.region)
    }
}
