//! A group's nodes, snapshot by snapshot: need, victims, drains, orphans, budgets.

use super::support::{alarm as alarm_of, at, config};
use entry::autoscale::AlarmState;
use entry::autoscale::config::Config;
use entry::autoscale::decide::{
    Group, Instance, InstanceState, Lease, Memory, Node, NodeStatus, Service, Snapshot, Tasks,
    decide,
};
use std::sync::Arc;

/// A group with its nodes; what is decided of them is done by hand.
struct Hand {
    config: Config,
    snapshot: Snapshot,
    memory: Memory,
}

const NODE: Tasks = Tasks {
    service: 0,
    one_off: 0,
    protected: 0,
    daemon: 1,
    pending: 0,
};

impl Hand {
    /// `nodes`: a word for each, its zone and its tasks: `a`, `c:2s`, `a:1o`, `a:1p`, `a-` draining,
    /// `a?` not in the cluster, `a+` just launched.
    fn new(need: u32, group: &str, nodes: &str) -> Hand {
        let text = format!(
            "auto_scaling_groups: [{{name: g, cluster: c, {group} services: [{{name: s, \
             min_task_count: 0, max_task_count: 1000}}]}}]"
        );
        let mut hand = Hand {
            config: config(&text),
            snapshot: Snapshot::default(),
            memory: Memory::default(),
        };
        hand.nodes(nodes);
        hand.tasks(need);
        hand
    }

    fn nodes(&mut self, nodes: &str) {
        let mut instances = Vec::new();
        let mut cluster = Vec::new();
        for (number, word) in nodes.split_whitespace().enumerate() {
            let (zone, rest) = word.split_at(1);
            let id: Arc<str> = format!("{zone}{number}").into();
            instances.push(Instance {
                id: id.clone(),
                zone: zone.into(),
                state: if rest == "+" {
                    InstanceState::Launching
                } else {
                    InstanceState::InService
                },
                launched: at(-3600),
                units: 1,
                protected: rest == "!",
            });
            if matches!(rest, "?" | "+") {
                continue;
            }
            let mut tasks = NODE;
            if let Some(written) = rest.trim_start_matches('-').strip_prefix(':') {
                let (count, kind) = written.split_at(1);
                let count = count.parse().unwrap();
                match kind {
                    "s" => tasks.service = count,
                    "o" => tasks.one_off = count,
                    "p" => (tasks.service, tasks.protected) = (count, count),
                    _ => tasks.pending = count,
                }
            }
            cluster.push(Node {
                instance: id,
                status: if rest.starts_with('-') {
                    NodeStatus::Draining
                } else {
                    NodeStatus::Active
                },
                connected: true,
                tasks,
            });
        }
        let group = &self.config.groups[0];
        let desired = u32::try_from(instances.len()).unwrap();
        self.snapshot
            .clusters
            .insert(group.cluster.clone(), cluster);
        let seen = Group {
            desired,
            min: 0,
            max: 20,
            instances,
        };
        self.snapshot.groups.insert(group.id.clone(), seen);
    }

    fn group(&mut self) -> &mut Group {
        self.snapshot.groups.values_mut().next().unwrap()
    }

    fn tasks(&mut self, count: u32) {
        let id = self.config.groups[0].services[0].id.clone();
        let seen = Service {
            desired: count,
            running: count,
            ..Service::default()
        };
        self.snapshot.services.insert(id, seen);
    }

    fn poll(&mut self, seconds: i64) -> String {
        let decision = decide(
            &self.config,
            &self.snapshot,
            self.memory.clone(),
            at(seconds),
        );
        self.memory = decision.memory;
        let done = decision
            .actions
            .iter()
            .map(|one| format!("{}: {}", one.act, one.why));
        let held = decision.reasons.iter().map(|one| one.why.to_string());
        done.chain(held).collect::<Vec<_>>().join("; ")
    }

    /// Only which nodes are drained, in order.
    fn victims(&mut self) -> String {
        let said = self.poll(0);
        let drained = said
            .split("; ")
            .filter_map(|one| one.strip_prefix("drain "));
        drained
            .map(|one| one.split(':').next().unwrap())
            .collect::<Vec<_>>()
            .join(" ")
    }
}

