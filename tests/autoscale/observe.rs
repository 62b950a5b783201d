//! What is asked of AWS in a poll, and what the answers become.

use super::cloud::{FakeAws, FakeNode, group, run, service};
use super::support::{at, config};
use entry::autoscale::config::Config;
use entry::autoscale::decide::{Act, Decision, Memory, Snapshot, Tasks, decide};
use entry::autoscale::observe::{Cause, Clouds, Look, Trouble, snapshot};
use entry::aws::{AwsError, Get, Kind, ObjectInfo, Pending, Put, S3, Sink};
use entry::state::Record;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

fn look(aws: &FakeAws, config: &Config, memory: &Memory, every: bool) -> (Snapshot, Vec<Trouble>) {
    let look = Look {
        memory,
        every_node: every,
    };
    run(snapshot(config, look, &aws.clouds(config), at(0)))
}

/// xorshift: the same run every time.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(sides).unwrap()).unwrap()
    }
}

/// Regions, and in each so many clusters with so many of everything.
#[derive(Clone, Copy, Debug)]
struct Shape {
    regions: usize,
    clusters: usize,
    services: usize,
    alarms: usize,
    groups: usize,
    fleets: usize,
    nodes: usize,
}

/// A file and an AWS in which nothing is to be done: as many nodes as tasks.
fn steady(shape: Shape) -> (Config, FakeAws) {
    let mut aws = FakeAws::default();
    let mut file = ["", ""].map(str::to_owned);
    for region in 0..shape.regions {
        for cluster in 0..shape.clusters {
            let place = format!("r{region}-c{cluster}");
            let owners = shape.groups + shape.fleets;
            let mut nodes = Vec::new();
            for owner in 0..owners {
                let of_group = owner < shape.groups;
                let name = format!("{place}-g{owner}");
                let ours = |index: &usize| index % owners == owner;
                let instances: Vec<String> = (0..shape.nodes)
                    .filter(ours)
                    .map(|index| format!("i-{place}-{index}"))
                    .collect();
                let names: Vec<usize> = (0..shape.services).filter(ours).collect();
                // Services at the least they may have, and a buffer for the rest of the nodes.
                let buffer = instances.len() - names.len();
                let key = if of_group { "name" } else { "id" };
                let text = &mut file[usize::from(!of_group)];
                let _ = writeln!(
                    text,
                    "  - {key}: {name}\n    region: r{region}\n    cluster: {place}\n    \
                     buffer: {buffer}\n    services:"
                );
                for index in &names {
                    let service_name = format!("{place}-s{index}");
                    let alarms = (0..shape.alarms).filter(|alarm| alarm % shape.services == *index);
                    let alarms: Vec<String> =
                        alarms.map(|alarm| format!("r{region}-a{alarm}")).collect();
                    let triggers = alarms
                        .iter()
                        .map(|name| format!("{{alarm_name: {name}, state: ALARM}}"));
                    let triggers: Vec<String> = triggers.collect();
                    let _ = writeln!(
                        text,
                        "      - {{name: {service_name}, min_task_count: 1, max_task_count: 9, step: 1, \
                         upscale_triggers: [{}]}}",
                        triggers.join(", ")
                    );
                    aws.services.insert(service_name, service(1));
                    aws.alarms
                        .extend(alarms.into_iter().map(|name| (name, "OK".to_owned())));
                }
                let count = u32::try_from(instances.len()).unwrap();
                nodes.extend(instances.iter().map(|id| FakeNode::new(id, &["service:x"])));
                if of_group {
                    aws.groups.insert(name, group(count, (0, 1000), &instances));
                } else {
                    let target = json!({"targetCapacity": count});
                    let fleet = json!({
                        "spotFleetRequestState": "active", "spotFleetRequestConfig": target,
                    });
                    aws.fleets.insert(name, (fleet, instances));
                }
            }
            aws.nodes.insert(place, nodes);
        }
    }
    let mut text = String::new();
    for (key, list) in ["auto_scaling_groups", "spot_fleet_requests"]
        .iter()
        .zip(file)
    {
        if !list.is_empty() {
            let _ = writeln!(text, "{key}:\n{list}");
        }
    }
    (config(&text), aws)
}

