//! `deploy.yml`: both spellings, files, environments, and every error.

use super::{loaded, task, variable};
use crate::config::CANARY;
use entry::deploy::config::{TaskOf, open};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::Duration;

const FIXTURES: &str = "tests/fixtures/deploy-bad";

#[test]
fn every_rule_has_its_error() {
    let mut failures = Vec::new();
    let mut rules: Vec<_> = fs::read_dir(FIXTURES)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    rules.sort();
    for rule in &rules {
        let environment = rule.join("deploy.production.yml").exists();
        let environment = environment.then_some("production");
        let found = match open(&rule.join("deploy.yml"), environment, &variable) {
            Ok(loaded) => format!("warnings\n{}", loaded.warnings),
            Err(problems) => problems.to_string(),
        };
        let found = found.replace(&format!("{}/", rule.display()), "");
        let expected = fs::read_to_string(rule.join("expected.txt")).unwrap_or_default();
        if found != expected.trim_end() || found.is_empty() {
            failures.push(format!(
                "{}\n--- expected\n{expected}\n--- found\n{found}\n",
                rule.display()
            ));
        }
        assert!(!found.contains(CANARY), "{found}");
    }
    assert!(failures.is_empty(), "{}", failures.concat());
    assert!(rules.len() >= 20, "only {} fixtures", rules.len());
}

const SNAKE: &str = r#"
cluster: main
image: repo/myapp:${SHA}
tasks:
  web:
    network_mode: awsvpc
    cpu: 256
    memory: 0.5 GB
    requires_compatibilities: [FARGATE]
    container_definitions:
      - name: app
        cpu: 128
        memory: "512"
        command: [puma, -p, 3000]
        port_mappings: [{container_port: "${PORT}"}]
        environment:
          RAILS_MAX_THREADS: 5
          web_concurrency: true
        docker_labels: {my_label: 1, other-label: b_c}
        log_configuration:
          log_driver: awslogs
          options: {awslogs-group: my_group, max_size: 10}
        essential: yes_is_text
    volumes:
      - name: data
        efs_volume_configuration: {file_system_id: fs-1, transit_encryption_port: 2049}
    tags: {cost_center: 42}
services:
  web:
    desired_count: 2
    enable_ecs_managed_tags: true
    capacity_provider_strategy: [{capacity_provider: FARGATE, weight: 1}]
    new_thing: {some_field: 1}
"#;

#[test]
fn both_spellings_are_the_same_and_user_data_stays() {
    let snake = SNAKE
        .replace("        essential: yes_is_text\n", "")
        .replace("    new_thing: {some_field: 1}\n", "");
    let config = loaded(&[("deploy.yml", &snake)], None);
    let expected = json!({
        "family": "web",
        "networkMode": "awsvpc",
        "cpu": "256",
        "memory": "0.5 GB",
        "requiresCompatibilities": ["FARGATE"],
        "containerDefinitions": [{
            "name": "app",
            "image": "repo/myapp:0123abc",
            "cpu": 128,
            "memory": 512,
            "command": ["puma", "-p", "3000"],
            "portMappings": [{"containerPort": 3000}],
            "environment": [
                {"name": "RAILS_MAX_THREADS", "value": "5"},
                {"name": "web_concurrency", "value": "true"},
            ],
            "dockerLabels": {"my_label": "1", "other-label": "b_c"},
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": {"awslogs-group": "my_group", "max_size": "10"},
            },
        }],
        "volumes": [{
            "name": "data",
            "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryptionPort": 2049},
        }],
        "tags": [{"key": "cost_center", "value": "42"}],
    });
    assert_eq!(task(&config, "web"), expected);
    let service = &config.services[0];
    let fields = json!({
        "desiredCount": 2,
        "enableECSManagedTags": true,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1}],
    });
    assert_eq!(Value::Object(service.fields.clone()), fields);
    assert_eq!(service.task, TaskOf::File("web".to_owned()));

    // AWS's own form, as a file, is the same.
    let files = [
        ("deploy.yml", "cluster: main\ntasks: {web: web.json}\n"),
        ("web.json", &expected.to_string()),
    ];
    assert_eq!(task(&loaded(&files, None), "web"), expected);
}

#[test]
fn fields_of_tomorrow_pass_through() {
    let text = "cluster: main\ntasks:\n  web:\n    quantum_mode: {how_much: 3, flag: true, text: \"4\"}\n    \
        container_definitions: [{name: a, image: b, warpFactor: 9.5}]\n";
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deploy.yml");
    fs::write(&path, text).unwrap();
    let loaded = open(&path, None, &variable).unwrap();
    let sent = task(&loaded.config, "web");
    assert_eq!(
        sent["quantumMode"],
        json!({"howMuch": 3, "flag": true, "text": "4"})
    );
    assert_eq!(sent["containerDefinitions"][0]["warpFactor"], json!(9.5));
    let warnings = loaded.warnings.to_string();
    assert!(
        warnings.contains("warpFactor is not known here"),
        "{warnings}"
    );
    assert_eq!(loaded.warnings.len(), 2);
}

