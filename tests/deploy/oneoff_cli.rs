//! `run`, `logs`, `tasks` and `stop` as commands: against moto, and against answers that moto does not give.

use crate::aws::store::{make, members, reply};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::Moto;
use crate::support::terminal::{CTRL_C, Terminal};
use crate::support::{Entry, Finished, binary, wait};
use serde_json::{Value, json};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

const ECS: &str = "AmazonEC2ContainerServiceV20141113";
const LOGS: &str = "Logs_20140328";

const FILE: &str = "\
cluster: main
region: us-east-1
tasks:
  web: {containerDefinitions: [{name: app, image: x, memory: 128}]}
services:
  web: {desired_count: 0}
";

fn entryctl(url: &str, file: &str, words: &[&str]) -> Entry {
    let mut entry = Entry::of(Command::new(binary("entryctl")))
        .file("deploy.yml", file)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SHA", "0123abc")
        .args(words);
    for name in ["GITHUB_RUN_ID", "CI_PIPELINE_ID"] {
        entry.command.env_remove(name);
    }
    entry
}

fn ran(url: &str, words: &[&str]) -> Finished {
    entryctl(url, FILE, words).run()
}

fn operation(request: &Request) -> String {
    let target = &request.headers["x-amz-target"];
    target.rsplit('.').next().unwrap().to_owned()
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// Moto with a service on Fargate. A task of it writes lines as soon as it is started.
struct Stage {
    moto: Arc<Moto>,
    proxy: FakeHttp,
}

const SAID: [&str; 3] = [
    "one",
    "\u{1b}[31mred\u{1b}[0m \u{1b}[2J\u{7} ümlaut",
    "three",
];

impl Stage {
    fn new(logs: bool) -> Stage {
        let moto = Arc::new(Moto::start());
        let seen = moto.clone();
        let proxy = FakeHttp::start(move |request, _| {
            if operation(request) != "RunTask" {
                return Reply::Forward(seen.address());
            }
            let mut body = members(request);
            // It does not know it.
            body.as_object_mut().unwrap().remove("clientToken");
            let answer = make(&seen.url(), &format!("{ECS}.RunTask"), &body);
            let task = answer["tasks"][0]["taskArn"].as_str().unwrap().to_owned();
            if logs {
                write(&seen, &task);
            }
            reply(&answer)
        });
        let stage = Stage { moto, proxy };
        stage.ecs("CreateCluster", &json!({"clusterName": "main"}));
        let mut container = json!({"name": "app", "image": "x", "memory": 128});
        if logs {
            container["logConfiguration"] = json!({"logDriver": "awslogs", "options": {
                "awslogs-group": "/app", "awslogs-region": "us-east-1", "awslogs-stream-prefix": "web"}});
            stage.logs("CreateLogGroup", &json!({"logGroupName": "/app"}));
        }
        let definition = json!({"family": "web", "containerDefinitions": [container]});
        stage.ecs("RegisterTaskDefinition", &definition);
        let service = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web:1",
            "desiredCount": 0, "launchType": "FARGATE"});
        stage.ecs("CreateService", &service);
        stage
    }

    fn ecs(&self, operation: &str, body: &Value) -> Value {
        make(&self.moto.url(), &format!("{ECS}.{operation}"), body)
    }

    fn logs(&self, operation: &str, body: &Value) -> Value {
        make(&self.moto.url(), &format!("{LOGS}.{operation}"), body)
    }

    fn run(&self, words: &[&str]) -> Finished {
        ran(&self.proxy.url(), words)
    }

    /// The members of the calls of an operation.
    fn asked(&self, name: &str) -> Vec<Value> {
        let requests = self.proxy.requests();
        let asked = requests.iter().filter(|request| operation(request) == name);
        asked.map(members).collect()
    }
}

fn write(moto: &Moto, task: &str) {
    let stream = format!("web/app/{}", task.rsplit('/').next().unwrap());
    let of = json!({"logGroupName": "/app", "logStreamName": stream});
    make(&moto.url(), &format!("{LOGS}.CreateLogStream"), &of);
    let at = now();
    let events: Vec<Value> = SAID
        .iter()
        .zip(0i64..)
        .map(|(line, number)| json!({"timestamp": at + number, "message": line}))
        .collect();
    let mut put = of;
    put["logEvents"] = events.into();
    make(&moto.url(), &format!("{LOGS}.PutLogEvents"), &put);
}

