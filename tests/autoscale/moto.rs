//! Observing and acting against moto's real replies: in a process of its own, since the SDK reads the
//! environment of its process.

use super::support::config;
use crate::aws::probe::Probe;
use crate::support::binary;
use crate::support::moto::Moto;
use entry::autoscale::act::carry_out;
use entry::autoscale::config::Config;
use entry::autoscale::decide::{Memory, NodeStatus, Snapshot, decide};
use entry::autoscale::observe::{Look, Regions, snapshot};
use entry::autoscale::spot::turn;
use entry::aws::{Api, Call, Clients, Protocol, Service};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::process::Command;
use std::time::Instant;

const fn api(id: &'static str, name: &'static str, protocol: Protocol) -> Api {
    Api {
        service: Service {
            id,
            name,
            signed_as: name,
            plain_in_gov: true,
        },
        protocol,
    }
}

const fn json_api(version: &'static str, target: &'static str) -> Protocol {
    Protocol::Json { version, target }
}

static ECS: Api = api(
    "ECS",
    "ecs",
    json_api("1.1", "AmazonEC2ContainerServiceV20141113"),
);
static ALARMS: Api = api(
    "CloudWatch",
    "monitoring",
    json_api("1.0", "GraniteServiceVersion20100801"),
);
static SQS: Api = api("SQS", "sqs", json_api("1.0", "AmazonSQS"));
static GROUPS: Api = api(
    "Auto Scaling",
    "autoscaling",
    Protocol::Query {
        version: "2011-01-01",
    },
);
static EC2: Api = api(
    "EC2",
    "ec2",
    Protocol::Ec2 {
        version: "2016-11-15",
    },
);

/// AWS as the people around the autoscaler use it.
struct People<'c> {
    calls: &'c dyn Call,
    deadline: Instant,
}

impl People<'_> {
    async fn call(&self, api: &'static Api, operation: &str, input: Value) -> Value {
        let call = self.calls.call(api, operation, "it", input, self.deadline);
        call.await.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn ecs(&self, operation: &str, input: Value) -> Value {
        self.call(&ECS, operation, input).await
    }

    /// A cluster `c` with a service `web` of `count` tasks, and a group `g` of two nodes in two zones.
    async fn found(&self, count: u32) {
        self.ecs("CreateCluster", json!({"clusterName": "c"})).await;
        let container = json!({"name": "app", "image": "app", "memory": 64});
        let definition = json!({"family": "web", "containerDefinitions": [container]});
        self.ecs("RegisterTaskDefinition", definition).await;
        // With a count at once, its deployment would never be complete.
        let service = json!({
            "cluster": "c", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0,
        });
        self.ecs("CreateService", service).await;
        self.scale(count).await;
        let launch = json!({
            "LaunchConfigurationName": "l", "ImageId": "ami-12c6146b", "InstanceType": "t3.micro",
        });
        self.call(&GROUPS, "CreateLaunchConfiguration", launch)
            .await;
        let group = json!({
            "AutoScalingGroupName": "g", "LaunchConfigurationName": "l", "MinSize": 1, "MaxSize": 4,
            "DesiredCapacity": 2, "AvailabilityZones": ["us-east-1a", "us-east-1b"],
        });
        self.call(&GROUPS, "CreateAutoScalingGroup", group).await;
        self.register().await;
    }

    async fn scale(&self, count: u32) {
        let update = json!({"cluster": "c", "service": "web", "desiredCount": count});
        self.ecs("UpdateService", update).await;
    }

    async fn group(&self) -> (String, Vec<String>) {
        let names = json!({"AutoScalingGroupNames": ["g"]});
        let reply = self.call(&GROUPS, "DescribeAutoScalingGroups", names).await;
        let group = &reply["AutoScalingGroups"][0];
        let instances = group["Instances"].as_array().into_iter().flatten();
        let ids = instances.map(|one| one["InstanceId"].as_str().unwrap().to_owned());
        let bounds = format!(
            "{} of {}-{}",
            group["DesiredCapacity"].as_str().unwrap(),
            group["MinSize"].as_str().unwrap(),
            group["MaxSize"].as_str().unwrap()
        );
        (bounds, ids.collect())
    }

    /// What the agents of new instances do.
    async fn register(&self) {
        let list = json!({"cluster": "c"});
        let arns = self.ecs("ListContainerInstances", list).await["containerInstanceArns"].take();
        let known = json!({"cluster": "c", "containerInstances": arns});
        let known = match arns_len(&known) {
            0 => Value::Null,
            _ => self.ecs("DescribeContainerInstances", known).await,
        };
        for instance in self.group().await.1 {
            let registered = known["containerInstances"].as_array().into_iter().flatten();
            let mut ids = registered.map(|one| one["ec2InstanceId"].as_str());
            if !ids.any(|id| id == Some(&instance)) {
                self.register_one(&instance).await;
            }
        }
    }

    async fn register_one(&self, instance: &str) {
        let document = json!({"instanceId": instance}).to_string();
        let node = json!({"cluster": "c", "instanceIdentityDocument": document});
        self.ecs("RegisterContainerInstance", node).await;
    }

    async fn alarm(&self, name: &str, state: &str) {
        let alarm = json!({
            "AlarmName": name, "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold",
            "MetricName": "m", "Namespace": "n", "Period": 60, "Statistic": "Average", "Threshold": 1.0,
        });
        self.call(&ALARMS, "PutMetricAlarm", alarm).await;
        self.state(name, state).await;
    }

    async fn state(&self, name: &str, state: &str) {
        let set = json!({"AlarmName": name, "StateValue": state, "StateReason": "test"});
        self.call(&ALARMS, "SetAlarmState", set).await;
    }
}

