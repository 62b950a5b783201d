//! `run`, `scale` and `stop`: each call that changes something is in the audit, or is not made.

use super::cli::{entryctl, operation};
use crate::aws::store::reply;
use crate::support::fake_http::{FakeHttp, Reply, Request};
use serde_json::json;

const FILE: &str = "\
cluster: main
region: us-east-1
state: s3://state/deploys
services: {web: {taskDefinition: \"web:1\"}}
";

const TASK: &str = "arn:aws:ecs:us-east-1:1:task/main/0f9d0c2a0f9d0c2a";

const WRITES: [&str; 3] = ["RunTask", "StopTask", "UpdateService"];

fn is_write(request: &Request) -> bool {
    !is_s3(request) && WRITES.contains(&operation(request).as_str())
}

fn is_s3(request: &Request) -> bool {
    !request.headers.contains_key("x-amz-target")
}

/// A service with one task, and a bucket that may be written to or not.
fn server(writable: bool) -> FakeHttp {
    FakeHttp::start(move |request, _| {
        if is_s3(request) {
            assert_eq!(request.method, "PUT");
            return if writable {
                Reply::Answer(200, vec![("etag", "\"1\"".to_owned())], Vec::new())
            } else {
                let body = "<Error><Code>AccessDenied</Code><Message>no</Message></Error>";
                Reply::Answer(403, Vec::new(), body.into())
            };
        }
        let definition = "arn:aws:ecs:us-east-1:1:task-definition/web:1";
        reply(&match operation(request).as_str() {
            "DescribeServices" => json!({"services": [{"serviceName": "web", "status": "ACTIVE",
                "desiredCount": 2, "runningCount": 2, "taskDefinition": definition}]}),
            "DescribeScalableTargets" => json!({"ScalableTargets": []}),
            "DescribeTaskDefinition" => json!({"taskDefinition": {"taskDefinitionArn": definition,
                "family": "web", "containerDefinitions": [{"name": "app"}]}}),
            "RunTask" => json!({"tasks": [{"taskArn": TASK}]}),
            "ListTasks" => json!({"taskArns": [TASK]}),
            "DescribeTasks" => json!({"tasks": [{"taskArn": TASK, "lastStatus": "RUNNING"}]}),
            "UpdateService" | "StopTask" => json!({}),
            other => panic!("{other}"),
        })
    })
}

const COMMANDS: [(&[&str], &str, i32); 3] = [
    (&["scale", "web=3"], "ecs:UpdateService", 1),
    (&["stop", "--yes", "0f9d0c2a"], "ecs:StopTask", 1),
    (
        &["run", "--detach", "--", "rake", "canary"],
        "ecs:RunTask",
        125,
    ),
];

fn writes(server: &FakeHttp) -> usize {
    server.requests().iter().filter(|one| is_write(one)).count()
}

#[test]
fn a_call_is_recorded_before_it_is_made_and_with_its_end() {
    for (words, action, _) in COMMANDS {
        let server = server(true);
        let entry = entryctl(&server.url(), FILE, words).env("USER", "ann");
        let said = entry.run().expect(0);
        assert_eq!(said.stderr(), "", "{action}");
        let requests = server.requests();
        let records = requests.iter().filter(|request| is_s3(request));
        let records: Vec<(String, String)> = records
            .map(|request| {
                let body = String::from_utf8_lossy(&request.body).into_owned();
                (request.target.clone(), body)
            })
            .collect();
        assert_eq!(records.len(), 2, "{action}");
        for ((path, body), outcome) in records.iter().zip(["begun", "done"]) {
            assert!(path.starts_with("/state/deploys/audit/"), "{path}");
            let outcome = format!("\"outcome\":\"{outcome}\"");
            let action = format!("\"action\":\"{action}\"");
            for part in [&outcome, &action, "\"holder\":\"ann@"] {
                assert!(body.contains(part), "{part}: {body}");
            }
            // A command may hold a secret.
            assert!(!body.contains("canary"), "{body}");
        }
        assert_eq!(records[0].0, records[1].0);
        let first = requests.iter().position(is_s3);
        let made = requests.iter().position(is_write);
        assert!(first < made, "{action}");
    }
}

#[test]
fn without_the_record_it_is_not_made() {
    for (words, action, code) in COMMANDS {
        let server = server(false);
        let said = entryctl(&server.url(), FILE, words).run().expect(code);
        let line = "the audit cannot be written, and nothing is changed without it: s3:PutObject";
        assert!(said.stderr().contains(line), "{action}: {}", said.stderr());
        assert_eq!(writes(&server), 0, "{action}");
    }
}

/// Where no place is named, nothing is kept.
#[test]
fn without_a_place_there_is_no_record() {
    let file = FILE.replace("state: s3://state/deploys\n", "");
    for (words, action, _) in COMMANDS {
        let server = server(false);
        entryctl(&server.url(), &file, words).run().expect(0);
        assert_eq!(writes(&server), 1, "{action}");
        assert!(!server.requests().iter().any(is_s3));
    }
}
