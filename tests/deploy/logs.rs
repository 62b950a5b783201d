//! What tasks wrote: many of them by time, new ones too, each line once.

use super::task_world::{paused, secs};
use entry::aws::{Api, AwsError, Call, Ecs, Kind, Logs, Pending};
use entry::deploy::logs::{Book, Read, Stream, Wanted, last_lines, read};
use serde_json::{Value, json};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::time::Instant as Clock;

/// A line: when AWS shows it, its time, its stream.
type Line = (Duration, i64, &'static str, String);

/// Tasks of the service `web`, of `job` that shares its prefix, and their lines.
struct World {
    began: Clock,
    lines: RefCell<Vec<Line>>,
    /// Id, service, since when it is there.
    tasks: Vec<(&'static str, &'static str, Duration)>,
    page: usize,
    calls: RefCell<Vec<String>>,
    /// Every so manieth call fails.
    fails: Cell<usize>,
}

const DEFINITION: &str = "arn:aws:ecs:us-east-1:1:task-definition/web:1";

fn line(shown: u64, time: i64, stream: &'static str, text: &str) -> Line {
    (secs(shown), time, stream, text.to_owned())
}

impl World {
    fn new(lines: Vec<Line>) -> Rc<World> {
        Rc::new(World {
            began: Clock::now(),
            lines: RefCell::new(lines),
            tasks: vec![
                ("aaaa1", "web", secs(0)),
                ("aaaa2", "web", secs(20)),
                ("bbbb1", "job", secs(0)),
            ],
            page: 3,
            calls: RefCell::default(),
            fails: Cell::new(usize::MAX),
        })
    }

    fn answer(&self, operation: &str, input: &Value) -> Value {
        let age = self.began.elapsed();
        let there = self.tasks.iter().filter(|(_, _, since)| *since <= age);
        match operation {
            "ListTasks" => {
                let running = input["desiredStatus"] != "STOPPED";
                let all = there.filter(|(_, service, _)| {
                    running && (input["serviceName"].is_null() || input["serviceName"] == *service)
                });
                let arns: Vec<String> = all
                    .map(|(id, ..)| format!("arn:x:task/main/{id}"))
                    .collect();
                json!({"taskArns": arns})
            }
            "DescribeTasks" => {
                let asked: Vec<&str> = input["tasks"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|one| one.as_str().unwrap().rsplit('/').next().unwrap())
                    .collect();
                let all = there.filter(|(id, ..)| asked.contains(id));
                let tasks: Vec<Value> = all
                    .map(|(id, service, _)| {
                        json!({"taskArn": format!("arn:x:task/main/{id}"), "taskDefinitionArn": DEFINITION,
                            "group": format!("service:{service}"), "lastStatus": "RUNNING"})
                    })
                    .collect();
                json!({"tasks": tasks})
            }
            "DescribeTaskDefinition" => {
                let log = json!({"logDriver": "awslogs", "options": {
                    "awslogs-group": "/app", "awslogs-stream-prefix": "rails"}});
                let container = |name: &str| json!({"name": name, "logConfiguration": log});
                json!({"taskDefinition": {"taskDefinitionArn": DEFINITION, "family": "web",
                    "containerDefinitions": [container("app"), container("nginx"), {"name": "dumb"}]}})
            }
            "FilterLogEvents" => self.filter(age, input),
            other => panic!("{other}"),
        }
    }

    fn filter(&self, age: Duration, input: &Value) -> Value {
        let prefix = input["logStreamNamePrefix"].as_str().unwrap();
        let since = input["startTime"].as_i64().unwrap();
        let lines = self.lines.borrow();
        let mut found: Vec<(usize, &Line)> = lines
            .iter()
            .enumerate()
            .filter(|(_, (shown, time, stream, _))| {
                *shown <= age && *time >= since && stream.starts_with(prefix)
            })
            .collect();
        found.sort_by_key(|(_, (_, time, ..))| *time);
        let token = input["nextToken"]
            .as_str()
            .map_or(0, |from| from.parse().unwrap());
        let page = found.iter().skip(token).take(self.page);
        let events: Vec<Value> = page
            .map(|(id, (_, time, stream, text))| {
                json!({"eventId": id.to_string(), "timestamp": time, "logStreamName": stream, "message": text})
            })
            .collect();
        let next = token + events.len();
        let more = next < found.len();
        json!({"events": events, "nextToken": more.then(|| next.to_string())})
    }

    fn count(&self, operation: &str) -> usize {
        let calls = self.calls.borrow();
        calls.iter().filter(|call| *call == operation).count()
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
            self.calls.borrow_mut().push(operation.to_owned());
            if self.calls.borrow().len().is_multiple_of(self.fails.get()) {
                return Err(AwsError::new(
                    Kind::Throttled,
                    operation,
                    resource,
                    "slower",
                ));
            }
            Ok(self.answer(operation, &input))
        })
    }
}

