//! Ends of deployments that are easily taken for others: no room and blindness are not a timeout, a newer deployment
//! not a stop, what failed is not what served, and what was deregistered is not there to be used.

use super::fake::stage::exit;
use super::fake::{Fate, Fault, Stage, run};
use super::loaded;
use entry::aws::Kind;
use entry::deploy::guard::Stop;
use entry::deploy::plan::{Paint, Revision, Running, plan};
use entry::deploy::verdict::{
    Expected, Limits, Memory, Observation, Outcome, Rollout, Service, Targets, Verdict, Waiting,
    verdict,
};
use serde_json::{Value, json};
use std::time::Duration;

const ONE: &str = "\
cluster: main
image: IMAGE
tasks: {web: {containerDefinitions: [{name: app, memory: 128}]}}
services: {web: {desired_count: 2}}
";

/// Ours is `ecs-svc/2`, of `td/web:2`.
fn expected() -> Expected {
    Expected {
        deployment: "ecs-svc/2".to_owned(),
        definition: "arn:td/web:2".to_owned(),
        before: Some("arn:td/web:1".to_owned()),
        tasks: 0,
        allow_zero: false,
        until_paused: false,
        limits: Limits {
            timeout: Duration::from_mins(20),
            capacity: Duration::from_mins(15),
            failed_starts: 3,
        },
    }
}

/// A deployment: number, definition, status, state.
fn deployment((id, revision, status, state): (u32, u32, &str, &str)) -> Value {
    json!({"id": format!("ecs-svc/{id}"), "status": status, "taskDefinition": format!("arn:td/web:{revision}"),
        "rolloutState": state, "desiredCount": 2, "runningCount": 1, "createdAt": 100.0})
}

fn seen(deployments: &[(u32, u32, &str, &str)], events: &[&str], rollout: &str) -> Observation {
    let deployments: Vec<Value> = deployments.iter().copied().map(deployment).collect();
    let events = events.iter().enumerate().rev();
    let events: Vec<Value> = events
        .map(|(place, message)| json!({"id": format!("e{place}"), "createdAt": 101 + place, "message": message}))
        .collect();
    let service = json!({"serviceName": "web", "status": "ACTIVE", "desiredCount": 2,
        "deployments": deployments, "events": events});
    let service: Service = serde_json::from_value(service).unwrap();
    Observation::Seen {
        service: Box::new(service),
        stopped: Vec::new(),
        targets: Targets::Unknown,
        rollout: (!rollout.is_empty()).then(|| Rollout {
            status: rollout.to_owned(),
            definition: Some("arn:td/web:2".to_owned()),
            ..Rollout::default()
        }),
    }
}

/// The answer to the last of some polls, each at its minute.
fn polled(expected: &Expected, polls: &[(u64, &Observation)]) -> Verdict {
    let mut memory = Memory::default();
    let mut last = Verdict::Wait(Waiting::Unseen);
    for (minute, poll) in polls {
        (last, memory) = verdict(expected, poll, memory, Duration::from_mins(*minute));
    }
    last
}

fn outcome(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::End(outcome) => outcome,
        Verdict::Wait(waiting) => panic!("it waits: {waiting}"),
    }
}

const GOING: [(u32, u32, &str, &str); 2] = [
    (2, 2, "PRIMARY", "IN_PROGRESS"),
    (1, 1, "ACTIVE", "COMPLETED"),
];
const UNABLE: &str = "(service web) was unable to place a task because no instance has room.";
const STARTED: &str = "(service web) has started 1 tasks: (task x).";

