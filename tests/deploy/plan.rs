//! Plans: nothing where nothing differs, and what differs where something does.

use super::ecs::Ecs;
use super::loaded;
use entry::deploy::config::{Config, Service, Task, TaskOf};
use entry::deploy::plan::{Definition, DefinitionAction, Paint, Plan, ServiceAction, plan};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

const FILE: &str = "\
cluster: main
image: app:1
tasks:
  web:
    networkMode: awsvpc
    cpu: 0.25 vCPU
    memory: 512
    containerDefinitions:
      - name: app
        portMappings: [{containerPort: 3000}, {containerPort: 3001}]
        environment: {B: two, A: one}
        healthCheck: {command: [CMD, /bin/true]}
  job: {containerDefinitions: [{name: app, command: [sidekiq]}]}
before: [{task: job, command: rake db:migrate}]
services:
  web:
    desiredCount: 2
    networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-b, subnet-a]}}
    tags: {team: rails}
  job: {desiredCount: 1, wave: 2}
";

fn map(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

/// A file's services as they run once it is deployed.
fn deployed(text: &str) -> Ecs {
    let mut ecs = Ecs::default();
    ecs.apply(&plan(&loaded(&[("deploy.yml", text)], None), &ecs.running));
    ecs
}

fn planned(text: &str, ecs: &Ecs) -> Plan {
    plan(&loaded(&[("deploy.yml", text)], None), &ecs.running)
}

/// The plan of a file in which something was replaced.
fn after(from: &str, to: &str) -> String {
    assert!(FILE.contains(from));
    planned(&FILE.replace(from, to), &deployed(FILE)).lines(Paint::Plain)
}

#[test]
fn the_first_plan_makes_everything() {
    let first = planned(FILE, &Ecs::default());
    assert_eq!(
        first.lines(Paint::Plain),
        "task web: register the first of web\n\
        task job: register the first of job\n\
        run before: task job: rake db:migrate\n\
        service web: create\n  \
          + taskDefinition: \"the new one of web\"\n  \
          + desiredCount: 2\n  \
          + networkConfiguration: {\"awsvpcConfiguration\":{\"subnets\":[\"subnet-b\",\"subnet-a\"]}}\n  \
          + tags: [{\"key\":\"team\",\"value\":\"rails\"}]\n\
        service job: create\n  \
          + taskDefinition: \"the new one of job\"\n  \
          + desiredCount: 1\n\
        2 task definitions to register, 2 services to create\n"
    );
}

#[test]
fn what_runs_needs_nothing() {
    let again = planned(FILE, &deployed(FILE));
    assert_eq!(
        again.lines(Paint::Plain),
        "task web: no change, web:1\ntask job: no change, job:2\nservice web: no change\n\
        service job: no change\nnothing to change\n"
    );
    assert!(again.is_empty() && again.before.is_empty());
}

#[test]
fn each_change_is_told_alone() {
    let table = [
        (
            ("B: two", "B: three"),
            "task web: register, changed since web:1\n  \
             ~ containerDefinitions[app].environment[B]: \"two\" -> \"three\"\n",
        ),
        (
            ("{B: two, A: one}", "{B: two, C: x}"),
            "  - containerDefinitions[app].environment[A]: \"***\"\n  \
             + containerDefinitions[app].environment[C]: \"x\"\n",
        ),
        (
            (", {containerPort: 3001}", ", {containerPort: 3002}"),
            "  - containerDefinitions[app].portMappings[3001/tcp]: \
             {\"containerPort\":3001,\"hostPort\":3001,\"protocol\":\"tcp\"}\n  \
             + containerDefinitions[app].portMappings[3002/tcp]: {\"containerPort\":3002,\"hostPort\":3002}\n",
        ),
        (
            (
                "{command: [CMD, /bin/true]}",
                "{command: [CMD, /bin/true], retries: 4}",
            ),
            "  ~ containerDefinitions[app].healthCheck.retries: 3 -> 4\n",
        ),
        // The order of a command's words is what they mean.
        (
            ("[CMD, /bin/true]", "[/bin/true, CMD]"),
            "  ~ containerDefinitions[app].healthCheck.command: [\"CMD\",\"/bin/true\"] -> [\"/bin/true\",\"CMD\"]\n",
        ),
        (
            ("    memory: 512\n", "    memory: 1 GB\n"),
            "  ~ memory: \"512\" -> \"1024\"\n",
        ),
        (
            ("desiredCount: 2", "desiredCount: 3"),
            "service web: update\n  ~ desiredCount: 2 -> 3\nservice job: no change\n1 service to update\n",
        ),
        (
            ("subnet-b, subnet-a", "subnet-b"),
            "service web: update\n  ~ networkConfiguration.awsvpcConfiguration.subnets: \
             [\"subnet-a\",\"subnet-b\"] -> [\"subnet-b\"]\n",
        ),
        (
            ("{team: rails}", "{team: other}"),
            "  ~ tags[team]: \"rails\" -> \"other\"\n",
        ),
        (
            ("job: {desiredCount: 1, wave: 2}", "job: {delete: true}"),
            "service job: delete\n",
        ),
        (
            ("command: [sidekiq]", "command: [sidekiq], cpu: 128"),
            "task job: register, changed since job:2\n  ~ containerDefinitions[app].cpu: 0 -> 128\n",
        ),
    ];
    for ((from, to), expected) in table {
        let found = after(from, to);
        assert!(found.contains(expected), "{to}\n{found}");
    }
}

#[test]
fn what_means_the_same_is_no_change() {
    for (from, to) in [
        ("B: two, A: one", "A: one, B: two"),
        ("0.25 vCPU", "256"),
        (
            "{containerPort: 3000}, {containerPort: 3001}",
            "{containerPort: 3001, protocol: tcp}, {containerPort: 3000, hostPort: 3000}",
        ),
        (
            "command: [sidekiq]",
            "command: [sidekiq], cpu: 0, essential: true, mountPoints: []",
        ),
        ("subnet-b, subnet-a", "subnet-a, subnet-b"),
        ("tags: {team: rails}", "enableExecuteCommand: false"),
        (
            "desiredCount: 2\n",
            "deploymentConfiguration: {maximumPercent: 200}\n",
        ),
        ("desiredCount: 2\n", "placementConstraints: []\n"),
    ] {
        let found = after(from, to);
        assert!(found.ends_with("\nnothing to change\n"), "{to}\n{found}");
    }
}

#[test]
fn a_revision_registered_before_is_used() {
    let mut ecs = deployed(FILE);
    let changed = loaded(&[("deploy.yml", &FILE.replace("B: two", "B: three"))], None);
    // As after a deploy that ended behind its registration: the latest, but not what runs.
    ecs.register(&changed.tasks[0].request);
    ecs.running.definitions.get_mut("web").unwrap().reverse();
    let plan = plan(&changed, &ecs.running);
    let arn = "arn:aws:ecs:us-east-1:1:task-definition/web:3".to_owned();
    assert_eq!(
        plan.definitions[0].action,
        DefinitionAction::Unchanged { arn: arn.clone() }
    );
    let ServiceAction::Update {
        request,
        definition,
        ..
    } = &plan.services[0].action
    else {
        panic!("{plan:?}");
    };
    assert_eq!(*definition, Some(Definition::Arn(arn)));
    // Only what changes.
    assert_eq!(*request, map(&json!({"cluster": "main", "service": "web"})));
    assert_eq!(plan.before.len(), 1, "something changes: it is migrated");
}

/// What others set stays: other tags, settings the file does not name, the number of an autoscaled service's tasks.
#[test]
fn what_the_file_does_not_name_stays() {
    let mut ecs = deployed(FILE);
    let web = ecs.running.services.get_mut("web").unwrap();
    web["desiredCount"] = json!(7);
    web["enableExecuteCommand"] = json!(true);
    web["deploymentConfiguration"]["minimumHealthyPercent"] = json!(50);
    web["tags"]
        .as_array_mut()
        .unwrap()
        .push(json!({"key": "own", "value": "x"}));
    let file = FILE.replace(
        "desiredCount: 2\n",
        "desiredCount: 2\n    autoscaled: true\n",
    );
    let found = planned(&file, &ecs);
    assert!(found.is_empty(), "{}", found.lines(Paint::Plain));

    // So does one that Application Auto Scaling has.
    let mut scalable = deployed(FILE);
    let web = scalable.running.services.get_mut("web").unwrap();
    web["desiredCount"] = json!(7);
    assert!(!planned(FILE, &scalable).is_empty());
    scalable.running.scalable.insert("web".to_owned());
    assert!(planned(FILE, &scalable).is_empty());

    let file = file.replace(
        "autoscaled: true\n",
        "autoscaled: true\n    deploymentConfiguration: {maximumPercent: 150}\n",
    );
    let found = planned(&file, &ecs);
    let ServiceAction::Update { request, tags, .. } = &found.services[0].action else {
        panic!("{found:?}");
    };
    let expected = json!({
        "cluster": "main",
        "service": "web",
        "deploymentConfiguration": {
            "maximumPercent": 150, "minimumHealthyPercent": 50, "strategy": "ROLLING",
            "deploymentCircuitBreaker": {"enable": false, "rollback": false},
        },
    });
    assert_eq!(*request, map(&expected));
    assert!(tags.is_empty());
    assert!(!found.lines(Paint::Plain).contains("tags["));
}

/// On a node's own address AWS chooses the port; where a task has an address, it is the container's.
#[test]
fn a_port_of_the_host_is_chosen_or_fixed() {
    let with = |port: &str| {
        let ports = format!("command: [sidekiq], portMappings: [{{containerPort: 80{port}}}]");
        FILE.replace("command: [sidekiq]", &ports)
    };
    let ecs = deployed(&with(""));
    assert!(planned(&with(", hostPort: 0"), &ecs).is_empty());
    let lines = planned(&with(", hostPort: 80"), &ecs).lines(Paint::Plain);
    let change = "  ~ containerDefinitions[app].portMappings[80/tcp].hostPort: 0 -> 80\n";
    assert!(lines.contains(change), "{lines}");
}

/// What AWS begins to answer tomorrow is no difference, unless the file names it.
#[test]
fn what_is_only_answered_is_no_change() {
    let mut ecs = deployed(FILE);
    let web = &mut ecs.running.definitions.get_mut("web").unwrap()[0].definition;
    web.insert("answerOfTomorrow".to_owned(), json!({"x": 1}));
    web["containerDefinitions"][0]["filledInTomorrow"] = json!(true);
    assert!(planned(FILE, &ecs).is_empty());
    let request = json!({"filledInTomorrow": false});
    let config = loaded(&[("deploy.yml", FILE)], None);
    let mut named = config.clone();
    let container = &mut named.tasks[0].request["containerDefinitions"][0];
    container["filledInTomorrow"] = request["filledInTomorrow"].clone();
    assert!(plan(&named, &ecs.running).definitions[0].registers());
    // A known one that the file no longer has is one.
    let web = &mut ecs.running.definitions.get_mut("web").unwrap()[0].definition;
    web["containerDefinitions"][0]["user"] = json!("app");
    let lines = planned(FILE, &ecs).lines(Paint::Plain);
    assert!(
        lines.contains("  - containerDefinitions[app].user: \"app\"\n"),
        "{lines}"
    );
}

/// A revision's tags are the file's, where it names some; AWS's own stand beside them, as do members that are null.
#[test]
fn tags_of_a_revision_count_where_the_file_names_some() {
    let tagged = FILE.replace(
        "    memory: 512\n",
        "    memory: 512\n    tags: {team: rails}\n",
    );
    let with = |file: &str, key: &str| {
        let mut ecs = deployed(file);
        let web = &mut ecs.running.definitions.get_mut("web").unwrap()[0].definition;
        let tags = web.entry("tags").or_insert_with(|| json!([]));
        let tag = json!({"key": key, "value": "x"});
        tags.as_array_mut().unwrap().push(tag);
        web.insert("pidMode".to_owned(), Value::Null);
        planned(file, &ecs)
    };
    let of_aws = "aws:cloudformation:stack-name";
    for (file, key) in [(FILE, "own"), (FILE, of_aws), (&tagged, of_aws)] {
        let found = with(file, key);
        assert!(found.is_empty(), "{key}: {}", found.lines(Paint::Plain));
    }
    let lines = with(&tagged, "own").lines(Paint::Plain);
    assert!(lines.contains("  - tags[own]: \"x\"\n"), "{lines}");
    let lines = planned(&tagged, &deployed(FILE)).lines(Paint::Plain);
    assert!(lines.contains("  + tags[team]: \"rails\"\n"), "{lines}");
}

#[test]
fn an_item_of_a_list_is_what_the_file_names_and_defaults() {
    let with = |fields: &str| {
        FILE.replace(
            "desiredCount: 2\n",
            &format!("desiredCount: 2\n    {fields}\n"),
        )
    };
    let balanced =
        with("loadBalancers: [{targetGroupArn: t, containerName: app, containerPort: 3000}]");
    let mut ecs = deployed(&balanced);
    let web = ecs.running.services.get_mut("web").unwrap();
    web["loadBalancers"][0]["advancedConfiguration"] = json!({"roleArn": "r"});
    assert!(planned(&balanced, &ecs).is_empty());

    let weighed = with("capacityProviderStrategy: [{capacityProvider: x, weight: 1}]");
    let ecs = deployed(&weighed);
    let found = planned(&weighed.replace(", weight: 1", ""), &ecs);
    let lines = found.lines(Paint::Plain);
    assert!(
        lines.contains("  - capacityProviderStrategy[x].weight: 1\n"),
        "{lines}"
    );
    let ServiceAction::Update { request, .. } = &found.services[0].action else {
        panic!("{found:?}");
    };
    let expected = json!({
        "cluster": "main", "service": "web", "forceNewDeployment": true,
        "capacityProviderStrategy": [{"capacityProvider": "x"}],
    });
    assert_eq!(*request, map(&expected));
}

#[test]
fn a_named_default_is_compared() {
    let mut ecs = deployed(FILE);
    let web = ecs.running.services.get_mut("web").unwrap();
    web["deploymentConfiguration"]["minimumHealthyPercent"] = json!(50);
    let file = FILE.replace(
        "desiredCount: 2\n",
        "deploymentConfiguration: {minimumHealthyPercent: 100}\n",
    );
    let lines = planned(&file, &ecs).lines(Paint::Plain);
    let expected = "  ~ deploymentConfiguration.minimumHealthyPercent: 50 -> 100\n";
    assert!(lines.contains(expected), "{lines}");
}

#[test]
fn what_cannot_be_done_is_refused() {
    let refused = |change: &dyn Fn(&mut Map<String, Value>), to: &str| {
        let mut ecs = deployed(FILE);
        change(ecs.running.services.get_mut("web").unwrap());
        let file = FILE.replace("desiredCount: 2\n", &format!("{to}\n"));
        planned(&file, &ecs).refusals
    };
    let set = |key: &'static str, value: Value| {
        move |service: &mut Map<String, Value>| {
            service.insert(key.to_owned(), value.clone());
        }
    };
    assert_eq!(
        refused(&|_| {}, "launchType: FARGATE"),
        [
            "service web: launchType is EC2, and the file says FARGATE: ECS cannot change it, \
          make a service of another name"
        ]
    );
    assert_eq!(
        refused(&set("status", json!("DRAINING")), "desiredCount: 2"),
        ["service web: it is being deleted: wait until its tasks have stopped, then deploy again"]
    );
    assert_eq!(
        refused(&set("status", json!("INACTIVE")), "wave: 1"),
        ["service web: it does not exist yet: write desiredCount, with how many tasks it begins"]
    );
    let controller = json!({"type": "CODE_DEPLOY"});
    assert_eq!(
        refused(&set("deploymentController", controller), "desiredCount: 2"),
        [
            "service web: its deployments are made by CODE_DEPLOY, not by ECS: take it out of the file"
        ]
    );
    let role = set("roleArn", json!("arn:aws:iam::1:role/ecs"));
    assert_eq!(refused(&role, "role: ecs"), [] as [&str; 0]);
    assert_eq!(refused(&role, "role: other").len(), 1);
    // One that is to be deleted, and is on its way, needs nothing more.
    let mut ecs = deployed(FILE);
    set("status", json!("DRAINING"))(ecs.running.services.get_mut("job").unwrap());
    let deleted = FILE.replace("job: {desiredCount: 1, wave: 2}", "job: {delete: true}");
    assert!(planned(&deleted, &ecs).is_empty());
    // An inactive one is made anew.
    let mut ecs = deployed(FILE);
    set("status", json!("INACTIVE"))(ecs.running.services.get_mut("web").unwrap());
    let found = planned(FILE, &ecs);
    assert!(matches!(
        found.services[0].action,
        ServiceAction::Create { .. }
    ));
}