#[test]
fn a_one_off_s_output_is_the_pipe_s_byte_for_byte_and_is_found_again() {
    let stage = Stage::new(true);
    let said = stage
        .run(&["run", "--key", "k", "--", "rake", "a b", "--trace"])
        .expect(0);
    let expected = SAID.join("\n") + "\n";
    assert_eq!(said.stdout(), expected);
    let stderr = said.stderr();
    assert!(
        stderr.starts_with("entryctl: task ") && stderr.contains(" of web:1 is started\n"),
        "{stderr}"
    );
    let asked = stage.asked("RunTask");
    let overrides = &asked[0]["overrides"]["containerOverrides"];
    assert_eq!(
        overrides,
        &json!([{"name": "app", "command": ["rake", "a b", "--trace"]}])
    );
    assert_eq!(asked[0]["launchType"], "FARGATE");

    // The same key again is the same task, with its output; as is its log by its id, or as JSON.
    let again = entryctl(&stage.proxy.url(), FILE, &["run", "--key", "k", "--detach"]);
    let again = again.args(["--", "rake", "a b", "--trace"]).run().expect(0);
    assert_eq!(stage.asked("RunTask").len(), 1);
    let arn = again.stdout().trim().to_owned();
    assert!(
        again
            .stderr()
            .contains("did this already under the same key")
    );
    let id = arn.rsplit('/').next().unwrap();
    let said = stage.run(&["logs", &id[..8]]).expect(0);
    assert_eq!((said.stdout(), said.stderr()), (expected, String::new()));
    let said = stage
        .run(&["logs", &arn, "--json", "--container", "app"])
        .expect(0);
    let lines = said.stdout();
    let lines: Vec<Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines[1]["message"], SAID[1]);
    assert_eq!(
        (&lines[1]["task"], &lines[1]["container"]),
        (&id.into(), &"app".into())
    );

    // A terminal gets its colors, and nothing else that moves it.
    let entry = entryctl(&stage.proxy.url(), FILE, &["logs", id]);
    let (process, terminal) = Terminal::spawn(&entry.command);
    let shown = terminal.screen.wait_for("red");
    assert_eq!(
        shown.trim_end(),
        "\u{1b}[31mred\u{1b}[0m ^[[2J^G ümlaut\u{1b}[0m"
    );
    drop(process);
}

