//! A service's count: what the triggers ask for, within its bounds, its levels and its pace.

use super::action::{Act, Action};
use super::level::Stairs;
use super::memory::{Arrival, ServiceMemory, elapsed, left};
use super::pace;
use super::snapshot;
use super::triggers::{Alarms, Wishes};
use super::why::Why;
use crate::autoscale::config::{Capacity, InsufficientData, LevelTimer, Service, Trigger};
use jiff::Timestamp;
use std::time::Duration;

/// A service in this poll.
pub struct Turn<'a> {
    pub service: &'a Service,
    pub seen: &'a snapshot::Service,
    pub memory: &'a mut ServiceMemory,
    wishes: Wishes<'a>,
    bounds: Bounds,
    now: Timestamp,
    /// Why what might have been expected is not done.
    pub held: Vec<Why>,
}

/// The capacity that tasks find.
pub struct Room {
    /// `None`: as much as they want.
    pub capacity: Option<Capacity>,
    pub used: Capacity,
}

/// The least and the most of this moment.
struct Bounds {
    min: u32,
    /// The minimum is that of a fallback.
    fallback: bool,
    stairs: Stairs,
}

/// A count that was chosen, before levels and capacity.
struct Choice {
    count: u32,
    why: Why,
}

impl<'a> Turn<'a> {
    /// Compares the memory with what is, and brings it up to date.
    pub fn begin(
        service: &'a Service,
        seen: &'a snapshot::Service,
        memory: &'a mut ServiceMemory,
        alarms: &Alarms,
        now: Timestamp,
    ) -> Turn<'a> {
        let mut held = Vec::new();
        let asked = memory.asked;
        match (memory.reconcile(seen, now), asked) {
            (Arrival::Lost, Some(asked)) => held.push(Why::Lost { to: asked.to }),
            (Arrival::Foreign, _) => held.push(Why::Foreign {
                count: seen.desired,
            }),
            _ => {}
        }
        memory.settle(seen, now);
        let wishes = alarms.wishes(service);
        let unknown = wishes.unknown.is_some();
        held.extend(
            wishes
                .unknown
                .cloned()
                .map(|alarm| Why::UnknownAlarm { alarm }),
        );
        memory.unknown = unknown.then(|| memory.unknown.unwrap_or(now));
        if service.levels.timer == LevelTimer::Sustained && wishes.up.is_none() && !unknown {
            memory.reached = None;
        }
        let bounds = Bounds::new(service, memory, now);
        // The maximum may have fallen while it waited for capacity.
        let wanted = memory.wanted.map(|wanted| wanted.min(bounds.stairs.last()));
        memory.wanted = wanted.filter(|wanted| *wanted > seen.desired);
        let turn = Turn {
            service,
            seen,
            memory,
            wishes,
            bounds,
            now,
            held,
        };
        let (step, _) = turn.triggered();
        pace::remember(service, turn.memory, step, now);
        turn
    }

    /// The tasks to find room for now.
    pub fn occupied(&self) -> Capacity {
        self.service.required_capacity * self.memory.occupied(self.seen, self.now)
    }

    /// The tasks to bring nodes for.
    pub fn needed(&self) -> Capacity {
        let occupied = self.memory.occupied(self.seen, self.now);
        let asked = self.memory.asked.filter(|asked| asked.at == self.now);
        let asked = asked.map_or(0, |asked| asked.to);
        self.service.required_capacity * occupied.max(self.count()).max(asked)
    }

    /// Why its nodes must stay as they are: a deploy needs them.
    pub fn needs_nodes(&self) -> Option<Why> {
        if self.seen.deploying || self.lease().is_some() {
            let service = self.service.id.clone();
            return Some(Why::Waits { service });
        }
        self.seen.lease_unknown.then_some(Why::UnknownLease)
    }

    fn lease(&self) -> Option<&'a snapshot::Lease> {
        let lease = self.seen.lease.as_ref();
        lease.filter(|lease| self.now < lease.until)
    }

    /// The count that is wanted so far.
    fn count(&self) -> u32 {
        self.memory.wanted.unwrap_or(self.seen.desired)
    }

    /// The change of the count, if any.
    pub fn decide(&mut self, room: &mut Room) -> Option<Action> {
        if let Some(lease) = self.lease() {
            self.memory.wanted = None;
            self.held.push(Why::Lease {
                holder: lease.holder.clone(),
                until: lease.until,
            });
            return None;
        }
        let choice = self.choose().filter(|choice| self.may(choice));
        match choice {
            Some(choice) => self.step(&choice, room),
            None => self.fill(room),
        }
    }

    /// What the triggers alone ask for.
    fn triggered(&self) -> (i64, Option<Why>) {
        let why = |trigger: &Trigger| Why::Trigger {
            alarm: trigger.alarm.clone(),
            state: trigger.state,
        };
        match (self.wishes.down, self.wishes.up) {
            (Some(down), _) if self.count() > self.bounds.min => {
                (-i64::from(down.step), Some(why(down)))
            }
            (_, Some(up)) => (i64::from(up.step), Some(why(up))),
            _ => (0, None),
        }
    }

    /// The count that triggers and bounds ask for, if it is another one.
    fn choose(&mut self) -> Option<Choice> {
        let count = i64::from(self.count());
        let (min, max) = (
            i64::from(self.bounds.min),
            i64::from(self.bounds.stairs.last()),
        );
        let (asked, mut why) = self.triggered();
        let (mut step, held) = pace::step(self.service, self.memory, self.count(), asked, self.now);
        self.held.extend(held);
        let urgent = self.service.schedules.bypasses_levels && min > count;
        if urgent && self.idle().is_some() {
            step = 0;
        }
        if min > count + step {
            step = min - count;
            why = Some(self.bounds.why_min());
        }
        if step >= 0 && count > max {
            step = max - count;
            why = Some(Why::AboveMax {
                max: self.bounds.stairs.last(),
            });
        }
        let count = u32::try_from((count + step).max(0)).unwrap_or(u32::MAX);
        let why = why.filter(|_| step != 0)?;
        Some(Choice { count, why })
    }

    fn idle(&self) -> Option<Duration> {
        left(self.memory.updated, self.service.idle, self.now)
    }

    /// Whether a rise is one that the minimum asks for at once.
    fn bypasses(&self, choice: &Choice) -> bool {
        self.service.schedules.bypasses_levels
            && self.count() < self.bounds.min
            && choice.count == self.bounds.min
    }

    /// Whether it is the time for it.
    fn may(&mut self, choice: &Choice) -> bool {
        let hold = if choice.count < self.count() {
            self.hold_in()
        } else {
            self.hold_out(choice)
        };
        let may = hold.is_none();
        self.held
            .extend(hold.filter(|why| !self.held.contains(why)));
        may
    }

    fn hold_out(&self, choice: &Choice) -> Option<Why> {
        // A minimum that rises meanwhile is wanted, too.
        let lifts = choice.count <= self.bounds.min;
        if let Some(wanted) = self.memory.wanted.filter(|_| !lifts) {
            return Some(Why::NoCapacity { wanted });
        }
        let idle = self.idle().filter(|_| !self.bypasses(choice));
        idle.map(|left| Why::Idle { left })
    }

    fn hold_in(&self) -> Option<Why> {
        if self.seen.deploying {
            return Some(Why::Deploying);
        }
        if self.seen.lease_unknown {
            return Some(Why::UnknownLease);
        }
        if let Some(alarm) = self.wishes.unknown.cloned() {
            return Some(Why::UnknownAlarm { alarm });
        }
        let hold = self.service.doubt.insufficient_data == InsufficientData::Hold;
        if let Some(alarm) = self.wishes.no_data.filter(|_| hold).cloned() {
            return Some(Why::NoData { alarm });
        }
        if self.memory.unsettled == Some(self.now) {
            return Some(Why::Settling);
        }
        let settled = left(self.memory.unsettled, self.service.idle, self.now);
        self.idle().max(settled).map(|left| Why::Idle { left })
    }

    /// Takes the step, as far as levels and capacity allow.
    fn step(&mut self, choice: &Choice, room: &mut Room) -> Option<Action> {
        let before = self.memory.reached;
        let (count, stairs) = (self.count(), &self.bounds.stairs);
        let landing = if self.bypasses(choice) {
            choice.count.min(stairs.last())
        } else {
            let landing = stairs.step(count, choice.count, before, self.now);
            self.memory.reached = landing.reached;
            self.held
                .extend(landing.opened.map(|max| Why::NextLevel { max }));
            landing.count
        };
        self.memory.updated = Some(self.now);
        if landing == count {
            let max = count;
            self.held.push(if max == stairs.last() {
                Why::AtMax { max }
            } else {
                let left = stairs.wait(self.memory.reached, self.now);
                Why::LevelWait { max, left }
            });
            return None;
        }
        self.head_for(landing, before, choice.why.clone(), room)
    }

    /// A rise that waits gets what capacity there is.
    fn fill(&mut self, room: &mut Room) -> Option<Action> {
        let wanted = self.memory.wanted?;
        let before = self.memory.reached;
        self.head_for(wanted, before, Why::Capacity { wanted }, room)
    }

    fn head_for(
        &mut self,
        target: u32,
        before: Option<Timestamp>,
        why: Why,
        room: &mut Room,
    ) -> Option<Action> {
        let from = self.seen.desired;
        let to = if target > from {
            from + room.take(self.service.required_capacity, target - from)
        } else {
            target
        };
        self.memory.wanted = (target > to).then_some(target);
        if target > to
            && !self
                .held
                .iter()
                .any(|why| matches!(why, Why::NoCapacity { .. }))
        {
            self.held.push(Why::NoCapacity { wanted: target });
        }
        if to == from {
            return None;
        }
        self.memory.ask(from, to, before, self.now);
        let service = self.service.id.clone();
        Some(Action {
            act: Act::SetCount { service, from, to },
            why,
        })
    }
}

impl Room {
    /// As many of these as there is room for.
    fn take(&mut self, each: Capacity, tasks: u32) -> u32 {
        let slots = self
            .capacity
            .map(|capacity| capacity.slots(self.used, each));
        let taken = slots.unwrap_or(u32::MAX).min(tasks);
        self.used = self.used + each * taken;
        taken
    }
}

impl Bounds {
    fn new(service: &Service, memory: &ServiceMemory, now: Timestamp) -> Bounds {
        let stairs = Stairs::new(&service.levels, service.max_at(now));
        let min = service.min_at(now);
        let fallback = service.doubt.fallback.filter(|fallback| {
            let since = memory.unknown;
            since.is_some_and(|since| elapsed(since, now) >= fallback.after)
        });
        let safe = fallback.map_or(0, |fallback| fallback.count.min(stairs.last()));
        Bounds {
            min: min.max(safe),
            fallback: safe > min,
            stairs,
        }
    }

    fn why_min(&self) -> Why {
        if self.fallback {
            Why::Fallback { count: self.min }
        } else {
            Why::BelowMin { min: self.min }
        }
    }
}
