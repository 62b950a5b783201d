//! ECS and `CloudWatch` Logs as far as tasks that run once need them, under tokio's paused clock: tasks that live
//! for so long, lines that come late, client tokens, and faults at any call.

use entry::aws::{Api, AwsError, Call, Kind, Pending};
use entry::deploy::oneoff::{self, Ended, Error, Job, Repeat, Told};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;
use tokio::time::Instant as Clock;

/// What a page of AWS's holds.
const PAGE_EVENTS: usize = 10_000;
const PAGE_BYTES: usize = 1024 * 1024;

pub const ARN: &str = "arn:aws:ecs:us-east-1:1:task-definition/rake:3";

/// How a task goes, in times since its start.
#[derive(Clone)]
pub struct Life {
    pub runs_at: Duration,
    pub ends_at: Duration,
    /// None: its container never runs.
    pub exit: Option<i64>,
    pub reason: &'static str,
    /// From when it is told to, until it stops.
    pub stops_in: Duration,
    /// What it writes: when AWS shows it, and the line.
    pub lines: Vec<(Duration, String)>,
}

impl Default for Life {
    fn default() -> Life {
        Life {
            runs_at: secs(3),
            ends_at: secs(10),
            exit: Some(0),
            reason: "Essential container in task exited",
            stops_in: secs(5),
            lines: vec![(secs(4), "one".to_owned()), (secs(11), "two".to_owned())],
        }
    }
}

pub fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub struct OneTask {
    pub arn: String,
    pub started_by: String,
    pub request: Map<String, Value>,
    life: Life,
    began: Clock,
    /// The times of before the test.
    older: Duration,
    stopped: Cell<Option<Clock>>,
}

type Fault = Box<dyn Fn(&str, usize) -> Option<AwsError>>;

type More = Box<dyn Fn(&str, &Value) -> Option<Value>>;

/// AWS.
pub struct World {
    began: Clock,
    epoch: f64,
    pub definition: Map<String, Value>,
    pub life: RefCell<Life>,
    pub tasks: RefCell<Vec<OneTask>>,
    /// The reply that each token got.
    tokens: RefCell<BTreeMap<String, Value>>,
    pub calls: RefCell<Vec<String>>,
    /// By operation and how many of all calls came before; the call is not carried out.
    pub fault: RefCell<Fault>,
    /// Calls that are answered; after them nothing is, as for a process that is gone.
    pub answered: Cell<usize>,
    /// So long after its start a task is not found.
    pub unknown: Cell<Duration>,
    /// Services of `DescribeServices`, `FilterLogEvents` and the like.
    pub more: RefCell<More>,
}

impl World {
    pub fn new() -> Rc<World> {
        let log = json!({"logDriver": "awslogs", "options": {
            "awslogs-group": "/app", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "rake"}});
        let definition = json!({
            "taskDefinitionArn": ARN, "family": "rake", "networkMode": "bridge",
            "containerDefinitions": [{"name": "app", "logConfiguration": log}],
        });
        let epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Rc::new(World {
            began: Clock::now(),
            epoch: epoch.as_secs_f64(),
            definition: definition.as_object().cloned().unwrap(),
            life: RefCell::default(),
            tasks: RefCell::default(),
            tokens: RefCell::default(),
            calls: RefCell::default(),
            fault: RefCell::new(Box::new(|_, _| None)),
            answered: Cell::new(usize::MAX),
            unknown: Cell::default(),
            more: RefCell::new(Box::new(|_, _| None)),
        })
    }

    pub fn job(&self) -> Job {
        Job {
            cluster: "main".to_owned(),
            definition: self.definition.clone(),
            container: "app".to_owned(),
            command: vec!["rake".to_owned(), "db:migrate".to_owned()],
            placement: Map::new(),
        }
    }

    /// Seconds of the epoch.
    pub fn now(&self) -> f64 {
        self.epoch + self.began.elapsed().as_secs_f64()
    }

    /// A task of before, whose token is known, too.
    pub fn had(&self, started_by: &str, life: Life, ago: Duration) -> String {
        let request = json!({"startedBy": started_by});
        self.begin(request.as_object().unwrap(), life, ago)
    }

    fn begin(&self, request: &Map<String, Value>, life: Life, older: Duration) -> String {
        let mut tasks = self.tasks.borrow_mut();
        let arn = format!("arn:aws:ecs:us-east-1:1:task/main/{:08x}", tasks.len());
        tasks.push(OneTask {
            arn: arn.clone(),
            started_by: request["startedBy"].as_str().unwrap_or_default().to_owned(),
            request: request.clone(),
            life,
            began: Clock::now(),
            older,
            stopped: Cell::new(None),
        });
        arn
    }

