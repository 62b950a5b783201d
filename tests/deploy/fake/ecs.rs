//! ECS as far as a deploy can see it.

use super::Faults;
use entry::aws::{Api, AwsError, Call, Kind, Pending};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

/// When the clock was started.
pub const BEGAN: f64 = 1_800_000_000.0;

/// Seconds of a good deployment until its tasks run, and until it is complete.
const RUNS: f64 = 6.0;
pub const COMPLETES: f64 = 12.0;

/// Seconds between two tasks that fail, and tasks until the circuit breaker acts.
const FAILS: f64 = 4.0;
const BREAKS: u64 = 3;

/// Of a one-off task.
const RUN_TASK: f64 = 9.0;

/// What becomes of a definition's tasks, by its image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fate {
    Good,
    /// They end with this code.
    Crash(i64),
    NoRoom,
    /// The service's alarm or circuit breaker says no after so many seconds.
    BreaksAt(f64),
}

#[derive(Clone, Debug)]
struct Deployment {
    id: String,
    definition: String,
    created: f64,
    state: &'static str,
    running: u64,
    failed: u64,
    /// When another became the primary one.
    replaced: Option<f64>,
}

#[derive(Clone, Debug)]
struct Service {
    name: String,
    active: bool,
    desired: u64,
    /// When that was said.
    scaled: f64,
    breaker: bool,
    /// The primary one last.
    deployments: Vec<Deployment>,
    /// The oldest first.
    events: Vec<(f64, String)>,
    /// Members of its last request.
    request: Map<String, Value>,
}

#[derive(Clone, Debug)]
struct Task {
    arn: String,
    service: Option<String>,
    started_by: String,
    definition: String,
    created: f64,
    ends: f64,
    code: i64,
}

/// The fake.
pub struct Ecs {
    pub faults: Rc<Faults>,
    began: tokio::time::Instant,
    services: RefCell<BTreeMap<String, Service>>,
    definitions: RefCell<Vec<Map<String, Value>>>,
    tasks: RefCell<Vec<Task>>,
    ids: Cell<u64>,
    /// By image.
    pub fates: RefCell<BTreeMap<String, Fate>>,
    /// Whether it has service deployments.
    pub rollouts: Cell<bool>,
    /// So many seconds a new definition is not known everywhere.
    pub slow: Cell<f64>,
    /// Operation and input of each call.
    pub calls: RefCell<Vec<(String, Value)>>,
}

fn refused(operation: &str, code: &str, message: &str) -> AwsError {
    let action = format!("ecs:{operation}");
    AwsError::new(Kind::Other, &action, "", format!("{message} ({code})"))
}

fn text<'v>(input: &'v Value, key: &str) -> &'v str {
    input[key].as_str().unwrap_or_default()
}

impl Ecs {
    pub fn new(faults: Rc<Faults>) -> Ecs {
        Ecs {
            faults,
            began: tokio::time::Instant::now(),
            services: RefCell::default(),
            definitions: RefCell::default(),
            tasks: RefCell::default(),
            ids: Cell::new(0),
            fates: RefCell::default(),
            rollouts: Cell::new(true),
            slow: Cell::new(0.0),
            calls: RefCell::default(),
        }
    }

    /// Epoch seconds.
    pub fn now(&self) -> f64 {
        BEGAN + self.began.elapsed().as_secs_f64()
    }

    fn id(&self) -> u64 {
        self.ids.set(self.ids.get() + 1);
        self.ids.get()
    }

    fn image(&self, arn: &str) -> String {
        let definitions = self.definitions.borrow();
        let found = definitions
            .iter()
            .find(|one| one["taskDefinitionArn"] == arn);
        let image = found.map(|found| found["containerDefinitions"][0]["image"].clone());
        image
            .and_then(|image| image.as_str().map(str::to_owned))
            .unwrap_or_default()
    }

    fn fate(&self, arn: &str) -> Fate {
        let fates = self.fates.borrow();
        fates.get(&self.image(arn)).copied().unwrap_or(Fate::Good)
    }

    /// The image that a service's primary deployment has, and its state.
    pub fn serves(&self, service: &str) -> (String, &'static str) {
        self.advance();
        let services = self.services.borrow();
        let last = services[service].deployments.last().unwrap();
        (self.image(&last.definition), last.state)
    }

