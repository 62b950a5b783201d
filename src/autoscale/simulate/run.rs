//! The loop of a simulation: time, world, decision, and what is noted of them.

use super::timeline::{Event, GroupLine, ServiceLine, Timeline, shown};
use super::trace::Trace;
use super::world::World;
use crate::autoscale::config::Config;
use crate::autoscale::decide::{Decision, Memory, Subject, Why, decide};
use crate::autoscale::{AlarmId, AlarmState, GroupKind, ServiceId};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::mem::{Discriminant, discriminant};

/// Alarms that nobody knows of at the moment.
type Unknown = BTreeSet<AlarmId>;

/// What was held in the last poll: it is told once.
type Held = BTreeMap<Subject, Vec<Discriminant<Why>>>;

/// Runs the trace through the decisions of the file.
#[must_use]
pub fn simulate(config: &Config, trace: &Trace) -> Timeline {
    let mut world = begin(config, trace);
    let mut unknown = Unknown::new();
    let mut timeline = Timeline {
        from: trace.from,
        to: trace.to,
        zone: trace.zone.clone(),
        polls: 0,
        services: BTreeMap::new(),
        groups: BTreeMap::new(),
        alarms: BTreeMap::new(),
        events: Vec::new(),
    };
    let mut memory = Memory::default();
    let mut held = Held::new();
    let mut changes = trace.changes.iter().peekable();
    let mut now = trace.from;
    while now <= trace.to {
        while let Some(change) = changes.next_if(|change| change.at <= now) {
            set(&mut world, &mut unknown, &change.alarm, change.state, now);
        }
        world.tick(now);
        let mut snapshot = world.snapshot();
        snapshot.alarms.retain(|id, _| !unknown.contains(id));
        let decision = decide(config, &snapshot, memory, now);
        for action in &decision.actions {
            world.apply(&action.act);
        }
        note_events(&decision, &mut held, now, &mut timeline.events);
        memory = decision.memory;
        note(config, &world, &unknown, &mut timeline);
        timeline.polls += 1;
        now += config.polling_interval;
    }
    timeline
}

fn begin(config: &Config, trace: &Trace) -> World {
    let mut world = World::new(config, trace.pace, trace.from);
    for service in &mut world.services {
        let count = trace.services.get(&*service.id.name);
        service.desired = count.copied().unwrap_or(service.desired);
    }
    for (group, written) in world.groups.iter_mut().zip(&config.groups) {
        let start = trace.groups.get(&*group.id.name);
        if let Some(start) = start {
            (group.min, group.max) = (start.min, start.max);
            group.units = start.units.unwrap_or(group.units);
            if !start.zones.is_empty() {
                group.zones.clone_from(&start.zones);
            }
        }
        let count = |id: &ServiceId| {
            world
                .services
                .iter()
                .find(|one| one.id == *id)
                .map(|one| one.desired)
        };
        let tasks = written.services.iter();
        let tasks = tasks.map(|one| one.required_capacity * count(&one.id).unwrap_or(0));
        let need = tasks.fold(written.buffer, |sum, one| sum + one).ceil();
        let nodes = start
            .and_then(|start| start.nodes)
            .map(|nodes| nodes * group.units);
        group.desired = nodes.unwrap_or(need).max(group.min).min(group.max);
    }
    world.settle();
    world
}

/// Every alarm of this name, in whatever region.
fn set(
    world: &mut World,
    unknown: &mut Unknown,
    name: &str,
    state: Option<AlarmState>,
    now: Timestamp,
) {
    for (id, known) in world.alarms.iter_mut().filter(|(id, _)| *id.name == *name) {
        match state {
            Some(state) => {
                *known = (state, now);
                unknown.remove(id);
            }
            None => {
                unknown.insert(id.clone());
            }
        }
    }
}

fn note_events(decision: &Decision, held: &mut Held, now: Timestamp, events: &mut Vec<Event>) {
    events.extend(decision.actions.iter().map(|action| Event {
        at: now,
        subject: Subject::of(&action.act).to_string(),
        action: Some(action.act.to_string()),
        why: action.why.to_string(),
    }));
    let mut holds = Held::new();
    for reason in &decision.reasons {
        let kind = discriminant(&reason.why);
        let known = held
            .get(&reason.subject)
            .is_some_and(|kinds| kinds.contains(&kind));
        holds.entry(reason.subject.clone()).or_default().push(kind);
        // That nothing happens for a while after each change goes without saying.
        if known || matches!(reason.why, Why::Idle { .. } | Why::Settling) {
            continue;
        }
        events.push(Event {
            at: now,
            subject: reason.subject.to_string(),
            action: None,
            why: reason.why.to_string(),
        });
    }
    *held = holds;
}

fn note(config: &Config, world: &World, unknown: &Unknown, timeline: &mut Timeline) {
    let now = world.now;
    let written = config.groups.iter().flat_map(|group| &group.services);
    let services = world.services.iter().zip(written).zip(world.counts());
    for ((service, written), (running, _)) in services {
        let name = service.id.to_string();
        let line: &mut ServiceLine = timeline.services.entry(name).or_default();
        line.desired.push(now, service.desired);
        line.running.push(now, running);
        line.min.push(now, written.min_at(now));
        line.max.push(now, written.max_at(now));
    }
    for (index, group) in world.groups.iter().enumerate() {
        if group.id.kind == GroupKind::Simple {
            continue;
        }
        let line: &mut GroupLine = timeline.groups.entry(group.id.to_string()).or_default();
        let ours = || world.nodes.iter().filter(|node| node.group == index);
        let units = |count: usize| u32::try_from(count).unwrap_or(u32::MAX) * group.units;
        let active = ours().filter(|node| !node.draining && node.registers <= now);
        line.desired.push(now, group.desired);
        line.active.push(now, units(active.count()));
        line.draining
            .push(now, units(ours().filter(|node| node.draining).count()));
    }
    for (id, (state, _)) in &world.alarms {
        let state = (!unknown.contains(id)).then_some(*state);
        let line = timeline.alarms.entry(id.to_string()).or_default();
        line.push(now, shown(state));
    }
}