fn arns_len(input: &Value) -> usize {
    input["containerInstances"].as_array().map_or(0, Vec::len)
}

/// One poll after another.
struct Polls<'c> {
    config: Config,
    clients: &'c Clients,
    regions: Regions,
    memory: Memory,
    every_node: bool,
    now: Timestamp,
    deadline: Instant,
}

impl Polls<'_> {
    /// Looks, decides and acts; what was done, and what was told.
    async fn poll(&mut self, seconds: i64) -> (Snapshot, Vec<String>) {
        self.now += SignedDuration::from_secs(seconds);
        let clouds = self.regions.clouds(self.clients.s3(), self.deadline);
        let look = Look {
            memory: &self.memory,
            every_node: self.every_node,
        };
        let (seen, troubles) = snapshot(&self.config, look, &clouds, self.now).await;
        let decision = decide(&self.config, &seen, self.memory.clone(), self.now);
        self.memory = decision.memory;
        let outcomes = carry_out(&decision.actions, &self.config, &seen, &clouds).await;
        let done = outcomes.iter().map(|one| match &one.result {
            Ok(_) => one.action.act.to_string(),
            Err(error) => format!("{}: {error}", one.action.act),
        });
        let told = troubles.iter().map(ToString::to_string);
        let said = done.chain(told).collect();
        (seen, said)
    }
}

const FILE: &str = "
auto_scaling_groups: [{name: g, cluster: c, services: [{name: web, step: 1, idle_time: 10, min_task_count: 1,
  max_task_count: 9, upscale_triggers: [{alarm_name: up, state: ALARM}],
  downscale_triggers: [{alarm_name: down, state: ALARM}]}]}]
";

/// The other side of the probes.
pub async fn obey(order: &Value, clients: &Clients, deadline: Instant) -> Value {
    let calls = clients.calls();
    let people = People {
        calls: &calls,
        deadline,
    };
    let polls = |file: &str| {
        let config = config(file);
        Polls {
            regions: Regions::of(&config, clients),
            config,
            clients,
            memory: Memory::default(),
            every_node: false,
            now: Timestamp::now(),
            deadline,
        }
    };
    match order["autoscale"].as_str() {
        Some("removal") => removal(&people, polls(FILE)).await,
        Some("fleet") => fleet(&people, polls).await,
        Some("spot") => spot(&people, polls).await,
        Some("found") => {
            people.found(2).await;
            people.alarm("up", "ALARM").await;
            Value::Null
        }
        _ => Value::Null,
    }
}