#[test]
fn need_is_the_gems() {
    for (tasks, each, buffer, need) in [
        (4, "0.5", "1", 3),
        (3, "0.5", "1", 3),
        (0, "1", "0", 0),
        (7, "0.1", "0.3", 1),
        (8, "0.1", "0.3", 2),
        (3, "2", "0", 6),
    ] {
        let text = format!("required_capacity: {each}, min_task_count: 0");
        let mut hand = Hand::new(tasks, &format!("buffer: {buffer},"), "");
        let written = format!(
            "auto_scaling_groups: [{{name: g, cluster: c, buffer: {buffer}, services: [{{name: s, {text}, \
             max_task_count: 1000}}]}}]"
        );
        hand.config = config(&written);
        let said = hand.poll(0);
        let expected = format!("0 → {need} units of capacity: {need} are needed: ");
        assert!(
            said.starts_with(&expected) || (need == 0 && said.is_empty()),
            "{said}"
        );
    }
}

#[test]
fn the_group_keeps_its_own_bounds() {
    let mut hand = Hand::new(30, "", "a b");
    assert_eq!(
        hand.poll(0),
        "2 → 20 units of capacity: 30 are needed: 30 for tasks and a buffer of 0; \
         30 are needed, the group's own maximum is 20"
    );
    let mut hand = Hand::new(0, "", "a b a b");
    hand.group().min = 3;
    assert_eq!(hand.victims(), "a0");
}

#[test]
fn the_gems_victims() {
    // Zones and free nodes as in the gem's own tests: 4 and 2 with 2 and 1 free, three to go.
    assert_eq!(
        Hand::new(3, "", "a:1s a:1s a a c:1s c").victims(),
        "a2 a3 c5"
    );
    // Only the smaller zone has a free node.
    let mut hand = Hand::new(2, "", "a:1s a:1s c");
    assert_eq!(
        hand.poll(0),
        "1 could go, but no node of the largest zone may"
    );
    // A tie goes to the zone that the group names first.
    assert_eq!(Hand::new(5, "", "c:1s a:1s c a c:1s a:1s").victims(), "c2");
}

#[test]
fn the_emptiest_go_first_and_some_never() {
    // Tasks of no service are last, and let finish; protected nodes stay.
    assert_eq!(Hand::new(1, "", "a:1o a a:1o a:1p").victims(), "a1 a0 a2");
    assert_eq!(Hand::new(0, "", "a! a").victims(), "a1");
    assert_eq!(
        Hand::new(0, "", "a:1n").victims(),
        "",
        "a task is about to start there"
    );
    let drain = "removal: {busy: drain},";
    assert_eq!(Hand::new(2, drain, "a:3s a:1s a:2s a").victims(), "a3 a1");
    assert_eq!(Hand::new(2, "", "a:3s a:1s a:2s a").victims(), "a3");
    assert_eq!(Hand::new(0, drain, "a:1p").victims(), "");
}

#[test]
fn a_node_drains_until_it_is_empty() {
    let mut hand = Hand::new(1, "removal: {wait: 10m},", "a:1s a:1o");
    assert_eq!(hand.poll(0), "drain a1: 1 are needed, and a has most");
    hand.nodes("a:1s a-:1o");
    assert_eq!(hand.poll(30), "a1 drains, with 1 task left");
    hand.nodes("a:1s a-");
    assert_eq!(hand.poll(60), "terminate a1: it is empty");
    // The answer was lost: it is ended again. It is ending: nothing more.
    assert_eq!(hand.poll(90), "terminate a1: it is empty");
    hand.group().instances[1].state = InstanceState::Leaving;
    hand.group().desired = 1;
    assert_eq!(hand.poll(120), "");
    assert!(
        hand.memory
            .groups
            .values()
            .all(|memory| memory.leaving.is_empty())
    );
}

#[test]
fn its_time_may_be_up() {
    let mut hand = Hand::new(1, "removal: {wait: 10m},", "a:1s a:1o");
    hand.poll(0);
    hand.nodes("a:1s a-:2o");
    assert_eq!(hand.poll(599), "a1 drains, with 2 tasks left");
    assert_eq!(
        hand.poll(600),
        "terminate a1: its time is up, with 2 tasks still running"
    );
}

