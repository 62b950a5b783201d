//! `entryctl autoscale run`, as processes, against moto.

use crate::aws::store::make;
use crate::support::guard::Guard;
use crate::support::lines::Lines;
use crate::support::moto::Moto;
use crate::support::{binary, http, repository, wait};
use nix::sys::signal::{Signal, kill};
use serde_json::{Value, json};
use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};

const FILE: &str = "
polling_interval: 1
state: s3://state/myapp
simple_scaling:
  - name: g
    cluster: c
    services:
      - {name: web, min_task_count: 1, max_task_count: 9, step: 1, idle_time: 1,
         upscale_triggers: [{alarm_name: up, state: ALARM}]}
";

/// A cluster with one service of one task, an alarm, and a bucket.
struct Account {
    moto: Moto,
    folder: tempfile::TempDir,
}

impl Account {
    fn new() -> Account {
        let account = Account {
            moto: Moto::start(),
            folder: tempfile::tempdir().unwrap(),
        };
        account.ecs("CreateCluster", &json!({"clusterName": "c"}));
        let container = json!({"name": "app", "image": "app", "memory": 64});
        let definition = json!({"family": "web", "containerDefinitions": [container]});
        account.ecs("RegisterTaskDefinition", &definition);
        // With a count at once, its deployment would never be complete.
        let service = json!({
            "cluster": "c", "serviceName": "web", "taskDefinition": "web", "desiredCount": 0,
        });
        account.ecs("CreateService", &service);
        account.scale(1);
        account.alarm_is("OK");
        http::put(account.moto.address(), "/state", b"");
        account.write(FILE);
        account
    }

    fn ecs(&self, operation: &str, body: &Value) -> Value {
        let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
        make(&self.moto.url(), &target, body)
    }

    fn scale(&self, count: u64) {
        let update = json!({"cluster": "c", "service": "web", "desiredCount": count});
        self.ecs("UpdateService", &update);
    }

    fn desired(&self) -> u64 {
        let input = json!({"cluster": "c", "services": ["web"]});
        let reply = self.ecs("DescribeServices", &input);
        reply["services"][0]["desiredCount"].as_u64().unwrap()
    }

    fn alarm_is(&self, state: &str) {
        let alarms = |operation: &str, body: &Value| {
            let target = format!("GraniteServiceVersion20100801.{operation}");
            make(&self.moto.url(), &target, body);
        };
        let alarm = json!({
            "AlarmName": "up", "MetricName": "m", "Namespace": "n", "Period": 60, "Threshold": 1.0,
            "EvaluationPeriods": 1, "Statistic": "Sum", "ComparisonOperator": "GreaterThanThreshold",
        });
        alarms("PutMetricAlarm", &alarm);
        let state = json!({"AlarmName": "up", "StateValue": state, "StateReason": "a test"});
        alarms("SetAlarmState", &state);
    }

    fn write(&self, text: &str) {
        // Whole at once, as who deploys a file would.
        let new = self.folder.path().join("new");
        fs::write(&new, text).unwrap();
        fs::rename(new, self.folder.path().join("a.yml")).unwrap();
    }

    fn start(&self, words: &[&str]) -> Scaler {
        let mut command = Command::new(binary("entryctl"));
        command.args(["autoscale", "run", "a.yml"]).args(words);
        self.spawn(command.env_clear())
    }