fn wanted(services: &[&str], tasks: &[&str]) -> Wanted {
    let words = |all: &[&str]| all.iter().map(ToString::to_string).collect();
    Wanted {
        cluster: "main".to_owned(),
        services: words(services),
        tasks: words(tasks),
        container: None,
    }
}

/// Reads until so many lines are there.
async fn shown(world: &Rc<World>, wanted: &Wanted, follow: bool, most: usize) -> Vec<String> {
    let ecs = Ecs::new(&**world);
    let book = Book::open(wanted, &ecs).await.unwrap();
    let calls_in = |_: &str| -> Rc<dyn Call> { world.clone() };
    let mut lines = Vec::new();
    let what = Read { since: 100, follow };
    let mut each = |label: &entry::deploy::logs::Label, event: &entry::aws::LogEvent| {
        lines.push(format!(
            "{} {} {}",
            label.task, label.container, event.message
        ));
        lines.len() < most
    };
    let done = read(book, &what, &ecs, &calls_in, &mut each);
    // For tasks that write nothing more.
    let done = tokio::time::timeout(secs(300), done).await;
    if let Ok(done) = done {
        done.unwrap();
    }
    lines
}

const A1: &str = "rails/app/aaaa1";
const A2: &str = "rails/app/aaaa2";
const N1: &str = "rails/nginx/aaaa1";
const B1: &str = "rails/app/bbbb1";

#[test]
fn lines_of_all_tasks_come_by_time_and_others_do_not() {
    paused(async {
        let world = World::new(vec![
            line(0, 99, A1, "too old"),
            line(0, 104, A1, "third"),
            line(0, 102, N1, "first"),
            line(0, 103, B1, "of another service"),
            line(0, 103, A1, "second"),
            line(0, 110, N1, "fourth"),
        ]);
        let lines = shown(&world, &wanted(&["web"], &[]), false, usize::MAX).await;
        assert_eq!(
            lines,
            [
                "aaaa1 nginx first",
                "aaaa1 app second",
                "aaaa1 app third",
                "aaaa1 nginx fourth"
            ]
        );
        // Two pages of one group, though there are three streams.
        assert_eq!(world.count("FilterLogEvents"), 2);
    });
}

#[test]
fn a_task_is_found_by_the_beginning_of_its_id() {
    paused(async {
        let world = World::new(vec![line(0, 103, B1, "job"), line(0, 104, A1, "web")]);
        let lines = shown(&world, &wanted(&[], &["bbb"]), false, usize::MAX).await;
        assert_eq!(lines, ["bbbb1 app job"]);
        let ecs = Ecs::new(&*world);
        let book = Book::open(&wanted(&[], &["bbbb1", "ffff"]), &ecs)
            .await
            .unwrap();
        assert_eq!(
            book.problems,
            ["there is no task ffff, or it ended more than an hour ago, in the cluster main"]
        );
        assert_eq!(book.streams().len(), 2);
        let why = book.unread.iter().next().unwrap();
        assert_eq!(
            why,
            "dumb has no logConfiguration: its output stays on its machine"
        );
    });
}