#[test]
fn a_value_from_the_environment_is_not_shown() {
    let canary = crate::config::CANARY;
    let file = FILE.replace("B: two", "B: \"${CANARY}\"");
    for plan in [
        planned(&file, &Ecs::default()),
        planned(&file, &deployed(FILE)),
    ] {
        assert!(plan.definitions[0].registers());
        assert!(!plan.lines(Paint::Plain).contains(canary));
        let json = plan.json().to_string();
        assert!(!json.contains(canary) && json.contains("***"), "{json}");
    }
    // A list that is compared as a whole, since a name stands in it twice.
    let twice = FILE.replace(
        "{B: two, A: one}",
        "[{name: B, value: \"${CANARY}\"}, {name: B, value: x}]",
    );
    let lines = planned(&twice, &deployed(FILE)).lines(Paint::Plain);
    assert!(
        lines.contains("~ containerDefinitions[app].environment: ["),
        "{lines}"
    );
    assert!(!lines.contains(canary), "{lines}");
    // A whole container that goes away, too.
    let two = file.replace("  job: {cont", "      - {name: log}\n  job: {cont");
    let without = two.replace("      - name: app\n", "      - name: other\n");
    let plan = planned(&without, &deployed(&two));
    assert!(
        plan.lines(Paint::Plain)
            .contains("containerDefinitions[app]: {")
    );
    assert!(!plan.lines(Paint::Plain).contains(canary));
    assert!(!plan.json().to_string().contains(canary));
}