/// Up, and down again while a migration runs on the node that goes.
async fn removal(people: &People<'_>, mut polls: Polls<'_>) -> Value {
    people.found(2).await;
    people.alarm("up", "OK").await;
    people.alarm("down", "OK").await;
    let mut said = Vec::new();
    said.push(polls.poll(0).await.1);
    people.state("up", "ALARM").await;
    said.push(polls.poll(30).await.1);
    // The third node comes, and then the third task.
    people.register().await;
    said.push(polls.poll(30).await.1);
    people.state("up", "OK").await;
    people.state("down", "ALARM").await;
    said.push(polls.poll(30).await.1);
    people.state("down", "OK").await;
    let (seen, done) = polls.poll(30).await;
    said.push(done.clone());
    let gone = done[0].strip_prefix("drain ").unwrap().to_owned();
    let arns = seen.container_instances.values().next().unwrap();
    let migration = json!({
        "cluster": "c", "taskDefinition": "web", "containerInstances": [&*arns[&*gone]],
    });
    let task = people.ecs("StartTask", migration).await["tasks"][0]["taskArn"].take();
    let (seen, done) = polls.poll(30).await;
    said.push(done);
    let draining = |seen: &Snapshot| {
        let nodes = seen.clusters.values().flatten();
        let draining = nodes.filter(|node| node.status == NodeStatus::Draining);
        draining.map(|node| node.tasks.one_off).sum::<u32>()
    };
    let migrating = draining(&seen);
    let stop = json!({"cluster": "c", "task": task});
    people.ecs("StopTask", stop).await;
    said.push(polls.poll(30).await.1);
    let (bounds, left) = people.group().await;
    let said: Vec<Vec<String>> = said
        .into_iter()
        .map(|poll| {
            poll.iter()
                .map(|line| line.replace(&gone, "GONE"))
                .collect()
        })
        .collect();
    json!({"said": said, "migrating": migrating, "group": bounds, "stays": !left.contains(&gone)})
}

/// A fleet with weights: up, and down by one instance of four units.
async fn fleet<'c>(people: &People<'_>, polls: impl Fn(&str) -> Polls<'c>) -> Value {
    people.found(1).await;
    let launch = json!({
        "ImageId": "ami-12c6146b", "InstanceType": "m5.xlarge", "WeightedCapacity": 4, "SpotPrice": "1",
    });
    let request = json!({"SpotFleetRequestConfig": {
        "SpotPrice": "1", "TargetCapacity": 8, "IamFleetRole": "arn:aws:iam::123456789012:role/fleet",
        "AllocationStrategy": "diversified", "LaunchSpecifications": [launch],
    }});
    let reply = people.call(&EC2, "RequestSpotFleet", request).await;
    let id = reply["spotFleetRequestId"].as_str().unwrap().to_owned();
    people.scale(2).await;
    let mut polls = polls(&format!(
        "spot_fleet_requests: [{{id: {id}, cluster: c, services: [{{name: web, required_capacity: 4, \
         min_task_count: 1, max_task_count: 9, step: 1, idle_time: 0, \
         upscale_triggers: [{{alarm_name: up, state: ALARM}}]}}]}}]"
    ));
    people.alarm("up", "OK").await;
    let mut said = Vec::new();
    let (seen, done) = polls.poll(0).await;
    said.push(done);
    let group = seen.groups.values().next().unwrap();
    let units: Vec<u32> = group.instances.iter().map(|one| one.units).collect();
    for instance in &group.instances {
        people.register_one(&instance.id).await;
    }
    people.state("up", "ALARM").await;
    said.push(polls.poll(30).await.1);
    people.state("up", "OK").await;
    // As after a restart: no task waits for capacity any more.
    polls.memory = Memory::default();
    said.push(polls.poll(30).await.1);
    said.push(polls.poll(30).await.1);
    let described = json!({"SpotFleetRequestId": [id]});
    let reply = people
        .call(&EC2, "DescribeSpotFleetRequests", described)
        .await;
    let target = &reply["spotFleetRequestConfigSet"][0]["spotFleetRequestConfig"]["targetCapacity"];
    let anonymous = |line: &String| match line.split_once(" i-") {
        Some((what, _)) => what.to_owned(),
        None => line.clone(),
    };
    let said: Vec<Vec<String>> = said
        .iter()
        .map(|poll| poll.iter().map(anonymous).collect())
        .collect();
    json!({"said": said, "units": units, "target": target})
}