/// The least that AWS's limits allow, and one call for each fleet, whose instances nothing else tells.
fn least(shape: Shape, every: bool) -> BTreeMap<String, usize> {
    let clusters = shape.regions * shape.clusters;
    let mut calls = BTreeMap::new();
    let mut add = |name: &str, count: usize| {
        if count > 0 {
            calls.insert(name.to_owned(), count);
        }
    };
    add("DescribeAlarms", shape.regions * shape.alarms.div_ceil(100));
    add("DescribeServices", clusters * shape.services.div_ceil(10));
    let groups = shape.groups * shape.clusters;
    add(
        "DescribeAutoScalingGroups",
        shape.regions * groups.div_ceil(100),
    );
    let fleets = shape.fleets * shape.clusters;
    add(
        "DescribeSpotFleetRequests",
        shape.regions * fleets.div_ceil(100),
    );
    add("DescribeSpotFleetInstances", shape.regions * fleets);
    if every {
        let pages = clusters * shape.nodes.div_ceil(100);
        add("ListContainerInstances", pages);
        add("DescribeContainerInstances", pages);
    }
    calls
}

#[test]
fn calls_are_the_fewest_for_any_shape() {
    let mut dice = Dice(20_261_127);
    for _ in 0..60 {
        let groups = dice.roll(3);
        let fleets = dice.roll(3) + usize::from(groups == 0);
        let services = groups + fleets + dice.roll(40);
        let shape = Shape {
            regions: 1 + dice.roll(3),
            clusters: 1 + dice.roll(3),
            services,
            alarms: services + dice.roll(250),
            groups,
            fleets,
            nodes: services + groups + fleets + dice.roll(250),
        };
        let (config, aws) = steady(shape);
        for every in [false, true] {
            let (seen, troubles) = look(&aws, &config, &Memory::default(), every);
            assert_eq!(troubles, [], "{shape:?}");
            assert_eq!(aws.counts(), least(shape, every), "{shape:?}");
            let decision = decide(&config, &seen, Memory::default(), at(0));
            assert_eq!(decision.actions, [], "{shape:?}");
        }
    }
}

#[test]
fn a_large_cluster_takes_14_calls_and_22_with_its_nodes() {
    let shape = Shape {
        regions: 1,
        clusters: 1,
        services: 100,
        alarms: 300,
        groups: 2,
        fleets: 0,
        nodes: 400,
    };
    let (config, aws) = steady(shape);
    for (every, calls) in [(false, 14), (true, 22)] {
        let (seen, _) = look(&aws, &config, &Memory::default(), every);
        assert_eq!(aws.counts().values().sum::<usize>(), calls);
        assert_eq!((seen.services.len(), seen.alarms.len()), (100, 300));
    }
}

/// A group of six nodes that needs one, in two zones; each runs a daemon.
fn surplus(busy: &str) -> (Config, FakeAws) {
    let config = config(&format!(
        "auto_scaling_groups: [{{name: g, cluster: c, removal: {{busy: {busy}}}, services: [{{name: web, \
         min_task_count: 1, max_task_count: 5, step: 1}}]}}]"
    ));
    let mut aws = FakeAws::default();
    aws.services.insert("web".to_owned(), service(1));
    aws.daemons = vec!["arn:aws:ecs:r:1:service/c/agent".to_owned()];
    let tasks: [&[&str]; 6] = [
        &["service:agent", "service:web"],
        &["service:agent"],
        &["service:agent", "family:migrate"],
        &["service:agent"],
        &["service:agent", "service:other"],
        &["service:agent"],
    ];
    let nodes = tasks.iter().enumerate();
    let nodes: Vec<FakeNode> = nodes
        .map(|(index, tasks)| FakeNode::new(&format!("i-{index}"), tasks))
        .collect();
    let instances = ["i-0 a", "i-1 a", "i-2 a", "i-3 b", "i-4 b", "i-5 b"].map(str::to_owned);
    aws.nodes.insert("c".to_owned(), nodes);
    aws.groups
        .insert("g".to_owned(), group(6, (0, 9), &instances));
    (config, aws)
}