#[test]
fn a_name_commands_no_terminal() {
    let file = FILE.replace("A: one", "\"A\\e[31m\": one");
    let lines = planned(&file, &deployed(FILE)).lines(Paint::Plain);
    assert!(
        lines.contains("  + containerDefinitions[app].environment[A [31m]: \"one\"\n"),
        "{lines}"
    );
}

#[test]
fn a_script_reads_what_is_sent_and_why() {
    let file = FILE
        .replace("B: two", "B: three")
        .replace("desiredCount: 2", "desiredCount: 3")
        .replace("{team: rails}", "{team: other}")
        .replace(
            "job: {desiredCount: 1, wave: 2}",
            "new: {task: job, desiredCount: 1}",
        );
    let plan = planned(&file, &deployed(FILE)).json();
    let web = &plan["taskDefinitions"][0];
    let change = json!({
        "path": "containerDefinitions[app].environment[B]", "from": "two", "to": "three",
    });
    assert_eq!(
        (&web["action"], &web["against"], &web["changes"]),
        (
            &json!("register"),
            &json!("arn:aws:ecs:us-east-1:1:task-definition/web:1"),
            &json!([change])
        )
    );
    assert_eq!(web["request"]["family"], "web");
    let service = &plan["services"][0];
    let changes = service["changes"].as_array().unwrap();
    let count = json!({"path": "desiredCount", "from": 2, "to": 3});
    assert!(changes.contains(&count), "{service}");
    assert_eq!(
        (
            &service["action"],
            &service["taskDefinition"],
            &service["request"],
            &service["tags"]
        ),
        (
            &json!("update"),
            &json!({"newOf": "web"}),
            &json!({"cluster": "main", "service": "web", "desiredCount": 3}),
            &json!({"team": "other"})
        )
    );
    let new = &plan["services"][1];
    assert_eq!(
        (&new["action"], &new["taskDefinition"]),
        (
            &json!("create"),
            &json!("arn:aws:ecs:us-east-1:1:task-definition/job:2")
        )
    );
    assert_eq!(new["request"]["serviceName"], "new");
}

