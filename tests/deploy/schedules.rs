//! Scheduled tasks: a rule that is as the file says is not written, and what others set in one stays.

use super::answers::{Answers, OverMoto, calls, deadline, error, on_runtime};
use super::ecs::Ecs as Model;
use super::loaded;
use entry::aws::{AwsError, Ecs, Events, Kind, Rule, RuleWrite};
use entry::deploy::config::Config;
use entry::deploy::observe;
use entry::deploy::plan::{DefinitionAction, Paint, Plan, Running, plan};
use entry::deploy::schedules::{Request, ScheduleAction, requests};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

const CLUSTER: &str = "arn:aws:ecs:us-east-1:1:cluster/main";

const FILE: &str = "\
cluster: main
image: app:1
tasks:
  web:
    networkMode: awsvpc
    requiresCompatibilities: [FARGATE]
    cpu: 256
    memory: 512
    containerDefinitions: [{name: app}]
  bridge: {containerDefinitions: [{name: app, memory: 128}, {name: log, memory: 64}]}
before: [{task: bridge, container: app, command: rake db:migrate}]
services:
  web:
    desiredCount: 2
    launchType: FARGATE
    networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-b, subnet-a], securityGroups: [sg-1]}}
scheduled_tasks:
  nightly:
    schedule: cron(0 3 * * ? *)
    task: web
    command: rake nightly
    role_arn: arn:aws:iam::1:role/events
  often:
    schedule: rate(5 minutes)
    task: bridge
    container: app
    count: 2
    enabled: false
    description: Often
    role_arn: arn:aws:iam::1:role/events
";

/// Services and rules, with what AWS fills in.
struct World {
    ecs: Model,
    rules: BTreeMap<String, Rule>,
    writes: Vec<(RuleWrite, String)>,
}

impl World {
    fn new() -> World {
        World {
            ecs: Model::default(),
            rules: BTreeMap::new(),
            writes: Vec::new(),
        }
    }

    fn deployed(text: &str) -> World {
        let mut world = World::new();
        world.deploy(text);
        world
    }

    fn running(&self) -> Running {
        Running {
            rules: self.rules.clone(),
            cluster_arn: Some(CLUSTER.to_owned()),
            ..self.ecs.running.clone()
        }
    }

    fn plan(&self, text: &str) -> Plan {
        plan(&config(text), &self.running())
    }

    /// Carries out what a file says; the calls that rules took.
    fn deploy(&mut self, text: &str) -> Vec<(RuleWrite, String)> {
        let plan = self.plan(text);
        self.ecs.apply(&plan);
        let arns = |name: &str| {
            let family = &config(text).tasks;
            let family = &family.iter().find(|task| task.name == name)?.family;
            let revisions = self.ecs.running.definitions.get(family)?;
            revisions.first().map(|revision| revision.arn.clone())
        };
        let all: Vec<Request> = plan
            .scheduled
            .iter()
            .flat_map(|step| requests(step, &arns).unwrap())
            .collect();
        self.writes.clear();
        for request in all {
            self.write(&request);
        }
        std::mem::take(&mut self.writes)
    }

    fn write(&mut self, request: &Request) {
        let Request {
            write,
            rule,
            members,
        } = request;
        self.writes.push((*write, rule.clone()));
        let known = self.rules.entry(rule.clone()).or_default();
        match write {
            RuleWrite::PutRule => {
                assert_eq!(members["Name"], **rule);
                assert!(!members.contains_key("Arn"), "{members:?}");
                known.rule.clone_from(members);
                for (key, value) in [("Arn", "arn:rule"), ("CreatedBy", "1")] {
                    known.rule.insert(key.to_owned(), value.into());
                }
                known
                    .rule
                    .insert("EventBusName".to_owned(), "default".into());
            }
            RuleWrite::PutTargets => {
                for target in members["Targets"].as_array().unwrap() {
                    let mut target = target.as_object().unwrap().clone();
                    filled(&mut target);
                    known.targets.retain(|one| one["Id"] != target["Id"]);
                    known.targets.push(target);
                }
            }
            RuleWrite::RemoveTargets => {
                let ids = members["Ids"].as_array().unwrap();
                known.targets.retain(|one| !ids.contains(&one["Id"]));
            }
            RuleWrite::DeleteRule => {
                assert_eq!(known.targets, [], "a rule with targets cannot be deleted");
                self.rules.remove(rule);
            }
        }
    }

