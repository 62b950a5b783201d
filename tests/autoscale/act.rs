//! From actions to calls: which, how many, and what becomes of failures.

use super::cloud::{FakeAws, run};
use super::support::config;
use entry::autoscale::act::{Done, carry_out};
use entry::autoscale::config::Config;
use entry::autoscale::decide::{Act, Action, Group, Instance, InstanceState, Snapshot, Why};
use entry::autoscale::observe::Clouds;
use entry::autoscale::{ClusterId, GroupId};
use entry::aws::{AwsError, Kind};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;

const FILE: &str = "
auto_scaling_groups: [{name: g, cluster: c, services: [{name: web, min_task_count: 1, max_task_count: 5}]}]
spot_fleet_requests: [{id: f, cluster: d, services: [{name: job, min_task_count: 1, max_task_count: 5}]}]
";

fn action(act: Act) -> Action {
    Action {
        act,
        why: Why::Empty,
    }
}

fn name(index: usize) -> Arc<str> {
    format!("i-{index}").into()
}

/// Nodes in both clusters, and the fleet's instances of 4 units each.
fn seen(config: &Config) -> Snapshot {
    let mut seen = Snapshot::default();
    for group in &config.groups {
        let arns = (0..30).map(|index| (name(index), format!("arn:ci/{index}").into()));
        seen.container_instances
            .insert(group.cluster.clone(), arns.collect());
    }
    let instances = (0..5).map(|index| Instance {
        id: name(index),
        zone: "a".into(),
        state: InstanceState::InService,
        launched: Timestamp::UNIX_EPOCH,
        units: 4,
        protected: false,
    });
    let fleet = Group {
        desired: 20,
        min: 0,
        max: u32::MAX,
        instances: instances.collect(),
    };
    seen.groups.insert(config.groups[1].id.clone(), fleet);
    seen
}

fn outcomes(aws: &FakeAws, config: &Config, acts: Vec<Act>) -> Vec<Result<Done, AwsError>> {
    outcomes_of(aws, config, &seen(config), acts)
}

fn outcomes_of(
    aws: &FakeAws,
    config: &Config,
    seen: &Snapshot,
    acts: Vec<Act>,
) -> Vec<Result<Done, AwsError>> {
    let actions: Vec<Action> = acts.into_iter().map(action).collect();
    let found = run(carry_out(&actions, config, seen, &aws.clouds(config)));
    let order: Vec<&Act> = found.iter().map(|one| &one.action.act).collect();
    assert_eq!(
        order,
        actions.iter().map(|one| &one.act).collect::<Vec<_>>()
    );
    found.into_iter().map(|one| one.result).collect()
}

fn drain(group: &GroupId, index: usize) -> Act {
    Act::Drain {
        group: group.clone(),
        instance: name(index),
    }
}

fn end(group: &GroupId, index: usize, lowers: bool) -> Act {
    Act::Terminate {
        group: group.clone(),
        instance: name(index),
        lowers,
    }
}

#[test]
fn each_action_is_its_call() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let (group, fleet) = (&config.groups[0].id, &config.groups[1].id);
    let acts = vec![
        Act::SetCount {
            service: config.groups[0].services[0].id.clone(),
            from: 1,
            to: 4,
        },
        Act::SetNodes {
            group: group.clone(),
            from: 1,
            to: 4,
        },
        Act::SetNodes {
            group: fleet.clone(),
            from: 20,
            to: 24,
        },
        drain(group, 3),
        Act::Activate {
            group: fleet.clone(),
            instance: name(4),
        },
        end(group, 5, true),
        end(group, 6, false),
    ];
    assert_eq!(outcomes(&aws, &config, acts), vec![Ok(Done::Now); 7]);
    let one = |operation: &str| aws.inputs(operation).remove(0);
    let update = json!({"cluster": "c", "service": "web", "desiredCount": 4});
    assert_eq!(one("UpdateService"), update);
    // The group's minimum and maximum are nobody's business here.
    let capacity = json!({
        "AutoScalingGroupName": "g", "DesiredCapacity": 4, "HonorCooldown": false,
    });
    assert_eq!(one("SetDesiredCapacity"), capacity);
    let target = json!({"SpotFleetRequestId": "f", "TargetCapacity": 24});
    assert_eq!(one("ModifySpotFleetRequest"), target);
    let states = aws.inputs("UpdateContainerInstancesState");
    let drained = json!({
        "cluster": "c", "containerInstances": ["arn:ci/3"], "status": "DRAINING",
    });
    let active = json!({
        "cluster": "d", "containerInstances": ["arn:ci/4"], "status": "ACTIVE",
    });
    assert!(
        states.contains(&drained) && states.contains(&active),
        "{states:?}"
    );
    let ended = aws.inputs("TerminateInstanceInAutoScalingGroup");
    let lowered = json!({"InstanceId": "i-5", "ShouldDecrementDesiredCapacity": true});
    let replaced = json!({"InstanceId": "i-6", "ShouldDecrementDesiredCapacity": false});
    assert_eq!(ended, [lowered, replaced]);
    assert_eq!(aws.counts().values().sum::<usize>(), 7);
}

