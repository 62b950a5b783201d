//! 10^5 polls against the model of ECS, with random alarms, deploys and people, nodes that die or never
//! come, calls that never arrive, answers that are missing, and lost memories.

use super::stage::Dice;
use super::support::config;
use entry::autoscale::config::{Busy, Config};
use entry::autoscale::decide::{Act, InstanceState, Memory, NodeStatus, Snapshot, Why, decide};
use entry::autoscale::simulate::world::{Pace, World};
use entry::autoscale::{AlarmState, ClusterId};
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

const POLLS: u32 = 100_000;
const RUNS: u32 = 4;

pub(super) const FILE: &str = "
auto_scaling_groups:
  - name: web-nodes
    cluster: main
    buffer: 1
    removal: {per_poll: 2, per_hour: 12, wait: 20m, busy: BUSY}
    services:
      - {name: web, min_task_count: 2, max_task_count: [8, 14], cooldown_time_for_reach_max: 300, step: 2,
         required_capacity: 0.5, idle_time: 60, insufficient_data: hold,
         upscale_triggers: [{alarm_name: up, state: ALARM}, {alarm_name: spike, state: ALARM, step: 5}],
         downscale_triggers: [{alarm_name: down, state: ALARM}]}
      - {name: api, min_task_count: 1, max_task_count: 6, step: 1, idle_time: 30,
         scale_in: {stabilization: 2m, rates: [{tasks: 3, per: 10m}]}, fallback: {after: 5m, count: 3},
         upscale_triggers: [{alarm_name: api-up, state: ALARM}],
         downscale_triggers: [{alarm_name: down, state: ALARM, prioritized_over_upscale_triggers: true}]}
spot_fleet_requests:
  - id: fleet
    cluster: workers
    removal: {per_poll: 3, wait: 10m}
    services:
      - {name: worker, min_task_count: 0, max_task_count: 10, step: 3, required_capacity: 1.5,
         upscale_triggers: [{alarm_name: queue, state: ALARM}],
         downscale_triggers: [{alarm_name: down, state: ALARM}]}
";

/// What must never be, however it came about.
pub(super) struct Watch {
    pub config: Config,
    /// Since when each node drains, as the world knows.
    draining: BTreeMap<String, Timestamp>,
    pub ended: u32,
    orphans: u32,
    pub raised: u32,
    pub lowered: u32,
}

pub(super) fn world(config: &Config) -> World {
    let start = "2026-03-01T00:00:00Z".parse().unwrap();
    let pace = Pace {
        boot: Duration::from_secs(100),
        start: Duration::from_secs(20),
        stop: Duration::from_secs(45),
    };
    let mut world = World::new(config, pace, start);
    for group in &mut world.groups {
        group.zones = ["a", "b", "c"].map(Into::into).to_vec();
        (group.min, group.max) = (1, 40);
        group.desired = 4;
    }
    world.groups[0].max = 9;
    world.settle();
    world
}

/// The people around: alarms, deploys, migrations, nodes that die.
pub(super) fn live(world: &mut World, dice: &mut Dice, unknown: &mut Vec<String>) {
    let now = world.now;
    for (id, (state, since)) in &mut world.alarms {
        if dice.one_in(25) {
            *state = match dice.roll(5) {
                0 | 1 => AlarmState::Alarm,
                2 => AlarmState::InsufficientData,
                _ => AlarmState::Ok,
            };
            *since = now;
        }
        if dice.one_in(200) {
            unknown.push(id.name.to_string());
        }
    }
    if dice.one_in(20) {
        unknown.clear();
    }
    for service in &mut world.services {
        service.deploying = if service.deploying {
            !dice.one_in(8)
        } else {
            dice.one_in(300)
        };
        if dice.one_in(1000) {
            service.desired = u32::try_from(dice.roll(25)).unwrap();
        }
    }
    for node in &mut world.nodes {
        // Its agent never comes up.
        if node.launched == now && dice.one_in(20) {
            node.registers = now + Duration::from_hours(10_000);
        }
    }
    if !world.nodes.is_empty() && dice.one_in(40) {
        let node = dice.pick(&mut world.nodes);
        // Nobody places a task on a draining node.
        if !node.draining && node.registers <= now {
            let minutes = 1 + dice.roll(25);
            node.one_offs.push(now + Duration::from_mins(minutes));
        }
    }
    if !world.nodes.is_empty() && dice.one_in(500) {
        let id = dice.pick(&mut world.nodes).id.clone();
        world.end(&id, false);
    }
}

