//! A group's nodes: as many as are needed, and those that go, go empty.
//!
//! A node that is chosen drains until it is empty or its time is up, and only then ends; if it is needed
//! again before, it becomes active again. Nodes that somebody else drains are replaced, and ended when
//! they are empty and the group has more than it needs.

use super::action::{Act, Action, Decision, Reason, Subject};
use super::doubt;
use super::memory::{GroupMemory, Leaving, elapsed};
use super::service::Turn;
use super::snapshot::{self, Instance, InstanceState, Node, NodeStatus};
use super::why::Why;
use crate::autoscale::GroupKind;
use crate::autoscale::config::{Capacity, Group};
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// The container instances of a cluster by their EC2 instance.
pub type Registered<'a> = HashMap<&'a str, &'a Node>;

/// An instance that is counted on, and its node if it is in the cluster.
#[derive(Clone, Copy)]
pub struct Member<'a> {
    pub instance: &'a Instance,
    pub node: Option<&'a Node>,
}

/// A group in this poll.
pub struct Nodes<'a> {
    pub(super) group: &'a Group,
    pub(super) seen: &'a snapshot::Group,
    pub(super) members: Vec<Member<'a>>,
    /// `None`: the cluster's list was not read.
    registered: Option<&'a Registered<'a>>,
    pub(super) memory: GroupMemory,
    /// Those on their way out when the poll began.
    pub(super) going: HashMap<&'a str, Member<'a>>,
    pub(super) now: Timestamp,
    pub(super) actions: Vec<Action>,
    pub(super) held: Vec<Why>,
    need: Option<u32>,
}

