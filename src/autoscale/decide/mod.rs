//! From what is seen and remembered to what is to be done. Pure: the time is an argument.
//!
//! For each group: `service` finds the count of each of its services (`triggers`, `level`, `pace`), then
//! `nodes` finds what becomes of its nodes (`removal` ends them, `victims` chooses them, `doubt` says when
//! not to believe what is seen). `memory` assumes that every action arrives; if the next snapshot says otherwise, the
//! snapshot is right.

mod action;
mod doubt;
mod level;
mod memory;
mod nodes;
mod pace;
mod removal;
mod service;
mod snapshot;
mod triggers;
mod victims;
mod why;

pub use action::{Act, Action, Decision, Reason, Subject};
pub use memory::{Asked, GroupMemory, Leaving, Memory, ServiceMemory};
pub use snapshot::{
    Alarm, Group, Instance, InstanceState, Lease, Node, NodeStatus, Service, Snapshot, Tasks,
};
pub use why::Why;

use crate::autoscale::config::{self, Capacity, Config};
use crate::autoscale::{ClusterId, GroupKind};
use jiff::Timestamp;
use nodes::{Nodes, Registered};
use service::{Room, Turn};
use std::collections::BTreeMap;
use triggers::Alarms;

/// What is to be done now, and what to remember for the next poll.
#[must_use]
pub fn decide(config: &Config, snapshot: &Snapshot, memory: Memory, now: Timestamp) -> Decision {
    let mut poll = Poll {
        snapshot,
        alarms: Alarms(&snapshot.alarms),
        registered: registered(snapshot),
        before: memory,
        now,
    };
    poll.before.not_after(now);
    let mut decision = Decision::default();
    for group in &config.groups {
        poll.group(group, &mut decision);
    }
    decision
}

/// What is known in a poll.
struct Poll<'a> {
    snapshot: &'a Snapshot,
    alarms: Alarms<'a>,
    registered: BTreeMap<&'a ClusterId, Registered<'a>>,
    before: Memory,
    now: Timestamp,
}

fn registered(snapshot: &Snapshot) -> BTreeMap<&ClusterId, Registered<'_>> {
    let clusters = snapshot.clusters.iter();
    let by_instance = clusters.map(|(id, nodes)| {
        let nodes = nodes.iter().map(|node| (&*node.instance, node));
        (id, nodes.collect())
    });
    by_instance.collect()
}

impl Poll<'_> {
    fn group(&mut self, group: &config::Group, decision: &mut Decision) {
        let ids = || group.services.iter().map(|service| &service.id);
        let mut memories: Vec<ServiceMemory> = ids()
            .map(|id| self.before.services.remove(id).unwrap_or_default())
            .collect();
        let memory = self.before.groups.remove(&group.id);
        let mut turns = self.turns(group, &mut memories, decision);
        let mut nodes = self.nodes(group, memory, decision);
        let mut room = Room {
            capacity: nodes.as_ref().map(Nodes::capacity),
            used: turns
                .iter()
                .fold(Capacity::default(), |sum, turn| sum + turn.occupied()),
        };
        for turn in &mut turns {
            decision.actions.extend(turn.decide(&mut room));
            let held = std::mem::take(&mut turn.held).into_iter();
            decision.reasons.extend(held.map(|why| Reason {
                subject: Subject::Service(turn.service.id.clone()),
                why,
            }));
        }
        if let Some(nodes) = &mut nodes {
            nodes.decide(&turns, turns.len() == group.services.len());
        }
        if let Some(nodes) = nodes {
            nodes.finish(decision);
        }
        decision
            .memory
            .services
            .extend(ids().cloned().zip(memories));
    }

    /// The services of a group that were seen.
    fn turns<'t>(
        &'t self,
        group: &'t config::Group,
        memories: &'t mut [ServiceMemory],
        decision: &mut Decision,
    ) -> Vec<Turn<'t>> {
        let mut turns = Vec::new();
        for (service, memory) in group.services.iter().zip(memories) {
            match self.snapshot.services.get(&service.id) {
                Some(seen) => {
                    turns.push(Turn::begin(service, seen, memory, &self.alarms, self.now));
                }
                None => decision.reasons.push(Reason {
                    subject: Subject::Service(service.id.clone()),
                    why: Why::NoService,
                }),
            }
        }
        turns
    }

    /// The nodes of a group, if it has any and was seen.
    fn nodes<'t>(
        &'t self,
        group: &'t config::Group,
        memory: Option<GroupMemory>,
        decision: &mut Decision,
    ) -> Option<Nodes<'t>> {
        if group.id.kind == GroupKind::Simple {
            return None;
        }
        let Some(seen) = self.snapshot.groups.get(&group.id) else {
            decision.reasons.push(Reason {
                subject: Subject::Group(group.id.clone()),
                why: Why::NoGroup,
            });
            let memory = memory.map(|memory| (group.id.clone(), memory));
            decision.memory.groups.extend(memory);
            return None;
        };
        let registered = self.registered.get(&group.cluster);
        let memory = memory.unwrap_or_default();
        Some(Nodes::new(group, seen, registered, memory, self.now))
    }
}