#[test]
fn new_tasks_are_followed_and_late_lines_are_told_once() {
    let lines = || {
        vec![
            line(0, 1_000, A1, "one"),
            line(5, 6_000, A1, "two"),
            // Shown after what came later.
            line(8, 5_500, N1, "late"),
            line(21, 21_000, B1, "of another service"),
            line(21, 21_500, A2, "a new task"),
            line(60, 61_000, A2, "four"),
            line(60, 61_000, A1, "five"),
        ]
    };
    let expected = [
        "aaaa1 app one",
        "aaaa1 app two",
        "aaaa1 nginx late",
        "aaaa2 app a new task",
        "aaaa2 app four",
        "aaaa1 app five",
    ];
    for fails in [usize::MAX, 3, 4] {
        paused(async {
            let world = World::new(lines());
            let opened = wanted(&["web"], &[]);
            // The first calls are not followed, they are asked once.
            let ecs = Ecs::new(&*world);
            Book::open(&opened, &ecs).await.unwrap();
            world.fails.set(fails);
            let ecs_calls = world.calls.borrow().len();
            world.calls.borrow_mut().clear();
            assert!(ecs_calls < 6);
            let mut lines = followed(&world, &opened).await;
            let mut expected = expected.map(str::to_owned);
            if fails != usize::MAX {
                // A look that failed may bring a late line and a later one together.
                lines.sort_unstable();
                expected.sort_unstable();
            }
            assert_eq!(lines, expected, "every {fails}");
            if fails == usize::MAX {
                // Others are asked for once.
                assert!(world.count("DescribeTasks") < 20);
            }
        });
    }
}

/// Everything of five minutes.
async fn followed(world: &Rc<World>, wanted: &Wanted) -> Vec<String> {
    let fails = world.fails.replace(usize::MAX);
    let ecs = Ecs::new(&**world);
    let book = Book::open(wanted, &ecs).await.unwrap();
    world.fails.set(fails);
    let calls_in = |_: &str| -> Rc<dyn Call> { world.clone() };
    let mut lines = Vec::new();
    let what = Read {
        since: 100,
        follow: true,
    };
    let mut each = |label: &entry::deploy::logs::Label, event: &entry::aws::LogEvent| {
        lines.push(format!(
            "{} {} {}",
            label.task, label.container, event.message
        ));
        true
    };
    let done = read(book, &what, &ecs, &calls_in, &mut each);
    let done = tokio::time::timeout(secs(300), done).await;
    assert!(done.is_err(), "{done:?}");
    lines
}

#[test]
fn whoever_has_seen_enough_ends_it() {
    paused(async {
        let world = World::new(vec![line(0, 103, A1, "one"), line(0, 104, A1, "two")]);
        let lines = shown(&world, &wanted(&["web"], &[]), true, 1).await;
        assert_eq!(lines, ["aaaa1 app one"]);
    });
}

/// What a container died of.
struct Last;

impl Call for Last {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        _: &'a str,
        input: Value,
        _: Instant,
    ) -> Pending<'a, Value> {
        assert_eq!((api.name(), operation), ("logs", "GetLogEvents"));
        let expected = json!({"logGroupName": "/app", "logStreamName": A1, "startFromHead": false, "limit": 2});
        assert_eq!(input, expected);
        Box::pin(async { Ok(json!({"events": [{"message": "a"}, {"message": "b"}]})) })
    }
}

#[test]
fn the_last_lines_are_one_call() {
    paused(async {
        let logs = Logs::new(Rc::new(Last));
        let stream = Stream {
            region: String::new(),
            group: "/app".to_owned(),
            prefix: "rails/".to_owned(),
            name: A1.to_owned(),
        };
        let lines = last_lines(&logs, &stream, 2).await.unwrap();
        assert_eq!(lines, ["a", "b"]);
    });
}
