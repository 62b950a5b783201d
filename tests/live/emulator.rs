//! The parts by themselves, asked as any client of AWS would: what the tests of deployments build on.

use super::{Bed, REGISTRY, bed};
use crate::support::http;
use crate::support::proxy::Proxy;
use crate::support::traffic::Traffic;
use serde_json::{Value, json};

/// Registers the app at a commit with the words for entry, and returns the revision's ARN.
fn register(bed: &Bed, family: &str, commit: &str, command: &[&str]) -> Value {
    let image = format!("{REGISTRY}/myapp:{}", bed.commit(commit));
    let environment = [
        ("VAULT_CRYPTOR", "simple"),
        ("YAML_VAULT_PASSPHRASE", "local-development"),
        ("STOP_DRAIN", "2s"),
        ("DATABASE_URL", "sqlite3:/data/production.sqlite3"),
    ];
    let environment = environment.map(|(name, value)| json!({"name": name, "value": value}));
    let request = json!({
        "family": family,
        "networkMode": "awsvpc",
        "volumes": [{"name": "data", "host": {"sourcePath": bed.data}}],
        "containerDefinitions": [{
            "name": "app", "image": image, "memory": 512, "command": command, "environment": environment,
            "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": "/myapp", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "ecs",
                "awslogs-create-group": "true",
            }},
        }],
    });
    let told = bed.ministack.ecs("RegisterTaskDefinition", &request);
    told["taskDefinition"]["taskDefinitionArn"].clone()
}

/// Waits until a task has ended and its log has an end, and returns both.
fn ended(bed: &Bed, arn: &Value, last: &str) -> (Value, Vec<String>) {
    let task = bed.ministack.until("the task has stopped", || {
        let stopped = bed.ministack.tasks(bed.cluster, "STOPPED");
        stopped
            .into_iter()
            .find(|task| task["taskArn"] == *arn && task["lastStatus"] == "STOPPED")
    });
    let log = bed.ministack.until("its log is whole", || {
        let log = bed.ministack.said(arn);
        log.iter().any(|line| line.contains(last)).then_some(log)
    });
    (task, log)
}

#[test]
fn a_request_fails_where_a_task_dies_under_it() {
    let bed = bed("dying");
    let ministack = &bed.ministack;
    let v1 = register(&bed, "web", "v1", &["web"]);
    let proxy = Proxy::start(ministack, bed.cluster, "web");
    assert!(
        http::get(proxy.port, "/").is_err(),
        "an answer without a task"
    );
    ministack.ecs(
        "CreateService",
        &json!({"cluster": bed.cluster, "serviceName": "web", "taskDefinition": v1, "desiredCount": 1}),
    );
    ministack.until("a task serves", || {
        proxy.lines.so_far().contains(", 1 tasks").then_some(())
    });
    let traffic = Traffic::start(proxy.port, 2);
    ministack.until("some requests", || {
        (!traffic.so_far().pages.is_empty()).then_some(())
    });
    ministack.clear(bed.cluster);
    ministack.until("a failed request", || {
        (!traffic.so_far().failed.is_empty()).then_some(())
    });
}

#[test]
fn one_offs_tell_their_output_and_their_exit_codes() {
    let bed = bed("one-offs");
    let ministack = &bed.ministack;
    let rake = register(&bed, "rake", "v1", &["rake"]);
    let run = |words: &[&str]| {
        let asked = json!({"cluster": bed.cluster, "taskDefinition": rake, "startedBy": "somebody",
            "overrides": {"containerOverrides": [{"name": "app", "command": words}]}});
        ministack.ecs("RunTask", &asked)["tasks"][0]["taskArn"].clone()
    };
    let (task, log) = ended(&bed, &run(&["rake", "db:migrate"]), "\"event\":\"stop\"");
    assert_eq!(task["containers"][0]["exitCode"], 0, "{log:?}");
    assert_eq!(task["startedBy"], "somebody");
    let migrated = |name: &str| {
        let found = log.iter().position(|line| line.contains(name));
        found.unwrap_or_else(|| panic!("{name}: {log:?}"))
    };
    assert!(migrated("CreateVisits: migrated") < migrated("AddNoteToVisits: migrated"));

    let script = "for i in 1 2 3; do echo line $i; done; echo oops >&2; exit 7";
    let (task, log) = ended(&bed, &run(&["--", "sh", "-c", script]), "exited 7");
    assert_eq!(task["containers"][0]["exitCode"], 7, "{log:?}");
    assert_eq!(task["stopCode"], "EssentialContainerExited");
    let said: Vec<&str> = log
        .iter()
        .map(String::as_str)
        .filter(|line| !line.starts_with('{'))
        .collect();
    assert_eq!(said, ["line 1", "line 2", "line 3", "oops"]);
}

#[test]
fn an_image_that_does_not_start_fails_its_deployment_and_says_why() {
    let bed = bed("broken");
    let ministack = &bed.ministack;
    let broken = register(&bed, "web", "broken", &["web"]);
    let first = register(&bed, "web", "v1", &["web"]);
    ministack.ecs(
        "CreateService",
        &json!({"cluster": bed.cluster, "serviceName": "web", "taskDefinition": first, "desiredCount": 1,
            "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": false}}}),
    );
    ministack.until("it runs", || {
        let service = ministack.service(bed.cluster, "web");
        (service["deployments"][0]["rolloutState"] == "COMPLETED").then_some(())
    });
    ministack.ecs(
        "UpdateService",
        &json!({"cluster": bed.cluster, "service": "web", "taskDefinition": broken}),
    );
    let service = ministack.until("the deployment has failed", || {
        let service = ministack.service(bed.cluster, "web");
        (service["deployments"][0]["rolloutState"] == "FAILED").then_some(service)
    });
    assert_eq!(service["deployments"][0]["failedTasks"], 3, "{service}");
    assert_eq!(service["runningCount"], 1, "{service}");
    let id = &service["deployments"][0]["id"];
    let stopped = ministack.tasks(bed.cluster, "STOPPED");
    assert_eq!(stopped.len(), 3);
    for task in stopped {
        assert_eq!(task["containers"][0]["exitCode"], 125, "{task}");
        assert_eq!(task["startedBy"], *id, "{task}");
        let (_, log) = ended(&bed, &task["taskArn"], "\"event\":\"error\"");
        assert!(
            log[0].contains("${PAYMENTS_URL} is not set: where payments go"),
            "{log:?}"
        );
    }
}
