//! AWS in this process: it answers as AWS does, counts what it is asked, and fails when it is told to.

use entry::autoscale::Region;
use entry::autoscale::config::Config;
use entry::autoscale::observe::{Clouds, regions};
use entry::aws::{Api, AwsError, Call, Kind, Pending, Protocol};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// A node and what runs on it.
#[derive(Clone, Debug, Default)]
pub struct FakeNode {
    pub instance: String,
    pub status: String,
    /// Group and last status; a task that is `STOPPING` was told to stop.
    pub tasks: Vec<(String, String)>,
}

impl FakeNode {
    pub fn new(instance: &str, groups: &[&str]) -> FakeNode {
        let running = |group: &&str| ((*group).to_owned(), "RUNNING".to_owned());
        FakeNode {
            instance: instance.to_owned(),
            status: "ACTIVE".to_owned(),
            tasks: groups.iter().map(running).collect(),
        }
    }
}

/// What there is, in every region the same.
#[derive(Default)]
pub struct FakeAws {
    /// Name and state.
    pub alarms: BTreeMap<String, String>,
    /// Name and reply.
    pub services: BTreeMap<String, Value>,
    pub daemons: Vec<String>,
    pub groups: BTreeMap<String, Value>,
    pub fleets: BTreeMap<String, (Value, Vec<String>)>,
    /// By cluster.
    pub nodes: BTreeMap<String, Vec<FakeNode>>,
    /// Of EC2, with their launch time.
    pub instances: BTreeMap<String, String>,
    pub protected: BTreeSet<String>,
    pub messages: RefCell<Vec<Value>>,
    /// ARNs of container instances that ECS will not change.
    pub refused: Vec<String>,
    /// Operations that fail, with the code.
    pub faults: RefCell<BTreeMap<&'static str, (Kind, &'static str)>>,
    pub asked: RefCell<Vec<(String, Value)>>,
}

/// A group's reply, each of its instances `id zone` in service, or with `state` behind it.
pub fn group(desired: u32, bounds: (u32, u32), instances: &[String]) -> Value {
    let instances = instances.iter().map(|one| {
        let mut words = one.split(' ');
        json!({
            "InstanceId": words.next(), "AvailabilityZone": words.next().unwrap_or("a"),
            "LifecycleState": words.next().unwrap_or("InService"),
        })
    });
    json!({
        "DesiredCapacity": desired, "MinSize": bounds.0, "MaxSize": bounds.1,
        "Instances": instances.collect::<Vec<_>>(),
    })
}

pub fn service(desired: u32) -> Value {
    json!({
        "status": "ACTIVE", "desiredCount": desired, "runningCount": desired, "pendingCount": 0,
        "deployments": [{"status": "PRIMARY", "rolloutState": "COMPLETED"}],
    })
}

/// As XML has it: numbers and flags are texts, and an empty list is nothing.
fn as_xml(value: Value) -> Value {
    match value {
        Value::Array(items) if items.is_empty() => Value::Null,
        Value::Array(items) => items.into_iter().map(as_xml).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| (key, as_xml(value)))
            .collect(),
        Value::Number(number) => number.to_string().into(),
        Value::Bool(flag) => flag.to_string().into(),
        other => other,
    }
}

fn words(value: &Value) -> Vec<String> {
    let words = value.as_array().into_iter().flatten();
    words
        .map(|word| word.as_str().unwrap().to_owned())
        .collect()
}