#[test]
fn an_environment_lies_over_the_file() {
    let main = "cluster: staging\nimage: app:1\ntasks:\n  web:\n    cpu: 256\n    memory: 512\n    \
        containerDefinitions:\n      - name: app\n        environment: {A: one, B: two}\n        \
        command: [puma, -v]\n      - {name: log, image: fluent}\nservices:\n  web: {desiredCount: 1}\n  \
        worker: {task: web, desired_count: 1}\nbefore: [{task: web, container: app}]\n";
    let own = "cluster: production\ntasks:\n  web:\n    cpu: 1024\n    memory: null\n    \
        container_definitions:\n      - name: app\n        command: [puma]\n        environment: \
        [{name: B, value: three}, {name: C, value: four}]\nservices:\n  web: {desired_count: 4}\n  \
        worker: null\nbefore: null\n";
    let files = [("deploy.yml", main), ("deploy.production.yml", own)];
    let config = loaded(&files, Some("production"));
    assert_eq!(config.cluster, "production");
    let expected = json!({
        "family": "web",
        "cpu": "1024",
        "containerDefinitions": [
            {
                "name": "app", "image": "app:1", "command": ["puma"],
                "environment": [
                    {"name": "A", "value": "one"},
                    {"name": "B", "value": "three"},
                    {"name": "C", "value": "four"},
                ],
            },
            {"name": "log", "image": "fluent"},
        ],
    });
    assert_eq!(task(&config, "web"), expected);
    assert_eq!((config.services.len(), config.before.len()), (1, 0));
    assert_eq!(config.services[0].fields["desiredCount"], 4);
    assert_eq!(loaded(&files, None).cluster, "staging");
}

/// What `aws ecs describe-…` printed and what ecspresso keeps.
#[test]
fn definitions_of_other_tools_load() {
    let described = json!({"taskDefinition": {
        "taskDefinitionArn": "arn:aws:ecs:us-east-1:1:task-definition/app:7", "revision": 7,
        "status": "ACTIVE", "registeredAt": 1.5, "requiresAttributes": [{"name": "x"}],
        "compatibilities": ["EC2"], "family": "app", "taskRoleArn": null,
        "containerDefinitions": [{"name": "app", "image": "i", "cpu": 0}],
    }});
    let service = json!({"services": [{
        "serviceArn": "a", "serviceName": "app-service", "status": "ACTIVE", "runningCount": 1,
        "deployments": [], "events": [], "desiredCount": 1, "clusterArn": "c",
    }]});
    let main = "cluster: main\ntasks: {app: td.json}\nservices: {app: {file: sv.json, wave: 2}, \
        first: {taskDefinition: \"other:3\"}}\n";
    let files = [
        ("deploy.yml", main),
        ("td.json", &described.to_string()),
        ("sv.json", &service.to_string()),
    ];
    let config = loaded(&files, None);
    let containers = json!([{"name": "app", "image": "i", "cpu": 0}]);
    assert_eq!(
        task(&config, "app"),
        json!({"family": "app", "containerDefinitions": containers})
    );
    let names: Vec<&str> = config
        .services
        .iter()
        .map(|one| one.name.as_str())
        .collect();
    assert_eq!(names, ["first", "app-service"], "in the order of waves");
    assert_eq!(config.services[0].task, TaskOf::Fixed("other:3".to_owned()));
    let fields = Value::Object(config.services[1].fields.clone());
    assert_eq!(fields, json!({"desiredCount": 1}));
}

#[test]
fn one_offs_and_schedules() {
    let text = "cluster: main\ntasks:\n  rake: {containerDefinitions: [{name: app, image: i}]}\n\
        before: [{task: rake, command: bundle exec rake db:migrate, timeout: 30m}]\n\
        after: [{task: rake, command: [rake, warm]}]\n\
        scheduled_tasks:\n  nightly: {schedule: cron(0 3 * * ? *), task: rake, command: rake clean, count: 2}\n";
    let config = loaded(&[("deploy.yml", text)], None);
    let before = &config.before[0];
    assert_eq!(before.run.command, ["bundle", "exec", "rake", "db:migrate"]);
    assert_eq!(
        (before.timeout, before.run.container.as_str()),
        (Duration::from_mins(30), "app")
    );
    assert_eq!(config.after[0].timeout, Duration::from_hours(1));
    let nightly = &config.scheduled_tasks[0];
    assert_eq!(
        (nightly.schedule.as_str(), nightly.count, nightly.enabled),
        ("cron(0 3 * * ? *)", 2, true)
    );
}

#[test]
fn a_value_filled_in_is_known_as_such() {
    let text = "cluster: main\nimage: i\ntasks:\n  web:\n    containerDefinitions:\n      - name: app\n        \
        environment: {A: \"${CANARY}\", B: \"${SHA}\", C: plain, D: \"$${X}\"}\n";
    let config = loaded(&[("deploy.yml", text)], None);
    assert_eq!(config.tasks[0].filled, ["A"]);
}

#[test]
fn the_folder_of_the_file_is_where_others_are() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("deploy")).unwrap();
    let path = folder.path().join("deploy/deploy.yml");
    fs::write(&path, "cluster: main\ntasks: {web: tasks.yml}\n").unwrap();
    let task = "containerDefinitions: [{name: a, image: b}]\n";
    fs::write(folder.path().join("deploy/tasks.yml"), task).unwrap();
    assert!(open(&path, None, &variable).is_ok());
    let missing = open(&path, Some("production"), &variable).unwrap_err();
    let file = Path::new("deploy/deploy.production.yml");
    let file = folder.path().join(file);
    let expected = format!(
        "{}: cannot be read: No such file or directory (os error 2)",
        file.display()
    );
    assert_eq!(missing.to_string(), expected);
}