fn drained(decision: &Decision) -> Vec<&str> {
    let drains = decision.actions.iter().filter_map(|one| match &one.act {
        Act::Drain { instance, .. } => Some(&**instance),
        _ => None,
    });
    drains.collect()
}

#[test]
fn only_tasks_of_nodes_that_may_go_are_looked_at() {
    let (config, aws) = surplus("keep");
    let (seen, troubles) = look(&aws, &config, &Memory::default(), false);
    assert_eq!(troubles, []);
    let decision = decide(&config, &seen, Memory::default(), at(0));
    // The emptiest go, the migration's node after them, and none with a service's task.
    assert_eq!(drained(&decision), ["i-1", "i-3", "i-5", "i-2"]);
    let nodes = seen.clusters.values().next().unwrap();
    let tasks = |index: usize| nodes[index].tasks;
    let migration = Tasks {
        one_off: 1,
        daemon: 1,
        ..Tasks::default()
    };
    assert_eq!(tasks(2), migration);
    assert!(tasks(0).service > 0 && tasks(4).service > 0);
    let counts = aws.counts();
    assert!(counts["ListTasks"] <= 6, "{counts:?}");
    assert_eq!(counts["ListServices"], 1);
    assert!(!counts.contains_key("GetTaskProtection"), "{counts:?}");
}

#[test]
fn protected_tasks_keep_their_node() {
    let (config, mut aws) = surplus("drain");
    aws.protected.insert("arn:task/i-4/1".to_owned());
    let (seen, _) = look(&aws, &config, &Memory::default(), false);
    let decision = decide(&config, &seen, Memory::default(), at(0));
    assert!(!drained(&decision).contains(&"i-4"), "{decision:?}");
    assert!(drained(&decision).contains(&"i-0"), "{decision:?}");
    // If nobody tells, all are taken to be protected.
    aws.protected.clear();
    let denied = (Kind::Denied, "no");
    aws.faults.borrow_mut().insert("GetTaskProtection", denied);
    let (seen, troubles) = look(&aws, &config, &Memory::default(), false);
    let decision = decide(&config, &seen, Memory::default(), at(0));
    assert!(!drained(&decision).contains(&"i-4"), "{decision:?}");
    assert!(!drained(&decision).contains(&"i-0"), "{decision:?}");
    assert!(troubles[0].about.starts_with("protection"), "{troubles:?}");
}

/// A task that was told to stop counts for nobody, and still runs.
#[test]
fn a_node_is_not_empty_while_a_task_of_it_stops() {
    let (config, mut aws) = surplus("keep");
    let nodes = aws.nodes.get_mut("c").unwrap();
    nodes[1].status = "DRAINING".to_owned();
    nodes[1].tasks = vec![("service:web".to_owned(), "STOPPING".to_owned())];
    nodes[3].status = "DRAINING".to_owned();
    nodes[3].tasks = vec![
        ("service:agent".to_owned(), "RUNNING".to_owned()),
        ("service:web".to_owned(), "STOPPED".to_owned()),
    ];
    let (seen, _) = look(&aws, &config, &Memory::default(), true);
    let decision = decide(&config, &seen, Memory::default(), at(0));
    let ended = decision.actions.iter().filter_map(|one| match &one.act {
        Act::Terminate { instance, .. } => Some(&**instance),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), ["i-3"]);
}