#[test]
fn colors_are_for_the_signs() {
    let plan = planned(&FILE.replace("B: two", "C: two"), &deployed(FILE));
    let lines = plan.lines(Paint::Colors);
    let red = "\x1b[31m  - containerDefinitions[app].environment[B]: \"***\"\x1b[0m\n";
    let green = "\x1b[32m  + containerDefinitions[app].environment[C]: \"two\"\x1b[0m\n";
    assert!(lines.contains(red) && lines.contains(green), "{lines}");
}

/// A container with a random part of what one may have.
pub(super) fn containers() -> impl Strategy<Value = Value> {
    let word = "[a-z]{1,6}";
    let variables = prop::collection::btree_map("[A-Z]{1,4}", word, 0..4);
    let ports = prop::collection::btree_set(1u16..9, 0..3);
    let parts = (
        variables,
        ports,
        prop::option::of(prop_oneof![Just(0u32), 1..2048u32]),
        prop::option::of(any::<bool>()),
        prop::option::of(prop::collection::vec(word, 0..3)),
        prop::option::of((prop::option::of(20u32..40), prop::option::of(1u32..9))),
        prop::option::of(prop::option::of(any::<bool>())),
    );
    parts.prop_map(|(variables, ports, cpu, essential, command, check, mount)| {
        let variables: Vec<Value> = variables
            .iter()
            .map(|(name, value)| json!({"name": name, "value": value}))
            .collect();
        let ports: Vec<Value> = ports.iter().map(|port| json!({"containerPort": port})).collect();
        let mut container =
            json!({"name": "app", "image": "i", "environment": variables, "portMappings": ports});
        let mut set = |key: &str, value: Option<Value>| {
            if let Some(value) = value {
                container[key] = value;
            }
        };
        set("cpu", cpu.map(Value::from));
        set("essential", essential.map(Value::from));
        set("command", command.map(Value::from));
        let member = |key: &str, value: Option<u32>, into: &mut Value| {
            if let Some(value) = value {
                into[key] = value.into();
            }
        };
        set(
            "healthCheck",
            check.map(|(interval, retries)| {
                let mut check = json!({"command": ["CMD", "true"]});
                member("interval", interval, &mut check);
                member("retries", retries, &mut check);
                check
            }),
        );
        set(
            "mountPoints",
            mount.map(|read_only| match read_only {
                Some(flag) => json!([{"containerPath": "/a", "sourceVolume": "v", "readOnly": flag}]),
                None => json!([{"containerPath": "/a", "sourceVolume": "v"}]),
            }),
        );
        container
    })
}