    /// Makes the replies that tokens got so much older.
    pub fn age_replies(&self, seconds: f64) {
        for reply in self.tokens.borrow_mut().values_mut() {
            let created = &mut reply["tasks"][0]["createdAt"];
            *created = json!(created.as_f64().unwrap() - seconds);
        }
    }

    pub fn count(&self, operation: &str) -> usize {
        let calls = self.calls.borrow();
        calls.iter().filter(|call| *call == operation).count()
    }

    fn describe(&self, task: &OneTask) -> Value {
        let age = task.age();
        let ends = task.ends();
        let status = match () {
            () if age >= ends => "STOPPED",
            () if task.stopped.get().is_some() => "DEACTIVATING",
            () if age >= task.life.runs_at && task.life.exit.is_some() => "RUNNING",
            () => "PENDING",
        };
        let mut container = json!({"name": "app"});
        if age >= task.life.runs_at && task.life.exit.is_some() {
            container["runtimeId"] = "f00".into();
        }
        let was_stopped = task.stopped.get().is_some();
        let mut one = json!({
            "taskArn": task.arn, "taskDefinitionArn": ARN, "group": "family:rake",
            "startedBy": task.started_by, "lastStatus": status,
            "desiredStatus": if status == "STOPPED" || was_stopped { "STOPPED" } else { "RUNNING" },
            "createdAt": self.epoch + (task.began - self.began).as_secs_f64() - task.older.as_secs_f64(),
        });
        if status == "STOPPED" {
            if let Some(code) = task.life.exit {
                container["exitCode"] = if was_stopped { 143.into() } else { code.into() };
            }
            one["stoppedReason"] = task.life.reason.into();
        }
        one["containers"] = json!([container]);
        one
    }

    /// What a call gets.
    fn answer(&self, operation: &str, input: &Value) -> Result<Value, AwsError> {
        if let Some(reply) = (self.more.borrow())(operation, input) {
            return Ok(reply);
        }
        let tasks = self.tasks.borrow();
        let forgotten = |task: &OneTask| task.age() >= task.ends() + secs(3600);
        let known = |task: &&OneTask| !forgotten(task);
        Ok(match operation {
            "RunTask" => {
                let token = input["clientToken"].as_str().unwrap();
                if let Some(reply) = self.tokens.borrow().get(token) {
                    return Ok(reply.clone());
                }
                drop(tasks);
                let life = self.life.borrow().clone();
                self.begin(input.as_object().unwrap(), life, Duration::ZERO);
                let tasks = self.tasks.borrow();
                let reply =
                    json!({"tasks": [self.describe(tasks.last().unwrap())], "failures": []});
                let mut tokens = self.tokens.borrow_mut();
                tokens.insert(token.to_owned(), reply.clone());
                reply
            }
            "ListTasks" => {
                let filters = ["startedBy", "family", "serviceName"];
                let given = filters.iter().filter(|key| !input[**key].is_null());
                assert_eq!(given.count(), 1, "{input}");
                let stopped = input["desiredStatus"] == "STOPPED";
                assert!(input["startedBy"].is_null() || input["desiredStatus"].is_null());
                let fits = |task: &&OneTask| {
                    let one = self.describe(task);
                    let of_it =
                        input["startedBy"].is_null() || input["startedBy"] == one["startedBy"];
                    of_it && (one["desiredStatus"] == "STOPPED") == stopped
                };
                let found: Vec<&str> = tasks
                    .iter()
                    .filter(known)
                    .filter(fits)
                    .map(|task| task.arn.as_str())
                    .collect();
                json!({"taskArns": found})
            }
            "DescribeTasks" => {
                let asked = input["tasks"].as_array().unwrap();
                let fits = |task: &&OneTask| {
                    asked.contains(&task.arn.as_str().into()) && task.age() >= self.unknown.get()
                };
                let found = tasks.iter().filter(known).filter(fits);
                let found: Vec<Value> = found.map(|task| self.describe(task)).collect();
                json!({"tasks": found})
            }
            "StopTask" => {
                let task = tasks.iter().find(|task| input["task"] == task.arn.as_str());
                let task = task.unwrap();
                if task.stopped.get().is_none() {
                    task.stopped.set(Some(Clock::now()));
                }
                json!({"task": self.describe(task)})
            }
            "GetLogEvents" => return self.events(input),
            other => panic!("{other}"),
        })
    }