    fn place<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.current_dir(self.folder.path()).envs([
            ("AWS_ENDPOINT_URL", self.moto.url().as_str()),
            ("AWS_ACCESS_KEY_ID", "AKIDTEST"),
            ("AWS_SECRET_ACCESS_KEY", "canary"),
            ("AWS_REGION", "us-east-1"),
        ])
    }

    /// What a command that only reads prints.
    fn told(&self, word: &str) -> String {
        let mut command = Command::new(binary("entryctl"));
        command.args(["autoscale", word, "--config", "a.yml"]);
        let output = self.place(command.env_clear()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    fn spawn(&self, command: &mut Command) -> Scaler {
        self.place(command)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut process = Guard::spawn(command);
        let stdout = Lines::of(process.stdout.take().unwrap());
        let stderr = Lines::of(process.stderr.take().unwrap());
        Scaler {
            process,
            stdout,
            stderr,
        }
    }
}

/// A copy that runs; it ends with this value.
struct Scaler {
    process: Guard,
    stdout: Lines,
    stderr: Lines,
}

impl Scaler {
    fn signal(&self, signal: Signal) {
        kill(self.process.pid(), signal).unwrap();
    }

    /// Ends it, and returns what it said.
    fn stop(mut self, signal: Signal) -> (String, String) {
        self.signal(signal);
        let status = wait::exit(&mut self.process, &self.stderr);
        assert!(status.success(), "{status}: {}", self.stderr.so_far());
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        (text(self.stdout.rest()), text(self.stderr.rest()))
    }
}

/// The lease in the bucket; moto shows it to nobody without a name.
fn lease(account: &Account) -> Value {
    let address = account.moto.address();
    let who = "Credential=AKIDTEST/20260101/us-east-1/s3/aws4_request";
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "GET /state/myapp/locks/autoscale.json HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\
         authorization: AWS4-HMAC-SHA256 {who}, SignedHeaders=host, Signature=0\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).unwrap()
}

#[test]
fn it_scales_reloads_pauses_and_hands_over() {
    let account = Account::new();
    let first = account.start(&["--log", "json", "--emf"]);
    first.stderr.wait_for("\"leads\"");
    account.alarm_is("ALARM");
    let line = first.stderr.wait_for("1 → 2 tasks");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(line["event"], "action");
    assert_eq!(line["why"], "alarm up is ALARM");
    wait::until("the service has two tasks", || {
        (account.desired() >= 2).then_some(())
    });

    let second = account.start(&[]);
    second.stderr.wait_for("leads: it waits for the lease");

    let status = account.told("status");
    assert!(status.contains(" leads since 20"), "{status}");

    // It pauses, and what happens meanwhile waits.
    first.signal(Signal::SIGTSTP);
    first.stderr.wait_for("\"paused\"");
    account.alarm_is("OK");
    // What it may be about to set itself tells nothing of others.
    let set = if matches!(account.desired(), 5 | 6) {
        8
    } else {
        5
    };
    account.scale(set);
    first.signal(Signal::SIGCONT);
    first.stderr.wait_for("\"resumed\"");
    first.stderr.wait_for(&format!("somebody else set {set}"));

    // A bad file is told, a good one counts.
    account.write(&FILE.replace("idle_time", "idle_tiem"));
    first.signal(Signal::SIGHUP);
    first.stderr.wait_for("did you mean \\\"idle_time\\\"?");
    account.write(&FILE.replace("max_task_count: 9", "max_task_count: 4"));
    first.stderr.wait_for("\"reloaded\"");
    first.stderr.wait_for(&format!("{set} → 4 tasks"));
    wait::until("the service has four tasks", || {
        (account.desired() == 4).then_some(())
    });

    // A poll tells what it found, before what it did.
    first.stdout.wait_for("\"Desired\":4");
    let holder = lease(&account)["id"].clone();
    let (metrics, _) = first.stop(Signal::SIGTERM);
    second.stderr.wait_for("entryctl: it leads from now on");
    let metrics = metrics
        .lines()
        .map(|line| serde_json::from_str(line).unwrap());
    let metrics: Vec<Value> = metrics.collect();
    let polls = metrics
        .iter()
        .filter(|one| one.get("PollDuration").is_some());
    // Alarms and services, and once in a while no more: there is no node here.
    assert!(
        polls.clone().count() > 3 && polls.clone().all(|poll| poll["Calls"] == 2),
        "{metrics:?}"
    );
    let desired = metrics.iter().rev().find_map(|one| one["Desired"].as_u64());
    assert_eq!(desired, Some(4));

    let (stdout, stderr) = second.stop(Signal::SIGINT);
    assert_eq!(stdout, "");
    assert!(stderr.ends_with("entryctl: stopped\n"), "{stderr}");
    let last = lease(&account);
    assert_eq!(last["released"], true);
    assert_ne!(last["id"], holder);
    assert!(last["kept"]["services"][0]["memory"].is_object(), "{last}");
    assert!(!Path::new(account.folder.path()).join("new").exists());
}

#[test]
fn a_file_with_problems_or_without_state_is_told_at_once() {
    let account = Account::new();
    account.write("polling_interval: never\n");
    let mut bad = account.start(&[]);
    let status = wait::exit(&mut bad.process, &bad.stderr);
    assert_eq!(status.code(), Some(1));
    let told = String::from_utf8(bad.stderr.rest()).unwrap();
    assert!(
        told.starts_with("entryctl: a.yml:1:19: polling_interval: "),
        "{told}"
    );

    account.write(&FILE.replace("state: s3://state/myapp\n", ""));
    let alone = account.start(&[]);
    alone
        .stderr
        .wait_for("warning: without state in the file, two copies would both act");
    account.alarm_is("ALARM");
    alone
        .stderr
        .wait_for("entryctl: service c/web: 1 → 2 tasks: alarm up is ALARM");
    alone.stop(Signal::SIGTERM);

    // Whoever reads JSON gets nothing else, from the first line on.
    let alone = account.start(&["--log", "json"]);
    let line = alone.stderr.wait_for("two copies would both act");
    let line: Value = serde_json::from_str(&line).unwrap();
    assert_eq!(
        (&line["level"], &line["event"]),
        (&json!("warning"), &json!("configuration"))
    );
    alone.stop(Signal::SIGTERM);
}

/// `modes/autoscaler.yml`: signals that are no stop pass `entry` as they are.
#[test]
fn the_mode_runs_it_under_entry() {
    let account = Account::new();
    let config = account.folder.path().join("config");
    fs::create_dir(&config).unwrap();
    fs::write(config.join("autoscale.yml"), FILE).unwrap();
    let mut command = Command::new(binary("entry"));
    command
        .arg("--modes")
        .arg(repository("modes"))
        .arg("autoscaler");
    let programs = binary("entryctl").parent().unwrap().display().to_string();
    // The programs under test need not be for everybody.
    let variables = [("PATH", programs.as_str()), ("AUTOSCALER_USER", "root")];
    let mode = account.spawn(command.env_clear().envs(variables));
    mode.stderr.wait_for("\"leads\"");
    mode.stdout.wait_for("PollDuration");
    for (signal, event) in [
        (Signal::SIGTSTP, "\"paused\""),
        (Signal::SIGCONT, "\"resumed\""),
    ] {
        mode.signal(signal);
        mode.stderr.wait_for(event);
    }
    fs::write(
        config.join("autoscale.yml"),
        FILE.replace("max_task_count: 9", "max_task_count: 8"),
    )
    .unwrap();
    mode.signal(Signal::SIGHUP);
    mode.stderr.wait_for("\"reloaded\"");
    let (_, stderr) = mode.stop(Signal::SIGTERM);
    assert!(stderr.contains("\"stopped\""), "{stderr}");
    assert_eq!(lease(&account)["released"], true);
}