    fn target(&mut self, rule: &str) -> &mut Map<String, Value> {
        &mut self.rules.get_mut(rule).unwrap().targets[0]
    }
}

/// What `ListTargetsByRule` has more than `PutTargets` was given.
fn filled(target: &mut Map<String, Value>) {
    let all = target["EcsParameters"].as_object_mut().unwrap();
    assert!(all["TaskDefinitionArn"].as_str().unwrap().contains(':'));
    all.insert("EnableECSManagedTags".to_owned(), false.into());
    all.insert("EnableExecuteCommand".to_owned(), false.into());
    if let Some(network) = all.get_mut("NetworkConfiguration") {
        let network = network["awsvpcConfiguration"].as_object_mut().unwrap();
        for key in network.keys() {
            assert!(key.starts_with(|first: char| first.is_uppercase()), "{key}");
        }
        let public = network.entry("AssignPublicIp");
        public.or_insert_with(|| "DISABLED".into());
        network["Subnets"].as_array_mut().unwrap().reverse();
    }
}

fn config(text: &str) -> Config {
    loaded(&[("deploy.yml", text)], None)
}

fn schedules(plan: &Plan) -> String {
    let mut out = String::new();
    for step in &plan.scheduled {
        step.lines(&mut out, Paint::Plain);
    }
    out
}

fn replaced(from: &str, to: &str) -> String {
    assert!(FILE.contains(from), "{from}");
    FILE.replace(from, to)
}