impl<'a> Nodes<'a> {
    pub fn new(
        group: &'a Group,
        seen: &'a snapshot::Group,
        registered: Option<&'a Registered<'a>>,
        memory: GroupMemory,
        now: Timestamp,
    ) -> Nodes<'a> {
        let counted = seen.instances.iter();
        let counted = counted.filter(|instance| instance.state != InstanceState::Leaving);
        let node = |id: &str| registered.and_then(|nodes| nodes.get(id)).copied();
        let members = counted.map(|instance| Member {
            instance,
            node: node(&instance.id),
        });
        let mut nodes = Nodes {
            group,
            seen,
            members: members.collect(),
            registered,
            memory,
            going: HashMap::new(),
            now,
            actions: Vec::new(),
            held: Vec::new(),
            need: None,
        };
        nodes.remember();
        nodes
    }

    /// Brings the memory up to date with what is.
    fn remember(&mut self) {
        let now = self.now;
        let memory = &mut self.memory;
        memory.chosen.retain(|time| elapsed(*time, now) < HOUR);
        let mut known = std::mem::take(&mut memory.leaving);
        for member in &self.members {
            let Member { instance, node } = member;
            let draining = node.is_some_and(|node| node.status == NodeStatus::Draining);
            let found = || {
                // It counts as chosen: a lost memory must not double what may go in an hour.
                memory.chosen.push_back(now);
                Leaving {
                    since: now,
                    ours: false,
                }
            };
            let leaving = match known.remove(&instance.id) {
                Some(leaving) => (leaving.ours || draining || node.is_none()).then_some(leaving),
                None => draining.then(found),
            };
            if let Some(leaving) = leaving {
                memory.leaving.insert(instance.id.clone(), leaving);
                self.going.insert(&instance.id, *member);
            }
        }
    }

    /// What there is for tasks.
    pub fn capacity(&self) -> Capacity {
        let serves = |member: &&Member| {
            // One whose agent is away counts: the group's size has it, too, so that a rise that waits for
            // another node in its place would wait for ever.
            let active = member
                .node
                .is_some_and(|node| node.status == NodeStatus::Active);
            member.instance.state == InstanceState::InService
                && !self.memory.leaving.contains_key(&member.instance.id)
                && (active || self.registered.is_none())
        };
        let units = self
            .members
            .iter()
            .filter(serves)
            .map(|member| member.instance.units);
        Capacity::units(units.sum())
    }

    /// `complete`: every service of the group was seen.
    pub fn decide(&mut self, turns: &[Turn], complete: bool) {
        let tasks = turns.iter().map(Turn::needed);
        let tasks = tasks.fold(Capacity::default(), |sum, one| sum + one);
        let buffer = self.group.buffer;
        let need = (tasks + buffer).ceil();
        self.need = complete.then_some(need);
        let target = need.max(self.seen.min).min(self.seen.max);
        let leaving = self.going.values().map(|one| one.instance.units);
        let leaving: u32 = leaving.sum();
        let staying = self.desired().saturating_sub(leaving);
        if need > self.seen.max {
            self.held.push(Why::GroupMax {
                need,
                max: self.seen.max,
            });
        }
        let surplus = staying.saturating_sub(target);
        if staying < target {
            let why = Why::Need {
                need,
                tasks,
                buffer,
            };
            self.grow(target - staying, need, why);
        }
        let quiet = surplus == 0 && self.memory.leaving.is_empty();
        if !complete {
            self.held.extend((!quiet).then_some(Why::UnknownNeed));
            return;
        }
        let Some(registered) = self.registered else {
            self.held.extend((!quiet).then_some(Why::NoNodes));
            return;
        };
        let orphans = doubt::orphans(&self.members, self.now);
        let percent = self.group.removal.orphan_percent;
        let suspicion = doubt::suspicion(&self.members, registered.len(), orphans.len(), percent);
        if let Some(suspicion) = suspicion {
            self.held.push(suspicion);
            return;
        }
        let surplus = self.end_orphans(&orphans, surplus);
        if staying >= target {
            self.end_leaving(self.desired().saturating_sub(target));
            let deployed = turns.iter().find_map(Turn::needs_nodes);
            self.remove(surplus, need, deployed);
        }
    }

    /// What the group has or is to have, those that leave included.
    fn desired(&self) -> u32 {
        if self.group.id.kind == GroupKind::SpotFleet && !self.going.is_empty() {
            self.seen.total_units()
        } else {
            self.seen.desired
        }
    }

    /// Nodes that are on their way out come back before new ones are bought.
    fn grow(&mut self, mut short: u32, need: u32, why: Why) {
        let ours = self
            .memory
            .leaving
            .iter()
            .filter(|(_, leaving)| leaving.ours);
        let mut ours: Vec<(Timestamp, Arc<str>)> = ours
            .map(|(id, leaving)| (leaving.since, id.clone()))
            .collect();
        ours.sort();
        for (_, instance) in ours.into_iter().rev() {
            if short == 0 {
                break;
            }
            let going = self.going.get(&*instance);
            let units = going.map_or(0, |member| member.instance.units);
            short = short.saturating_sub(units);
            self.memory.leaving.remove(&instance);
            let act = Act::Activate {
                group: self.group.id.clone(),
                instance,
            };
            self.act(act, Why::NeededAgain { need });
        }
        let from = self.desired();
        let to = from.saturating_add(short).min(self.seen.max);
        if to > from {
            let group = self.group.id.clone();
            self.act(Act::SetNodes { group, from, to }, why);
        }
    }

    pub(super) fn drain(&mut self, instance: &Instance, why: Why) {
        let act = Act::Drain {
            group: self.group.id.clone(),
            instance: instance.id.clone(),
        };
        self.act(act, why);
    }

    pub(super) fn end(&mut self, instance: &Instance, lowers: bool, why: Why) {
        let act = Act::Terminate {
            group: self.group.id.clone(),
            instance: instance.id.clone(),
            lowers,
        };
        self.act(act, why);
    }

    fn act(&mut self, act: Act, why: Why) {
        self.actions.push(Action { act, why });
    }

    /// Hands over what was decided.
    pub fn finish(self, decision: &mut Decision) {
        decision.actions.extend(self.actions);
        let id = &self.group.id;
        decision
            .needs
            .extend(self.need.map(|need| (id.clone(), need)));
        decision
            .reasons
            .extend(self.held.into_iter().map(|why| Reason {
                subject: Subject::Group(id.clone()),
                why,
            }));
        decision.memory.groups.insert(id.clone(), self.memory);
    }
}
