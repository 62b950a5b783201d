//! `entryctl deploy`, killed at each kind of write, just before it and just after: the same command takes it up.

use super::command::{Said, command, entryctl};
use super::{Bed, bed};
use crate::support::fake_http::{FakeHttp, Reply, Request, forward};
use crate::support::http;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

const DEPLOY: [&str; 6] = ["deploy", "v1", "--env", "killed", "--timeout", "5m"];

/// What a request changes, if it changes anything.
fn change(request: &Request) -> Option<String> {
    if let Some(target) = request.headers.get("x-amz-target") {
        let operation = target.rsplit('.').next()?;
        let reads = ["Describe", "List", "Get", "BatchGet"];
        let reads = reads.iter().any(|word| operation.starts_with(word));
        return (!reads).then(|| operation.to_owned());
    }
    let mut folders = request.target.split(['/', '?']);
    let kind = folders.find(|name| matches!(*name, "locks" | "audit"))?;
    (request.method != "GET").then(|| format!("{} {kind}", request.method))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    Before,
    After,
}

/// Who is to be killed, and at what they were.
#[derive(Default)]
struct Killer {
    victim: Option<Pid>,
    done: BTreeSet<(String, When)>,
}

impl Killer {
    /// Whether this is a moment that nobody was killed at.
    fn strikes(&mut self, change: &str, when: When) -> bool {
        let moment = (change.to_owned(), when);
        if self.victim.is_none() || self.done.contains(&moment) {
            return false;
        }
        self.done.insert(moment);
        let victim = self.victim.take().unwrap();
        kill(victim, Signal::SIGKILL).unwrap();
        true
    }
}

/// The emulator, but for whoever is to be killed.
fn in_front_of(bed: &Bed, killer: &Arc<Mutex<Killer>>) -> FakeHttp {
    let (upstream, killer) = (bed.ministack.address(), killer.clone());
    FakeHttp::start(move |request, _| {
        let Some(change) = change(request) else {
            return Reply::Forward(upstream);
        };
        let gone = || Reply::Raw(Vec::new());
        if killer.lock().unwrap().strikes(&change, When::Before) {
            return gone();
        }
        let answer = forward(request, upstream).unwrap();
        if killer.lock().unwrap().strikes(&change, When::After) {
            return gone();
        }
        Reply::Raw(answer)
    })
}

/// Until it is killed, or ends.
fn once(bed: &Bed, url: &str, killer: &Arc<Mutex<Killer>>) -> Said {
    let mut command = command(bed, url, &DEPLOY);
    command.stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = {
        // Nothing is asked for before it is known whom to kill.
        let mut killer = killer.lock().unwrap();
        let child = command.spawn().unwrap();
        killer.victim = Some(Pid::from_raw(i32::try_from(child.id()).unwrap()));
        child
    };
    let said = Said::of(child.wait_with_output().unwrap());
    killer.lock().unwrap().victim = None;
    said
}

/// The migration's tasks, running or not.
fn migrations(bed: &Bed) -> Vec<Value> {
    let tasks = ["RUNNING", "STOPPED"].map(|status| bed.ministack.tasks(bed.cluster, status));
    let is_rake = |task: &Value| task["taskDefinitionArn"].to_string().contains("myapp-rake");
    tasks.concat().into_iter().filter(is_rake).collect()
}

#[test]
fn killed_at_any_write_it_is_taken_up_and_migrates_once() {
    let bed = bed("killed");
    http::put(bed.ministack.address(), "/killed", b"");
    let folder = bed.repository.join("examples/rails");
    let local = std::fs::read_to_string(folder.join("deploy.local.yml")).unwrap();
    let own = format!("cluster: killed\nstate: s3://killed/state\n{local}");
    std::fs::write(folder.join("deploy.killed.yml"), own).unwrap();
    let killer = Arc::new(Mutex::new(Killer::default()));
    let front = in_front_of(&bed, &killer);
    let kills = || killer.lock().unwrap().done.len();
    let last = loop {
        let before = kills();
        let said = once(&bed, &front.url(), &killer);
        if kills() == before {
            break said;
        }
        assert_eq!(said.code, None, "{}{}", said.stdout, said.stderr);
        // As its owner would; else the lock ends by itself, after two minutes.
        let words = ["unlock", "--force", "--env", "killed"];
        entryctl(&bed, &words).ended(0);
    };
    // ECS may have gone on by itself after the last kill.
    last.ended(0);
    let is_done = ["service web: deployed", "nothing to change"];
    let is_done = is_done.iter().any(|text| last.stdout.contains(text));
    assert!(is_done, "{}{}", last.stdout, last.stderr);
    let moments: Vec<String> = killer
        .lock()
        .unwrap()
        .done
        .iter()
        .map(|(change, when)| format!("{when:?} {change}"))
        .collect();
    let kinds = [
        "CreateService",
        "PUT audit",
        "PUT locks",
        "RegisterTaskDefinition",
        "RunTask",
    ];
    let expected = kinds.map(|kind| ["Before", "After"].map(|when| format!("{when} {kind}")));
    assert_eq!(moments, expected.concat());

    let ran = migrations(&bed);
    assert_eq!(ran.len(), 1, "{ran:#?}");
    assert_eq!(ran[0]["containers"][0]["exitCode"], 0);
    let lines = bed.ministack.said(&ran[0]["taskArn"]);
    let migrated = lines.concat().matches("CreateVisits: migrated").count();
    assert_eq!(migrated, 1, "{lines:?}");
    let service = bed.ministack.service(bed.cluster, "web");
    assert_eq!(service["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(service["runningCount"], 2);
    let shown = entryctl(&bed, &["lock", "--show", "--env", "killed"]);
    assert_eq!(shown.ended(0).stdout, "lock killed: free\n");
    entryctl(&bed, &DEPLOY).ended(0).shows("nothing to change");
}