#[test]
fn tasks_that_cannot_be_looked_at_keep_their_nodes() {
    let (config, aws) = surplus("keep");
    for operation in ["ListTasks", "DescribeTasks", "ListServices"] {
        let fault = (Kind::Throttled, "Rate exceeded");
        aws.faults.borrow_mut().clear();
        aws.faults.borrow_mut().insert(operation, fault);
        let (seen, troubles) = look(&aws, &config, &Memory::default(), false);
        let decision = decide(&config, &seen, Memory::default(), at(0));
        assert_eq!(drained(&decision), [] as [&str; 0], "{operation}");
        assert!(!troubles.is_empty(), "{operation}");
    }
}

/// Few looks a poll, however many nodes there are.
#[test]
fn a_poll_looks_at_no_more_than_ten_nodes() {
    let config = config(
        "auto_scaling_groups: [{name: g, cluster: c, removal: {per_poll: 100, per_hour: 100}, services: \
         [{name: web, min_task_count: 0, max_task_count: 5, step: 1}]}]",
    );
    let mut aws = FakeAws::default();
    aws.services.insert("web".to_owned(), service(0));
    let instances: Vec<String> = (0..50).map(|index| format!("i-{index}")).collect();
    let nodes = instances
        .iter()
        .map(|id| FakeNode::new(id, &["family:job", "service:x"]));
    aws.nodes.insert("c".to_owned(), nodes.collect());
    aws.groups
        .insert("g".to_owned(), group(50, (0, 50), &instances));
    look(&aws, &config, &Memory::default(), false);
    assert_eq!(aws.counts()["ListTasks"], 10);
}

/// Six kinds of tasks, by group and status.
const KINDS: [(&str, &str); 6] = [
    ("service:agent", "RUNNING"),
    ("service:web", "RUNNING"),
    ("service:web", "STOPPING"),
    ("service:other", "PENDING"),
    ("family:job", "RUNNING"),
    ("service:web", "STOPPED"),
];

fn random_node(dice: &mut Dice, index: usize) -> FakeNode {
    let mut node = FakeNode::new(&format!("i-{index}"), &[]);
    if dice.roll(3) == 0 {
        "DRAINING".clone_into(&mut node.status);
    }
    let tasks = (0..dice.roll(4)).map(|_| match dice.roll(3) {
        0 => KINDS[dice.roll(KINDS.len())],
        _ => KINDS[0],
    });
    let told = |(group, status): (&str, &str)| (group.to_owned(), status.to_owned());
    node.tasks = tasks.map(told).collect();
    node
}

/// Whatever was looked at and whatever was not: what is done is right by all that there is.
#[test]
fn what_was_not_looked_at_is_never_touched() {
    let mut dice = Dice(11_271_126);
    let (mut drained, mut ended) = (0, 0);
    for round in 0..400 {
        let keep = round % 2 == 0;
        let (config, mut aws) = surplus(if keep { "keep" } else { "drain" });
        let count = 4 + dice.roll(30);
        let nodes: Vec<FakeNode> = (0..count)
            .map(|index| random_node(&mut dice, index))
            .collect();
        let instances: Vec<String> = (0..count)
            .map(|index| format!("i-{index} {}", ["a", "b", "c"][dice.roll(3)]))
            .collect();
        let desired = u32::try_from(count).unwrap();
        aws.groups
            .insert("g".to_owned(), group(desired, (0, 100), &instances));
        for index in 0..count {
            let protected = (0..4).filter(|_| dice.roll(4) == 0);
            let arns = protected.map(|task| format!("arn:task/i-{index}/{task}"));
            aws.protected.extend(arns.collect::<Vec<_>>());
        }
        aws.nodes.insert("c".to_owned(), nodes.clone());
        let (seen, troubles) = look(&aws, &config, &Memory::default(), true);
        assert_eq!(troubles, []);
        let decision = decide(&config, &seen, Memory::default(), at(0));
        for action in &decision.actions {
            let (Act::Drain { instance, .. } | Act::Terminate { instance, .. }) = &action.act
            else {
                continue;
            };
            let node = nodes.iter().find(|node| node.instance == **instance);
            let node = node.unwrap();
            let lives = |status: &str| status != "STOPPED";
            let at_stake = node
                .tasks
                .iter()
                .filter(|(group, status)| lives(status) && group != "service:agent");
            if matches!(action.act, Act::Terminate { .. }) {
                assert_eq!(at_stake.count(), 0, "{round}: {action:?} of {node:?}");
                ended += 1;
                continue;
            }
            let service = |group: &str| group.starts_with("service:") && group != "service:agent";
            for (index, (group, status)) in node.tasks.iter().enumerate() {
                let moves = service(group) && status == "RUNNING";
                let arn = format!("arn:task/{instance}/{index}");
                let wrong = status == "PENDING" || moves && (keep || aws.protected.contains(&arn));
                assert!(!wrong, "{round}: {action:?} of {node:?}");
            }
            drained += 1;
        }
    }
    assert!(drained > 500 && ended > 200, "{drained} {ended}");
}