/// Nodes that come at last must not find that the time of the tasks is over.
#[test]
fn time_without_room_is_not_the_time_of_the_tasks() {
    let (full, room) = (
        seen(&GOING, &[UNABLE], ""),
        seen(&GOING, &[UNABLE, STARTED], ""),
    );
    let unknown = Observation::Unknown;
    let expected = expected();
    let waits = |polls: &[(u64, &Observation)]| {
        let verdict = polled(&expected, polls);
        assert!(matches!(verdict, Verdict::Wait(_)), "{verdict:?}");
    };
    // From minute 10 to 24 there is no room.
    let until = [(9, &room), (10, &full), (23, &full)];
    // A poll that fails after the timeout is none.
    waits(&[&until[..], &[(23, &unknown)]].concat());
    // A task is started: ten minutes of its twenty are left.
    waits(&[&until[..], &[(24, &room)]].concat());
    waits(&[&until[..], &[(24, &room), (33, &room)]].concat());
    let over = polled(
        &expected,
        &[&until[..], &[(24, &room), (34, &room)]].concat(),
    );
    assert_eq!(outcome(over).code(), 12);
    // Room has its own end,
    let over = polled(&expected, &[&until[..], &[(25, &full)]].concat());
    assert_eq!(outcome(over).code(), 12);
    // and one that comes and goes makes nothing endless: fifteen minutes and twenty are all.
    let flaps: Vec<(u64, &Observation)> = (0..18)
        .map(|pair| (pair * 2, if pair % 2 == 0 { &full } else { &room }))
        .collect();
    waits(&flaps[..17]);
    let over = polled(&expected, &[&flaps[..], &[(36, &room)]].concat());
    assert_eq!(outcome(over).code(), 12);
    let over = polled(&expected, &[(0, &room), (20, &unknown)]);
    assert_eq!(outcome(over).code(), 12);
}

/// The same in a deploy: the poll that fails comes when the time of the tasks would be over.
#[test]
fn a_poll_that_fails_while_there_is_no_room_ends_nothing() {
    run(async {
        let mut stage = Stage::with(ONE, "app:1").await;
        stage.options.limits.timeout = Duration::from_mins(2);
        let fates = &stage.ecs.fates;
        fates.borrow_mut().insert("app:2".to_owned(), Fate::NoRoom);
        let other = async {
            tokio::time::sleep(Duration::from_secs(150)).await;
            stage.faults.set(|operation, _| match operation {
                "DescribeServices" => Fault::Refused(Kind::Throttled),
                _ => Fault::None,
            });
            tokio::time::sleep(Duration::from_secs(40)).await;
            stage.faults.clear();
            fates.borrow_mut().insert("app:2".to_owned(), Fate::Good);
        };
        let (done, ()) = futures_util::future::join(stage.deploy(ONE, "app:2"), other).await;
        assert_eq!(exit(&done), 0, "{done:?}");
    });
}

/// AWS stops the record of a deployment whose place a newer one takes.
#[test]
fn a_stop_by_a_newer_deployment_is_no_stop() {
    let ours = seen(&GOING, &[], "");
    for status in ["STOPPED", "STOP_REQUESTED"] {
        let table = [
            (3, "superseded by arn:td/web:3", 11),
            (2, "superseded by ecs-svc/3", 11),
            (1, "rolled back: the service is back on arn:td/web:1", 10),
        ];
        for (revision, said, code) in table {
            let newer = [
                (3, revision, "PRIMARY", "IN_PROGRESS"),
                (2, 2, "ACTIVE", "IN_PROGRESS"),
            ];
            let newer = seen(&newer, &[], status);
            let found = outcome(polled(&expected(), &[(0, &ours), (1, &newer)]));
            assert_eq!(
                (found.to_string().as_str(), found.code()),
                (said, code),
                "{status}"
            );
        }
        let alone = outcome(polled(&expected(), &[(0, &seen(&GOING, &[], status))]));
        assert_eq!(alone, Outcome::Stopped, "{status}");
    }
}

/// New tasks of what ran already, or new settings for them, that ECS takes back.
#[test]
fn a_rollback_to_the_same_definition_is_one() {
    let same = Expected {
        before: Some("arn:td/web:2".to_owned()),
        ..expected()
    };
    let back = |state| {
        seen(
            &[(3, 2, "PRIMARY", "IN_PROGRESS"), (2, 2, "ACTIVE", state)],
            &[],
            "",
        )
    };
    let ours = seen(&GOING, &[], "");
    let found = outcome(polled(&same, &[(0, &ours), (1, &back("FAILED"))]));
    assert_eq!(found.code(), 10);
    let found = outcome(polled(&same, &[(0, &ours), (1, &back("IN_PROGRESS"))]));
    assert_eq!(found.code(), 11);
}

