//! The autoscaler's decision for 10,000 services and 50,000 nodes, in a hundred groups and in a single one: time of
//! a decision, what reading the memory back costs, and peak memory. Each case runs in a process of its own.
//!
//! Run by `make bench`.

// A measurement that fails has nothing better to do than to say so and end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout
)]
#![allow(
    dead_code,
    reason = "the other benches use the rest of what they share"
)]

mod common;

use common::percentiles;
use entry::autoscale::config::{Config, load};
use entry::autoscale::decide::{
    Alarm, Group, Instance, InstanceState, Memory, Node, NodeStatus, Service, Snapshot, Tasks,
    decide,
};
use entry::autoscale::run::stored;
use entry::autoscale::{AlarmState, GroupId};
use entry::config::Text;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::process::Command;
use std::time::{Duration, Instant};

const SERVICES: usize = 10_000;
const NODES: usize = 50_000;
const ROUNDS: usize = 15;
const MEASURE: &str = "--measure";

/// What happens to all of them.
const CASES: [(&str, Fn); 4] = [
    ("nothing to do", quiet),
    ("every service rises", rising),
    ("nodes to choose", surplus),
    ("a tenth is draining", draining),
];

type Fn = fn(&Config, &mut Snapshot);

fn main() {
    let words: Vec<String> = std::env::args().collect();
    if words.get(1).map(String::as_str) == Some(MEASURE) {
        measure(words[2].parse().unwrap(), words[3].parse().unwrap());
        return;
    }
    println!(
        "\ndecide for {SERVICES} services and {NODES} nodes; medians of {ROUNDS}, in ms\n{:<22} {:>6} {:>8} {:>8} {:>8} {:>8} {:>9}",
        "", "groups", "decide", "actions", "write", "read", "peak MiB"
    );
    for groups in [100, 1] {
        for case in 0..CASES.len() {
            let myself = std::env::current_exe().unwrap();
            let words = [MEASURE, &groups.to_string(), &case.to_string()];
            let output = Command::new(myself).args(words).output().unwrap();
            let told = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{told}");
            print!("{}", String::from_utf8(output.stdout).unwrap());
        }
    }
}

fn measure(groups: usize, case: usize) {
    let (name, happens) = CASES[case];
    let config = config(groups);
    let now: Timestamp = "2026-03-02T12:00:00Z".parse().unwrap();
    let mut snapshot = snapshot(&config, now);
    happens(&config, &mut snapshot);
    // The first decision finds what drains already.
    let memory = decide(&config, &snapshot, Memory::default(), now).memory;
    let now = now + Duration::from_secs(30);
    let before = peak();
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let mut actions = 0;
    for _ in 0..ROUNDS {
        let memory = memory.clone();
        let began = Instant::now();
        let decision = decide(&config, &snapshot, memory, now);
        times[0].push(began.elapsed().as_secs_f64() * 1e3);
        actions = decision.actions.len();
        let began = Instant::now();
        let text = stored::write(&decision.memory).to_string();
        times[1].push(began.elapsed().as_secs_f64() * 1e3);
        let began = Instant::now();
        let read = stored::read(&serde_json::from_str(&text).unwrap()).unwrap();
        times[2].push(began.elapsed().as_secs_f64() * 1e3);
        assert_eq!(read.groups, decision.memory.groups);
    }
    let [decide, write, read] = times.map(|times| percentiles(&times)[1]);
    let peak = peak();
    println!(
        "{name:<22} {groups:>6} {decide:>8.1} {actions:>8} {write:>8.1} {read:>8.1} {:>9} ({} of them to decide)",
        peak / 1024,
        (peak - before) / 1024
    );
}

/// The most memory that this process had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.unwrap().trim().trim_end_matches(" kB");
    number.parse().unwrap()
}