#[test]
fn what_fails_is_left_out_and_the_rest_is_not() {
    let shape = Shape {
        regions: 2,
        clusters: 1,
        services: 12,
        alarms: 12,
        groups: 1,
        fleets: 1,
        nodes: 14,
    };
    let (config, aws) = steady(shape);
    let parts = |seen: &Snapshot| {
        [
            seen.alarms.len(),
            seen.services.len(),
            seen.groups.len(),
            seen.clusters.len(),
        ]
    };
    let whole = [24, 24, 4, 2];
    for (operation, expected) in [
        ("DescribeAlarms", [0, 24, 4, 2]),
        ("DescribeServices", [24, 0, 4, 2]),
        ("DescribeAutoScalingGroups", [24, 24, 2, 2]),
        ("DescribeSpotFleetRequests", [24, 24, 2, 2]),
        ("DescribeSpotFleetInstances", [24, 24, 2, 2]),
        ("ListContainerInstances", [24, 24, 4, 0]),
        ("DescribeContainerInstances", [24, 24, 4, 0]),
        ("None", whole),
    ] {
        aws.faults.borrow_mut().clear();
        let fault = (Kind::Unavailable, "");
        aws.faults.borrow_mut().insert(operation, fault);
        let (seen, troubles) = look(&aws, &config, &Memory::default(), true);
        assert_eq!(parts(&seen), expected, "{operation}");
        assert_eq!(troubles.is_empty(), expected == whole, "{operation}");
        for trouble in troubles {
            let Cause::Failed(error) = &trouble.cause else {
                panic!("{trouble}");
            };
            assert!(error.action.ends_with(operation), "{trouble}");
        }
    }
}

#[test]
fn what_is_not_there_is_told() {
    let (config, mut aws) = steady(Shape {
        regions: 1,
        clusters: 1,
        services: 3,
        alarms: 3,
        groups: 1,
        fleets: 1,
        nodes: 5,
    });
    aws.alarms.remove("r0-a1");
    aws.services.remove("r0-c0-s0");
    aws.services.get_mut("r0-c0-s1").unwrap()["status"] = "INACTIVE".into();
    aws.groups.clear();
    let fleet = aws.fleets.values_mut().next().unwrap();
    fleet.0["spotFleetRequestState"] = "cancelled_running".into();
    let (seen, troubles) = look(&aws, &config, &Memory::default(), true);
    let mut told: Vec<String> = troubles.iter().map(ToString::to_string).collect();
    told.sort();
    assert_eq!(
        told,
        [
            "alarm r0-a1 in r0: there is no alarm of this name",
            "group r0-c0-g0 in r0: there is no such Auto Scaling group",
            "service r0-c0/r0-c0-s0 in r0: there is no such service in the cluster",
            "service r0-c0/r0-c0-s1 in r0: it is INACTIVE",
            "spot fleet r0-c0-g1 in r0: it is cancelled_running",
        ]
    );
    assert_eq!((seen.services.len(), seen.groups.len()), (1, 0));
}

