//! `entryctl init`: what runs, written such that a plan for it is empty.

use super::ecs::Ecs;
use super::plan::{config, containers, services};
use crate::aws::store::make;
use crate::support::moto::Moto;
use crate::support::{Entry, Finished, binary};
use entry::deploy::config::open;
use entry::deploy::init::{Seen, Written, written};
use entry::deploy::plan::{Paint, Plan, Running, plan};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use std::path::Path;
use std::process::Command;

const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

fn seen(running: &Running) -> Seen {
    let revisions = running.definitions.values().flatten();
    Seen {
        cluster: "main".to_owned(),
        region: "eu-west-1".to_owned(),
        services: running.services.values().cloned().collect(),
        definitions: revisions
            .map(|revision| (revision.arn.clone(), revision.definition.clone()))
            .collect(),
    }
}

fn save(written: &Written, folder: &Path) {
    for file in &written.files {
        let path = folder.join(&file.path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, &file.text).unwrap();
    }
}

/// The plan for the files that are written for what runs.
fn after_init(running: &Running) -> (Plan, Written) {
    let written = written(&seen(running)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    save(&written, folder.path());
    let sha = |name: &str| (name == "SHA").then(|| SHA.into());
    let loaded = open(&folder.path().join("deploy.yml"), None, &sha);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    (plan(&loaded.config, running), written)
}

fn text<'w>(written: &'w Written, path: &str) -> &'w str {
    let file = written.files.iter().find(|file| file.path == path);
    &file.unwrap().text
}

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

proptest! {
    #[test]
    fn a_plan_right_after_is_empty(
        container in containers(),
        fields in services(),
        mode in prop::sample::select(vec!["awsvpc", "bridge", "host"]),
    ) {
        let mut ecs = Ecs::default();
        ecs.apply(&plan(&config(&container, mode, &fields), &ecs.running));
        let (plan, written) = after_init(&ecs.running);
        prop_assert!(plan.is_empty(), "{}\n{written:?}", plan.lines(Paint::Plain));
    }
}

/// As AWS answers for a Fargate service behind a load balancer.
fn fargate() -> Running {
    let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/shop-web:42";
    let log = json!({"logDriver": "awslogs", "options": {"awslogs-group": "/shop/web",
        "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "ecs"}, "secretOptions": []});
    let app = json!({
        "name": "app", "image": format!("quay.io/shop/app:{SHA}"), "cpu": 0, "essential": true,
        "portMappings": [{"containerPort": 3000, "hostPort": 3000, "protocol": "tcp", "name": "http", "appProtocol": "http"}],
        "command": ["web"], "entryPoint": ["/entry"],
        "environment": [
            {"name": "my_flag", "value": "true"}, {"name": "PRICE", "value": "${not_ours} $${nor this}"},
            {"name": "SECRET_TOKEN", "value": "canary-token"}, {"name": "EMPTY", "value": ""},
            {"name": "NUMBER", "value": "007"}, {"name": "TEXT", "value": "two\nlines: # and \"quotes\"\n"},
            {"name": "NO", "value": "no"}, {"name": "NOTHING", "value": "null"}, {"name": "TILDE", "value": "~"},
        ],
        "environmentFiles": [], "mountPoints": [{"sourceVolume": "tmp", "containerPath": "/tmp", "readOnly": false}],
        "volumesFrom": [], "secrets": [{"name": "DB", "valueFrom": "/shop/db"}], "stopTimeout": 60,
        "dockerLabels": {"com.example.my_label": "x", "${odd}": "${LITERAL}"},
        "healthCheck": {"command": ["CMD-SHELL", "curl -f http://localhost:3000/${P} || exit 1"], "interval": 30, "timeout": 5, "retries": 3},
        "ulimits": [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}],
        "logConfiguration": log, "systemControls": [], "readonlyRootFilesystem": true,
    });
    let side = json!({"name": "side", "image": "envoy:v1", "cpu": 64, "memory": 128, "essential": false,
        "portMappings": [], "environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": [], "user": null,
        "dependsOn": [{"containerName": "app", "condition": "START"}]});
    let definition = json!({
        "taskDefinitionArn": arn, "family": "shop-web", "revision": 42, "status": "ACTIVE",
        "taskRoleArn": "arn:aws:iam::123456789012:role/shop-web", "executionRoleArn": "arn:aws:iam::123456789012:role/exec",
        "networkMode": "awsvpc", "volumes": [{"name": "tmp", "host": {}}], "placementConstraints": [],
        "requiresAttributes": [{"name": "ecs.capability.task-eni"}], "compatibilities": ["EC2", "FARGATE"],
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "requiresCompatibilities": ["FARGATE"], "cpu": "256", "memory": "512", "ephemeralStorage": {"sizeInGiB": 30},
        "registeredAt": 1_700_000_000.5, "registeredBy": "arn:aws:iam::123456789012:user/ci", "enableFaultInjection": false,
        "tags": [{"key": "team", "value": "shop"}, {"key": "aws:cloudformation:stack-name", "value": "s"}],
        "containerDefinitions": [app, side],
    });
    let service = json!({
        "serviceArn": "arn:aws:ecs:eu-west-1:123456789012:service/main/web", "serviceName": "web",
        "clusterArn": "arn:aws:ecs:eu-west-1:123456789012:cluster/main", "status": "ACTIVE",
        "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1",
            "containerName": "app", "containerPort": 3000}],
        "serviceRegistries": [], "desiredCount": 3, "runningCount": 3, "pendingCount": 0,
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 1},
            {"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0}],
        "platformVersion": "LATEST", "platformFamily": "Linux", "taskDefinition": arn,
        "deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "ROLLING", "bakeTimeInMinutes": 0},
        "deployments": [{"id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn,
            "serviceConnectConfiguration": {"enabled": true, "namespace": "shop", "services": [{"portName": "http"}]}}],
        "roleArn": "arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS",
        "events": [{"id": "1", "createdAt": 1.5, "message": "steady"}], "createdAt": 1.5,
        "createdBy": "arn:aws:iam::123456789012:role/admin", "placementConstraints": [], "placementStrategy": [],
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-b", "subnet-a"],
            "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}},
        "healthCheckGracePeriodSeconds": 60, "schedulingStrategy": "REPLICA", "deploymentController": {"type": "ECS"},
        "enableECSManagedTags": true, "propagateTags": "SERVICE", "enableExecuteCommand": true,
        "availabilityZoneRebalancing": "ENABLED", "tags": [{"key": "env", "value": "production"}],
        "answeredTomorrow": {"x": 1},
    });
    let mut running = Running::default();
    running.services.insert("web".to_owned(), map(&service));
    let revision = entry::deploy::plan::Revision {
        arn: arn.to_owned(),
        definition: map(&definition),
    };
    running
        .definitions
        .insert("shop-web".to_owned(), vec![revision]);
    running
}