#[test]
fn rules_are_made_and_then_left_alone() {
    let mut world = World::new();
    let first = world.plan(FILE).lines(Paint::Plain);
    let expected = "\
schedule nightly: create
  + schedule: \"cron(0 3 * * ? *)\"
  + state: \"ENABLED\"
  + taskDefinition: \"the new one of web\"
  + cluster: \"arn:aws:ecs:us-east-1:1:cluster/main\"
  + launchType: \"FARGATE\"
  + networkConfiguration.awsvpcConfiguration.securityGroups: [\"sg-1\"]
  + networkConfiguration.awsvpcConfiguration.subnets: [\"subnet-b\",\"subnet-a\"]
  + roleArn: \"arn:aws:iam::1:role/events\"
  + command: [\"rake\",\"nightly\"]
";
    assert!(first.contains(expected), "{first}");
    assert!(
        first.ends_with("1 service to create, 2 schedules to create\n"),
        "{first}"
    );
    let both = |name: &str| {
        [
            (RuleWrite::PutRule, name.to_owned()),
            (RuleWrite::PutTargets, name.to_owned()),
        ]
    };
    assert_eq!(
        world.deploy(FILE),
        [both("nightly"), both("often")].concat()
    );
    // A target says no more than is meant.
    let often = &world.rules["often"].targets[0];
    assert_eq!(
        Value::Object(often.clone()),
        json!({"Id": "bridge", "Arn": CLUSTER, "RoleArn": "arn:aws:iam::1:role/events",
            "EcsParameters": {"TaskCount": 2, "EnableECSManagedTags": false, "EnableExecuteCommand": false,
                "TaskDefinitionArn": "arn:aws:ecs:us-east-1:1:task-definition/bridge:2"}})
    );
    let nightly = &world.rules["nightly"].targets[0];
    assert_eq!(
        nightly["Input"],
        r#"{"containerOverrides":[{"command":["rake","nightly"],"name":"app"}]}"#
    );
    assert_eq!(world.rules["often"].rule["State"], "DISABLED");

    let again = world.plan(FILE);
    assert!(again.is_empty(), "{}", again.lines(Paint::Plain));
    assert!(schedules(&again).starts_with("schedule nightly: no change\n"));
    assert_eq!(world.deploy(FILE), []);
}

#[test]
fn each_change_is_told_written_once_and_settles() {
    let rule = || vec![RuleWrite::PutRule];
    let target = || vec![RuleWrite::PutTargets];
    let table = [
        (
            ("cron(0 3", "cron(0 4"),
            "nightly: update\n  ~ schedule: \"cron(0 3 * * ? *)\" -> \"cron(0 4 * * ? *)\"\n",
            rule(),
        ),
        (
            ("enabled: false", "enabled: true"),
            "often: update\n  ~ state: \"DISABLED\" -> \"ENABLED\"\n",
            rule(),
        ),
        (
            ("description: Often", "description: Seldom"),
            "  ~ description: \"Often\" -> \"Seldom\"\n",
            rule(),
        ),
        // What the file names no more stays.
        (
            ("    description: Often\n", ""),
            "often: no change\n",
            vec![],
        ),
        (
            ("count: 2", "count: 3"),
            "often: update\n  ~ count: 2 -> 3\n",
            target(),
        ),
        (("    count: 2\n", ""), "  ~ count: 2 -> 1\n", target()),
        (
            ("rake nightly", "rake daily"),
            "  ~ command: [\"rake\",\"nightly\"] -> [\"rake\",\"daily\"]\n",
            target(),
        ),
        (
            ("    command: rake nightly\n", ""),
            "  - command: [\"rake\",\"nightly\"]\n",
            target(),
        ),
        (
            (
                "    enabled: false\n",
                "    enabled: false\n    group: batch\n",
            ),
            "  + group: \"batch\"\n",
            target(),
        ),
        (
            ("[subnet-b, subnet-a]", "[subnet-c]"),
            "  ~ networkConfiguration.awsvpcConfiguration.subnets: [\"subnet-a\",\"subnet-b\"] -> \
             [\"subnet-c\"]\n",
            target(),
        ),
        (
            (
                "    command: rake nightly\n",
                "    command: rake nightly\n    network_configuration: {awsvpc_configuration: \
                 {subnets: [own], assign_public_ip: ENABLED}}\n",
            ),
            "  ~ networkConfiguration.awsvpcConfiguration.assignPublicIp: \"DISABLED\" -> \"ENABLED\"\n",
            target(),
        ),
        (
            (
                "    command: rake nightly\n",
                "    command: rake nightly\n    capacity_provider_strategy: \
                 [{capacity_provider: FARGATE_SPOT, weight: 1}]\n",
            ),
            "  + capacityProviderStrategy[FARGATE_SPOT]: {\"capacityProvider\":\"FARGATE_SPOT\",\"weight\":1}\n",
            target(),
        ),
        (
            ("role/events", "role/other"),
            "  ~ roleArn: \"arn:aws:iam::1:role/events\" -> \"arn:aws:iam::1:role/other\"\n",
            vec![RuleWrite::PutTargets, RuleWrite::PutTargets],
        ),
        // A new revision is pinned.
        (
            ("memory: 128", "memory: 256"),
            "often: update\n  ~ taskDefinition: \"bridge:2\" -> \"the new one of bridge\"\n",
            target(),
        ),
    ];
    for ((from, to), told, expected) in table {
        let mut world = World::deployed(FILE);
        let text = replaced(from, to);
        let found = schedules(&world.plan(&text));
        assert!(found.contains(told), "{to}\n{found}");
        let writes = world.deploy(&text);
        let writes: Vec<RuleWrite> = writes.into_iter().map(|(write, _)| write).collect();
        assert_eq!(writes, expected, "{to}");
        let settled = world.plan(&text);
        assert!(settled.is_empty(), "{to}\n{}", settled.lines(Paint::Plain));
    }
}

/// A rule that changes alone is no deploy: nothing is migrated.
#[test]
fn a_schedule_alone_runs_nothing_before() {
    let world = World::deployed(FILE);
    let plan = world.plan(&replaced("cron(0 3", "cron(0 4"));
    assert!(!plan.is_empty() && !plan.deploys() && plan.before.is_empty());
    assert!(
        plan.lines(Paint::Plain)
            .ends_with("\n1 schedule to update\n")
    );
    let plan = world.plan(&replaced("memory: 128", "memory: 256"));
    assert!(plan.deploys() && !plan.before.is_empty());
}

#[test]
fn what_others_set_stays() {
    let mut world = World::deployed(FILE);
    let target = world.target("nightly");
    target.insert("RetryPolicy".to_owned(), json!({"MaximumRetryAttempts": 0}));
    target.insert("DeadLetterConfig".to_owned(), json!({"Arn": "arn:queue"}));
    target["EcsParameters"]["Tags"] = json!([{"Key": "team", "Value": "rails"}]);
    target["EcsParameters"]["PropagateTags"] = json!("TASK_DEFINITION");
    target["Input"] = json!(
        r#"{"cpu":"512","containerOverrides":[{"name":"log","command":["x"]},
            {"name":"app","command":["rake","nightly"],"environment":[{"name":"A","value":"b"}]}]}"#
    );
    let other = json!({"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:1:q"});
    let rule = world.rules.get_mut("nightly").unwrap();
    rule.targets.push(other.as_object().unwrap().clone());
    rule.rule.insert("Description".to_owned(), "By hand".into());
    rule.rule.insert("EventPattern".to_owned(), "{}".into());
    // It is on in another way.
    let on = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS";
    rule.rule.insert("State".to_owned(), on.into());
    assert!(world.plan(FILE).is_empty());

    let text = replaced("cron(0 3", "cron(0 4").replace("rake nightly", "rake daily");
    let writes = world.deploy(&text);
    assert_eq!(writes.len(), 2);
    let rule = &world.rules["nightly"];
    assert_eq!(rule.rule["Description"], "By hand");
    assert_eq!(rule.rule["State"], on);
    assert_eq!(rule.rule["EventPattern"], "{}");
    assert_eq!(rule.rule["ScheduleExpression"], "cron(0 4 * * ? *)");
    let find = |id: &str| rule.targets.iter().find(|one| one["Id"] == id).unwrap();
    assert_eq!(Value::Object(find("queue").clone()), other);
    let ours = find("web");
    assert_eq!(ours["RetryPolicy"], json!({"MaximumRetryAttempts": 0}));
    assert_eq!(ours["DeadLetterConfig"], json!({"Arn": "arn:queue"}));
    assert_eq!(ours["EcsParameters"]["PropagateTags"], "TASK_DEFINITION");
    assert_eq!(ours["EcsParameters"]["Tags"][0]["Value"], "rails");
    let input: Value = serde_json::from_str(ours["Input"].as_str().unwrap()).unwrap();
    assert_eq!(
        input,
        json!({"cpu": "512", "containerOverrides": [{"name": "log", "command": ["x"]},
            {"name": "app", "command": ["rake", "daily"], "environment": [{"name": "A", "value": "b"}]}]})
    );
    // Without a command of the file, the container's own counts, and the rest still stays.
    let text = text.replace("    command: rake daily\n", "");
    world.deploy(&text);
    let mut targets = world.rules["nightly"].targets.iter();
    let input = targets.find_map(|one| one.get("Input")?.as_str()).unwrap();
    assert!(
        !input.contains("daily") && input.contains("environment"),
        "{input}"
    );
    assert!(world.plan(&text).is_empty());
}

/// ecs_deploy's own target: the family is its id, EC2 its launch type, unless it was told another.
#[test]
fn the_gem_s_rules_are_known_again() {
    let mut world = World::deployed(FILE);
    world.target("often")["EcsParameters"]["LaunchType"] = json!("EC2");
    assert!(world.plan(FILE).is_empty());
    // A target of ours under another id is the one that is meant: two would start everything twice.
    world.target("often")["Id"] = json!("by-hand");
    assert!(world.plan(FILE).is_empty());
    let text = replaced("memory: 128", "memory: 256");
    world.deploy(&text);
    assert_eq!(world.rules["often"].targets.len(), 1);
    assert_eq!(world.rules["often"].targets[0]["Id"], "by-hand");
    // Another id that the file names is another target.
    let named = replaced("    count: 2\n", "    count: 2\n    target_id: mine\n");
    assert_eq!(
        world.plan(&named).refusals,
        ["schedule often: its rule has the target by-hand for bridge, too: write target_id"]
    );
    let found = replaced("    count: 2\n", "    count: 2\n    target_id: by-hand\n");
    assert_eq!(world.plan(&found).refusals, [] as [String; 0]);
}

#[test]
fn what_cannot_be_done_is_refused() {
    type Change = fn(&mut World);
    let nothing: Change = |_| {};
    let table: [(&str, &str, Change, &str); 5] = [
        (
            "    role_arn: arn:aws:iam::1:role/events\n",
            "",
            |world| world.rules.clear(),
            "schedule nightly: its rule has no target yet: write role_arn, the role with which \
             EventBridge starts tasks",
        ),
        (
            "    networkConfiguration: {awsvpcConfiguration: {subnets: [subnet-b, subnet-a], \
             securityGroups: [sg-1]}}\n",
            "",
            |world| {
                world.rules.clear();
                world.ecs.running.services.clear();
            },
            "schedule nightly: its task has the network mode awsvpc: write network_configuration",
        ),
        (
            "x",
            "x",
            |world| {
                let rule = &mut world.rules.get_mut("nightly").unwrap().rule;
                rule.insert("ManagedBy".to_owned(), "batch.amazonaws.com".into());
            },
            "schedule nightly: batch.amazonaws.com manages the rule of this name: choose another",
        ),
        (
            "x",
            "x",
            |world| {
                let rule = &mut world.rules.get_mut("nightly").unwrap().rule;
                rule.remove("ScheduleExpression");
                rule.insert("EventPattern".to_owned(), "{}".into());
            },
            "schedule nightly: the rule of this name is no schedule: choose another",
        ),
        (
            "x",
            "x",
            |world| {
                let targets = &mut world.rules.get_mut("nightly").unwrap().targets;
                targets.push(targets[0].clone());
                targets[0]["Id"] = json!("one");
                targets[1]["Id"] = json!("two");
            },
            "schedule nightly: its rule has the target one for web, too: write target_id",
        ),
    ];
    for (from, to, change, why) in table {
        let mut world = World::deployed(FILE);
        change(&mut world);
        let text = FILE.replace(from, to);
        let plan = world.plan(&text);
        assert!(
            plan.refusals.contains(&why.to_owned()),
            "{:?}",
            plan.refusals
        );
    }
    // Without any of it there is no refusal.
    let mut world = World::deployed(FILE);
    nothing(&mut world);
    assert_eq!(world.plan(FILE).refusals, [] as [String; 0]);
}

#[test]
fn deleting_spares_other_targets() {
    let text = replaced(
        "  nightly:\n    schedule: cron(0 3 * * ? *)\n",
        "  nightly:\n    delete: true\n",
    );
    let mut world = World::deployed(FILE);
    assert!(schedules(&world.plan(&text)).starts_with("schedule nightly: delete\n"));
    let writes = world.deploy(&text);
    let name = || "nightly".to_owned();
    assert_eq!(
        writes,
        [
            (RuleWrite::RemoveTargets, name()),
            (RuleWrite::DeleteRule, name())
        ]
    );
    assert!(!world.rules.contains_key("nightly"));
    assert_eq!(world.deploy(&text), []);

    let mut world = World::deployed(FILE);
    let other = json!({"Id": "queue", "Arn": "arn:aws:sqs:us-east-1:1:q"});
    let rule = world.rules.get_mut("nightly").unwrap();
    rule.targets.push(other.as_object().unwrap().clone());
    assert_eq!(world.deploy(&text), [(RuleWrite::RemoveTargets, name())]);
    assert_eq!(world.rules["nightly"].targets.len(), 1);
    assert_eq!(world.deploy(&text), []);

    // Broken off in between: the rest is done by the next one.
    let mut world = World::deployed(FILE);
    world.rules.get_mut("nightly").unwrap().targets.clear();
    assert_eq!(world.deploy(&text), [(RuleWrite::DeleteRule, name())]);
    // Made, and broken off before its target.
    let mut world = World::deployed(FILE);
    world.rules.get_mut("nightly").unwrap().targets.clear();
    assert_eq!(world.deploy(FILE), [(RuleWrite::PutTargets, name())]);
}

/// A task that its service's network and launch type do not fit gets none of them.
#[test]
fn a_service_lends_what_fits() {
    let world = World::new();
    let target = |text: &str, name: &str| {
        let plan = world.plan(text);
        assert_eq!(plan.refusals, [] as [String; 0]);
        let step = plan.scheduled.iter().find(|step| step.name == name);
        let ScheduleAction::Put {
            target: Some(target),
            ..
        } = &step.unwrap().action
        else {
            panic!("{name}");
        };
        target.members["EcsParameters"].clone()
    };
    assert_eq!(
        target(FILE, "nightly"),
        json!({"LaunchType": "FARGATE", "TaskCount": 1, "NetworkConfiguration": {"awsvpcConfiguration":
            {"Subnets": ["subnet-b", "subnet-a"], "SecurityGroups": ["sg-1"]}}})
    );
    assert_eq!(target(FILE, "often"), json!({"TaskCount": 2}));
    let spot = replaced(
        "launchType: FARGATE",
        "capacityProviderStrategy: [{capacityProvider: FARGATE_SPOT, weight: 1}]\n    \
         platformVersion: 1.4.0",
    );
    let found = target(&spot, "nightly");
    assert_eq!(
        found["CapacityProviderStrategy"],
        json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}])
    );
    assert_eq!(found["PlatformVersion"], "1.4.0");
    assert_eq!(found.get("LaunchType"), None);
    assert_eq!(target(&spot, "often"), json!({"TaskCount": 2}));
    // Its own goes before, and what belongs to the service's launch type goes with that.
    let own = spot.replace(
        "    command: rake nightly\n",
        "    command: rake nightly\n    launch_type: FARGATE\n",
    );
    let found = target(&own, "nightly");
    assert_eq!(found["LaunchType"], "FARGATE");
    assert_eq!(found.get("CapacityProviderStrategy"), None);
    assert_eq!(found.get("PlatformVersion"), None);
}

