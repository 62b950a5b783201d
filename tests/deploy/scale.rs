//! `entryctl scale`: the count and nothing else, never against what scales by itself.

use super::answers::{Answers, OverMoto, calls, error};
use super::loaded;
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::terminal::Terminal;
use crate::support::{Entry, Finished, binary};
use entry::aws::{Ecs, Kind};
use entry::deploy::scale::{End, Facts, Progress, Step, Wish, progress, request, steps, wait};
use serde_json::{Map, Value, json};
use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

const FILE: &str = "\
cluster: main
region: us-east-1
services:
  web: {taskDefinition: \"web:1\"}
  job: {taskDefinition: \"web:1\", autoscaled: true}
";

fn wish(service: &str, count: u32) -> Wish {
    Wish {
        service: service.to_owned(),
        count,
    }
}

fn step(from: u64, to: u32) -> Step {
    Step {
        service: "web".to_owned(),
        from,
        to,
    }
}

fn service(name: &str, desired: u64, running: u64) -> Map<String, Value> {
    let service = json!({"serviceName": name, "status": "ACTIVE", "desiredCount": desired,
        "runningCount": running, "pendingCount": 0});
    service.as_object().unwrap().clone()
}

fn facts(services: &[Map<String, Value>], scalable: &[&str]) -> Facts {
    let named = services.iter().map(|service| {
        let name = service["serviceName"].as_str().unwrap().to_owned();
        (name, service.clone())
    });
    let scalable: BTreeSet<String> = scalable.iter().map(ToString::to_string).collect();
    Facts {
        services: named.collect(),
        scalable: Ok(scalable),
    }
}

#[test]
fn a_count_is_set_where_nothing_else_sets_it() {
    let config = loaded(&[("deploy.yml", FILE)], None);
    let there = [service("web", 2, 2), service("job", 1, 1)];
    let known = facts(&there, &[]);
    let found = steps(&config, &[wish("web", 5)], &known, false).unwrap();
    assert_eq!(found, [step(2, 5)]);
    assert_eq!(
        Value::Object(request("main", &found[0])),
        json!({"cluster": "main", "service": "web", "desiredCount": 5})
    );
    // All that stands against it is told at once.
    let both = [wish("web", 5), wish("job", 5), wish("none", 1)];
    assert_eq!(
        steps(&config, &both, &facts(&there, &["web"]), false).unwrap_err(),
        [
            "web: it is a scalable target of Application Auto Scaling, which may undo this at once: give \
             --force if that is meant",
            "job: the file says that it is autoscaled, which may undo this at once: give --force if that is \
             meant",
            "none: not in the cluster main"
        ]
    );
    assert_eq!(
        steps(&config, &both[..2], &facts(&there, &["web"]), true)
            .unwrap()
            .len(),
        2
    );
    // Where AWS does not say, the file counts.
    let denied = Facts {
        scalable: Err("denied".to_owned()),
        ..known
    };
    assert!(steps(&config, &both[..1], &denied, false).is_ok());
    assert!(steps(&config, &both[1..2], &denied, false).is_err());
    let mut daemon = service("web", 2, 2);
    daemon.insert("schedulingStrategy".to_owned(), "DAEMON".into());
    assert_eq!(
        steps(&config, &both[..1], &facts(&[daemon], &[]), true).unwrap_err(),
        ["web: it has one task for each node"]
    );
    let mut going = service("web", 2, 2);
    going.insert("status".to_owned(), "DRAINING".into());
    assert_eq!(
        steps(&config, &both[..1], &facts(&[going], &[]), true).unwrap_err(),
        ["web: it is being deleted"]
    );
}

#[test]
fn progress_is_seen() {
    let step = step(2, 4);
    let mut pending = service("web", 4, 4);
    pending.insert("pendingCount".to_owned(), 1.into());
    let table = [
        (None, Progress::Gone),
        (Some(service("web", 4, 2)), Progress::Running(2)),
        (Some(service("web", 4, 5)), Progress::Running(5)),
        (Some(pending), Progress::Running(4)),
        (Some(service("web", 4, 4)), Progress::Done),
        (Some(service("web", 7, 4)), Progress::Other(7)),
    ];
    for (service, expected) in table {
        assert_eq!(progress(&step, service.as_ref(), true), expected);
    }
    let unsettled = |desired| progress(&step, Some(&service("web", desired, 2)), false);
    assert_eq!(unsettled(2), Progress::Running(2));
    assert_eq!(unsettled(7), Progress::Other(7));
}

/// Waits with answers of a function of the poll's number; what was told and how long it took.
fn waited(answer: impl Fn(u64) -> Option<(u64, u64)>) -> (End, Vec<String>, Duration) {
    let polls = Cell::new(0);
    let answers = Answers::new(|action: &str, _: &Value| {
        polls.set(polls.get() + 1);
        match answer(polls.get()) {
            Some((desired, running)) => Ok(json!({"services": [service("web", desired, running)]})),
            None => Err(error(Kind::Unavailable, action, "X")),
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let told = RefCell::new(Vec::new());
        let began = tokio::time::Instant::now();
        let tell = |line: &str| told.borrow_mut().push(line.to_owned());
        let limit = Duration::from_mins(10);
        let end = wait("main", &[step(2, 4)], &Ecs::new(&answers), limit, &tell).await;
        (end, told.take(), began.elapsed())
    })
}

#[test]
fn a_wait_ends_when_all_run() {
    let (end, told, _) = waited(|poll| match poll {
        1 | 2 => Some((4, 2)),
        3 => None,
        4 => Some((4, 3)),
        _ => Some((4, 4)),
    });
    assert_eq!(end, End::Done);
    assert_eq!(told[0], "web: 2 of 4 tasks run");
    assert!(told[1].contains("the service is out of order"), "{told:?}");
    assert_eq!(told[2..], ["web: 3 of 4 tasks run"]);
}

#[test]
fn a_wait_ends_in_time_and_when_another_count_is_asked_for() {
    let (end, told, took) = waited(|_| Some((4, 2)));
    assert_eq!(end, End::Late(vec!["web: 2 of 4 tasks run".to_owned()]));
    assert_eq!(told.len(), 1);
    assert!(took <= Duration::from_mins(10) && took > Duration::from_mins(9));
    let (end, _, _) = waited(|poll| Some((if poll > 2 { 9 } else { 4 }, 2)));
    assert_eq!(
        end,
        End::Failed(vec!["web: somebody else asked for 9 tasks".to_owned()])
    );
}

/// What AWS shows right after a call may be from before it.
#[test]
fn the_count_of_before_is_nobody_else_s_wish() {
    let (end, told, _) = waited(|poll| match poll {
        1 | 2 => Some((2, 2)),
        3 => Some((4, 3)),
        _ => Some((4, 4)),
    });
    assert_eq!(end, End::Done);
    assert_eq!(told, ["web: 2 of 4 tasks run", "web: 3 of 4 tasks run"]);
    // Somebody who sets it back does not do so for a moment.
    let (end, _, took) = waited(|_| Some((2, 2)));
    assert_eq!(
        end,
        End::Failed(vec!["web: somebody else asked for 2 tasks".to_owned()])
    );
    assert!(took >= Duration::from_secs(30), "{took:?}");
}

fn entryctl(moto: &OverMoto, words: &[&str]) -> Entry {
    command(&moto.moto.url(), words)
}

fn command(url: &str, words: &[&str]) -> Entry {
    Entry::of(Command::new(binary("entryctl")))
        .file("deploy.yml", FILE)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("SHA", "0123abc")
        .args(words)
}

/// The command against moto, whose services run nothing.
#[test]
fn the_command_scales_moto_s_services() {
    let moto = OverMoto::start();
    let definition = json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "a", "memory": 64}]});
    moto.make("ecs:RegisterTaskDefinition", &definition);
    for name in ["web", "job"] {
        let service = json!({"cluster": "main", "serviceName": name, "taskDefinition": "web:1",
            "desiredCount": 2});
        moto.make("ecs:CreateService", &service);
    }
    let desired = |name: &str| {
        let body = json!({"cluster": "main", "services": [name]});
        moto.make("ecs:DescribeServices", &body)["services"][0]["desiredCount"].clone()
    };
    let ran = |words: &[&str]| -> Finished { entryctl(&moto, words).run() };
    let said = ran(&["scale", "web=4"]).expect(0);
    assert_eq!(said.stdout(), "web: 2 -> 4 tasks\n");
    assert_eq!((said.stderr().as_str(), desired("web")), ("", json!(4)));
    let said = ran(&["scale", "web=4", "--json"]).expect(0);
    let said: Value = serde_json::from_str(&said.stdout()).unwrap();
    assert_eq!(
        said,
        json!([{"service": "web", "from": 4, "to": 4, "changed": false}])
    );
    // Tasks are only stopped where somebody said so, and of all services or none.
    let said = ran(&["scale", "web=1"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: there is no terminal to ask at: give --yes\n"
    );
    let said = ran(&["scale", "web=1", "job=1", "--yes"]).expect(1);
    assert_eq!(
        said.stderr(),
        "entryctl: job: the file says that it is autoscaled, which may undo this at once: give --force if \
         that is meant\n"
    );
    assert_eq!(desired("web"), 4);
    ran(&["scale", "web=1", "job=1", "--yes", "--force"]).expect(0);
    assert_eq!((desired("web"), desired("job")), (json!(1), json!(1)));
    // Moto's tasks run at once.
    let said = ran(&["scale", "web=3", "--wait"]).expect(0);
    assert_eq!(said.stdout(), "web: 1 -> 3 tasks\n");
    for (words, code) in [
        (&["scale", "web"][..], 2),
        (&["scale", "web=many"], 2),
        (&["scale"], 2),
        (&["scale", "web=1", "web=2"], 1),
        (&["scale", "wbe=1"], 1),
    ] {
        ran(words).expect(code);
    }
    assert_eq!(desired("web"), 3);
}