/// EC2 refuses to describe any of a call's fleets if it does not know one of them.
#[test]
fn a_fleet_that_is_gone_hides_no_other() {
    let (config, mut aws) = steady(Shape {
        regions: 1,
        clusters: 1,
        services: 8,
        alarms: 1,
        groups: 1,
        fleets: 3,
        nodes: 8,
    });
    aws.fleets.remove("r0-c0-g2");
    let (seen, troubles) = look(&aws, &config, &Memory::default(), true);
    let told: Vec<String> = troubles.iter().map(ToString::to_string).collect();
    let expected = "spot fleet r0-c0-g2 in r0: there is no such spot fleet request";
    assert_eq!((told, seen.groups.len()), (vec![expected.to_owned()], 3));
}

/// A node that ECS lists and does not describe is there: its instance is no orphan, whatever runs on it.
#[test]
fn a_node_that_is_not_described_makes_no_orphan() {
    let (config, mut aws) = surplus("keep");
    aws.nodes.get_mut("c").unwrap()[0].status = "MISSING".to_owned();
    let launched = "2026-01-01T00:00:00Z".to_owned();
    aws.instances.insert("i-0".to_owned(), launched);
    let (seen, troubles) = look(&aws, &config, &Memory::default(), true);
    let told: Vec<&str> = troubles.iter().map(|one| &*one.about).collect();
    assert_eq!(told, ["nodes of cluster c"]);
    let decision = decide(&config, &seen, Memory::default(), at(0));
    assert_eq!(decision.actions, []);
}

/// Nobody knows which services a deploy holds then: what may only be too much waits.
#[test]
fn an_unreadable_lock_of_a_deploy_lets_nothing_go() {
    let file = "{name: g, cluster: c, services: [{name: web, min_task_count: 1, max_task_count: 5, step: 1, \
        upscale_triggers: [{alarm_name: up, state: ALARM}], downscale_triggers: [{alarm_name: down, state: ALARM}]}]}";
    let decided = |deploys: &str, alarm: &str| {
        let config = config(&format!("{deploys}auto_scaling_groups: [{file}]"));
        let (_, mut aws) = surplus("keep");
        aws.services.insert("web".to_owned(), service(2));
        for name in ["up", "down"] {
            let state = if name == alarm { "ALARM" } else { "OK" };
            aws.alarms.insert(name.to_owned(), state.to_owned());
        }
        // There is no S3 in it, so that no lock can be read.
        let (seen, _) = look(&aws, &config, &Memory::default(), true);
        let decision = decide(&config, &seen, Memory::default(), at(0));
        let acts = decision.actions.iter().map(|one| one.act.to_string());
        let held = decision.reasons.iter().map(|one| one.why.to_string());
        (
            acts.collect::<Vec<_>>().join(", "),
            held.collect::<Vec<_>>().join(", "),
        )
    };
    let (acts, _) = decided("", "down");
    assert_eq!(
        acts,
        "2 → 1 tasks, drain i-1, drain i-3, drain i-5, drain i-2"
    );
    let locked = "deploys: [s3://state/p/locks/main.json]\n";
    let (acts, held) = decided(locked, "down");
    assert_eq!(acts, "", "{held}");
    assert_eq!(
        held.matches("lock of a deploy could not be read").count(),
        2,
        "{held}"
    );
    let (acts, held) = decided(locked, "up");
    assert_eq!(acts, "2 → 3 tasks", "{held}");
}