/// Messages of a queue: one that is none, and one for a node.
async fn spot<'c>(people: &People<'_>, polls: impl Fn(&str) -> Polls<'c>) -> Value {
    people.found(2).await;
    let queue = json!({"QueueName": "spot"});
    let queue = people.call(&SQS, "CreateQueue", queue).await["QueueUrl"].take();
    let url = queue.as_str().unwrap();
    let mut polls = polls(&format!(
        "spot_instance_intrp_warns_queue_urls: ['{url}']\n{}",
        FILE.replace("down,", "up,")
    ));
    people.alarm("up", "OK").await;
    let (seen, _) = polls.poll(0).await;
    let (_, before) = people.group().await;
    let event = json!({
        "detail-type": "EC2 Spot Instance Interruption Warning", "time": polls.now.to_string(),
        "detail": {"instance-id": before[0], "instance-action": "terminate"},
    });
    for body in ["hello".to_owned(), event.to_string()] {
        let message = json!({"QueueUrl": url, "MessageBody": body});
        people.call(&SQS, "SendMessage", message).await;
    }
    let clouds = polls.regions.clouds(polls.clients.s3(), polls.deadline);
    let config = &polls.config;
    let now = polls.now;
    let queue = &config.interruption_queues[0];
    let (mut refused, mut steps) = (0, Vec::new());
    // Both at once, or one after the other.
    while refused + steps.len() < 3 {
        let report = turn(queue, config, &seen, &clouds, || now).await;
        assert_eq!(report.error, None);
        refused += report.refused.len();
        let results = report.steps.iter();
        steps.extend(results.map(|(_, result)| format!("{result:?}")));
    }
    let (bounds, after) = people.group().await;
    let left = json!({"QueueUrl": url, "AttributeNames": ["All"]});
    let left = people.call(&SQS, "GetQueueAttributes", left).await;
    let attribute = |name: &str| left["Attributes"][name].clone();
    polls.every_node = true;
    let (seen, _) = polls.poll(30).await;
    let draining = seen.clusters.values().flatten();
    let draining = draining.filter(|node| node.status == NodeStatus::Draining);
    json!({
        "refused": refused, "steps": steps, "group": bounds,
        "replaced": after.len() == 2 && !after.contains(&before[0]),
        "draining": draining.map(|node| *node.instance == *before[0]).collect::<Vec<_>>(),
        "left": [
            attribute("ApproximateNumberOfMessages"), attribute("ApproximateNumberOfMessagesNotVisible"),
        ],
    })
}

fn probe(moto: &Moto, scenario: &str) -> Value {
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", moto.url())
        .run(&json!({"autoscale": scenario}));
    found.value["autoscale"].clone()
}

#[test]
fn up_and_down_and_the_migration_ends_first() {
    let moto = Moto::start_warm();
    let found = probe(&moto, "removal");
    let expected = json!([
        [],
        ["2 → 3 units of capacity"],
        ["2 → 3 tasks"],
        ["3 → 2 tasks"],
        ["drain GONE"],
        [],
        ["terminate GONE"],
    ]);
    assert_eq!(found["said"], expected, "{found:#}");
    assert_eq!(found["migrating"], 1);
    // Minimum and maximum are what they were.
    assert_eq!(found["group"], "2 of 1-4");
    assert_eq!(found["stays"], true);
}

#[test]
fn a_fleet_is_scaled_by_weights() {
    let moto = Moto::start_warm();
    let found = probe(&moto, "fleet");
    assert_eq!(found["units"], json!([4, 4]), "{found:#}");
    let expected = json!([[], ["8 → 12 units of capacity"], ["drain"], ["terminate"]]);
    assert_eq!(found["said"], expected, "{found:#}");
    assert_eq!(found["target"], "8");
}

#[test]
fn an_interrupted_node_drains_and_is_replaced() {
    let moto = Moto::start_warm();
    let found = probe(&moto, "spot");
    assert_eq!(found["refused"], 1, "{found:#}");
    assert_eq!(found["steps"], json!(["Ok(Now)", "Ok(Now)"]), "{found:#}");
    assert_eq!(found["group"], "2 of 1-4");
    assert_eq!(found["replaced"], true);
    assert_eq!(found["draining"], json!([true]));
    assert_eq!(found["left"], json!(["0", "0"]));
}