/// ECS goes back to what it has proven, and so it is what we go back to.
#[test]
fn what_failed_before_is_not_what_served() {
    // ECS's own way back from app:2 goes on.
    run(async {
        let stage = Stage::with(ONE, "app:1").await;
        stage.ecs.breaker("web");
        stage.ecs.rollouts.set(false);
        for image in ["app:2", "app:3"] {
            let fates = &stage.ecs.fates;
            fates.borrow_mut().insert(image.to_owned(), Fate::Crash(1));
            let done = stage.deploy(ONE, image).await;
            assert_eq!(exit(&done), 10, "{image}: {done:?}");
        }
    });
    // Two deployments go on, and neither has served yet.
    run(async {
        let mut stage = Stage::with(ONE, "app:1").await;
        let fates = &stage.ecs.fates;
        for image in ["app:2", "app:3", "app:4"] {
            fates.borrow_mut().insert(image.to_owned(), Fate::Crash(1));
        }
        stage.options.wait = false;
        stage.deploy(ONE, "app:2").await.unwrap();
        stage.deploy(ONE, "app:3").await.unwrap();
        stage.options.wait = true;
        stage.options.rollback = true;
        let done = stage.deploy(ONE, "app:4").await;
        assert_eq!(exit(&done), 10, "{done:?}");
        assert_eq!(stage.ecs.serves("web"), ("app:1".to_owned(), "COMPLETED"));
    });
}

/// One service cannot be updated, another of its wave does not start: that one goes back all the same.
#[test]
fn a_call_that_is_refused_keeps_nothing_from_going_back() {
    let two = ONE.replace(
        "services: {",
        "services: {job: {task: web, desired_count: 1}, ",
    );
    run(async {
        let mut stage = Stage::with(&two, "app:1").await;
        stage.options.rollback = true;
        let fates = &stage.ecs.fates;
        fates
            .borrow_mut()
            .insert("app:2".to_owned(), Fate::Crash(1));
        let mut updates = 0;
        stage.faults.set(move |operation, _| {
            updates += usize::from(operation == "UpdateService");
            match operation {
                "UpdateService" if updates == 2 => Fault::Refused(Kind::Denied),
                _ => Fault::None,
            }
        });
        let done = stage.deploy(&two, "app:2").await;
        assert!(
            matches!(&done, Err(Stop::Aws(error)) if error.kind == Kind::Denied),
            "{done:?}"
        );
        for service in ["web", "job"] {
            assert_eq!(stage.ecs.serves(service).0, "app:1", "{service}");
        }
        assert_eq!(stage.ecs.called("UpdateService").len(), 2);
    });
}

/// Two services of one definition, one of which runs a revision that was deregistered meanwhile.
#[test]
fn a_deregistered_revision_is_only_used_where_it_runs() {
    const TWO: &str = "\
cluster: main
tasks: {web: {containerDefinitions: [{name: app, image: a, memory: 128}]}}
services:
  web: {desired_count: 1}
  job: {task: web, desired_count: 1}
";
    let arn = |revision: u32| format!("arn:aws:ecs:r:1:task-definition/web:{revision}");
    let planned = |text: &str, job: u32, latest: bool| {
        let config = loaded(&[("deploy.yml", text)], None);
        let mut running = Running::default();
        for (name, revision) in [("web", 5), ("job", job)] {
            let service = json!({"serviceName": name, "status": "ACTIVE", "desiredCount": 1,
                "taskDefinition": arn(revision)});
            let service = service.as_object().cloned().unwrap();
            running.services.insert(name.to_owned(), service);
        }
        let revision = |number: u32, status: &str| {
            let mut definition = config.tasks[0].request.clone();
            definition.insert("status".to_owned(), status.into());
            Revision {
                arn: arn(number),
                definition,
            }
        };
        let mut known = vec![revision(5, "INACTIVE")];
        if latest {
            known.push(revision(7, "ACTIVE"));
        }
        running.definitions.insert("web".to_owned(), known);
        plan(&config, &running)
    };
    assert!(planned(TWO, 5, true).is_empty());
    let lines = planned(TWO, 4, false).lines(Paint::Plain);
    let registers =
        "task web: register, changed since web:5\n  ~ status: \"INACTIVE\" -> \"ACTIVE\"\n";
    assert!(lines.starts_with(registers), "{lines}");
    assert!(lines.ends_with("1 task definition to register, 2 services to update\n"));
    // One that can be started is there already.
    let lines = planned(TWO, 4, true).lines(Paint::Plain);
    assert!(lines.starts_with("task web: no change, web:7\n"), "{lines}");
    let before = format!("{TWO}before: [{{task: web, command: migrate}}]\n");
    assert!(!planned(&before, 5, false).is_empty());
}