    pub fn is_active(&self, service: &str) -> bool {
        self.services
            .borrow()
            .get(service)
            .is_some_and(|one| one.active)
    }

    /// Somebody else's update: to the definition of this image, which is registered.
    pub fn update(&self, service: &str, image: &str) {
        self.advance();
        let definitions = self.definitions.borrow();
        let arn = definitions.iter().rev().find_map(|one| {
            let same = one["containerDefinitions"][0]["image"] == image && one["family"] == service;
            same.then(|| one["taskDefinitionArn"].as_str().unwrap().to_owned())
        });
        drop(definitions);
        let deployment = self.deployment(&arn.unwrap());
        self.services
            .borrow_mut()
            .get_mut(service)
            .unwrap()
            .replace(deployment);
    }

    pub fn scale(&self, service: &str, desired: u64) {
        self.advance();
        self.services.borrow_mut().get_mut(service).unwrap().desired = desired;
    }

    pub fn breaker(&self, service: &str) {
        self.services.borrow_mut().get_mut(service).unwrap().breaker = true;
    }

    /// Calls of an operation.
    pub fn called(&self, operation: &str) -> Vec<Value> {
        let calls = self.calls.borrow();
        let same = calls.iter().filter(|(name, _)| name == operation);
        same.map(|(_, input)| input.clone()).collect()
    }

    /// Calls that changed something.
    pub fn writes(&self) -> usize {
        let is_write = |name: &str| {
            !["Describe", "List"]
                .iter()
                .any(|read| name.starts_with(read))
        };
        self.calls
            .borrow()
            .iter()
            .filter(|(name, _)| is_write(name))
            .count()
    }

    /// How often a one-off task of this image and family was run.
    pub fn ran(&self, family: &str, image: &str) -> usize {
        let tasks = self.tasks.borrow();
        let same = tasks.iter().filter(|task| {
            task.service.is_none()
                && task.definition.contains(&format!("/{family}:"))
                && self.image(&task.definition) == image
        });
        same.count()
    }

    fn deployment(&self, definition: &str) -> Deployment {
        Deployment {
            id: format!("ecs-svc/{}", self.id()),
            definition: definition.to_owned(),
            created: self.now(),
            state: "IN_PROGRESS",
            running: 0,
            failed: 0,
            replaced: None,
        }
    }

    /// Lets everything happen that has happened by now.
    fn advance(&self) {
        let now = self.now();
        let mut services = self.services.borrow_mut();
        for service in services.values_mut().filter(|service| service.active) {
            self.advance_one(service, now);
        }
    }

