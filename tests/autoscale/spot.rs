//! Spot interruptions: what a message asks for, and what one turn of a queue does.

use super::cloud::{FakeAws, FakeNode, group, run};
use super::support::{at, config};
use entry::autoscale::GroupId;
use entry::autoscale::config::Config;
use entry::autoscale::decide::{Group, Instance, InstanceState, Snapshot};
use entry::autoscale::spot::{Notice, Report, Step, Verdict, Warned, turn, what_to_do};
use entry::aws::Kind;
use serde_json::{Value, json};
use std::sync::Arc;

const FILE: &str = "
spot_instance_intrp_warns_queue_urls: ['https://sqs.r1.amazonaws.com/1/spot']
auto_scaling_groups:
  - {name: g, region: r1, cluster: c, services: [{name: a, min_task_count: 1, max_task_count: 5}]}
  - {name: h, region: r1, cluster: c, disable_draining: true, services: [{name: b, min_task_count: 1, max_task_count: 5}]}
spot_fleet_requests:
  - {id: f, region: r1, cluster: c, services: [{name: d, min_task_count: 1, max_task_count: 5}]}
";

fn instance(id: &str) -> Instance {
    Instance {
        id: id.into(),
        zone: "a".into(),
        state: InstanceState::InService,
        launched: at(0),
        units: 1,
        protected: false,
    }
}

/// Groups g, h, f with the instances i-g, i-h, i-f.
fn seen(config: &Config) -> Snapshot {
    let groups = config.groups.iter().map(|group| {
        let instances = vec![instance(&format!("i-{}", group.id.name))];
        let seen = Group {
            desired: 1,
            min: 0,
            max: 9,
            instances,
        };
        (group.id.clone(), seen)
    });
    Snapshot {
        groups: groups.collect(),
        ..Snapshot::default()
    }
}

fn notice(warned: Warned, instance: &str) -> Notice {
    Notice {
        warned,
        instance: instance.into(),
        at: at(0),
    }
}

/// Steps in short: `drain` and `replace GROUP`.
fn steps(config: &Config, snapshot: &Snapshot, notice: &Notice, seconds: i64) -> String {
    let region = Some(Arc::from("r1"));
    match what_to_do(notice, &region, config, snapshot, at(seconds)) {
        Verdict::Do(steps) => {
            let told = steps.iter().map(|step| match step {
                Step::Drain { cluster, .. } => format!("drain in {}", cluster.name),
                Step::Replace { group, .. } => format!("replace in {}", group.name),
            });
            told.collect::<Vec<_>>().join(", ")
        }
        other => format!("{other:?}"),
    }
}

#[test]
fn a_notice_asks_for_what_helps() {
    let config = config(FILE);
    let whole = seen(&config);
    for (warned, instance, expected) in [
        (Warned::Termination, "i-g", "drain in c, replace in g"),
        (Warned::Termination, "i-h", "replace in h"),
        (Warned::Termination, "i-f", "drain in c"),
        (Warned::Pause, "i-g", "drain in c"),
        (Warned::Risk, "i-g", "drain in c"),
        (Warned::Risk, "i-h", ""),
        (Warned::Termination, "i-other", "Foreign"),
    ] {
        let found = steps(&config, &whole, &notice(warned, instance), 1);
        assert_eq!(found, expected, "{warned:?} {instance}");
    }
}

#[test]
fn a_group_that_was_not_seen_may_be_the_one_for_two_minutes() {
    let config = config(FILE);
    let mut part = seen(&config);
    let missing: GroupId = config.groups[1].id.clone();
    part.groups.remove(&missing);
    let lost = notice(Warned::Termination, "i-h");
    assert_eq!(steps(&config, &part, &lost, 119), "Later");
    assert_eq!(steps(&config, &part, &lost, 120), "Foreign");
    let known = notice(Warned::Termination, "i-g");
    assert_eq!(steps(&config, &part, &known, 1), "drain in c, replace in g");
    // Another region's groups are nothing to this queue.
    let region = Some(Arc::from("r2"));
    let verdict = what_to_do(&lost, &region, &config, &part, at(1));
    assert_eq!(verdict, Verdict::Foreign);
}