#[test]
fn a_task_that_was_not_registered_is_not_pinned() {
    let plan = World::new().plan(FILE);
    let step = &plan.scheduled[0];
    assert_eq!(
        requests(step, &|_| None).unwrap_err(),
        "schedule nightly: its task was not registered"
    );
}

/// `PutTargets` answers 200 for what it did not take.
#[test]
fn a_target_that_is_not_taken_is_an_error() {
    let answers = Answers::new(|action, _| match action {
        "events:PutTargets" => Ok(json!({"FailedEntryCount": 1, "FailedEntries":
            [{"TargetId": "web", "ErrorCode": "Bad", "ErrorMessage": "no role"}]})),
        _ => Ok(Value::Null),
    });
    let plan = World::new().plan(FILE);
    let all = requests(&plan.scheduled[0], &|_| Some("arn:x/web:1".to_owned())).unwrap();
    let done = on_runtime(apply(&all, &Events::new(&answers)));
    assert_eq!(
        done.unwrap_err().to_string(),
        "events:PutTargets nightly: failed: target web: no role (Bad)"
    );
    assert_eq!(
        answers.counts(),
        calls([("events:PutRule", 1), ("events:PutTargets", 1)])
    );
}

/// Sends requests, one after the other.
async fn apply(requests: &[Request], events: &Events<'_>) -> Result<(), AwsError> {
    for request in requests {
        request.send(events, deadline()).await?;
    }
    Ok(())
}