#[test]
fn a_node_that_is_needed_again_comes_back_first() {
    let mut hand = Hand::new(1, "", "a:1s a:1o a");
    assert_eq!(hand.victims(), "a2 a1");
    hand.nodes("a:1s a-:1o a-");
    hand.tasks(4);
    let said = hand.poll(30);
    assert_eq!(
        said,
        "activate a2: 4 are needed again; activate a1: 4 are needed again; \
         3 → 4 units of capacity: 4 are needed: 4 for tasks and a buffer of 0"
    );
}

#[test]
fn nodes_that_others_drain_are_replaced_and_then_ended() {
    let mut hand = Hand::new(2, "", "a:1s a-:1s");
    assert_eq!(
        hand.poll(0),
        "2 → 3 units of capacity: 2 are needed: 2 for tasks and a buffer of 0"
    );
    hand.nodes("a:1s a- a:1s");
    assert_eq!(hand.poll(30), "terminate a1: it is empty");
    // Without a surplus it is not ours to end.
    let mut hand = Hand::new(2, "", "a:1s a-");
    hand.group().max = 2;
    assert_eq!(hand.poll(0), "");
}

#[test]
fn budgets() {
    let free = "a a a a a a a a";
    let mut hand = Hand::new(0, "removal: {per_poll: 3, per_hour: 4},", free);
    let said = hand.poll(0);
    assert!(
        said.ends_with("5 more could go, but not in one poll"),
        "{said}"
    );
    hand.nodes("a- a- a- a a a a a");
    hand.group().desired = 8;
    let said = hand.poll(30);
    assert_eq!(said.matches("terminate").count(), 3, "{said}");
    assert_eq!(said.matches("drain ").count(), 1, "{said}");
    assert!(
        said.ends_with("4 more could go, but not within an hour"),
        "{said}"
    );
    hand.nodes("b b b b");
    assert_eq!(hand.poll(3599).matches("drain ").count(), 0);
    assert_eq!(hand.poll(3600).matches("drain ").count(), 3);
}

#[test]
fn orphans_are_few_and_old() {
    let mut hand = Hand::new(4, "", "a:1s a:1s a:1s a? b:1s");
    assert_eq!(hand.poll(0), "terminate a3: 1h old and not in the cluster");
    // It is needed: a new one comes in its place.
    let mut hand = Hand::new(5, "", "a:1s a:1s a:1s a? b:1s");
    assert_eq!(hand.poll(0), "replace a3: 1h old and not in the cluster");
    hand.group().instances[3].launched = at(-600);
    assert_eq!(hand.poll(0), "");
    for (nodes, said) in [
        (
            "a? a? b b b",
            "suspicious: 2 of 5 instances are not in the cluster, none is removed",
        ),
        (
            "a?",
            "suspicious: the cluster has no node at all, none is removed: check cluster in the file",
        ),
    ] {
        assert_eq!(Hand::new(0, "", nodes).poll(0), said, "{nodes}");
    }
    let mut hand = Hand::new(0, "", "a?");
    hand.snapshot
        .clusters
        .values_mut()
        .next()
        .unwrap()
        .push(Node {
            instance: "of-others".into(),
            status: NodeStatus::Active,
            connected: true,
            tasks: NODE,
        });
    assert!(
        hand.poll(0)
            .starts_with("suspicious: none of 1 instances is in the cluster")
    );
    assert_eq!(
        Hand::new(0, "removal: {orphan_percent: 50},", "a? a? b b b")
            .poll(0)
            .matches("terminate")
            .count(),
        2
    );
}

#[test]
fn what_is_not_known_removes_nothing() {
    let mut hand = Hand::new(0, "", "a a");
    hand.snapshot.clusters.clear();
    assert_eq!(
        hand.poll(0),
        "no node is removed, the cluster's were not read"
    );
    let mut hand = Hand::new(0, "", "a a");
    hand.snapshot.services.clear();
    let said = hand.poll(0);
    assert!(
        said.ends_with("no node is removed, a service is unknown"),
        "{said}"
    );
    // What is known to be needed is brought all the same; the group's memory stays.
    let mut hand = Hand::new(3, "", "a-");
    hand.poll(0);
    hand.snapshot.groups.clear();
    assert_eq!(hand.poll(30), "not answered for: left alone");
    assert_eq!(hand.memory.groups.values().next().unwrap().leaving.len(), 1);
}

