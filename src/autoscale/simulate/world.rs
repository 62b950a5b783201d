//! A small model of ECS and EC2: tasks need room, nodes need time, and whatever is asked for comes later
//! (`life` lets the time pass).
//!
//! It does what AWS does as far as decisions can tell; nothing in it is random.

use crate::autoscale::config::{Capacity, Config};
use crate::autoscale::decide::{
    Act, Alarm, Group, Instance, InstanceState, Node, NodeStatus, Service, Snapshot, Tasks,
};
use crate::autoscale::{AlarmId, AlarmState, GroupId, GroupKind, ServiceId};
use jiff::Timestamp;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// How long things take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// From an instance's launch until it is in the cluster.
    pub boot: Duration,
    /// From a task's place on a node until it runs.
    pub start: Duration,
    pub stop: Duration,
}

/// Everything there is.
#[derive(Clone, Debug)]
pub struct World {
    pub now: Timestamp,
    pub pace: Pace,
    pub services: Vec<WorldService>,
    pub groups: Vec<WorldGroup>,
    pub nodes: Vec<WorldNode>,
    pub alarms: BTreeMap<AlarmId, (AlarmState, Timestamp)>,
    pub(super) tasks: Vec<Task>,
    pub(super) launched: u32,
}

/// A service and its count.
#[derive(Clone, Debug)]
pub struct WorldService {
    pub id: ServiceId,
    pub desired: u32,
    pub deploying: bool,
    pub(super) group: usize,
    pub(super) each: Capacity,
}

/// A group and its bounds.
#[derive(Clone, Debug)]
pub struct WorldGroup {
    pub id: GroupId,
    pub desired: u32,
    pub min: u32,
    pub max: u32,
    pub zones: Vec<Arc<str>>,
    /// Of each of its nodes.
    pub units: u32,
    cluster: crate::autoscale::ClusterId,
}

/// An instance, in the cluster or on its way there.
#[derive(Clone, Debug)]
pub struct WorldNode {
    pub id: Arc<str>,
    pub zone: Arc<str>,
    pub group: usize,
    pub launched: Timestamp,
    /// When it is in the cluster.
    pub registers: Timestamp,
    pub draining: bool,
    /// When its tasks of no service end.
    pub one_offs: Vec<Timestamp>,
}

#[derive(Clone, Debug)]
pub(super) struct Task {
    pub service: usize,
    pub node: Option<Arc<str>>,
    pub state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Pending,
    Starting(Timestamp),
    Running,
    Stopping(Timestamp),
}

/// What an ended node took with it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    pub service: u32,
    pub one_off: u32,
}

impl World {
    /// Services and groups of a file: no node, no task, every alarm OK.
    #[must_use]
    pub fn new(config: &Config, pace: Pace, now: Timestamp) -> World {
        let mut world = World {
            now,
            pace,
            services: Vec::new(),
            groups: Vec::new(),
            nodes: Vec::new(),
            alarms: BTreeMap::new(),
            tasks: Vec::new(),
            launched: 0,
        };
        for (index, group) in config.groups.iter().enumerate() {
            world.groups.push(WorldGroup {
                id: group.id.clone(),
                desired: 0,
                min: 0,
                max: 100_000,
                zones: vec![Arc::from("a"), Arc::from("b")],
                units: if group.id.kind == GroupKind::SpotFleet {
                    4
                } else {
                    1
                },
                cluster: group.cluster.clone(),
            });
            for service in &group.services {
                world.services.push(WorldService {
                    id: service.id.clone(),
                    desired: service.min,
                    deploying: false,
                    group: index,
                    each: service.required_capacity,
                });
                let triggers = service.upscale.iter().chain(&service.downscale);
                let alarms = triggers.map(|trigger| trigger.alarm.clone());
                world
                    .alarms
                    .extend(alarms.map(|alarm| (alarm, (AlarmState::Ok, now))));
            }
        }
        world
    }

    /// Does what was decided; what an ended node took with it.
    pub fn apply(&mut self, act: &Act) -> Killed {
        match act {
            Act::SetCount { service, to, .. } => {
                let found = self.services.iter_mut().find(|one| one.id == *service);
                if let Some(service) = found {
                    service.desired = *to;
                }
            }
            Act::SetNodes { group, to, .. } => {
                let found = self.groups.iter_mut().find(|one| one.id == *group);
                if let Some(group) = found {
                    group.desired = *to;
                }
            }
            Act::Drain { instance, .. } => self.mark(instance, true),
            Act::Activate { instance, .. } => self.mark(instance, false),
            Act::Terminate {
                instance, lowers, ..
            } => return self.end(instance, *lowers),
        }
        Killed::default()
    }