/// Moto's `EventBridge`: planned, made, unchanged, and then pinned anew.
#[test]
fn moto_s_rules_are_planned_made_and_unchanged() {
    let moto = OverMoto::start();
    let ecs = Ecs::new(&moto);
    let planned = |text: &str| {
        let plan = on_runtime(observe::planned(&config(text), &ecs, deadline())).unwrap();
        assert_eq!(plan.refusals, [] as [String; 0]);
        plan
    };
    let deploy = |text: &str| {
        let plan = planned(text);
        let mut arns = BTreeMap::new();
        for step in &plan.definitions {
            let arn = match &step.action {
                DefinitionAction::Unchanged { arn } => arn.clone(),
                DefinitionAction::Register { request, .. } => {
                    let request = Value::Object(request.clone());
                    let reply = moto.make("ecs:RegisterTaskDefinition", &request);
                    let arn = &reply["taskDefinition"]["taskDefinitionArn"];
                    arn.as_str().unwrap().to_owned()
                }
            };
            arns.insert(step.name.clone(), arn);
        }
        for step in &plan.scheduled {
            let all = requests(step, &|name| arns.get(name).cloned()).unwrap();
            on_runtime(apply(&all, &Events::new(&moto))).unwrap();
        }
    };
    let text = FILE.replace("    launchType: FARGATE\n", "");
    let text = text.split_once("services:").unwrap();
    let scheduled = text.1.split_once("scheduled_tasks:").unwrap().1;
    let scheduled = scheduled.replace(
        "    command: rake nightly\n",
        "    command: rake nightly\n    launch_type: FARGATE\n    \
         network_configuration: {awsvpc_configuration: {subnets: [s]}}\n",
    );
    let text = format!("{}scheduled_tasks:{scheduled}", text.0);
    deploy(&text);
    moto.counts();
    let again = planned(&text);
    assert!(again.is_empty(), "{}", again.lines(Paint::Plain));
    assert_eq!(
        moto.counts(),
        calls([
            ("ecs:DescribeClusters", 1),
            ("ecs:DescribeTaskDefinition", 2),
            ("events:DescribeRule", 2),
            ("events:ListTargetsByRule", 2),
        ])
    );
    let changed = text.replace("memory: 128", "memory: 256");
    assert!(schedules(&planned(&changed)).contains(
        "often: update\n  ~ taskDefinition: \"bridge:1\" -> \"the new one of bridge\"\n"
    ));
    deploy(&changed);
    assert!(planned(&changed).is_empty());
    let gone = changed.replace("schedule: rate(5 minutes)", "delete: true");
    deploy(&gone);
    let rules = on_runtime(Events::new(&moto).rules(&["often".to_owned()], deadline()));
    assert_eq!(rules.unwrap(), [None]);
    assert!(planned(&gone).is_empty());
}