#[test]
fn deploys_and_launches_keep_spare_nodes() {
    let mut hand = Hand::new(1, "", "a:1s a");
    let service = hand.snapshot.services.values_mut().next().unwrap();
    service.deploying = true;
    assert_eq!(
        hand.poll(0),
        "no node is chosen while service c/s is deployed"
    );
    let service = hand.snapshot.services.values_mut().next().unwrap();
    service.deploying = false;
    service.lease = Some(Lease {
        holder: "d".into(),
        until: at(60),
    });
    assert!(
        hand.poll(30)
            .ends_with("no node is chosen while service c/s is deployed")
    );
    assert_eq!(hand.victims(), "", "until the lease ends");
    assert!(hand.poll(60).starts_with("drain a1"));
    let mut hand = Hand::new(1, "", "a:1s a a+");
    assert_eq!(hand.poll(0), "no node is chosen while others are launched");
}

/// A rise waits for capacity, takes what there is, and keeps its nodes.
#[test]
fn tasks_start_where_there_is_room() {
    let text = "auto_scaling_groups: [{name: g, cluster: c, services: [{name: s, min_task_count: 0, \
        max_task_count: 9, step: 4, idle_time: 60, required_capacity: 0.5, \
        upscale_triggers: [{alarm_name: u, state: ALARM}], \
        downscale_triggers: [{alarm_name: d, state: ALARM}]}]}]";
    let mut hand = Hand::new(2, "", "a:2s a");
    hand.config = config(text);
    let alarm = |hand: &mut Hand, name: &str, state| {
        let service = &hand.config.groups[0].services[0];
        let trigger = service.upscale.iter().chain(&service.downscale);
        let trigger = trigger
            .into_iter()
            .find(|one| *one.alarm.name == *name)
            .unwrap();
        let seen = alarm_of(state, at(0));
        hand.snapshot.alarms.insert(trigger.alarm.clone(), seen);
    };
    alarm(&mut hand, "u", AlarmState::Alarm);
    alarm(&mut hand, "d", AlarmState::Ok);
    assert_eq!(
        hand.poll(0),
        "2 → 4 tasks: alarm u is ALARM; 2 → 3 units of capacity: 3 are needed: 3 for tasks and a buffer \
         of 0; 6 are wanted, and wait for capacity"
    );
    hand.tasks(4);
    hand.nodes("a:2s a:2s a+");
    alarm(&mut hand, "u", AlarmState::Ok);
    assert_eq!(hand.poll(30), "6 are wanted, and wait for capacity");
    // However long it takes, nothing is taken back: a slow node would be removed as it comes.
    assert_eq!(hand.poll(1000), "6 are wanted, and wait for capacity");
    hand.nodes("a:2s a:2s a");
    assert_eq!(
        hand.poll(1030),
        "4 → 6 tasks: there is capacity for the 6 that are wanted"
    );
    hand.tasks(6);
    alarm(&mut hand, "d", AlarmState::Alarm);
    assert_eq!(hand.poll(1060), "idle for another 30s");
    assert!(hand.poll(1090).starts_with("6 → 2 tasks: alarm d is ALARM"));
}

/// Else one dead agent would keep the service from ever rising again: its node counts for the group's size, so
/// that no other comes in its place.
#[test]
fn a_node_without_its_agent_holds_no_rise() {
    let text = "auto_scaling_groups: [{name: g, cluster: c, services: [{name: s, min_task_count: 3, \
        max_task_count: 9}]}]";
    let mut hand = Hand::new(2, "", "a:1s a:1s a");
    hand.config = config(text);
    let mut nodes = hand.snapshot.clusters.values_mut();
    nodes.next().unwrap()[2].connected = false;
    assert_eq!(hand.poll(0), "2 → 3 tasks: the minimum is 3");
}

/// Otherwise capacity that comes would lift the count over the new maximum, in a deployment at once.
#[test]
fn a_rise_that_waits_follows_a_maximum_that_falls() {
    let mut hand = Hand::new(4, "", "a:2s a:2s");
    let id = hand.config.groups[0].services[0].id.clone();
    hand.memory.services.entry(id.clone()).or_default().wanted = Some(14);
    hand.snapshot.services.get_mut(&id).unwrap().deploying = true;
    hand.config.groups[0].services[0].levels.maxima = vec![9];
    hand.nodes("a a a a a a a a a a a a a a");
    let said = hand.poll(0);
    assert!(
        said.starts_with("4 → 9 tasks: there is capacity for the 9 that are wanted"),
        "{said}"
    );
}