/// An instance that is in no cluster is as old as EC2 says, and young while nobody says.
#[test]
fn ec2_tells_since_when_an_instance_is_missing() {
    let (config, mut aws) = surplus("keep");
    aws.nodes.get_mut("c").unwrap().remove(1);
    let (seen, _) = look(&aws, &config, &Memory::default(), true);
    let launched = |seen: &Snapshot, id: &str| {
        let group = seen.groups.values().next().unwrap();
        let found = group.instances.iter().find(|one| *one.id == *id);
        found.unwrap().launched.to_string()
    };
    assert_eq!(launched(&seen, "i-1"), at(0).to_string());
    assert_eq!(launched(&seen, "i-0"), "2026-05-28T20:26:40Z");
    let long_ago = "2026-01-01T00:00:00.000Z".to_owned();
    aws.instances.insert("i-1".to_owned(), long_ago);
    let (seen, _) = look(&aws, &config, &Memory::default(), true);
    assert_eq!(launched(&seen, "i-1"), "2026-01-01T00:00:00Z");
    let decision = decide(&config, &seen, Memory::default(), at(0));
    let first = decision.actions.first().unwrap();
    assert_eq!(first.act.to_string(), "terminate i-1");
}

/// S3 with a lock of a deploy in it.
struct Locks(Record);

impl S3 for Locks {
    fn get<'a>(
        &'a self,
        get: &'a Get,
        sink: &'a mut dyn Sink,
        _deadline: Instant,
    ) -> Pending<'a, ObjectInfo> {
        Box::pin(async move {
            if get.url() != "s3://state/myapp/locks/main.json" {
                let (action, url) = ("s3:GetObject", get.url());
                return Err(AwsError::new(Kind::NotFound, action, &url, "(NoSuchKey)"));
            }
            let body = serde_json::to_vec(&self.0).unwrap();
            sink.write(&body).unwrap();
            Ok(ObjectInfo {
                bytes: body.len().try_into().unwrap(),
                version_id: None,
                etag: None,
                checksum: None,
                metadata: BTreeMap::new(),
            })
        })
    }

    fn put<'a>(&'a self, _: &'a Put, _: Instant) -> Pending<'a, Option<String>> {
        panic!("an observation writes nothing")
    }
}

#[test]
fn a_deploys_lock_keeps_its_services() {
    let file = "deploys: [s3://state/myapp/locks/main.json, s3://state/myapp/locks/other.json]\n\
        simple_scaling: [{name: g, cluster: c, services: [\
        {name: web, min_task_count: 3, max_task_count: 5}, {name: api, min_task_count: 3, max_task_count: 5}]}]";
    let config = config(file);
    let mut aws = FakeAws::default();
    for name in ["web", "api"] {
        aws.services.insert(name.to_owned(), service(1));
    }
    let mut locks = Locks(Record {
        holder: "deploy@ci".to_owned(),
        id: "1".to_owned(),
        message: String::new(),
        since: at(-60),
        until: at(60),
        released: false,
        kept: json!({"services": ["web"]}),
    });
    let decided = |locks: &Locks| {
        let clouds = Clouds {
            s3: Some(locks),
            ..aws.clouds(&config)
        };
        let memory = Memory::default();
        let look = Look {
            memory: &memory,
            every_node: false,
        };
        let (seen, troubles) = run(snapshot(&config, look, &clouds, at(0)));
        assert_eq!(troubles, []);
        let decision = decide(&config, &seen, Memory::default(), at(0));
        let acts = decision.actions.iter().map(|one| match &one.act {
            Act::SetCount { service, .. } => service.name.to_string(),
            other => other.to_string(),
        });
        acts.collect::<Vec<_>>()
    };
    assert_eq!(decided(&locks), ["api"]);
    // In another cluster there may be a service of the same name.
    locks.0.kept = json!({"services": ["web"], "cluster": "d"});
    assert_eq!(decided(&locks), ["web", "api"]);
    locks.0.kept = json!({"services": ["web"], "cluster": "arn:aws:ecs:r:1:cluster/c"});
    assert_eq!(decided(&locks), ["api"]);
    locks.0.kept = json!({"services": ["web"]});
    locks.0.released = true;
    assert_eq!(decided(&locks), ["web", "api"]);
}