/// A rule's revision that means the same is kept, though it is not the latest, unless it was deregistered.
#[test]
fn what_a_rule_pins_is_kept_if_it_can_run() {
    let text = "cluster: main\ntasks: {batch: {containerDefinitions: [{name: app, image: a, memory: 64}]}}\n\
        scheduled_tasks: {batch: {schedule: rate(1 day), role_arn: r}}\n";
    let arn = |number: u32| format!("arn:aws:ecs:us-east-1:1:task-definition/batch:{number}");
    let definition = |number: u32, memory: u32, status: &str| {
        json!({"taskDefinition": {"taskDefinitionArn": arn(number), "family": "batch", "status": status,
            "containerDefinitions": [{"name": "app", "image": "a", "memory": memory}]}})
    };
    let planned = |status: &'static str| {
        let answers = Answers::new(move |action, input| {
            Ok(match action {
                "ecs:DescribeClusters" => json!({"clusters": [{"clusterArn": CLUSTER}]}),
                "events:DescribeRule" => json!({"Name": "batch", "State": "ENABLED",
                    "ScheduleExpression": "rate(1 day)"}),
                "events:ListTargetsByRule" => json!({"Targets": [{"Id": "batch", "Arn": CLUSTER,
                    "RoleArn": "r", "EcsParameters": {"TaskDefinitionArn": arn(5)}}]}),
                "ecs:DescribeTaskDefinition" if input["taskDefinition"] == "batch" => {
                    definition(6, 128, "ACTIVE")
                }
                "ecs:DescribeTaskDefinition" => definition(5, 64, status),
                other => panic!("{other}"),
            })
        });
        let ecs = Ecs::new(&answers);
        let plan = on_runtime(observe::planned(&config(text), &ecs, deadline())).unwrap();
        plan.lines(Paint::Plain)
    };
    assert_eq!(
        planned("ACTIVE"),
        "task batch: no change, batch:5\nschedule batch: no change\nnothing to change\n"
    );
    assert!(
        planned("INACTIVE").contains("~ taskDefinition: \"batch:5\" -> \"the new one of batch\"")
    );
}