#[test]
fn a_fargate_service_is_written_without_noise() {
    let written = written(&seen(&fargate())).unwrap();
    assert_eq!(written.sha.as_deref(), Some(SHA));
    assert_eq!(
        text(&written, "deploy.yml"),
        "cluster: main\nregion: eu-west-1\ntasks:\n  shop-web: tasks/shop-web.yml\nservices:\n  web:\n    \
         availabilityZoneRebalancing: ENABLED\n    capacityProviderStrategy:\n    - base: 1\n      capacityProvider: FARGATE\n      \
         weight: 1\n    - capacityProvider: FARGATE_SPOT\n      weight: 3\n    deploymentConfiguration:\n      \
         deploymentCircuitBreaker:\n        enable: true\n        rollback: true\n    desiredCount: 3\n    \
         enableECSManagedTags: true\n    enableExecuteCommand: true\n    healthCheckGracePeriodSeconds: 60\n    \
         loadBalancers:\n    - containerName: app\n      containerPort: 3000\n      targetGroupArn: \
         arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/1\n    networkConfiguration:\n      \
         awsvpcConfiguration:\n        securityGroups:\n        - sg-1\n        subnets:\n        - subnet-b\n        - subnet-a\n    \
         propagateTags: SERVICE\n    serviceConnectConfiguration:\n      enabled: true\n      namespace: shop\n      services:\n      \
         - portName: http\n    tags:\n      env: production\n    task: shop-web\n"
    );
    let task = text(&written, "tasks/shop-web.yml");
    for noise in [
        "family",
        "revision",
        "registered",
        "hostPort",
        "essential: true",
        "cloudformation",
        "interval",
        "systemControls",
    ] {
        assert!(!task.contains(noise), "{noise}: {task}");
    }
    assert!(task.contains("image: quay.io/shop/app:${SHA}\n"), "{task}");
    assert!(
        task.contains("cpu: '256'") || task.contains("cpu: \"256\""),
        "{task}"
    );
    let notes = written.notes.join("\n");
    assert!(
        notes.contains("SECRET_TOKEN looks like a secret, and tasks/shop-web.yml has its value"),
        "{notes}"
    );
    assert!(
        notes.contains("service web: answeredTomorrow is not known here, and left out"),
        "{notes}"
    );
    assert!(!notes.contains("canary"), "{notes}");
}

