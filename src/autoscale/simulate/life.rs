//! What happens in the model as time passes: instances start, tasks find nodes, run and stop.

use super::world::{Pace, State, Task, World, WorldNode};
use crate::autoscale::GroupKind;
use crate::autoscale::config::Capacity;
use jiff::Timestamp;
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
        self.tasks
            .retain(|task| !matches!(task.state, State::Stopping(until) if until <= now));
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
        let until = self.now + self.pace.stop;
        for task in &mut self.tasks {
            let node = self
                .nodes
                .iter()
                .find(|node| Some(&node.id) == task.node.as_ref());
            let lives = matches!(task.state, State::Starting(_) | State::Running);
            if lives && node.is_some_and(|node| node.draining) {
                task.state = State::Stopping(until);
            }
        }
    }

    /// Services have as many tasks as is desired, of which some wait for a node.
    fn match_desired(&mut self) {
        let until = self.now + self.pace.stop;
        for (index, service) in self.services.iter().enumerate() {
            let ours = |task: &&mut Task| {
                task.service == index && !matches!(task.state, State::Stopping(_))
            };
            let have = self.tasks.iter_mut().filter(ours).count();
            let want = usize::try_from(service.desired).unwrap_or(usize::MAX);
            let newest = self.tasks.iter_mut().rev().filter(ours);
            for task in newest.take(have.saturating_sub(want)) {
                task.state = match task.state {
                    State::Pending => State::Stopping(self.now),
                    _ => State::Stopping(until),
                };
            }
            for _ in have..want {
                self.tasks.push(Task {
                    service: index,
                    node: None,
                    state: State::Pending,
                });
            }
        }
    }

    fn used(&self, node: &WorldNode) -> Capacity {
        let tasks = self
            .tasks
            .iter()
            .filter(|task| task.node.as_ref() == Some(&node.id));
        let each = tasks.filter_map(|task| self.services.get(task.service));
        each.fold(Capacity::default(), |sum, service| sum + service.each)
    }

    /// Tasks go where most room is.
    fn place(&mut self) {
        let until = self.now + self.pace.start;
        for index in 0..self.tasks.len() {
            let task = self
                .tasks
                .get(index)
                .filter(|task| task.state == State::Pending);
            let Some(service) = task.and_then(|task| self.services.get(task.service)) else {
                continue;
            };
            let group = self.groups.get(service.group);
            let simple = group.is_none_or(|group| group.id.kind == GroupKind::Simple);
            let units = Capacity::units(group.map_or(0, |group| group.units));
            let free = |node: &&WorldNode| {
                node.group == service.group
                    && !node.draining
                    && node.registers <= self.now
                    && units.slots(self.used(node), service.each) > 0
            };
            let node = self
                .nodes
                .iter()
                .filter(free)
                .min_by_key(|node| self.used(node));
            let node = node.map(|node| node.id.clone());
            if let Some(task) = self
                .tasks
                .get_mut(index)
                .filter(|_| simple || node.is_some())
            {
                task.node = node;
                task.state = State::Starting(until);
            }
        }
    }
}
