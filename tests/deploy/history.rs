//! What was deployed: AWS's own list, and what is put together where there is none.

use super::answers::{Answers, OverMoto, calls, deadline, error, on_runtime};
use entry::aws::{AwsError, Ecs, Kind};
use entry::deploy::history::{History, from_deployments, from_service, histories};
use entry::deploy::rollback::{Ended, Past};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

pub fn arn(number: u32) -> String {
    format!("arn:aws:ecs:us-east-1:1:task-definition/web:{number}")
}

pub fn sha(number: u32) -> String {
    format!("{number:07}").replace('0', "a") + "0123456789abcdef0123456789abcdef0"
}

fn map(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

/// A definition of the commit of its number.
pub fn definition(number: u32) -> Value {
    json!({"taskDefinitionArn": arn(number), "family": "web", "status": "ACTIVE",
        "registeredAt": 100 * number, "registeredBy": "arn:aws:sts::1:assumed-role/ci/run-7",
        "containerDefinitions": [{"name": "app", "image": format!("app:{}", sha(number))}]})
}

fn definitions(numbers: &[u32]) -> BTreeMap<String, Map<String, Value>> {
    let one = |number: &u32| (arn(*number), map(definition(*number)));
    numbers.iter().map(one).collect()
}

pub fn service(current: u32) -> Value {
    json!({"serviceName": "web", "status": "ACTIVE", "taskDefinition": arn(current), "deployments": [
        {"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(current), "rolloutState": "COMPLETED",
            "createdAt": 5000}]})
}

/// A deployment as `DescribeServiceDeployments` has it, with its definition.
fn deployment(number: u32, status: &str, at: u32) -> Value {
    json!({"status": status, "taskDefinition": arn(number), "startedAt": at, "finishedAt": at + 60,
        "statusReason": "because"})
}

/// A history with deployments in time, the oldest first.
pub fn told(current: u32, all: &[(u32, &str)]) -> History {
    let deployments = (1..).zip(all).collect::<Vec<_>>();
    let deployments: Vec<Map<String, Value>> = deployments
        .into_iter()
        .rev()
        .map(|(at, (number, status))| map(deployment(*number, status, at * 100)))
        .collect();
    let numbers: Vec<u32> = all.iter().map(|(number, _)| *number).collect();
    from_deployments(&map(service(current)), &deployments, &definitions(&numbers))
}

#[test]
fn a_deployment_has_time_commit_end_and_who() {
    let history = told(
        3,
        &[
            (1, "SUCCESSFUL"),
            (2, "ROLLBACK_SUCCESSFUL"),
            (3, "IN_PROGRESS"),
        ],
    );
    let newest = &history.entries[0];
    assert_eq!(newest.definition, arn(3));
    assert_eq!(newest.sha.as_deref(), Some(&*sha(3)));
    assert_eq!(newest.by.as_deref(), Some("ci/run-7"));
    assert_eq!((newest.at, newest.finished), (Some(300.0), Some(360.0)));
    assert!(newest.active && history.guessed.is_none());
    assert_eq!(history.sha(&arn(1)), Some(&*sha(1)));
    let past = |number: u32, ended: Ended| Past {
        definition: arn(number),
        sha: Some(sha(number)),
        ended,
    };
    assert_eq!(
        history.past(),
        [
            past(1, Ended::Good),
            past(2, Ended::Bad),
            past(3, Ended::InProgress)
        ]
    );
}

#[test]
fn each_status_says_how_it_ended() {
    let table = [
        ("SUCCESSFUL", Ended::Good),
        ("PENDING", Ended::InProgress),
        ("IN_PROGRESS", Ended::InProgress),
        ("STOPPED", Ended::Bad),
        ("STOP_REQUESTED", Ended::Bad),
        ("ROLLBACK_REQUESTED", Ended::Bad),
        ("ROLLBACK_IN_PROGRESS", Ended::Bad),
        ("ROLLBACK_SUCCESSFUL", Ended::Bad),
        ("ROLLBACK_FAILED", Ended::Bad),
    ];
    for (status, ended) in table {
        let history = told(1, &[(1, status)]);
        assert_eq!(history.entries[0].ended, Some(ended), "{status}");
    }
}

/// Without AWS's list: what the service still has is known, older revisions are assumed to have served, newer
/// ones are not.
#[test]
fn a_service_and_its_family_tell_less() {
    let mut one = map(service(4));
    one["deployments"] = json!([
        {"status": "PRIMARY", "taskDefinition": arn(4), "rolloutState": "IN_PROGRESS", "createdAt": 5000},
        {"status": "ACTIVE", "taskDefinition": arn(2), "rolloutState": "COMPLETED", "createdAt": 4000}]);
    let revisions = [5, 4, 3, 2, 1].map(arn);
    let history = from_service(&one, &revisions, &definitions(&[5, 4, 3, 2, 1]));
    let shown: Vec<(&str, &str)> = history
        .entries
        .iter()
        .map(|entry| (entry.definition.rsplit(':').next().unwrap(), &*entry.status))
        .collect();
    assert_eq!(
        shown,
        [
            ("4", "IN_PROGRESS"),
            ("2", "COMPLETED"),
            ("5", "REGISTERED"),
            ("3", "REGISTERED"),
            ("1", "REGISTERED")
        ]
    );
    let past: Vec<(String, Ended)> = history
        .past()
        .into_iter()
        .map(|past| {
            (
                past.definition.rsplit(':').next().unwrap().to_owned(),
                past.ended,
            )
        })
        .collect();
    let of = |number: &str, ended: Ended| (number.to_owned(), ended);
    assert_eq!(
        past,
        [
            of("1", Ended::Good),
            of("3", Ended::Good),
            of("2", Ended::Good),
            of("4", Ended::InProgress)
        ]
    );
    // Another controller's tells no state.
    let settled = json!([{"status": "PRIMARY", "taskDefinition": arn(4), "runningCount": 2,
        "desiredCount": 2}]);
    one["deployments"] = settled;
    let history = from_service(&one, &[], &definitions(&[4]));
    assert_eq!(history.entries[0].ended, Some(Ended::Good));
    one["deployments"][0]["runningCount"] = 1.into();
    let history = from_service(&one, &[], &definitions(&[4]));
    assert_eq!(history.entries[0].ended, Some(Ended::InProgress));
}

/// ECS with two services, one of which has deployments.
fn answer(action: &str, input: &Value) -> Value {
    let number = |text: &Value| -> u32 {
        let text = text.as_str().unwrap();
        text.rsplit(':').next().unwrap().parse().unwrap()
    };
    match action {
        "ecs:DescribeServices" => json!({"services": [service(3)]}),
        "ecs:ListServiceDeployments" => json!({"serviceDeployments": [
            {"serviceDeploymentArn": "d/3"}, {"serviceDeploymentArn": "d/2"}]}),
        "ecs:DescribeServiceDeployments" => json!({"serviceDeployments": [
            {"serviceDeploymentArn": "d/2", "status": "SUCCESSFUL", "startedAt": 200,
                "targetServiceRevision": {"arn": "r/2"}},
            {"serviceDeploymentArn": "d/3", "status": "SUCCESSFUL", "startedAt": 300,
                "targetServiceRevision": {"arn": "r/3"}}]}),
        "ecs:DescribeServiceRevisions" => json!({"serviceRevisions": [
            {"serviceRevisionArn": "r/2", "taskDefinition": arn(2)},
            {"serviceRevisionArn": "r/3", "taskDefinition": arn(3)}]}),
        "ecs:DescribeTaskDefinition" => {
            json!({"taskDefinition": definition(number(&input["taskDefinition"])), "tags": []})
        }
        "ecs:ListTaskDefinitions" => {
            assert_eq!(input["sort"], "DESC");
            json!({"taskDefinitionArns": [arn(3), arn(1), "arn:x/webby:9"]})
        }
        other => panic!("{other}"),
    }
}

fn asked(names: &[&str], answers: &dyn entry::aws::Call) -> Result<Vec<History>, AwsError> {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    on_runtime(histories(
        "main",
        &names,
        10,
        &Ecs::new(answers),
        deadline(),
    ))
}

#[test]
fn aws_s_list_is_read_in_four_calls_and_one_for_each_definition() {
    let answers = Answers::new(|action: &str, input: &Value| Ok(answer(action, input)));
    // A service that there is not is left out.
    let all = asked(&["web", "none"], &answers).unwrap();
    assert_eq!(all.len(), 1);
    let found: Vec<&str> = all[0].entries.iter().map(|one| &*one.definition).collect();
    assert_eq!(found, [arn(3), arn(2)]);
    assert_eq!(
        answers.counts(),
        calls([
            ("ecs:DescribeServiceDeployments", 1),
            ("ecs:DescribeServiceRevisions", 1),
            ("ecs:DescribeServices", 1),
            ("ecs:DescribeTaskDefinition", 2),
            ("ecs:ListServiceDeployments", 1),
        ])
    );
}

#[test]
fn what_is_not_told_is_put_together_and_said_why() {
    let refusals = [
        (Kind::Denied, "AccessDeniedException"),
        (Kind::Other, "UnknownOperationException"),
        (Kind::Other, "UnsupportedFeatureException"),
    ];
    for (kind, code) in refusals {
        let answers = Answers::new(|action: &str, input: &Value| match action {
            "ecs:ListServiceDeployments" => Err(error(kind, action, code)),
            _ => Ok(answer(action, input)),
        });
        let all = asked(&["web"], &answers).unwrap();
        let why = all[0].guessed.as_ref().unwrap();
        assert!(
            why.contains("ecs:ListServiceDeployments") && why.contains(code),
            "{why}"
        );
        let found: Vec<&str> = all[0].entries.iter().map(|one| &*one.definition).collect();
        assert_eq!(found, [arn(3), arn(1)]);
    }
    let answers = Answers::new(|action: &str, input: &Value| match action {
        "ecs:ListServiceDeployments" => Ok(json!({})),
        _ => Ok(answer(action, input)),
    });
    let all = asked(&["web"], &answers).unwrap();
    assert_eq!(
        all[0].guessed.as_deref(),
        Some("AWS keeps no deployments of web")
    );
}

/// A throttle that lasts is no reason to guess, and neither are lost credentials.
#[test]
fn what_passes_is_an_error() {
    for kind in [
        Kind::Throttled,
        Kind::Connect,
        Kind::Expired,
        Kind::Credentials,
        Kind::Timeout,
    ] {
        let answers = Answers::new(|action: &str, input: &Value| match action {
            "ecs:ListServiceDeployments" => Err(error(kind, action, "X")),
            _ => Ok(answer(action, input)),
        });
        assert_eq!(asked(&["web"], &answers).unwrap_err().kind, kind);
    }
}

/// Moto keeps no deployments.
#[test]
fn moto_s_services_have_a_history() {
    let moto = OverMoto::start();
    for number in [1, 2] {
        let image = format!("app:{}", sha(number));
        let body = json!({"family": "web", "containerDefinitions": [{"name": "app", "image": image,
            "memory": 64}]});
        moto.make("ecs:RegisterTaskDefinition", &body);
    }
    let other = json!({"family": "webby", "containerDefinitions": [{"name": "app", "image": "a", "memory": 64}]});
    moto.make("ecs:RegisterTaskDefinition", &other);
    let body = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web:2",
        "desiredCount": 1});
    moto.make("ecs:CreateService", &body);
    let all = asked(&["web"], &moto).unwrap();
    assert!(all[0].guessed.is_some());
    let shown: Vec<(&str, Option<&str>)> = all[0]
        .entries
        .iter()
        .map(|one| {
            (
                one.definition.rsplit('/').next().unwrap(),
                one.sha.as_deref(),
            )
        })
        .collect();
    let (one, two) = (sha(1), sha(2));
    assert_eq!(shown, [("web:2", Some(&*two)), ("web:1", Some(&*one))]);
    assert!(all[0].entries.iter().all(|entry| entry.active));
    // Written out there.
    assert!(all[0].entries[0].at > Some(1.7e9));
}