/// By how many nodes zones differ, those left out that are to go. A call that was lost is made again: what
/// counts is what is meant to stay.
pub(super) fn spread(world: &World, group: usize, memory: &Memory) -> usize {
    let leaving = memory.groups.get(&world.groups[group].id);
    let leaves = |id| leaving.is_some_and(|memory| memory.leaving.contains_key(id));
    let count = |zone: &str| {
        let ours = world
            .nodes
            .iter()
            .filter(|node| node.group == group && *node.zone == *zone);
        ours.filter(|node| !node.draining && !leaves(&node.id))
            .count()
    };
    let counts = ["a", "b", "c"].map(count);
    counts.iter().max().unwrap() - counts.iter().min().unwrap()
}

impl Watch {
    pub fn new(config: &Config) -> Watch {
        Watch {
            config: config.clone(),
            draining: BTreeMap::new(),
            ended: 0,
            orphans: 0,
            raised: 0,
            lowered: 0,
        }
    }

    /// Before an action is done.
    pub fn allows(&mut self, world: &World, seen: &Snapshot, act: &Act, why: &Why) {
        match act {
            Act::SetCount { service, from, to } => {
                let services = self.config.groups.iter().flat_map(|group| &group.services);
                let rules = services.into_iter().find(|one| one.id == *service).unwrap();
                let real = world
                    .services
                    .iter()
                    .find(|one| one.id == *service)
                    .unwrap();
                let bounds = rules.min..=rules.levels.last();
                let comes_back = if to > from {
                    *to < rules.min
                } else {
                    *to > rules.levels.last()
                };
                assert!(bounds.contains(to) || comes_back, "{act}: {why}");
                assert!(
                    to > from || !real.deploying,
                    "{act} during a deployment: {why}"
                );
                if to > from {
                    self.raised += 1;
                } else {
                    self.lowered += 1;
                }
            }
            Act::SetNodes { group, to, .. } => {
                let real = world.groups.iter().find(|one| one.id == *group).unwrap();
                assert!(real.min <= *to && *to <= real.max, "{act}: {why}");
                assert!(
                    *to > real.desired,
                    "{act} with {} desired: nodes are chosen to go",
                    real.desired
                );
            }
            Act::Terminate {
                group,
                instance,
                lowers,
            } => {
                let real = world.groups.iter().find(|one| one.id == *group).unwrap();
                let rules = self
                    .config
                    .groups
                    .iter()
                    .find(|one| one.id == *group)
                    .unwrap();
                assert!(
                    !lowers || real.desired - real.units >= real.min,
                    "{act}: {why}"
                );
                let Some(node) = world.nodes.iter().find(|node| node.id == *instance) else {
                    return;
                };
                let known = &seen.groups[group].instances;
                assert!(
                    known
                        .iter()
                        .any(|one| one.id == *instance && one.state == InstanceState::InService)
                );
                let since = self.draining.get(&*node.id).copied();
                let waited = since.is_some_and(|since| {
                    world.now.duration_since(since).unsigned_abs() >= rules.removal.wait
                });
                let tasks = world.tasks_on_nodes()[&*node.id].at_stake();
                assert!(tasks == 0 || waited, "{act} with {tasks} tasks: {why}");
                self.ended += 1;
                self.orphans += u32::from(matches!(why, Why::Orphan { .. }));
            }
            Act::Drain { .. } | Act::Activate { .. } => {}
        }
    }

    pub fn follow(&mut self, world: &World) {
        let draining = world.nodes.iter().filter(|node| node.draining);
        let now: BTreeMap<String, Timestamp> = draining
            .map(|node| {
                let since = self.draining.get(&*node.id).copied();
                (node.id.to_string(), since.unwrap_or(world.now))
            })
            .collect();
        self.draining = now;
    }
}