    fn mark(&mut self, instance: &str, draining: bool) {
        let found = self.nodes.iter_mut().find(|node| *node.id == *instance);
        if let Some(node) = found {
            node.draining = draining;
        }
    }

    /// Ends a node, whoever asks for it.
    pub fn end(&mut self, instance: &str, lowers: bool) -> Killed {
        let Some(place) = self.nodes.iter().position(|node| *node.id == *instance) else {
            return Killed::default();
        };
        let node = self.nodes.remove(place);
        if let Some(group) = self.groups.get_mut(node.group).filter(|_| lowers) {
            group.desired = group.desired.saturating_sub(group.units);
        }
        let before = self.tasks.len();
        self.tasks
            .retain(|task| task.node.as_ref() != Some(&node.id));
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Killed {
            service: count(before - self.tasks.len()),
            one_off: count(node.one_offs.len()),
        }
    }

    /// Running and pending tasks of each service.
    #[must_use]
    pub fn counts(&self) -> Vec<(u32, u32)> {
        let mut counts = vec![(0, 0); self.services.len()];
        for task in &self.tasks {
            let Some((running, pending)) = counts.get_mut(task.service) else {
                continue;
            };
            match task.state {
                State::Running | State::Stopping(_) => *running += 1,
                State::Pending | State::Starting(_) => *pending += 1,
            }
        }
        counts
    }

    /// What a poll sees now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (service, (running, pending)) in self.services.iter().zip(self.counts()) {
            let seen = Service {
                desired: service.desired,
                running,
                pending,
                deploying: service.deploying,
                ..Service::default()
            };
            snapshot.services.insert(service.id.clone(), seen);
        }
        for (id, (state, since)) in &self.alarms {
            let alarm = Alarm {
                state: *state,
                since: *since,
            };
            snapshot.alarms.insert(id.clone(), alarm);
        }
        let tasks = self.tasks_on_nodes();
        for (index, group) in self.groups.iter().enumerate() {
            self.look_at_group(index, group, &tasks, &mut snapshot);
        }
        snapshot
    }

    fn look_at_group(
        &self,
        index: usize,
        group: &WorldGroup,
        tasks: &HashMap<&str, Tasks>,
        snapshot: &mut Snapshot,
    ) {
        let ours = || self.nodes.iter().filter(|node| node.group == index);
        let registered = ours().filter(|node| node.registers <= self.now);
        let nodes = registered.map(|node| Node {
            instance: node.id.clone(),
            status: if node.draining {
                NodeStatus::Draining
            } else {
                NodeStatus::Active
            },
            connected: true,
            tasks: tasks.get(&*node.id).copied().unwrap_or_default(),
        });
        let cluster = snapshot.clusters.entry(group.cluster.clone());
        cluster.or_default().extend(nodes);
        let instances = ours().map(|node| Instance {
            id: node.id.clone(),
            zone: node.zone.clone(),
            state: InstanceState::InService,
            launched: node.launched,
            units: group.units,
            protected: false,
        });
        let seen = Group {
            desired: group.desired,
            min: group.min,
            max: group.max,
            instances: instances.collect(),
        };
        snapshot.groups.insert(group.id.clone(), seen);
    }

    /// What runs on each node.
    #[must_use]
    pub fn tasks_on_nodes(&self) -> HashMap<&str, Tasks> {
        let nodes = self.nodes.iter().map(|node| {
            let tasks = Tasks {
                daemon: 1,
                one_off: u32::try_from(node.one_offs.len()).unwrap_or(u32::MAX),
                ..Tasks::default()
            };
            (&*node.id, tasks)
        });
        let mut nodes: HashMap<&str, Tasks> = nodes.collect();
        for task in &self.tasks {
            let node = task.node.as_deref().and_then(|node| nodes.get_mut(node));
            match (node, task.state) {
                (Some(on), State::Running | State::Stopping(_)) => on.service += 1,
                (Some(on), State::Pending | State::Starting(_)) => on.pending += 1,
                (None, _) => {}
            }
        }
        nodes
    }
}
