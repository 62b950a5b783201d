//! What one poll saw. Whatever is not in it was not answered, and is unknown.

use crate::autoscale::{AlarmId, AlarmState, ClusterId, GroupId, ServiceId};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The answers of AWS.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    pub services: BTreeMap<ServiceId, Service>,
    pub alarms: BTreeMap<AlarmId, Alarm>,
    /// Container instances; a cluster whose list was not read is not in it.
    pub clusters: BTreeMap<ClusterId, Vec<Node>>,
    pub groups: BTreeMap<GroupId, Group>,
    /// ARNs of container instances by their EC2 instance: what calls name. No decision depends on them.
    pub container_instances: BTreeMap<ClusterId, BTreeMap<Arc<str>, Arc<str>>>,
}

/// An active service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    pub desired: u32,
    pub running: u32,
    pub pending: u32,
    /// A deployment is in progress.
    pub deploying: bool,
    pub lease: Option<Lease>,
    /// A lock of a deploy could not be read: it may name this service.
    pub lease_unknown: bool,
}

/// A deploy's word that it alone changes the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    pub holder: Arc<str>,
    pub until: Timestamp,
}

/// An alarm as CloudWatch last told it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alarm {
    pub state: AlarmState,
    pub since: Timestamp,
}

/// A container instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Of EC2.
    pub instance: Arc<str>,
    pub status: NodeStatus,
    /// Its agent is: otherwise what it runs is not known.
    pub connected: bool,
    pub tasks: Tasks,
}

/// What ECS does with a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NodeStatus {
    Active,
    Draining,
    /// Registering, deregistering, inactive.
    Other,
}

/// A node's tasks by what becomes of them when it drains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tasks {
    /// Of services: ECS starts them elsewhere.
    pub service: u32,
    /// Of no service, such as a migration: nothing starts them again.
    pub one_off: u32,
    /// Those of the two that asked to be let alone.
    pub protected: u32,
    /// They stay until the node goes.
    pub daemon: u32,
    /// Not running yet, of whatever kind.
    pub pending: u32,
}

impl Tasks {
    /// What is lost if the node goes.
    #[must_use]
    pub fn at_stake(self) -> u32 {
        self.service + self.one_off + self.pending
    }
}

/// An Auto Scaling group, or a spot fleet (without bounds of its own).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    pub desired: u32,
    pub min: u32,
    pub max: u32,
    pub instances: Vec<Instance>,
}

impl Group {
    /// What it has or is to have. A fleet's target is lowered before an instance is ended: if that fails, there is
    /// more than the target.
    #[must_use]
    pub fn total_units(&self) -> u32 {
        let counted = self.instances.iter();
        let counted = counted.filter(|one| one.state != InstanceState::Leaving);
        self.desired.max(counted.map(|one| one.units).sum())
    }
}

/// An instance of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instance {
    pub id: Arc<str>,
    pub zone: Arc<str>,
    pub state: InstanceState,
    pub launched: Timestamp,
    /// One in an Auto Scaling group, the vCPUs in a spot fleet.
    pub units: u32,
    /// From scale-in.
    pub protected: bool,
}

/// Where an instance is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InstanceState {
    /// `Pending`, with or without a hook's `:Wait` or `:Proceed`.
    Launching,
    InService,
    /// Standby, detaching, terminating: it is no more counted on.
    Leaving,
}