const COUNTED: &str = "\
cluster: main
services: {web: {taskDefinition: \"web:1\", desiredCount: 5}}
";

/// Of a service that AWS scales the number of tasks is never sent, though the file does not say so.
#[test]
fn a_scalable_target_is_autoscaled() {
    let moto = OverMoto::start();
    let definition = json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "a", "memory": 64}]});
    moto.make("ecs:RegisterTaskDefinition", &definition);
    let service = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web:1",
        "desiredCount": 2});
    moto.make("ecs:CreateService", &service);
    let ecs = Ecs::new(&moto);
    let planned =
        |text: &str| on_runtime(observe::planned(&config(text), &ecs, deadline())).unwrap();
    assert!(
        planned(COUNTED)
            .lines(Paint::Plain)
            .contains("desiredCount: 2 -> 5")
    );
    // Nobody is asked where the number would not change.
    moto.counts();
    assert!(planned(&COUNTED.replace('5', "2")).is_empty());
    assert_eq!(moto.counts(), calls([("ecs:DescribeServices", 1)]));
    let target = json!({"ServiceNamespace": "ecs", "ResourceId": "service/main/web",
        "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 1, "MaxCapacity": 9});
    moto.make("application-autoscaling:RegisterScalableTarget", &target);
    let plan = planned(COUNTED);
    assert!(plan.is_empty() && plan.warnings.is_empty());
    assert_eq!(
        moto.counts(),
        calls([
            ("application-autoscaling:DescribeScalableTargets", 1),
            ("ecs:DescribeServices", 1)
        ])
    );
}

/// A throttle is no leave to undo what scales by itself.
#[test]
fn while_it_cannot_be_asked_no_number_is_sent() {
    for kind in [Kind::Throttled, Kind::Unavailable, Kind::Timeout] {
        let answers = Answers::new(|action, _| match action {
            "ecs:DescribeServices" => Ok(
                json!({"services": [{"serviceName": "web", "status": "ACTIVE",
                "taskDefinition": "arn:a/web:1", "desiredCount": 2}]}),
            ),
            action => Err(error(kind, action, "X")),
        });
        let ecs = Ecs::new(&answers);
        let failed = on_runtime(observe::planned(&config(COUNTED), &ecs, deadline())).unwrap_err();
        assert_eq!(failed.kind, kind);
    }
}

/// A role that may not ask goes by the file, and is told so once.
#[test]
fn without_the_right_to_ask_the_file_counts() {
    let answers = Answers::new(|action, _| match action {
        "ecs:DescribeServices" => Ok(
            json!({"services": [{"serviceName": "web", "status": "ACTIVE",
            "taskDefinition": "arn:a/web:1", "desiredCount": 2}]}),
        ),
        action => Err(error(Kind::Denied, action, "AccessDeniedException")),
    });
    let ecs = Ecs::new(&answers);
    let plan = on_runtime(observe::planned(&config(COUNTED), &ecs, deadline())).unwrap();
    assert!(plan.lines(Paint::Plain).contains("desiredCount: 2 -> 5"));
    assert_eq!(plan.warnings.len(), 1);
    assert!(
        plan.warnings[0].starts_with(
            "whether services scale by themselves is taken from the file: \
             application-autoscaling:DescribeScalableTargets x: access denied"
        ),
        "{:?}",
        plan.warnings
    );
}