#[test]
fn a_plan_for_a_fargate_service_is_empty() {
    let running = fargate();
    let (plan, written) = after_init(&running);
    assert!(plan.is_empty(), "{}\n{written:?}", plan.lines(Paint::Plain));
}

#[test]
fn services_of_one_family_keep_their_revisions() {
    let mut running = fargate();
    let mut other = running.definitions["shop-web"][0].clone();
    other.arn = other.arn.replace(":42", ":41");
    other
        .definition
        .insert("taskDefinitionArn".to_owned(), other.arn.clone().into());
    other.definition.insert("cpu".to_owned(), "512".into());
    let named = |name: &str, arn: &str| {
        let mut service = running.services["web"].clone();
        service.insert("serviceName".to_owned(), name.into());
        service.insert("taskDefinition".to_owned(), arn.into());
        service
    };
    let same = running.definitions["shop-web"][0].arn.clone();
    let (job, late) = (named("job", &same), named("z-late", &other.arn));
    running.services.insert("job".to_owned(), job);
    running.services.insert("z-late".to_owned(), late);
    running.definitions.get_mut("shop-web").unwrap().push(other);
    let written = written(&seen(&running)).unwrap();
    assert_eq!(written.files.len(), 2);
    let main = text(&written, "deploy.yml");
    assert!(main.contains("taskDefinition: shop-web:41\n"), "{main}");
    assert_eq!(main.matches("task: shop-web\n").count(), 2, "{main}");
    assert!(
        written
            .notes
            .iter()
            .any(|note| note.starts_with("service z-late: it runs another revision"))
    );
}

fn entryctl(url: &str, words: &[&str]) -> Finished {
    Entry::of(Command::new(binary("entryctl")))
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SHA", SHA)
        .args(words)
        .run()
}

#[test]
fn moto_s_services_are_written_and_planned() {
    let moto = Moto::start();
    let url = moto.url();
    let ecs = |operation: &str, body: &Value| {
        make(
            &url,
            &format!("AmazonEC2ContainerServiceV20141113.{operation}"),
            body,
        )
    };
    ecs("CreateCluster", &json!({"clusterName": "main"}));
    let host = "123456789012.dkr.ecr.us-east-1.amazonaws.com";
    let container = json!({"name": "app", "image": format!("{host}/app:{SHA}"), "memory": 256,
        "portMappings": [{"containerPort": 3000}], "environment": [
            {"name": "DB_PASSWORD", "value": "canary-password"}, {"name": "RAILS_ENV", "value": "production"}]});
    ecs(
        "RegisterTaskDefinition",
        &json!({"family": "web", "containerDefinitions": [container]}),
    );
    ecs(
        "CreateService",
        &json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web:1",
        "desiredCount": 2, "tags": [{"key": "team", "value": "rails"}]}),
    );
    super::image::ecr(&url, "CreateRepository", &json!({"repositoryName": "app"}));
    super::image::put(&url, "app", SHA);

    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().display().to_string();
    let file = format!("{dir}/deploy.yml");
    let init = [
        "init",
        "--cluster",
        "main",
        "--service",
        "web",
        "--dir",
        &dir,
    ];
    let finished = entryctl(&url, &init).expect(0);
    assert_eq!(
        finished.stdout(),
        format!("{dir}/deploy.yml\n{dir}/tasks/web.yml\n")
    );
    let stderr = finished.stderr();
    assert!(
        stderr.contains("DB_PASSWORD looks like a secret"),
        "{stderr}"
    );
    assert!(!stderr.contains("canary"), "{stderr}");
    let main = std::fs::read_to_string(folder.path().join("deploy.yml")).unwrap();
    assert!(main.contains("pin: false\n"), "{main}");

    let finished = entryctl(&url, &["plan", "--file", &file]).expect(0);
    assert_eq!(finished.stderr(), "");
    assert_eq!(
        finished.stdout(),
        "task web: no change, web:1\nservice web: no change\nnothing to change\n"
    );

    let finished = entryctl(&url, &init).expect(1);
    assert_eq!(
        finished.stderr(),
        format!(
            "entryctl: {dir}/deploy.yml: is there already: give --force to overwrite it\n\
             entryctl: {dir}/tasks/web.yml: is there already: give --force to overwrite it\n"
        )
    );
    entryctl(&url, &[&init[..], &["--force"]].concat()).expect(0);

    let none = [
        "init",
        "--cluster",
        "main",
        "--service",
        "wbe",
        "--dir",
        &dir,
        "--force",
    ];
    let finished = entryctl(&url, &none).expect(1);
    assert_eq!(
        finished.stderr(),
        "entryctl: service wbe: it does not run in the cluster main\n"
    );
}