/// Where the file names no region, the SDK's own counts, and a queue's URL names one all the same.
#[test]
fn a_group_without_a_region_may_be_the_queues() {
    let text = "auto_scaling_groups: [{name: g, cluster: c, services: \
        [{name: a, min_task_count: 1, max_task_count: 5}]}]";
    let config = config(text);
    let warned = notice(Warned::Termination, "i-g");
    let found = steps(&config, &seen(&config), &warned, 1);
    assert_eq!(found, "drain in c, replace in g");
}

/// The last poll may be long ago: the loop is paused, or its interval is long, or the instance is young.
#[test]
fn an_instance_that_no_poll_has_seen_is_looked_for() {
    let config = config(FILE);
    let last = seen(&config);
    for (fault, expected) in [(None, (0, 2)), (Some((Kind::Throttled, "")), (1, 0))] {
        let mut aws = FakeAws::default();
        let node = FakeNode::new("i-young", &[]);
        aws.nodes.insert("c".to_owned(), vec![node]);
        for (name, id) in [("g", "i-young"), ("h", "i-h")] {
            let reply = group(1, (0, 9), &[id.to_owned()]);
            aws.groups.insert(name.to_owned(), reply);
        }
        let faults = fault.map(|fault| ("DescribeAutoScalingGroups", fault));
        aws.faults.borrow_mut().extend(faults);
        aws.messages.replace(vec![
            message("1", &event(WARNING, "i-young")),
            message("2", &event(WARNING, "i-h")),
        ]);
        let report = one_turn(&aws, &config, &last);
        let ours = report.steps.iter().filter(|(step, _)| match step {
            Step::Drain { instance, .. } | Step::Replace { instance, .. } => {
                **instance == *"i-young"
            }
        });
        assert_eq!((report.later, ours.count()), expected, "{report:?}");
        assert_eq!(deleted(&aws).len(), 2 - report.later);
    }
}