#[test]
fn a_fleets_target_is_lowered_before_its_instances_are_ended() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let fleet = &config.groups[1].id;
    let acts = vec![
        end(fleet, 0, true),
        end(fleet, 1, false),
        end(fleet, 2, true),
    ];
    assert_eq!(
        outcomes(&aws, &config, acts.clone()),
        vec![Ok(Done::Now); 3]
    );
    let asked = aws.asked.take();
    let modify = json!({
        "SpotFleetRequestId": "f", "TargetCapacity": 12,
        "ExcessCapacityTerminationPolicy": "noTermination",
    });
    let ended = json!({"InstanceId": ["i-0", "i-1", "i-2"]});
    let expected = [
        ("ModifySpotFleetRequest", modify),
        ("TerminateInstances", ended),
    ];
    let expected: Vec<(String, Value)> = expected
        .into_iter()
        .map(|(name, input)| (name.to_owned(), input))
        .collect();
    assert_eq!(asked, expected);
    // Not lowered, not ended: the fleet would only replace them.
    let fault = (Kind::Other, "being modified (InvalidState)");
    aws.faults
        .borrow_mut()
        .insert("ModifySpotFleetRequest", fault);
    let found = outcomes(&aws, &config, acts);
    assert!(found.iter().all(Result::is_err), "{found:?}");
    assert!(!aws.counts().contains_key("TerminateInstances"));
}

/// Its target was lowered for it already, by an attempt that got no further.
#[test]
fn a_fleets_target_is_lowered_once_for_an_instance() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let fleet = &config.groups[1].id;
    let mut seen = seen(&config);
    seen.groups.get_mut(fleet).unwrap().desired = 16;
    let done = outcomes_of(&aws, &config, &seen, vec![end(fleet, 0, true)]);
    assert_eq!(done, [Ok(Done::Now)]);
    let asked = aws.inputs("ModifySpotFleetRequest");
    assert_eq!(asked[0]["TargetCapacity"], 16);
}

#[test]
fn nodes_change_ten_a_call_and_one_spoils_none() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let group = &config.groups[0].id;
    let many = || (0..25).map(|index| drain(group, index)).collect();
    assert_eq!(outcomes(&aws, &config, many()), vec![Ok(Done::Now); 25]);
    assert_eq!(aws.counts()["UpdateContainerInstancesState"], 3);
    let fault = (Kind::Other, "not active (InvalidParameterException)");
    let operation = "UpdateContainerInstancesState";
    aws.faults.borrow_mut().insert(operation, fault);
    let found = outcomes(&aws, &config, many());
    assert!(found.iter().all(Result::is_err));
    // Each again by itself.
    assert_eq!(aws.counts()[operation], 3 + 25);
    let throttled = (Kind::Throttled, "");
    aws.faults.borrow_mut().insert(operation, throttled);
    outcomes(&aws, &config, many());
    assert_eq!(aws.counts()[operation], 3);
}

#[test]
fn a_node_that_ecs_does_not_change_fails_alone() {
    let (config, mut aws) = (config(FILE), FakeAws::default());
    let group = &config.groups[0].id;
    aws.refused = vec!["arn:ci/1".to_owned()];
    let found = outcomes(&aws, &config, (0..3).map(|one| drain(group, one)).collect());
    let done: Vec<bool> = found.iter().map(Result::is_ok).collect();
    assert_eq!(done, [true, false, true]);
}

#[test]
fn one_failure_stops_no_other_action() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let group = &config.groups[0].id;
    let fault = (Kind::Denied, "no");
    aws.faults.borrow_mut().insert("UpdateService", fault);
    let acts = vec![
        Act::SetCount {
            service: config.groups[0].services[0].id.clone(),
            from: 1,
            to: 4,
        },
        drain(group, 99),
        end(group, 5, true),
    ];
    let found = outcomes(&aws, &config, acts);
    let kinds: Vec<_> = found
        .iter()
        .map(|one| one.as_ref().map_err(|error| error.kind).copied())
        .collect();
    assert_eq!(
        kinds,
        [Err(Kind::Denied), Err(Kind::NotFound), Ok(Done::Now)]
    );
}

#[test]
fn what_is_so_already_is_no_failure() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let (group, fleet) = (&config.groups[0].id, &config.groups[1].id);
    let gone = (
        Kind::Other,
        "Instance Id not found - No managed instance found for instance ID i-5 (ValidationError)",
    );
    let unknown = (
        Kind::NotFound,
        "it does not exist (InvalidInstanceID.NotFound)",
    );
    let mut faults = aws.faults.borrow_mut();
    faults.insert("TerminateInstanceInAutoScalingGroup", gone);
    faults.insert("TerminateInstances", unknown);
    drop(faults);
    let acts = vec![
        end(group, 5, true),
        end(fleet, 0, false),
        end(fleet, 1, false),
    ];
    let found = outcomes(&aws, &config, acts.clone());
    assert_eq!(found, vec![Ok(Done::Already); 3]);
    // One that is gone fails the call for the other, so each is ended by itself.
    assert_eq!(aws.counts()["TerminateInstances"], 3);
    let other = (Kind::Other, "scaling (ScalingActivityInProgress)");
    let operation = "TerminateInstanceInAutoScalingGroup";
    aws.faults.borrow_mut().insert(operation, other);
    assert!(outcomes(&aws, &config, acts)[0].is_err());
}

#[test]
fn nothing_is_sent_after_the_deadline() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let clouds = Clouds {
        deadline: std::time::Instant::now(),
        ..aws.clouds(&config)
    };
    let actions = [action(end(&config.groups[0].id, 5, true))];
    let found = run(carry_out(&actions, &config, &seen(&config), &clouds));
    let error = found[0].result.as_ref().unwrap_err();
    assert_eq!(error.kind, Kind::NotTried);
    assert_eq!(aws.counts().len(), 0);
}

#[test]
fn a_region_that_was_not_foreseen_is_told() {
    let (config, aws) = (config(FILE), FakeAws::default());
    let mut clouds = aws.clouds(&config);
    clouds.regions.clear();
    let cluster: &ClusterId = &config.groups[0].cluster;
    assert_eq!(cluster.region, None);
    let actions = [action(end(&config.groups[0].id, 5, true))];
    let found = run(carry_out(&actions, &config, &seen(&config), &clouds));
    assert_eq!(found[0].result.as_ref().unwrap_err().kind, Kind::Region);
}