/// Polls with whatever may happen; what was seen of it.
fn run(file: &str, polls: u32, seed: u64) -> [u32; 4] {
    let config = config(file);
    let mut world = world(&config);
    let mut dice = Dice(seed);
    let mut memory = Memory::default();
    let mut unknown = Vec::new();
    let mut watch = Watch::new(&config);
    for _ in 0..polls {
        let now = world.now + Duration::from_secs(20 + dice.roll(20));
        world.tick(now);
        live(&mut world, &mut dice, &mut unknown);
        let mut snapshot = world.snapshot();
        snapshot
            .alarms
            .retain(|id, _| !unknown.iter().any(|name| *id.name == **name));
        if dice.one_in(50) {
            snapshot.clusters.pop_first();
        }
        if dice.one_in(50) {
            snapshot.services.pop_last();
        }
        if dice.one_in(50) {
            snapshot.groups.pop_first();
        }
        let decision = decide(&config, &snapshot, memory.clone(), now);
        for group in 0..2 {
            let before = spread(&world, group, &memory);
            let after = spread(&world, group, &decision.memory);
            let id = &world.groups[group].id;
            let drains = decision
                .actions
                .iter()
                .any(|action| matches!(&action.act, Act::Drain { group, .. } if group == id));
            assert!(
                !drains || after <= before.max(1),
                "{:?}: {before} to {after}",
                decision.actions
            );
        }
        memory = decision.memory;
        for action in &decision.actions {
            // The process dies here, or the call never arrives.
            if dice.one_in(60) {
                memory = Memory::default();
                break;
            }
            if dice.one_in(30) {
                continue;
            }
            watch.allows(&world, &snapshot, &action.act, &action.why);
            world.apply(&action.act);
            watch.follow(&world);
        }
    }
    comes_to_rest(&config, world, memory);
    [watch.raised, watch.lowered, watch.ended, watch.orphans]
}

#[test]
fn whatever_happens_nothing_is_lost() {
    let mut seen = [0; 4];
    for run_number in 0..RUNS {
        let busy = if run_number % 2 == 0 { "keep" } else { "drain" };
        let seed = 0x9e37_79b9_7f4a_7c15 ^ u64::from(run_number);
        let run = run(&FILE.replace("BUSY", busy), POLLS / RUNS, seed);
        for (sum, count) in seen.iter_mut().zip(run) {
            *sum += count;
        }
    }
    // Otherwise it would be no wonder.
    let [raised, lowered, ended, orphans] = seen;
    let enough = raised > 2000 && lowered > 2000 && ended > 1000 && orphans > 100;
    assert!(enough, "{seen:?}");
}

/// With a wrong cluster's name its list is empty, or one of other nodes; or agents never register.
#[test]
fn a_wrong_cluster_ends_no_node() {
    let config = config(&FILE.replace("BUSY", "drain"));
    assert_eq!(config.groups[0].removal.busy, Busy::Drain);
    for (case, seen) in ["empty", "others", "half"].into_iter().enumerate() {
        let mut world = world(&config);
        let mut memory = Memory::default();
        let mut said = Vec::new();
        for service in &mut world.services {
            service.desired = 1;
        }
        for poll in 0..200 {
            let now = world.now + Duration::from_secs(30);
            world.tick(now);
            let mut snapshot = world.snapshot();
            let main = ClusterId {
                region: None,
                name: "main".into(),
            };
            let workers = ClusterId {
                region: None,
                name: "workers".into(),
            };
            let other = snapshot.clusters[&workers].clone();
            let nodes = snapshot.clusters.get_mut(&main).unwrap();
            match case {
                0 => nodes.clear(),
                1 => *nodes = other,
                _ => nodes.truncate(2),
            }
            let decision = decide(&config, &snapshot, memory, now);
            memory = decision.memory;
            for action in &decision.actions {
                let ours = matches!(&action.act, Act::Terminate { group, .. } | Act::Drain { group, .. }
                    if *group.name == *"web-nodes");
                assert!(!ours, "{seen}, poll {poll}: {}: {}", action.act, action.why);
                world.apply(&action.act);
            }
            let reasons = decision.reasons.iter().map(|reason| reason.why.to_string());
            said.extend(reasons.filter(|why| why.starts_with("suspicious")));
        }
        assert!(
            said.len() >= 199,
            "{seen}: {} times {:?}",
            said.len(),
            said.first()
        );
    }
}