/// A file may not be as large as that: it is read in parts.
fn config(groups: usize) -> Config {
    const PART: usize = 1000;
    let each = SERVICES / groups;
    let mut whole: Option<Config> = None;
    for part in 0..SERVICES / PART {
        let mut text = "auto_scaling_groups:\n".to_owned();
        let all: Vec<usize> = (part * PART..(part + 1) * PART).collect();
        for services in all.chunk_by(|one, other| one / each == other / each) {
            let group = services[0] / each;
            let removal = "{per_poll: 1000, per_hour: 10000}";
            writeln!(
                text,
                "- {{name: g{group}, cluster: c{group}, buffer: 1, removal: {removal}, services: ["
            )
            .unwrap();
            for name in services {
                service(&mut text, *name);
            }
            text += "]}\n";
        }
        let text = Text {
            file: "f.yml".to_owned(),
            text,
        };
        let loaded = match load(&text, &|_| None) {
            Ok(loaded) => loaded.config,
            Err(problems) => panic!("{problems}"),
        };
        let Some(whole) = &mut whole else {
            whole = Some(loaded);
            continue;
        };
        for mut group in loaded.groups {
            match whole.groups.last_mut().filter(|last| last.id == group.id) {
                Some(last) => last.services.append(&mut group.services),
                None => whole.groups.push(group),
            }
        }
    }
    whole.unwrap()
}

fn service(text: &mut String, name: usize) {
    writeln!(
        text,
        "{{name: s{name}, min_task_count: 1, max_task_count: [50, 100], cooldown_time_for_reach_max: 600, step: 1, \
         upscale_triggers: [{{alarm_name: s{name}-up, state: ALARM}}], \
         downscale_triggers: [{{alarm_name: s{name}-down, state: ALARM}}, {{alarm_name: all-down, state: ALARM}}]}},"
    )
    .unwrap();
}

fn snapshot(config: &Config, now: Timestamp) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let alarm = Alarm {
        state: AlarmState::Ok,
        since: now,
    };
    let tasks = u32::try_from(NODES / SERVICES).unwrap();
    for group in &config.groups {
        for service in &group.services {
            let seen = Service {
                desired: tasks,
                running: tasks,
                ..Service::default()
            };
            snapshot.services.insert(service.id.clone(), seen);
            let triggers = service.upscale.iter().chain(&service.downscale);
            let alarms = triggers.map(|trigger| (trigger.alarm.clone(), alarm));
            snapshot.alarms.extend(alarms);
        }
        let count = NODES / config.groups.len() + 1;
        let mut seen = Group {
            desired: u32::try_from(count).unwrap(),
            min: 0,
            max: 100_000,
            instances: Vec::new(),
        };
        let mut nodes = Vec::new();
        for number in 0..count {
            let id = instance(&group.id, number);
            nodes.push(Node {
                instance: id.clone(),
                status: NodeStatus::Active,
                connected: true,
                tasks: Tasks {
                    service: 1,
                    daemon: 1,
                    ..Tasks::default()
                },
            });
            seen.instances.push(Instance {
                id,
                zone: ["a", "b", "c"][number % 3].into(),
                state: InstanceState::InService,
                launched: now - Duration::from_mins(60 + number as u64),
                units: 1,
                protected: false,
            });
        }
        snapshot.clusters.insert(group.cluster.clone(), nodes);
        snapshot.groups.insert(group.id.clone(), seen);
    }
    snapshot
}

fn instance(group: &GroupId, number: usize) -> std::sync::Arc<str> {
    format!("i-{:0>8}{number:09x}", group.name).into()
}

fn quiet(_: &Config, _: &mut Snapshot) {}

fn rising(_: &Config, snapshot: &mut Snapshot) {
    for (id, alarm) in &mut snapshot.alarms {
        if id.name.ends_with("-up") {
            alarm.state = AlarmState::Alarm;
        }
    }
    for group in snapshot.groups.values_mut() {
        group.max = u32::MAX;
    }
}

/// Half of the services need nothing any more, and their nodes are empty.
fn surplus(_: &Config, snapshot: &mut Snapshot) {
    for service in snapshot.services.values_mut().step_by(2) {
        service.desired = 1;
        service.running = 1;
    }
    for node in snapshot.clusters.values_mut().flatten().step_by(2) {
        node.tasks.service = 0;
    }
}

fn draining(config: &Config, snapshot: &mut Snapshot) {
    surplus(config, snapshot);
    for node in snapshot.clusters.values_mut().flatten().step_by(10) {
        node.status = NodeStatus::Draining;
        node.tasks.service = 1;
    }
}
