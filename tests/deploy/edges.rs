//! Deploys whose facts are easily taken for others: blindness is not a timeout, what failed is not what served, and
//! what was deregistered is not there to be used.

use super::fake::stage::exit;
use super::fake::{Fate, Fault, Stage, run};
use super::loaded;
use entry::aws::Kind;
use entry::deploy::guard::Stop;
use entry::deploy::plan::{Paint, Revision, Running, plan};
use serde_json::json;
use std::time::Duration;

const ONE: &str = "\
cluster: main
image: IMAGE
tasks: {web: {containerDefinitions: [{name: app, memory: 128}]}}
services: {web: {desired_count: 2}}
";

/// The poll that fails comes when the time of the tasks would be over.
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

/// Credentials that are over in the middle of a wait stay so, mostly.
#[test]
fn a_wait_that_may_see_nothing_any_more_ends_soon() {
    let blind = async |stage: &Stage, seconds: u64| {
        let other = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            stage.faults.set(|operation, _| match operation {
                "DescribeServices" => Fault::Refused(Kind::Expired),
                _ => Fault::None,
            });
            tokio::time::sleep(Duration::from_secs(seconds)).await;
            stage.faults.clear();
        };
        let began = tokio::time::Instant::now();
        let deploy = async {
            let done = stage.deploy(ONE, "app:2").await;
            (done, began.elapsed())
        };
        futures_util::future::join(deploy, other).await.0
    };
    run(async {
        let stage = Stage::with(ONE, "app:1").await;
        let fates = &stage.ecs.fates;
        fates.borrow_mut().insert("app:2".to_owned(), Fate::NoRoom);
        let (done, took) = blind(&stage, 600).await;
        let Err(stop @ Stop::Blind(_)) = &done else {
            panic!("{done:?}");
        };
        assert!(took < Duration::from_secs(90), "{took:?}");
        let said = stop.to_string();
        assert!(said.contains("the credentials have expired"), "{said}");
        assert!(
            said.ends_with("the same command again waits for it"),
            "{said}"
        );
        assert_eq!(exit(&done), 1);
        // And so it does.
        fates.borrow_mut().insert("app:2".to_owned(), Fate::Good);
        assert_eq!(exit(&stage.deploy(ONE, "app:2").await), 0);
        assert_eq!(stage.ecs.called("UpdateService").len(), 1);
    });
    // Who gets new ones in time goes on.
    run(async {
        let stage = Stage::with(ONE, "app:1").await;
        let (done, _) = blind(&stage, 40).await;
        assert_eq!(exit(&done), 0, "{done:?}");
    });
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
    let starts = "schedule: rate(1 day), role_arn: r";
    let nightly = |how: &str| format!("{TWO}scheduled_tasks: {{nightly: {{{how}, task: web}}}}\n");
    let lines = planned(&nightly(starts), 5, false).lines(Paint::Plain);
    assert!(lines.starts_with(registers), "{lines}");
    // What is to be deleted starts nothing, and neither does what is of another definition.
    let job = "job: {task: web, desired_count: 1}";
    let other = "}]}, job: {containerDefinitions: [{name: app, image: b, memory: 128}]}}";
    let rows = [
        (nightly("delete: true"), 5),
        (TWO.replace(job, "job: {task: web, delete: true}"), 4),
        (
            TWO.replace("}]}}", other)
                .replace(job, "job: {desired_count: 1}"),
            4,
        ),
    ];
    for (text, job) in rows {
        let lines = planned(&text, job, false).lines(Paint::Plain);
        assert!(
            lines.contains("task web: no change, web:5\n"),
            "{text}{lines}"
        );
    }
}