/// Fields of a service, each there or not.
pub(super) fn services() -> impl Strategy<Value = Map<String, Value>> {
    let fields = [
        ("desiredCount", json!([0, 1, 5])),
        ("enableExecuteCommand", json!([true, false])),
        ("propagateTags", json!(["NONE", "SERVICE"])),
        ("healthCheckGracePeriodSeconds", json!([0, 60])),
        (
            "deploymentConfiguration",
            json!([{"maximumPercent": 150}, {"minimumHealthyPercent": 100},
                {"deploymentCircuitBreaker": {"enable": true}}]),
        ),
        (
            "networkConfiguration",
            json!([{"awsvpcConfiguration": {"subnets": ["a", "b"]}},
                {"awsvpcConfiguration": {"subnets": ["b"], "assignPublicIp": "ENABLED"}}]),
        ),
        (
            "capacityProviderStrategy",
            json!([[], [{"capacityProvider": "x", "weight": 1}], [{"capacityProvider": "y"}]]),
        ),
        (
            "loadBalancers",
            json!([[], [{"targetGroupArn": "t", "containerName": "app", "containerPort": 80}]]),
        ),
        (
            "serviceConnectConfiguration",
            json!([{"enabled": true, "namespace": "n"}]),
        ),
        (
            "tags",
            json!([[{"key": "a", "value": "1"}], [{"key": "b", "value": "2"}]]),
        ),
        ("fieldOfTomorrow", json!([{"x": 1}, {"x": 2}])),
    ];
    let each: Vec<_> = fields
        .into_iter()
        .map(|(key, values)| {
            let values = values.as_array().unwrap().clone();
            prop::option::of(prop::sample::select(values))
                .prop_map(move |value| value.map(|value| (key.to_owned(), value)))
        })
        .collect();
    each.prop_map(|fields| fields.into_iter().flatten().collect())
}