impl FakeAws {
    pub fn clouds<'c>(&'c self, config: &Config) -> Clouds<'c> {
        let all = regions(config).into_iter();
        Clouds {
            regions: all
                .map(|region: Region| (region, self as &dyn Call))
                .collect(),
            s3: None,
            deadline: Instant::now() + Duration::from_mins(1),
        }
    }

    /// How often each operation was called since the last time.
    pub fn counts(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for (operation, _) in self.asked.take() {
            *counts.entry(operation).or_default() += 1;
        }
        counts
    }

    /// The inputs of an operation's calls, which are kept.
    pub fn inputs(&self, operation: &str) -> Vec<Value> {
        let asked = self.asked.borrow();
        let asked = asked.iter().filter(|(known, _)| known == operation);
        asked.map(|(_, input)| input.clone()).collect()
    }

    fn node(&self, arn: &str) -> Option<(&FakeNode, Vec<String>)> {
        let node = self
            .nodes
            .values()
            .flatten()
            .find(|node| arn == format!("arn:ci/{}", node.instance))?;
        let arns = (0..node.tasks.len()).map(|index| format!("arn:task/{}/{index}", node.instance));
        Some((node, arns.collect()))
    }

    fn container_instance(&self, arn: &str) -> Option<Value> {
        let (node, _) = self.node(arn)?;
        if node.status == "MISSING" {
            return None;
        }
        let count = |status: &str| node.tasks.iter().filter(|(_, one)| one == status).count();
        Some(json!({
            "containerInstanceArn": arn, "ec2InstanceId": node.instance, "status": node.status,
            "agentConnected": true, "runningTasksCount": count("RUNNING"),
            "pendingTasksCount": count("PENDING"), "registeredAt": 1_780_000_000.0,
            "attributes": [{"name": "ecs.availability-zone", "value": "a"}],
        }))
    }

    fn task(&self, arn: &str) -> Option<Value> {
        let mut parts = arn.split('/').skip(1);
        let instance = parts.next()?;
        let (node, _) = self.node(&format!("arn:ci/{instance}"))?;
        let (group, status) = node.tasks.get(parts.next()?.parse::<usize>().ok()?)?;
        Some(json!({
            "taskArn": arn, "group": group, "lastStatus": status,
            "containerInstanceArn": format!("arn:ci/{instance}"),
        }))
    }

    fn tasks_of(&self, input: &Value) -> Vec<String> {
        let Some((node, arns)) = self.node(input["containerInstance"].as_str().unwrap()) else {
            return Vec::new();
        };
        let stopped = input["desiredStatus"] == "STOPPED";
        let mut tasks = node.tasks.iter().zip(arns);
        let mut chosen = Vec::new();
        for ((_, status), arn) in &mut tasks {
            if stopped == (status == "STOPPING" || status == "STOPPED") {
                chosen.push(arn);
            }
        }
        chosen
    }

    /// A page of a hundred.
    fn page(list: &[String], input: &Value, key: &str) -> Value {
        let from: usize = input["nextToken"]
            .as_str()
            .map_or(0, |token| token.parse().unwrap());
        let to = list.len().min(from + 100);
        let next = (to < list.len()).then(|| to.to_string());
        json!({key: &list[from..to], "nextToken": next})
    }

    fn answer(&self, operation: &str, input: &Value) -> Value {
        let cluster = input["cluster"].as_str().unwrap_or_default();
        match operation {
            "DescribeAlarms" => {
                let names = words(&input["AlarmNames"]);
                assert!(names.len() <= 100, "{} names", names.len());
                let known = names.iter().filter_map(|name| {
                    let state = self.alarms.get(name)?;
                    Some(json!({"AlarmName": name, "StateValue": state, "StateUpdatedTimestamp": 1e9}))
                });
                let (composite, metric): (Vec<Value>, Vec<Value>) =
                    known.partition(|one| one["AlarmName"].as_str().unwrap().ends_with('3'));
                json!({"MetricAlarms": metric, "CompositeAlarms": composite})
            }
            "DescribeServices" => {
                let names = words(&input["services"]);
                assert!(names.len() <= 10, "{} services", names.len());
                let known = names.iter().filter_map(|name| {
                    let mut reply = self.services.get(name)?.clone();
                    reply["serviceName"] = name.as_str().into();
                    Some(reply)
                });
                json!({"services": known.collect::<Vec<_>>(), "failures": []})
            }
            "ListServices" => json!({"serviceArns": self.daemons}),
            "ListContainerInstances" => {
                let nodes = self.nodes.get(cluster).into_iter().flatten();
                let arns = nodes.map(|node| format!("arn:ci/{}", node.instance));
                FakeAws::page(&arns.collect::<Vec<_>>(), input, "containerInstanceArns")
            }
            "DescribeContainerInstances" => {
                let arns = words(&input["containerInstances"]);
                assert!(arns.len() <= 100, "{} nodes", arns.len());
                let known = arns.iter().filter_map(|arn| self.container_instance(arn));
                json!({"containerInstances": known.collect::<Vec<_>>()})
            }
            "ListTasks" => FakeAws::page(&self.tasks_of(input), input, "taskArns"),
            "DescribeTasks" => {
                let tasks = words(&input["tasks"]);
                assert!(tasks.len() <= 100, "{} tasks", tasks.len());
                json!({"tasks": tasks.iter().filter_map(|arn| self.task(arn)).collect::<Vec<_>>()})
            }
            "GetTaskProtection" => {
                let tasks = words(&input["tasks"]).into_iter();
                let told = tasks.map(|arn| {
                    let protected = self.protected.contains(&arn);
                    json!({"taskArn": arn, "protectionEnabled": protected})
                });
                json!({"protectedTasks": told.collect::<Vec<_>>()})
            }
            "DescribeAutoScalingGroups" => {
                assert_eq!(input["MaxRecords"], 100);
                let known = words(&input["AutoScalingGroupNames"]).into_iter();
                let known = known.filter_map(|name| {
                    let mut reply = self.groups.get(&name)?.clone();
                    reply["AutoScalingGroupName"] = name.into();
                    Some(reply)
                });
                json!({"AutoScalingGroups": known.collect::<Vec<_>>()})
            }
            "DescribeSpotFleetRequests" => {
                let known = words(&input["SpotFleetRequestId"]).into_iter();
                let known = known.filter_map(|id| {
                    let mut reply = self.fleets.get(&id)?.0.clone();
                    reply["spotFleetRequestId"] = id.into();
                    Some(reply)
                });
                json!({"spotFleetRequestConfigSet": known.collect::<Vec<_>>()})
            }
            "DescribeSpotFleetInstances" => {
                let id = input["SpotFleetRequestId"].as_str().unwrap();
                let ids = self.fleets.get(id).map(|(_, ids)| ids.clone());
                let told = ids.unwrap_or_default().into_iter();
                let told = told.map(|id| json!({"instanceId": id, "instanceType": "m5.large"}));
                json!({"activeInstanceSet": told.collect::<Vec<_>>()})
            }
            "DescribeInstances" => {
                let ids = words(&input["Filter"][0]["Value"]);
                assert!(ids.len() <= 200, "{} instances", ids.len());
                let known = ids.iter().filter_map(|id| {
                    let launched = self.instances.get(id)?;
                    Some(json!({"instanceId": id, "launchTime": launched,
                        "placement": {"availabilityZone": "b"}, "instanceState": {"name": "running"}}))
                });
                json!({"reservationSet": [{"instancesSet": known.collect::<Vec<_>>()}]})
            }
            "UpdateContainerInstancesState" => {
                let arns = words(&input["containerInstances"]).into_iter();
                let failed = arns.filter(|arn| self.refused.contains(arn));
                let failed = failed.map(|arn| json!({"arn": arn, "reason": "INACTIVE"}));
                json!({"failures": failed.collect::<Vec<_>>()})
            }
            "ReceiveMessage" => json!({"Messages": self.messages.take()}),
            "DeleteMessageBatch" => json!({"Successful": [], "Failed": []}),
            // What changes something only has to be asked for.
            _ => json!({"failures": []}),
        }
    }
}

impl Call for FakeAws {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        _deadline: Instant,
    ) -> Pending<'a, Value> {
        Box::pin(async move {
            self.asked
                .borrow_mut()
                .push((operation.to_owned(), input.clone()));
            if let Some((kind, detail)) = self.faults.borrow().get(operation) {
                let action = format!("{}:{operation}", api.name());
                return Err(AwsError::new(*kind, &action, resource, *detail));
            }
            if operation == "DescribeSpotFleetRequests" {
                let ids = words(&input["SpotFleetRequestId"]);
                if let Some(id) = ids.iter().find(|id| !self.fleets.contains_key(*id)) {
                    let action = format!("ec2:{operation}");
                    let detail = format!("{id} is not there (InvalidSpotFleetRequestId.NotFound)");
                    return Err(AwsError::new(Kind::NotFound, &action, resource, detail));
                }
            }
            let answer = self.answer(operation, &input);
            Ok(match api.protocol {
                Protocol::Json { .. } => answer,
                _ => as_xml(answer),
            })
        })
    }
}

/// Runs a future to its end.
pub fn run<T>(future: impl Future<Output = T>) -> T {
    entry::aws::runtime().unwrap().block_on(future)
}