    fn advance_one(&self, service: &mut Service, now: f64) {
        let desired = service.desired;
        let mut back = None;
        let completed = service
            .deployments
            .iter()
            .rfind(|one| one.state == "COMPLETED")
            .cloned();
        let Some(last) = service.deployments.last_mut() else {
            return;
        };
        let age = now - last.created;
        let mut breaks = false;
        match self.fate(&last.definition) {
            // Its other tasks take as long as the first ones.
            _ if last.state == "COMPLETED" && now - service.scaled < RUNS => {}
            Fate::Good => last.grow(desired, age),
            Fate::BreaksAt(after) if age < after || last.state == "COMPLETED" => {
                last.grow(desired, age);
            }
            Fate::BreaksAt(_) => breaks = true,
            Fate::NoRoom => {
                if service.events.last().is_none_or(|(at, _)| now - at > 10.0) {
                    let line = "(service x) was unable to place a task because no container instance met all of its requirements.";
                    service.events.push((now, line.to_owned()));
                }
            }
            Fate::Crash(code) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "small"
                )]
                let failed = (age / FAILS) as u64;
                while last.failed < failed && last.state == "IN_PROGRESS" {
                    last.failed += 1;
                    self.tasks.borrow_mut().push(Task {
                        arn: format!("arn:aws:ecs:r:1:task/main/{:032x}", self.id()),
                        service: Some(service.name.clone()),
                        started_by: last.id.clone(),
                        definition: last.definition.clone(),
                        created: now - 1.0,
                        ends: now,
                        code,
                    });
                    breaks |= service.breaker && last.failed >= BREAKS;
                }
            }
        }
        if breaks && last.state == "IN_PROGRESS" {
            last.state = "FAILED";
            last.running = 0;
            back = completed
                .filter(|_| service.breaker)
                .map(|one| one.definition);
        }
        if last.state == "COMPLETED" {
            let id = last.id.clone();
            service.deployments.retain(|one| one.id == id);
        }
        // Replaced ones drain.
        service.deployments.retain(|one| {
            one.state == "COMPLETED" || one.replaced.is_none_or(|at| now - at < 10.0)
        });
        if let Some(definition) = back {
            service.replace(self.deployment(&definition));
        }
    }

    fn answer(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        self.advance();
        match operation {
            "DescribeServices" => Ok(self.describe_services(input)),
            "DescribeTaskDefinition" => self.describe_definition(input),
            "RegisterTaskDefinition" => Ok(self.register(input)),
            "CreateService" => self.create(input),
            "UpdateService" => self.update_service(input),
            "DeleteService" => {
                let mut services = self.services.borrow_mut();
                services.get_mut(text(input, "service")).unwrap().active = false;
                Ok(json!({}))
            }
            "TagResource" => Ok(json!({})),
            "RunTask" => self.run_task(input),
            "ListTasks" => Ok(self.list_tasks(input)),
            "DescribeTasks" => Ok(self.describe_tasks(input)),
            "ListServiceDeployments" if self.rollouts.get() => Ok(self.list_rollouts(input)),
            "DescribeServiceDeployments" => Ok(self.describe_rollouts(input)),
            "DescribeServiceRevisions" => Ok(describe_revisions(input)),
            other => Err(AwsError::new(
                Kind::Denied,
                &format!("ecs:{other}"),
                "",
                "(AccessDeniedException)",
            )),
        }
    }

    fn describe_services(&self, input: &Value) -> Value {
        let services = self.services.borrow();
        let names = input["services"].as_array().unwrap();
        assert!(names.len() <= 10, "AWS takes ten");
        let (mut found, mut failures) = (Vec::new(), Vec::new());
        for name in names {
            match services.get(name.as_str().unwrap()) {
                Some(service) => found.push(service.json()),
                None => failures.push(json!({"arn": name, "reason": "MISSING"})),
            }
        }
        json!({"services": found, "failures": failures})
    }

    fn describe_definition(&self, input: &Value) -> Result<Value, AwsError> {
        let name = text(input, "taskDefinition");
        let definitions = self.definitions.borrow();
        let found = definitions
            .iter()
            .rfind(|one| one["taskDefinitionArn"] == name || one["family"] == name);
        let missing = || {
            let message = "Unable to describe task definition.";
            refused("DescribeTaskDefinition", "ClientException", message)
        };
        Ok(json!({"taskDefinition": found.ok_or_else(missing)?, "tags": []}))
    }

    fn register(&self, input: &Value) -> Value {
        let family = text(input, "family").to_owned();
        let mut definitions = self.definitions.borrow_mut();
        let revision = definitions
            .iter()
            .filter(|one| one["family"] == *family)
            .count()
            + 1;
        let mut definition = input.as_object().unwrap().clone();
        let arn = format!("arn:aws:ecs:r:1:task-definition/{family}:{revision}");
        definition.insert("taskDefinitionArn".to_owned(), arn.into());
        definition.insert("registeredAt".to_owned(), self.now().into());
        definitions.push(definition.clone());
        json!({"taskDefinition": definition})
    }

    /// As ECS has it, for whoever uses one.
    fn known(&self, operation: &str, arn: &str) -> Result<(), AwsError> {
        let definitions = self.definitions.borrow();
        let found = definitions
            .iter()
            .find(|one| one["taskDefinitionArn"] == arn);
        let known = found.is_some_and(|found| {
            self.now() - found["registeredAt"].as_f64().unwrap() >= self.slow.get()
        });
        if known {
            return Ok(());
        }
        Err(refused(
            operation,
            "ClientException",
            "TaskDefinition not found.",
        ))
    }

    fn create(&self, input: &Value) -> Result<Value, AwsError> {
        let definition = text(input, "taskDefinition");
        self.known("CreateService", definition)?;
        let name = text(input, "serviceName").to_owned();
        let mut services = self.services.borrow_mut();
        if services.get(&name).is_some_and(|one| one.active) {
            let message = "Creation of service was not idempotent.";
            return Err(refused(
                "CreateService",
                "InvalidParameterException",
                message,
            ));
        }
        let service = Service {
            name: name.clone(),
            active: true,
            desired: input["desiredCount"].as_u64().unwrap(),
            scaled: self.now(),
            breaker: false,
            deployments: vec![self.deployment(definition)],
            events: Vec::new(),
            request: input.as_object().unwrap().clone(),
        };
        let reply = json!({"service": service.json()});
        services.insert(name, service);
        Ok(reply)
    }

    fn update_service(&self, input: &Value) -> Result<Value, AwsError> {
        let mut services = self.services.borrow_mut();
        let Some(service) = services
            .get_mut(text(input, "service"))
            .filter(|one| one.active)
        else {
            return Err(refused(
                "UpdateService",
                "ServiceNotActiveException",
                "Not active.",
            ));
        };
        let before = service.deployments.last().unwrap().definition.clone();
        let wanted = input["taskDefinition"].as_str().unwrap_or(&before);
        self.known("UpdateService", wanted)?;
        if let Some(desired) = input["desiredCount"].as_u64() {
            service.desired = desired;
            service.scaled = self.now();
        }
        if wanted != before || input["forceNewDeployment"] == true {
            service.replace(self.deployment(wanted));
        }
        Ok(json!({"service": service.json()}))
    }

    fn run_task(&self, input: &Value) -> Result<Value, AwsError> {
        let definition = text(input, "taskDefinition");
        self.known("RunTask", definition)?;
        let code = match self.fate(definition) {
            Fate::Crash(code) => code,
            _ => 0,
        };
        let task = Task {
            arn: format!("arn:aws:ecs:r:1:task/main/{:032x}", self.id()),
            service: None,
            started_by: text(input, "startedBy").to_owned(),
            definition: definition.to_owned(),
            created: self.now(),
            ends: self.now() + RUN_TASK,
            code,
        };
        let reply = json!({"tasks": [task.json(self.now())], "failures": []});
        self.tasks.borrow_mut().push(task);
        Ok(reply)
    }

    fn list_tasks(&self, input: &Value) -> Value {
        let now = self.now();
        let service = input["serviceName"].as_str();
        let stopped = input["desiredStatus"] == "STOPPED";
        let tasks = self.tasks.borrow();
        let found = tasks.iter().filter(|task| {
            (task.ends <= now) == stopped
                && (service.is_none() || task.service.as_deref() == service)
                && (input["startedBy"].is_null() || task.started_by == text(input, "startedBy"))
        });
        json!({"taskArns": found.map(|task| task.arn.clone()).collect::<Vec<_>>()})
    }

    fn describe_tasks(&self, input: &Value) -> Value {
        let arns = input["tasks"].as_array().unwrap();
        let tasks = self.tasks.borrow();
        let found = tasks.iter().filter(|task| arns.contains(&json!(task.arn)));
        json!({"tasks": found.map(|task| task.json(self.now())).collect::<Vec<_>>()})
    }

    fn list_rollouts(&self, input: &Value) -> Value {
        let services = self.services.borrow();
        let all = services[text(input, "service")].deployments.iter().rev();
        let arns = all.map(|one| json!({"serviceDeploymentArn": format!("d/{}", one.id)}));
        json!({"serviceDeployments": arns.collect::<Vec<_>>()})
    }

    fn describe_rollouts(&self, input: &Value) -> Value {
        let services = self.services.borrow();
        let arns = input["serviceDeploymentArns"].as_array().unwrap();
        let all = services.values().flat_map(|service| &service.deployments);
        let found = all.filter(|one| arns.contains(&json!(format!("d/{}", one.id))));
        let found = found.map(|one| {
            let status = match one.state {
                "COMPLETED" => "SUCCESSFUL",
                "FAILED" => "ROLLBACK_IN_PROGRESS",
                other => other,
            };
            json!({"serviceDeploymentArn": format!("d/{}", one.id), "status": status,
                "createdAt": one.created, "targetServiceRevision": {"arn": format!("r/{}", one.definition)}})
        });
        json!({"serviceDeployments": found.collect::<Vec<_>>()})
    }
}