pub(super) fn config(container: &Value, mode: &str, fields: &Map<String, Value>) -> Config {
    let mut fields = fields.clone();
    fields.entry("desiredCount").or_insert(json!(1));
    let request = json!({
        "family": "web", "networkMode": mode, "containerDefinitions": [container],
        "volumes": [{"name": "v"}],
    });
    Config {
        region: None,
        cluster: "main".to_owned(),
        state: None,
        lock: None,
        pin: true,
        tasks: vec![Task {
            name: "web".to_owned(),
            family: "web".to_owned(),
            request: map(&request),
            filled: Vec::new(),
        }],
        services: vec![Service {
            name: "web".to_owned(),
            task: TaskOf::File("web".to_owned()),
            wave: 1,
            autoscaled: false,
            delete: false,
            fields,
        }],
        scheduled_tasks: Vec::new(),
        before: Vec::new(),
        after: Vec::new(),
    }
}

proptest! {
    /// Whatever ran before, a plan that is carried out leaves nothing to do, and its own request is no change.
    #[test]
    fn a_plan_that_is_carried_out_is_empty(
        first in (containers(), services()),
        second in (containers(), services()),
        mode in prop::sample::select(vec!["awsvpc", "bridge"]),
    ) {
        let mut ecs = Ecs::default();
        for (container, fields) in [&first, &second] {
            let config = config(container, mode, fields);
            ecs.apply(&plan(&config, &ecs.running));
            let again = plan(&config, &ecs.running);
            prop_assert!(again.is_empty(), "{}", again.lines(Paint::Plain));
        }
    }

    /// What is changed is seen.
    #[test]
    fn a_change_is_never_lost(container in containers(), fields in services(), which in 0usize..6) {
        let mut ecs = Ecs::default();
        let before = config(&container, "awsvpc", &fields);
        ecs.apply(&plan(&before, &ecs.running));
        let mut changed = container.clone();
        match which {
            0 => changed["image"] = json!("another"),
            1 => changed["environment"].as_array_mut().unwrap().push(json!({"name": "NEW_ONE", "value": ""})),
            2 => changed["portMappings"] = json!([{"containerPort": 99}]),
            3 => changed["command"] = json!(["a", "command", "of", "its", "own"]),
            4 => changed["fieldOfTomorrow"] = json!({"deep": [1]}),
            _ => changed["cpu"] = json!(4096),
        }
        let after = plan(&config(&changed, "awsvpc", &fields), &ecs.running);
        prop_assert!(after.definitions[0].registers());
        prop_assert!(!after.is_empty());
    }
}
