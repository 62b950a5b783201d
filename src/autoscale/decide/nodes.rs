//! A group's nodes: as many as are needed, and those that go, go empty.
//!
//! A node that is chosen drains until it is empty or its time is up, and only then ends; if it is needed
//! again before, it becomes active again. Nodes that somebody else drains are replaced, and ended when
//! they are empty and the group has more than it needs.

use super::action::{Act, Action, Decision, Reason, Subject, Why};
use super::doubt;
use super::memory::{GroupMemory, Leaving, elapsed};
use super::service::Turn;
use super::snapshot::{self, Instance, InstanceState, Node, NodeStatus};
use super::victims::{Candidate, Zones, choose};
use crate::autoscale::config::{Busy, Capacity, Group};
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
    group: &'a Group,
    seen: &'a snapshot::Group,
    members: Vec<Member<'a>>,
    /// `None`: the cluster's list was not read.
    registered: Option<&'a Registered<'a>>,
    memory: GroupMemory,
    now: Timestamp,
    actions: Vec<Action>,
    held: Vec<Why>,
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
            now,
            actions: Vec::new(),
            held: Vec::new(),
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
        for Member { instance, node } in &self.members {
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
            memory
                .leaving
                .extend(leaving.map(|leaving| (instance.id.clone(), leaving)));
        }
    }

    /// What there is for tasks.
    pub fn capacity(&self) -> Capacity {
        let serves = |member: &&Member| {
            let active = member
                .node
                .is_some_and(|node| node.status == NodeStatus::Active && node.connected);
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
        let target = need.max(self.seen.min).min(self.seen.max);
        let leaving = self.memory.leaving.keys();
        let leaving: u32 = leaving
            .filter_map(|id| self.member(id))
            .map(|one| one.instance.units)
            .sum();
        let staying = self.seen.desired.saturating_sub(leaving);
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
            self.end_leaving(self.seen.desired.saturating_sub(target));
            let deployed = turns.iter().find(|turn| turn.is_deployed());
            self.remove(surplus, need, deployed);
        }
    }

    fn member(&self, id: &str) -> Option<Member<'a>> {
        self.members
            .iter()
            .find(|member| *member.instance.id == *id)
            .copied()
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
            let units = self
                .member(&instance)
                .map_or(0, |member| member.instance.units);
            short = short.saturating_sub(units);
            self.memory.leaving.remove(&instance);
            let act = Act::Activate {
                group: self.group.id.clone(),
                instance,
            };
            self.act(act, Why::NeededAgain { need });
        }
        let from = self.seen.desired;
        let to = from.saturating_add(short).min(self.seen.max);
        if to > from {
            let group = self.group.id.clone();
            self.act(Act::SetNodes { group, from, to }, why);
        }
    }

    /// Instances that never came; what is left of the surplus.
    fn end_orphans(&mut self, orphans: &[&Instance], mut surplus: u32) -> u32 {
        let most = self.budget();
        for instance in orphans.iter().take(most) {
            let lowers = instance.units <= surplus;
            if lowers {
                surplus -= instance.units;
            }
            let age = elapsed(instance.launched, self.now);
            self.memory.chosen.push_back(self.now);
            self.end(instance, lowers, Why::Orphan { age });
        }
        surplus
    }

    /// Chosen nodes whose time has come. `surplus`: what the group has beyond its target, these included.
    fn end_leaving(&mut self, mut surplus: u32) {
        let leaving = self.memory.leaving.iter();
        let mut leaving: Vec<_> = leaving
            .map(|(id, leaving)| (*leaving, id.clone()))
            .collect();
        leaving.sort_by_key(|(leaving, _)| leaving.since);
        for (leaving, id) in leaving {
            let Some(Member {
                instance,
                node: Some(node),
            }) = self.member(&id)
            else {
                continue;
            };
            if surplus < instance.units || instance.protected {
                self.held.push(Why::Kept { instance: id });
                continue;
            }
            surplus -= instance.units;
            if node.status == NodeStatus::Active {
                // Its time begins when it drains.
                if let Some(again) = self.memory.leaving.get_mut(&id) {
                    again.since = self.now;
                }
                self.drain(instance, Why::DrainAgain);
                continue;
            }
            let tasks = node.tasks.at_stake();
            if tasks == 0 && node.connected {
                self.end(instance, true, Why::Empty);
            } else if elapsed(leaving.since, self.now) >= self.group.removal.wait {
                self.end(instance, true, Why::TimeIsUp { tasks });
            } else {
                self.held.push(Why::Draining {
                    instance: id,
                    tasks,
                });
            }
        }
    }

    /// Chooses nodes and lets them drain.
    fn remove(&mut self, surplus: u32, need: u32, deployed: Option<&Turn>) {
        if surplus == 0 {
            return;
        }
        if let Some(turn) = deployed {
            let service = turn.service.id.clone();
            self.held.push(Why::Waits { service });
            return;
        }
        let launching = |member: &Member| member.instance.state == InstanceState::Launching;
        if self.members.iter().any(launching) {
            self.held.push(Why::Launching);
            return;
        }
        let most = self.budget();
        let stays = |member: &&Member| !self.memory.leaving.contains_key(&member.instance.id);
        let staying = || self.members.iter().filter(stays);
        let zones = Zones::of(staying().map(|member| member.instance));
        let candidates = staying().filter_map(|member| self.candidate(*member));
        let chosen = choose(zones, candidates.collect(), surplus, most);
        let units: u32 = chosen.iter().map(|instance| instance.units).sum();
        let full = chosen.len() == most;
        for instance in chosen {
            let leaving = Leaving {
                since: self.now,
                ours: true,
            };
            self.memory.leaving.insert(instance.id.clone(), leaving);
            self.memory.chosen.push_back(self.now);
            let zone = instance.zone.clone();
            self.drain(instance, Why::Surplus { need, zone });
        }
        let surplus = surplus - units;
        if surplus > 0 {
            self.held.push(match full {
                false => Why::NoCandidate { surplus },
                true if self.hour_left() == 0 => Why::PerHour { surplus },
                true => Why::PerPoll { surplus },
            });
        }
    }

    fn candidate(&self, member: Member<'a>) -> Option<Candidate<'a>> {
        let node = member.node?;
        let tasks = node.tasks;
        let quiet = tasks.pending == 0 && tasks.protected == 0;
        let free = self.group.removal.busy == Busy::Drain || tasks.service == 0;
        let in_service = member.instance.state == InstanceState::InService;
        let usable = node.status == NodeStatus::Active && node.connected;
        let may = quiet && free && in_service && usable && !member.instance.protected;
        may.then_some(Candidate {
            instance: member.instance,
            tasks,
        })
    }

    /// How many nodes may be chosen now.
    fn budget(&self) -> usize {
        let chosen_now = self
            .actions
            .iter()
            .filter(|action| matches!(action.why, Why::Orphan { .. } | Why::Surplus { .. }));
        let per_poll = usize::try_from(self.group.removal.per_poll).unwrap_or(usize::MAX);
        per_poll
            .saturating_sub(chosen_now.count())
            .min(self.hour_left())
    }

    fn hour_left(&self) -> usize {
        let per_hour = usize::try_from(self.group.removal.per_hour).unwrap_or(usize::MAX);
        per_hour.saturating_sub(self.memory.chosen.len())
    }

    fn drain(&mut self, instance: &Instance, why: Why) {
        let act = Act::Drain {
            group: self.group.id.clone(),
            instance: instance.id.clone(),
        };
        self.act(act, why);
    }

    fn end(&mut self, instance: &Instance, lowers: bool, why: Why) {
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
            .reasons
            .extend(self.held.into_iter().map(|why| Reason {
                subject: Subject::Group(id.clone()),
                why,
            }));
        decision.memory.groups.insert(id.clone(), self.memory);
    }
}