#[test]
fn tasks_are_listed_and_stopped() {
    let stage = Stage::new(false);
    let arn = stage.run(&["run", "--detach"]).expect(0).stdout();
    let arn = arn.trim();
    // A task that none of these wants.
    let other = json!({"family": "other", "containerDefinitions": [{"name": "app", "image": "x", "memory": 128}]});
    stage.ecs("RegisterTaskDefinition", &other);
    let run = json!({"cluster": "main", "taskDefinition": "other", "launchType": "FARGATE"});
    stage.ecs("RunTask", &run);
    let id = &arn.rsplit('/').next().unwrap()[..8];
    let said = stage.run(&["tasks"]).expect(0).stdout();
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(lines.len(), 2, "{said}");
    assert!(lines[0].starts_with("TASK"), "{said}");
    assert!(
        lines[1].starts_with(id) && lines[1].contains("web:1"),
        "{said}"
    );

    let said = stage.run(&["stop", id]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: nobody is here to ask: say --yes to stop them\n"
    );
    let said = stage.run(&["stop", "--yes", "ffffffffffff"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: there is no task ffffffffffff, or it ended more than an hour ago, in the cluster main\n"
    );
    assert_eq!(stage.asked("StopTask"), [] as [Value; 0]);
}

/// A task that runs until it is told to end, and then has no exit code, as of a machine that is gone.
fn endless() -> (FakeHttp, Arc<Mutex<bool>>) {
    let stopped = Arc::new(Mutex::new(false));
    let seen = stopped.clone();
    let definition = json!({"taskDefinitionArn": "arn:x:task-definition/web:1", "family": "web",
        "containerDefinitions": [{"name": "app"}]});
    let service = json!({"serviceName": "web", "status": "ACTIVE", "taskDefinition": "arn:x:task-definition/web:1"});
    let server = FakeHttp::start(move |request, _| {
        let status = if *seen.lock().unwrap() {
            "STOPPED"
        } else {
            "RUNNING"
        };
        let task = json!({"taskArn": "arn:x:task/main/0123456789", "taskDefinitionArn": "arn:x/web:1",
            "group": "service:web", "lastStatus": status, "desiredStatus": "RUNNING",
            "stoppedReason": "somebody stopped it", "containers": [{"name": "app"}]});
        match operation(request).as_str() {
            "DescribeServices" => reply(&json!({"services": [service]})),
            "DescribeTaskDefinition" => reply(&json!({"taskDefinition": definition})),
            "RunTask" | "DescribeTasks" => reply(&json!({"tasks": [task]})),
            "ListTasks" => reply(&json!({"taskArns": ["arn:x:task/main/0123456789"]})),
            "StopTask" => {
                if members(request)["reason"] != "entryctl was asked to stop it" {
                    *seen.lock().unwrap() = true;
                }
                reply(&json!({"task": task}))
            }
            other => panic!("{other}"),
        }
    });
    (server, stopped)
}

#[test]
fn ctrl_c_stops_a_one_off_and_the_second_one_leaves_it() {
    let (server, stopped) = endless();
    for leaves in [false, true] {
        *stopped.lock().unwrap() = false;
        let entry = entryctl(&server.url(), FILE, &["run", "--", "rake"]);
        let (mut process, terminal) = Terminal::spawn(&entry.command);
        terminal.screen.wait_for("task 0123456789: RUNNING");
        terminal.type_in(CTRL_C);
        terminal
            .screen
            .wait_for("stopping arn:x:task/main/0123456789");
        if leaves {
            terminal.type_in(CTRL_C);
            terminal
                .screen
                .wait_for("entryctl: left alone: arn:x:task/main/0123456789");
        } else {
            *stopped.lock().unwrap() = true;
            terminal.screen.wait_for(
                "entryctl: task 0123456789 was stopped: app has no exit code: somebody stopped it",
            );
        }
        let status = wait::exit(&mut process, &terminal.screen);
        assert_eq!(status.code(), Some(130));
    }
}

#[test]
fn a_timeout_is_124_and_a_task_that_does_not_start_125() {
    let (server, stopped) = endless();
    let said = ran(&server.url(), &["run", "--timeout", "1ms", "--json"]).expect(124);
    let lines = said.stdout();
    let last: Value = serde_json::from_str(lines.lines().last().unwrap()).unwrap();
    let expected = json!({"event": "ended", "task": "arn:x:task/main/0123456789", "exitCode": null,
        "reason": "somebody stopped it", "stopped": "timeout"});
    assert_eq!(last, expected);
    *stopped.lock().unwrap() = true;
    let said = ran(&server.url(), &["run"]).expect(125);
    assert!(
        said.stderr().ends_with(
            "entryctl: task 0123456789 did not run to its end: app has no exit code: somebody stopped it\n"
        ),
        "{}",
        said.stderr()
    );
}

#[test]
fn stopping_asks_first() {
    let (server, stopped) = endless();
    let asks = || {
        let entry = entryctl(&server.url(), FILE, &["stop", "0123"]);
        let (process, terminal) = Terminal::spawn(&entry.command);
        terminal.screen.wait_for_text("Stop 1 task? [y/N] ", 1);
        (process, terminal, entry)
    };
    let (mut process, terminal, _entry) = asks();
    terminal.type_in("\n");
    terminal.screen.wait_for("entryctl: nothing is stopped");
    assert_eq!(wait::exit(&mut process, &terminal.screen).code(), Some(1));
    assert!(!*stopped.lock().unwrap());
    let (mut process, terminal, _entry) = asks();
    terminal.type_in("y\n");
    terminal
        .screen
        .wait_for_text("arn:x:task/main/0123456789", 1);
    assert_eq!(wait::exit(&mut process, &terminal.screen).code(), Some(0));
    assert!(*stopped.lock().unwrap());
    // It has ended: nothing is left to stop.
    let said = ran(&server.url(), &["stop", "--yes", "0123"]).expect(0);
    assert_eq!(said.stderr(), "entryctl: task 01234567 has ended already\n");
}

#[test]
fn what_runs_is_named_or_asked_for() {
    let none = FakeHttp::start(|_, _| reply(&json!({"failures": [{"reason": "MISSING"}]})));
    let two = FILE.replace(
        "  web: {desired_count: 0}\n",
        "  web: {desired_count: 0}\n  job: {task: web}\n",
    );
    let table: [(&str, &[&str], &str); 5] = [
        (
            &two,
            &["run"],
            "deploy.yml: there are several services: name one with --service: web, job",
        ),
        (
            &two,
            &["run", "--service", "wep"],
            "deploy.yml: no service \"wep\", did you mean \"web\"? services: job, web",
        ),
        (
            &two,
            &["run", "--task", "wep"],
            "deploy.yml: no task \"wep\", did you mean \"web\"? tasks: web",
        ),
        (
            FILE,
            &["run"],
            "web is not in the cluster main: deploy it first",
        ),
        (
            FILE,
            &["logs", "wep"],
            "deploy.yml: \"wep\" is no service, and no id of a task, did you mean \"web\"? services: web",
        ),
    ];
    for (file, words, line) in table {
        let code = if words[0] == "run" { 125 } else { 1 };
        let said = entryctl(&none.url(), file, words).run().expect(code);
        assert_eq!(said.stderr(), format!("entryctl: {line}\n"), "{words:?}");
    }
}