fn message(id: &str, body: &Value) -> Value {
    let body = match body {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({"MessageId": id, "ReceiptHandle": format!("receipt-{id}"), "Body": body})
}

fn event(kind: &str, instance: &str) -> Value {
    json!({"detail-type": kind, "time": at(0).to_string(),
        "detail": {"instance-id": instance, "instance-action": "terminate"}})
}

fn one_turn(aws: &FakeAws, config: &Config, snapshot: &Snapshot) -> Report {
    let clouds = aws.clouds(config);
    run(turn(
        &config.interruption_queues[0],
        config,
        snapshot,
        &clouds,
        || at(1),
    ))
}

const WARNING: &str = "EC2 Spot Instance Interruption Warning";

fn deleted(aws: &FakeAws) -> Vec<String> {
    let entries = aws.inputs("DeleteMessageBatch");
    let entries = entries
        .iter()
        .flat_map(|one| one["Entries"].as_array().unwrap());
    let receipts = entries.map(|entry| entry["ReceiptHandle"].as_str().unwrap().to_owned());
    receipts.collect()
}

#[test]
fn a_bad_message_blocks_no_other() {
    let config = config(FILE);
    let mut aws = FakeAws::default();
    let nodes = ["i-g", "i-h", "i-f"].map(|id| FakeNode::new(id, &[]));
    aws.nodes.insert("c".to_owned(), nodes.to_vec());
    for name in ["g", "h"] {
        let reply = group(1, (0, 9), &[format!("i-{name}")]);
        aws.groups.insert(name.to_owned(), reply);
    }
    let fleet =
        json!({"spotFleetRequestState": "active", "spotFleetRequestConfig": {"targetCapacity": 1}});
    aws.fleets
        .insert("f".to_owned(), (fleet, vec!["i-f".to_owned()]));
    aws.messages.replace(vec![
        message("1", &json!("no event")),
        message("2", &event("Something Else", "i-g")),
        message("3", &event(WARNING, "i-g")),
        message("4", &event(WARNING, "i-other")),
    ]);
    let report = one_turn(&aws, &config, &seen(&config));
    assert_eq!(report.error, None);
    assert_eq!(report.refused.len(), 2, "{report:?}");
    assert_eq!(
        (report.foreign, report.later, report.steps.len()),
        (1, 0, 2)
    );
    assert!(report.steps.iter().all(|(_, result)| result.is_ok()));
    let drained = aws.inputs("UpdateContainerInstancesState").remove(0);
    assert_eq!(drained["containerInstances"], json!(["arn:ci/i-g"]));
    let detached = aws.inputs("DetachInstances").remove(0);
    let expected = json!({
        "AutoScalingGroupName": "g", "InstanceIds": ["i-g"], "ShouldDecrementDesiredCapacity": false,
    });
    assert_eq!(detached, expected);
    let all = ["receipt-1", "receipt-2", "receipt-3", "receipt-4"];
    assert_eq!(deleted(&aws), all);
}

/// What a throttle kept from being done comes again, what a denial did would only fail again.
#[test]
fn a_message_stays_while_another_attempt_may_help() {
    let config = config(FILE);
    for (kind, stays) in [(Kind::Throttled, true), (Kind::Denied, false)] {
        let mut aws = FakeAws::default();
        let node = FakeNode::new("i-g", &[]);
        aws.nodes.insert("c".to_owned(), vec![node]);
        aws.messages
            .replace(vec![message("1", &event(WARNING, "i-g"))]);
        aws.faults
            .borrow_mut()
            .insert("ListContainerInstances", (kind, ""));
        let report = one_turn(&aws, &config, &seen(&config));
        // It is replaced all the same.
        assert_eq!(aws.inputs("DetachInstances").len(), 1);
        assert_eq!(report.steps.len(), 2);
        assert_eq!(deleted(&aws).is_empty(), stays, "{kind:?}");
    }
}

/// ECS answers well, and names in its reply what it did not change.
#[test]
fn a_node_that_was_not_drained_is_told() {
    let config = config(FILE);
    let mut aws = FakeAws::default();
    let node = FakeNode::new("i-f", &[]);
    aws.nodes.insert("c".to_owned(), vec![node]);
    aws.refused = vec!["arn:ci/i-f".to_owned()];
    aws.messages
        .replace(vec![message("1", &event(WARNING, "i-f"))]);
    let report = one_turn(&aws, &config, &seen(&config));
    let error = report.steps[0].1.as_ref().unwrap_err();
    assert_eq!(error.detail, "INACTIVE");
}

#[test]
fn what_is_done_already_is_no_failure() {
    let config = config(FILE);
    let aws = FakeAws::default();
    aws.messages
        .replace(vec![message("1", &event(WARNING, "i-g"))]);
    let gone = (
        Kind::Other,
        "The instance i-g is not part of Auto Scaling group g. (ValidationError)",
    );
    aws.faults.borrow_mut().insert("DetachInstances", gone);
    let report = one_turn(&aws, &config, &seen(&config));
    assert!(
        report.steps.iter().all(|(_, result)| result.is_ok()),
        "{report:?}"
    );
    assert_eq!(deleted(&aws), ["receipt-1"]);
}

#[test]
fn a_queue_that_cannot_be_read_is_told() {
    let config = config(FILE);
    let aws = FakeAws::default();
    aws.faults
        .borrow_mut()
        .insert("ReceiveMessage", (Kind::Denied, "no"));
    let report = one_turn(&aws, &config, &seen(&config));
    assert_eq!(report.error.unwrap().kind, Kind::Denied);
}