    /// A token is `f/EVENTS` or, behind an empty page, `f/EVENTS/e`.
    fn events(&self, input: &Value) -> Result<Value, AwsError> {
        let tasks = self.tasks.borrow();
        let name = input["logStreamName"].as_str().unwrap();
        let task = tasks.iter().find(|task| {
            let id = task.arn.rsplit('/').next().unwrap();
            name == format!("rake/app/{id}")
        });
        let lines = &task.unwrap().life.lines;
        let age = task.unwrap().age();
        let shown = lines.iter().take_while(|(at, _)| *at <= age).count();
        if shown == 0 {
            let action = "logs:GetLogEvents";
            let detail = "The specified log stream does not exist. (ResourceNotFoundException)";
            return Err(AwsError::new(Kind::NotFound, action, name, detail));
        }
        let token = input["nextToken"].as_str();
        let (from, was_empty) = token.map_or((0, false), |token| {
            let parts: Vec<&str> = token.split('/').collect();
            (parts[1].parse().unwrap(), parts.len() == 3)
        });
        let left = &lines[from..shown];
        // An empty page that is not the end.
        if left.len() > 1 && from % 3 == 1 && !was_empty {
            let token = format!("f/{from}/e");
            return Ok(json!({"events": [], "nextForwardToken": token}));
        }
        let mut size = 0;
        let page = left.iter().take(PAGE_EVENTS).take_while(|(_, line)| {
            size += line.len() + 26;
            size <= PAGE_BYTES
        });
        let events: Vec<Value> = page
            .map(|(at, line)| json!({"timestamp": at.as_millis(), "message": line}))
            .collect();
        let next = if events.is_empty() {
            token.unwrap().to_owned()
        } else {
            format!("f/{}", from + events.len())
        };
        Ok(json!({"events": events, "nextForwardToken": next}))
    }
}

impl OneTask {
    fn age(&self) -> Duration {
        self.began.elapsed() + self.older
    }

    /// Its end: some seconds after it was told to, or its own.
    fn ends(&self) -> Duration {
        let stopped = self.stopped.get();
        let told = stopped.map(|at| at - self.began + self.older + self.life.stops_in);
        told.map_or(self.life.ends_at, |told| told.min(self.life.ends_at))
    }
}

impl Call for World {
    fn call<'a>(
        &'a self,
        _: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        _: Instant,
    ) -> Pending<'a, Value> {
        Box::pin(async move {
            let before = self.calls.borrow().len();
            self.calls.borrow_mut().push(operation.to_owned());
            // Every call takes its time.
            tokio::time::sleep(Duration::from_millis(20)).await;
            if before >= self.answered.get() {
                // It is carried out, and nobody is there to see it.
                let _ = self.answer(operation, &input);
                std::future::pending::<()>().await;
            }
            let fault = (self.fault.borrow())(operation, before);
            match fault {
                Some(mut error) => {
                    resource.clone_into(&mut error.resource);
                    Err(error)
                }
                None => self.answer(operation, &input),
            }
        })
    }
}

/// What somebody saw of a run.
#[derive(Default)]
pub struct Shown {
    pub output: String,
    pub notes: Vec<String>,
    pub statuses: Vec<String>,
    pub start: Option<(String, oneoff::Start)>,
}

impl Shown {
    pub fn tell(&mut self, told: Told<'_>) {
        match told {
            Told::Task { arn, start } => self.start = Some((arn.to_owned(), start)),
            Told::Status(status) => self.statuses.push(status.to_owned()),
            Told::Line { text, .. } => {
                self.output.push_str(text);
                self.output.push('\n');
            }
            Told::Note(note) => self.notes.push(note.to_owned()),
        }
    }
}

/// When somebody asks to stop it, and when its time is over.
#[derive(Clone, Copy, Default)]
pub struct Limits {
    pub asked_after: Option<Duration>,
    pub timeout: Option<Duration>,
}

pub async fn run_limited(
    world: &Rc<World>,
    repeat: &Repeat,
    limits: Limits,
) -> (Result<Ended, Error>, Shown) {
    let shown = RefCell::new(Shown::default());
    let mut sink = |told: Told<'_>| shown.borrow_mut().tell(told);
    let (ask, mut asked) = watch::channel(false);
    let calls_in = |region: &str| -> Rc<dyn Call> {
        assert_eq!(region, "eu-west-1");
        world.clone()
    };
    let ecs = entry::aws::Ecs::new(&**world);
    let job = world.job();
    let run = oneoff::run(
        &job,
        repeat,
        &ecs,
        &calls_in,
        limits.timeout,
        &mut asked,
        &mut sink,
    );
    let asking = async {
        match limits.asked_after {
            Some(after) => {
                tokio::time::sleep(after).await;
                ask.send(true).unwrap();
            }
            None => std::future::pending::<()>().await,
        }
        std::future::pending::<()>().await;
    };
    let (run, asking) = (std::pin::pin!(run), std::pin::pin!(asking));
    let done = match futures_util::future::select(run, asking).await {
        futures_util::future::Either::Left((done, _)) => done,
        futures_util::future::Either::Right(_) => unreachable!(),
    };
    (done, shown.take())
}

pub async fn run(world: &Rc<World>, repeat: &Repeat) -> (Result<Ended, Error>, Shown) {
    run_limited(world, repeat, Limits::default()).await
}

/// A test under a clock that goes on by itself when everybody waits.
pub fn paused<T>(test: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(test)
}