/// What is asked for in this poll is needed in it: else nodes would go that tasks are about to need.
#[test]
fn a_rise_brings_its_nodes_at_once() {
    let text = "auto_scaling_groups: [{name: g, cluster: c, buffer: 1, services: [{name: s, \
        min_task_count: 2, max_task_count: 9, required_capacity: 0.5}]}]";
    let mut hand = Hand::new(1, "", "a:1s a");
    hand.config = config(text);
    hand.group().desired = 1;
    assert_eq!(
        hand.poll(0),
        "1 → 2 tasks: the minimum is 2; \
         1 → 2 units of capacity: 2 are needed: 1 for tasks and a buffer of 1"
    );
    hand.group().desired = 2;
    hand.tasks(1);
    hand.memory = Memory::default();
    hand.config = config(&text.replace("min_task_count: 2", "min_task_count: 4"));
    let said = hand.poll(0);
    assert!(
        said.ends_with("2 → 3 units of capacity: 3 are needed: 2 for tasks and a buffer of 1"),
        "{said}"
    );
}

/// A rise that waits for nodes is no reason not to bring those that the minimum asks for later.
#[test]
fn a_waiting_rise_follows_the_minimum() {
    let text = "auto_scaling_groups: [{name: g, cluster: c, services: [{name: s, min_task_count: MIN, \
        max_task_count: 9, idle_time: 60}]}]";
    let mut hand = Hand::new(0, "", "");
    hand.config = config(&text.replace("MIN", "3"));
    assert!(hand.poll(0).starts_with("0 → 3 units of capacity"));
    hand.group().desired = 3;
    hand.config = config(&text.replace("MIN", "8"));
    assert!(
        !hand.poll(30).contains("units of capacity"),
        "within the idle time"
    );
    assert!(hand.poll(60).starts_with("3 → 8 units of capacity"));
}

/// A fleet's target is lowered before its instance is ended: what fails in between must not look like a node that
/// is needed again, and the instance not be forgotten.
#[test]
fn a_fleets_instance_that_outlived_its_target_is_ended() {
    let text = "spot_fleet_requests: [{id: f, cluster: c, services: [{name: s, min_task_count: 0, \
        max_task_count: 99}]}]";
    let mut hand = Hand::new(8, "", "a:4s b:4s a");
    let group = hand.group().clone();
    hand.config = config(text);
    let id = hand.config.groups[0].id.clone();
    hand.snapshot.groups = [(id, group)].into();
    let units = |hand: &mut Hand, desired: u32| {
        let group = hand.group();
        group.instances.iter_mut().for_each(|one| one.units = 4);
        (group.desired, group.max) = (desired, 100_000);
    };
    units(&mut hand, 12);
    assert_eq!(hand.victims(), "a2");
    hand.snapshot.clusters.values_mut().next().unwrap()[2].status = NodeStatus::Draining;
    assert_eq!(hand.poll(30), "terminate a2: it is empty");
    units(&mut hand, 8);
    assert_eq!(hand.poll(60), "terminate a2: it is empty");
    // Nor does the memory matter.
    hand.memory = Memory::default();
    assert_eq!(hand.poll(90), "terminate a2: it is empty");
}

#[test]
fn a_spot_fleet_counts_vcpus() {
    let text = "spot_fleet_requests: [{id: f, cluster: c, services: [{name: s, min_task_count: 0, \
        max_task_count: 99, required_capacity: 2}]}]";
    let mut hand = Hand::new(4, "", "a:1s b a b:1s");
    let group = hand.group().clone();
    hand.config = config(text);
    let id = hand.config.groups[0].id.clone();
    hand.snapshot.groups = [(id, group)].into();
    let group = hand.group();
    for (instance, units) in group.instances.iter_mut().zip([4, 2, 8, 4]) {
        instance.units = units;
    }
    (group.desired, group.min, group.max) = (18, 0, 100_000);
    // 8 are needed and 18 there: the one of 8 goes, and the one of 2.
    assert_eq!(hand.victims(), "a2 b1");
    hand.group().desired = 11;
    hand.memory = Memory::default();
    assert_eq!(hand.victims(), "b1");
}