#[test]
fn what_does_not_run_in_time_has_its_own_exit_code() {
    let server = FakeHttp::start(|request, _| {
        let target = &request.headers["x-amz-target"];
        match target.rsplit('.').next().unwrap() {
            "DescribeServices" => {
                let services = json!({"services": [service("web", 3, 1)]});
                Reply::json(200, services.to_string())
            }
            "DescribeScalableTargets" => Reply::error(400, "AccessDeniedException", "no"),
            other => panic!("{other}"),
        }
    });
    let words = ["scale", "web=3", "--wait", "--timeout", "1s"];
    let said = command(&server.url(), &words).run().expect(12);
    assert_eq!(said.stdout(), "web: 3 tasks already\n");
    let lines = said.stderr();
    let lines: Vec<&str> = lines.lines().collect();
    assert!(
        lines[0].starts_with(
            "entryctl: warning: whether services scale by themselves is taken from the file: \
             application-autoscaling:DescribeScalableTargets web: access denied"
        ),
        "{lines:?}"
    );
    assert_eq!(
        lines[1..],
        [
            "entryctl: web: 1 of 3 tasks run",
            "entryctl: not there after 1s: web: 1 of 3 tasks run"
        ]
    );
}

#[test]
fn a_terminal_is_asked() {
    let moto = OverMoto::start();
    let definition = json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "a", "memory": 64}]});
    moto.make("ecs:RegisterTaskDefinition", &definition);
    let service = json!({"cluster": "main", "serviceName": "web", "taskDefinition": "web:1",
        "desiredCount": 2});
    moto.make("ecs:CreateService", &service);
    for (answer, line) in [("\n", "nothing is changed"), ("y\n", "2 -> 1 tasks")] {
        let entry = entryctl(&moto, &["scale", "web=1"]);
        let (process, terminal) = Terminal::spawn(&entry.command);
        terminal
            .screen
            .wait_for_text("Scale web from 2 to 1 tasks? [y/N] ", 1);
        terminal.type_in(answer);
        terminal.screen.wait_for(line);
        drop(process);
    }
    assert_eq!(moto.counts(), calls([]));
}