/// When all is quiet, nothing is left half done, whatever happened before.
fn comes_to_rest(config: &Config, mut world: World, mut memory: Memory) {
    for (state, _) in world.alarms.values_mut() {
        *state = AlarmState::Ok;
    }
    for service in &mut world.services {
        service.deploying = false;
    }
    let mut polls = 0;
    loop {
        polls += 1;
        assert!(polls < 1000, "it never rests");
        let now = world.now + Duration::from_secs(30);
        world.tick(now);
        let decision = decide(config, &world.snapshot(), memory, now);
        memory = decision.memory;
        for action in &decision.actions {
            world.apply(&action.act);
        }
        let migrates = world.nodes.iter().any(|node| !node.one_offs.is_empty());
        let drains = world.nodes.iter().any(|node| node.draining);
        if polls > 200 && decision.actions.is_empty() && !migrates && !drains {
            break;
        }
    }
    at_rest(config, &world);
}

/// What must be in the end.
pub(super) fn at_rest(config: &Config, world: &World) {
    for (service, rules) in world
        .services
        .iter()
        .zip(config.groups.iter().flat_map(|one| &one.services))
    {
        let bounds = rules.min..=rules.levels.last();
        assert!(
            bounds.contains(&service.desired),
            "{}: {}",
            service.id,
            service.desired
        );
    }
    for (group, rules) in world.groups.iter().zip(&config.groups) {
        let count = |id| {
            world
                .services
                .iter()
                .find(|one| one.id == id)
                .unwrap()
                .desired
        };
        let tasks = rules.services.iter();
        let tasks = tasks.map(|one| one.required_capacity * count(one.id.clone()));
        let need = tasks.fold(rules.buffer, |sum, one| sum + one).ceil();
        // Nodes with tasks of services stay, where they may.
        let enough = need.max(group.min).min(group.max);
        assert!(
            group.desired >= enough,
            "{}: {} for {enough}",
            group.id,
            group.desired
        );
        if rules.removal.busy == Busy::Drain {
            assert!(
                group.desired < enough + group.units,
                "{}: {} for {enough}",
                group.id,
                group.desired
            );
        }
    }
}

/// The same decision from the same memory; a decision that was done is not made again.
#[test]
fn a_restart_resumes_a_half_done_removal() {
    let config = config(&FILE.replace("BUSY", "keep"));
    let mut world = world(&config);
    for service in &mut world.services {
        service.desired = service.desired.min(2);
    }
    world.groups[0].desired = 6;
    world.settle();
    let step = |world: &mut World, memory| {
        let now = world.now + Duration::from_secs(30);
        world.tick(now);
        let decision = decide(&config, &world.snapshot(), memory, now);
        let ours = decision.actions.iter().filter(|action| match &action.act {
            Act::Drain { group, .. } | Act::Terminate { group, .. } => *group.name == *"web-nodes",
            _ => false,
        });
        let told: Vec<String> = ours
            .map(|action| format!("{}: {}", action.act, action.why))
            .collect();
        for action in &decision.actions {
            world.apply(&action.act);
        }
        (told, decision.memory)
    };
    let (first, _) = step(&mut world, Memory::default());
    assert_eq!(first.len(), 2, "{first:?}");
    let drained = world
        .nodes
        .iter()
        .filter(|node| node.draining && node.group == 0)
        .count();
    assert_eq!(drained, 2);
    let seen = world.snapshot();
    let draining = seen.clusters.values().flatten();
    assert_eq!(
        draining
            .filter(|node| node.status == NodeStatus::Draining)
            .count()
            % 10,
        2
    );
    let (second, _) = step(&mut world, Memory::default());
    let ended: Vec<&String> = second
        .iter()
        .filter(|line| line.starts_with("terminate"))
        .collect();
    assert_eq!(ended.len(), 2, "{second:?}");
    assert!(ended[0].ends_with("it is empty"), "{second:?}");
}
