//! What happens in the model as time passes: instances start, tasks find nodes, run and stop.

use super::world::{Pace, State, Task, World, WorldNode};
use crate::autoscale::GroupKind;
use crate::autoscale::config::Capacity;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

impl World {
    /// Nodes and tasks as they are after a long quiet time.
    pub fn settle(&mut self) {
        let now = self.now;
        let pace = std::mem::replace(
            &mut self.pace,
            Pace {
                boot: Duration::ZERO,
                start: Duration::ZERO,
                stop: Duration::ZERO,
            },
        );
        // Launched, registered, placed, running: one after the other.
        for _ in 0..4 {
            self.tick(now);
        }
        self.pace = pace;
        for node in &mut self.nodes {
            node.launched = now - Duration::from_hours(24);
        }
    }

    /// Lets the time pass.
    pub fn tick(&mut self, now: Timestamp) {
        self.now = now;
        self.launch();
        for node in &mut self.nodes {
            node.one_offs.retain(|until| *until > now);
        }
        self.bury();
        for task in &mut self.tasks {
            if matches!(task.state, State::Starting(until) if until <= now) {
                task.state = State::Running;
            }
        }
        self.leave_draining();
        self.match_desired();
        self.place();
    }

    /// Groups replace what is missing, in the zone that has least.
    fn launch(&mut self) {
        for index in 0..self.groups.len() {
            let Some(group) = self.groups.get(index).cloned() else {
                continue;
            };
            if group.id.kind == GroupKind::Simple {
                continue;
            }
            let count = |zone: Option<&Arc<str>>, nodes: &[WorldNode]| {
                let ours = nodes.iter().filter(|node| node.group == index);
                ours.filter(|node| zone.is_none_or(|zone| node.zone == *zone))
                    .count()
            };
            while u32::try_from(count(None, &self.nodes)).unwrap_or(u32::MAX) * group.units
                < group.desired
            {
                let zones = group.zones.iter();
                let zone = zones.min_by_key(|zone| count(Some(zone), &self.nodes));
                self.launched += 1;
                self.nodes.push(WorldNode {
                    id: format!("i-{:04}", self.launched).into(),
                    zone: zone.cloned().unwrap_or_else(|| Arc::from("a")),
                    group: index,
                    launched: self.now,
                    registers: self.now + self.pace.boot,
                    draining: false,
                    one_offs: Vec::new(),
                });
            }
        }
    }

    /// Services leave draining nodes.
    fn leave_draining(&mut self) {
        let draining = self.nodes.iter().filter(|node| node.draining);
        let draining: HashSet<&str> = draining.map(|node| &*node.id).collect();
        let until = self.now + self.pace.stop;
        for task in &mut self.tasks {
            let lives = matches!(task.state, State::Starting(_) | State::Running);
            let node = task.node.as_deref();
            if lives && node.is_some_and(|node| draining.contains(node)) {
                task.state = State::Stopping(until);
            }
        }
    }

    /// Services have as many tasks as is desired, of which some wait for a node.
    fn match_desired(&mut self) {
        let until = self.now + self.pace.stop;
        let mut have = vec![0_u32; self.services.len()];
        let lives = |task: &&mut Task| !matches!(task.state, State::Stopping(_));
        for task in self.tasks.iter_mut().filter(lives) {
            if let Some(have) = have.get_mut(task.service) {
                *have += 1;
            }
        }
        for (index, (service, have)) in self.services.iter().zip(have).enumerate() {
            let newest = self.tasks.iter_mut().rev();
            let newest = newest.filter(|task| task.service == index).filter(lives);
            let surplus = usize::try_from(have.saturating_sub(service.desired));
            for task in newest.take(surplus.unwrap_or(0)) {
                task.state = match task.state {
                    State::Pending => State::Stopping(self.now),
                    _ => State::Stopping(until),
                };
            }
            for _ in have..service.desired {
                self.tasks.push(Task {
                    service: index,
                    node: None,
                    state: State::Pending,
                });
            }
        }
        self.bury();
    }

    /// Tasks that have stopped are no more.
    fn bury(&mut self) {
        let now = self.now;
        let ended = |task: &Task| matches!(task.state, State::Stopping(until) if until <= now);
        self.tasks.retain(|task| !ended(task));
    }

    /// What is taken on each node.
    fn used(&self) -> HashMap<Arc<str>, Capacity> {
        let mut used = HashMap::new();
        for task in &self.tasks {
            let each = self.services.get(task.service).map(|service| service.each);
            if let (Some(node), Some(each)) = (&task.node, each) {
                let used: &mut Capacity = used.entry(node.clone()).or_default();
                *used = *used + each;
            }
        }
        used
    }

    /// Tasks go where most room is.
    fn place(&mut self) {
        if !self.tasks.iter().any(|task| task.state == State::Pending) {
            return;
        }
        let until = self.now + self.pace.start;
        let mut used = self.used();
        let pending = self.tasks.iter_mut();
        for task in pending.filter(|task| task.state == State::Pending) {
            let Some(service) = self.services.get(task.service) else {
                continue;
            };
            let group = self.groups.get(service.group);
            let simple = group.is_none_or(|group| group.id.kind == GroupKind::Simple);
            let units = Capacity::units(group.map_or(0, |group| group.units));
            let taken = |node: &WorldNode| used.get(&node.id).copied().unwrap_or_default();
            let free = |node: &&WorldNode| {
                node.group == service.group
                    && !node.draining
                    && node.registers <= self.now
                    && units.slots(taken(node), service.each) > 0
            };
            let node = self.nodes.iter().filter(free);
            let node = node
                .min_by_key(|node| taken(node))
                .map(|node| node.id.clone());
            if let Some(node) = &node {
                let taken = used.entry(node.clone()).or_default();
                *taken = *taken + service.each;
            }
            if simple || node.is_some() {
                task.node = node;
                task.state = State::Starting(until);
            }
        }
    }
}