fn describe_revisions(input: &Value) -> Value {
    let arns = input["serviceRevisionArns"].as_array().unwrap();
    let all = arns.iter().map(|arn| {
        let definition = arn.as_str().unwrap().strip_prefix("r/");
        json!({"serviceRevisionArn": arn, "taskDefinition": definition})
    });
    json!({"serviceRevisions": all.collect::<Vec<_>>()})
}

impl Deployment {
    fn grow(&mut self, desired: u64, age: f64) {
        if age >= RUNS {
            self.running = desired;
        }
        if age >= COMPLETES {
            self.state = "COMPLETED";
        }
    }
}

impl Service {
    fn replace(&mut self, deployment: Deployment) {
        for one in &mut self.deployments {
            one.replaced.get_or_insert(deployment.created);
        }
        self.deployments.push(deployment);
    }

    fn json(&self) -> Value {
        let primary = self.deployments.last().unwrap();
        let deployments = self.deployments.iter().rev().map(|one| {
            let is_primary = one.id == primary.id;
            json!({"id": one.id, "status": if is_primary { "PRIMARY" } else { "ACTIVE" },
                "taskDefinition": one.definition, "createdAt": one.created,
                "desiredCount": if is_primary { self.desired } else { 0 },
                "runningCount": one.running, "pendingCount": 0, "failedTasks": one.failed,
                "rolloutState": one.state})
        });
        let events = self.events.iter().enumerate().rev();
        let events = events.map(|(place, (at, message))| {
            json!({"id": format!("e{place}"), "createdAt": at, "message": message})
        });
        let mut json = json!({
            "serviceName": self.name, "serviceArn": format!("arn:aws:ecs:r:1:service/main/{}", self.name),
            "status": if self.active { "ACTIVE" } else { "INACTIVE" },
            "taskDefinition": primary.definition, "desiredCount": self.desired,
            "runningCount": self.deployments.iter().map(|one| one.running).sum::<u64>(),
            "pendingCount": 0, "schedulingStrategy": "REPLICA",
            "deployments": deployments.collect::<Vec<_>>(),
            "events": events.collect::<Vec<_>>(),
        });
        if let Some(tags) = self.request.get("tags") {
            json["tags"] = tags.clone();
        }
        json
    }
}

