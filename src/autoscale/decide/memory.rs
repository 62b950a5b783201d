//! What one poll leaves to the next. All of it may be lost: then no wait is remembered, and nodes that
//! are draining are found again.

use super::action::Act;
use super::snapshot::Service;
use crate::autoscale::{GroupId, ServiceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// As long as ecs_auto_scaler waits: ten minutes for the service, ten for its tasks.
const LONGEST_SETTLING: Duration = Duration::from_mins(20);

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub services: BTreeMap<ServiceId, ServiceMemory>,
    pub groups: BTreeMap<GroupId, GroupMemory>,
}

/// What is remembered of a service. It is stored as it is (`run::stored`): members that are added need a default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceMemory {
    /// When its count was last decided; nothing is decided for the idle time after it.
    pub updated: Option<Timestamp>,
    /// When it was last seen with tasks of a scale-in still running.
    pub unsettled: Option<Timestamp>,
    /// Since when a level's maximum is reached.
    pub reached: Option<Timestamp>,
    pub asked: Option<Asked>,
    /// The count that it is to have once there is capacity.
    pub wanted: Option<u32>,
    /// Since when an alarm of it is unknown.
    pub unknown: Option<Timestamp>,
    /// What the triggers asked for: the newest last, one older than the stabilization first.
    pub steps: VecDeque<(Timestamp, i64)>,
    /// Changes of the count within the periods of the rates.
    pub changes: VecDeque<(Timestamp, i64)>,
}

/// An update that was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    pub at: Timestamp,
    pub from: u32,
    pub to: u32,
    /// It was seen to be so.
    pub arrived: bool,
    /// `ServiceMemory::reached` before it, in case it never arrived.
    pub reached: Option<Timestamp>,
}

/// What is remembered of a group.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupMemory {
    /// Instances on their way out.
    pub leaving: BTreeMap<Arc<str>, Leaving>,
    /// When nodes were chosen, within the last hour.
    pub chosen: VecDeque<Timestamp>,
}

/// An instance on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaving {
    pub since: Timestamp,
    /// Chosen by this memory; others were found draining.
    pub ours: bool,
}

/// What became of the last update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It is as was asked, or nothing was asked.
    Done,
    /// The count is what it was before.
    Lost,
    /// Somebody else set this count.
    Foreign,
}

impl Memory {
    /// An action failed. What else it was remembered as corrects itself in the next snapshot; `before` is the
    /// memory that it was decided from.
    pub fn failed(&mut self, act: &Act, before: &Memory) {
        if let Act::Activate { group, instance } = act {
            // Otherwise the node would look as if somebody else drained it, and be replaced.
            let leaving = before
                .groups
                .get(group)
                .and_then(|memory| memory.leaving.get(instance));
            let memory = self.groups.get_mut(group);
            if let Some((leaving, memory)) = leaving.zip(memory) {
                memory.leaving.insert(instance.clone(), *leaving);
            }
        }
    }

    /// A clock that was put back must not make waits longer than they are.
    pub fn not_after(&mut self, now: Timestamp) {
        let clamp = |time: &mut Timestamp| *time = (*time).min(now);
        for memory in self.services.values_mut() {
            let asked = memory.asked.as_mut().map(|asked| &mut asked.at);
            let single = [
                memory.updated.as_mut(),
                memory.unsettled.as_mut(),
                memory.reached.as_mut(),
                memory.unknown.as_mut(),
                asked,
            ];
            single.into_iter().flatten().for_each(clamp);
            let lists = memory.steps.iter_mut().chain(&mut memory.changes);
            lists.for_each(|(time, _)| clamp(time));
        }
        for memory in self.groups.values_mut() {
            let leaving = memory
                .leaving
                .values_mut()
                .map(|leaving| &mut leaving.since);
            leaving.chain(&mut memory.chosen).for_each(clamp);
        }
    }
}

impl ServiceMemory {
    /// Compares what was asked for with what is.
    pub fn reconcile(&mut self, seen: &Service, now: Timestamp) -> Arrival {
        let Some(asked) = &mut self.asked else {
            return Arrival::Done;
        };
        if seen.desired == asked.to {
            asked.arrived = true;
            return Arrival::Done;
        }
        let asked = *asked;
        self.asked = None;
        if seen.desired == asked.from && !asked.arrived {
            self.updated = None;
            self.reached = asked.reached;
            self.changes.retain(|(time, _)| *time != asked.at);
            return Arrival::Lost;
        }
        self.wanted = None;
        self.updated = Some(now);
        Arrival::Foreign
    }

    /// Whether tasks of the last scale-in are still running; for ever is too long to wait for them.
    pub fn settle(&mut self, seen: &Service, now: Timestamp) {
        let Some(asked) = self
            .asked
            .filter(|asked| asked.arrived && asked.to < asked.from)
        else {
            return;
        };
        if seen.running > seen.desired && elapsed(asked.at, now) < LONGEST_SETTLING {
            self.unsettled = Some(now);
        }
    }

    /// Notes an update that is about to be sent.
    pub fn ask(&mut self, from: u32, to: u32, reached: Option<Timestamp>, now: Timestamp) {
        self.asked = Some(Asked {
            at: now,
            from,
            to,
            arrived: false,
            reached,
        });
        self.updated = Some(now);
        self.changes
            .push_back((now, i64::from(to) - i64::from(from)));
    }

    /// The tasks to find room for: those of a scale-in stay until they have stopped.
    pub fn occupied(&self, seen: &Service, now: Timestamp) -> u32 {
        match self.asked {
            Some(asked) if self.unsettled == Some(now) => {
                seen.desired.max(seen.running.min(asked.from))
            }
            _ => seen.desired,
        }
    }
}

/// The time from then to now.
pub fn elapsed(then: Timestamp, now: Timestamp) -> Duration {
    now.duration_since(then)
        .try_into()
        .unwrap_or(Duration::ZERO)
}

/// How much of a wait is left, if any.
pub fn left(then: Option<Timestamp>, wait: Duration, now: Timestamp) -> Option<Duration> {
    let left = wait.saturating_sub(elapsed(then?, now));
    (!left.is_zero()).then_some(left)
}