fn entryctl(moto: &Moto, args: &[&str]) -> (String, String, Option<i32>) {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.yml"), FILE).unwrap();
    let led = format!("state: s3://nowhere/p\n{FILE}");
    std::fs::write(folder.path().join("b.yml"), led).unwrap();
    let output = Command::new(binary("entryctl"))
        .args(args)
        .current_dir(folder.path())
        .env_clear()
        .envs([
            ("AWS_ENDPOINT_URL", moto.url().as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("AWS_REGION", "us-east-1"),
        ])
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (
        text(&output.stdout),
        text(&output.stderr),
        output.status.code(),
    )
}

#[test]
fn plan_and_status_read_and_change_nothing() {
    let moto = Moto::start_warm();
    probe(&moto, "found");
    let missing = "entryctl: warning: alarm down: there is no alarm of this name\n\
        entryctl: one part could not be seen\n";
    let plan = ["autoscale", "plan", "--config", "a.yml"];
    for _ in 0..2 {
        let (out, err, code) = entryctl(&moto, &plan);
        assert_eq!((err.as_str(), code), (missing, Some(1)));
        let expected = "\
what           action                   why
group g        2 → 3 units of capacity  3 are needed: 3 for tasks and a buffer of 0
service c/web  –                        not scaled in, alarm down is unknown
service c/web  –                        3 are wanted, and wait for capacity
";
        assert_eq!(out, expected);
    }
    let (out, ..) = entryctl(&moto, &[&plan[..], &["--json"]].concat());
    let json: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(json["actions"][0]["subject"], "group g");
    assert_eq!(json["unseen"].as_array().unwrap().len(), 1);
    let (out, err, code) = entryctl(&moto, &["autoscale", "status", "--config", "a.yml"]);
    assert_eq!((err.as_str(), code), (missing, Some(1)));
    let (tables, alarms) = out.split_once("\nalarm ").unwrap();
    let expected = "\
service        desired  running  pending  min  max
service c/web  2        2        0        1    9

group    desired  min  max  launching  in service  active  draining
group g  2        1    4    0          2           2       0
";
    assert_eq!(tables, expected);
    let lines: Vec<&str> = alarms.lines().skip(1).collect();
    assert_eq!(lines.len(), 2, "{out}");
    assert!(lines[0].starts_with("alarm down  ?"), "{out}");
    assert!(lines[1].starts_with("alarm up    ALARM"), "{out}");
    // A lease that cannot be read is not a free one.
    let status = ["autoscale", "status", "--config", "b.yml"];
    let (out, err, code) = entryctl(&moto, &status);
    assert!(err.contains("leader unknown: s3:GetObject"), "{err}");
    assert_eq!(code, Some(1));
    let first = out.lines().next();
    assert_eq!(
        first,
        Some("who leads is unknown: the lease in s3://nowhere/p could not be read")
    );
}

#[test]
fn the_policy_is_the_least() {
    let folder = tempfile::tempdir().unwrap();
    let file = "spot_instance_intrp_warns_queue_urls: ['https://sqs.r.amazonaws.com/12/q']\n\
        deploys: [s3://locks/myapp/locks/main.json]\n\
        state: s3://state/scaler\n\
        simple_scaling: [{name: s, cluster: 'arn:aws:ecs:x:1:cluster/d', services: [{name: api, min_task_count: 1, max_task_count: 2}]}]\n";
    std::fs::write(folder.path().join("a.yml"), format!("{file}{FILE}")).unwrap();
    let output = Command::new(binary("entryctl"))
        .args([
            "iam",
            "autoscale",
            "--config",
            "a.yml",
            "--region",
            "x",
            "--account",
            "1",
        ])
        .current_dir(folder.path())
        .env_clear()
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let policy: Value = serde_json::from_slice(&output.stdout).unwrap();
    let statements = policy["Statement"].as_array().unwrap().iter();
    let lines: Vec<String> = statements
        .map(|one| format!("{} {}", one["Action"], one["Resource"]).replace('"', ""))
        .collect();
    let group = "arn:aws:autoscaling:x:1:autoScalingGroup:*:autoScalingGroupName/g";
    let services = "[arn:aws:ecs:x:1:service/c/web,arn:aws:ecs:x:1:service/d/api]";
    let nodes = "arn:aws:ecs:x:1:container-instance/c/*";
    assert_eq!(
        lines,
        [
            "autoscaling:DescribeAutoScalingGroups *".to_owned(),
            format!("autoscaling:DetachInstances {group}"),
            format!("autoscaling:SetDesiredCapacity {group}"),
            format!("autoscaling:TerminateInstanceInAutoScalingGroup {group}"),
            "cloudwatch:DescribeAlarms *".to_owned(),
            "ec2:DescribeInstances *".to_owned(),
            format!("ecs:DescribeContainerInstances {nodes}"),
            format!("ecs:DescribeServices {services}"),
            "ecs:DescribeTasks arn:aws:ecs:x:1:task/c/*".to_owned(),
            "ecs:ListContainerInstances arn:aws:ecs:x:1:cluster/c".to_owned(),
            "ecs:ListServices *".to_owned(),
            format!("ecs:ListTasks {nodes}"),
            format!("ecs:UpdateContainerInstancesState {nodes}"),
            format!("ecs:UpdateService {services}"),
            "s3:GetObject [arn:aws:s3:::locks/myapp/locks/main.json,arn:aws:s3:::state/scaler/locks/autoscale.json]"
                .to_owned(),
            "s3:ListBucket [arn:aws:s3:::locks,arn:aws:s3:::state]".to_owned(),
            "s3:PutObject arn:aws:s3:::state/scaler/locks/autoscale.json".to_owned(),
            "sqs:DeleteMessage arn:aws:sqs:r:12:q".to_owned(),
            "sqs:ReceiveMessage arn:aws:sqs:r:12:q".to_owned(),
        ]
    );
}