impl Task {
    fn json(&self, now: f64) -> Value {
        let stopped = self.ends <= now;
        let mut task = json!({
            "taskArn": self.arn, "startedBy": self.started_by, "taskDefinitionArn": self.definition,
            "createdAt": self.created, "lastStatus": if stopped { "STOPPED" } else { "RUNNING" },
            "containers": [{"name": "app"}],
        });
        if stopped {
            task["stopCode"] = "EssentialContainerExited".into();
            task["stoppedReason"] = "Essential container in task exited".into();
            task["containers"][0]["exitCode"] = self.code.into();
        }
        task
    }
}

impl Call for Ecs {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        _resource: &'a str,
        input: Value,
        _deadline: Instant,
    ) -> Pending<'a, Value> {
        if api.name() == "application-autoscaling" {
            // Nothing scales by itself here.
            return Box::pin(async { Ok(json!({"ScalableTargets": []})) });
        }
        if api.name() == "events" {
            self.calls
                .borrow_mut()
                .push((operation.to_owned(), input.clone()));
            // There is no rule yet, and each that is made is forgotten.
            return Box::pin(async move {
                match operation {
                    "DescribeRule" => {
                        Err(refused(operation, "ResourceNotFoundException", "No rule."))
                    }
                    _ => Ok(json!({})),
                }
            });
        }
        assert_eq!(api.name(), "ecs");
        Box::pin(async move {
            let done = || {
                self.calls
                    .borrow_mut()
                    .push((operation.to_owned(), input.clone()));
                self.answer(operation, &input)
            };
            self.faults.pass(operation, done).await
        })
    }
}
