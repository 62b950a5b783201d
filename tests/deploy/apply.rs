//! `entryctl deploy` in this process: what it sends, what it waits for, and how it ends.

use super::fake::stage::{FILE, exit};
use super::fake::{Fate, Fault, Stage, run};
use super::loaded;
use entry::aws::Kind;
use entry::deploy::apply::{code, only};
use entry::deploy::guard::Stop;
use entry::deploy::verdict::{Outcome, Waiting};
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// One service, and nothing around it.
const ONE: &str = "\
cluster: main
image: IMAGE
tasks: {web: {containerDefinitions: [{name: app, memory: 128}]}}
services: {web: {desired_count: 2}}
";

async fn after(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

#[test]
fn a_deploy_is_told_from_beginning_to_end() {
    run(async {
        let stage = Stage::with(FILE, "app:1").await;
        let done = stage.deploy(FILE, "app:2").await.unwrap();
        assert_eq!(done.outcomes.len(), 2);
        let text = stage.events.text();
        let (_, rest) = text
            .split_once("4 task definitions to register, 2 services to update\n")
            .unwrap();
        let deployments = |text: &str| {
            let mut out = String::new();
            for line in text.lines() {
                let line = line.split(", deployment").next().unwrap();
                writeln!(out, "{line}").unwrap();
            }
            out
        };
        assert_eq!(
            deployments(rest),
            "\
task web: registered web:2
task job: registered job:2
task rake: registered rake:2
task warm: registered warm:2
before: task rake: migrate
before: task rake: ended with 0
service web: updated to web:2
service web: 0 of 2 tasks run
service web: its tasks run, and ECS has not finished
service web: deployed
service job: updated to job:2
service job: 0 of 1 tasks run
service job: its tasks run, and ECS has not finished
service job: deployed
after: task warm: warm
after: task warm: ended with 0
"
        );
    });
}

/// Ten services a call, whatever their number; nothing is written where nothing changes.
#[test]
fn unchanged_services_are_not_touched() {
    let mut file = String::from("cluster: main\nimage: IMAGE\ntasks:\n");
    let names: Vec<String> = (0..25).map(|number| format!("s{number}")).collect();
    for name in &names {
        writeln!(
            file,
            "  {name}: {{containerDefinitions: [{{name: app, memory: 128}}]}}"
        )
        .unwrap();
    }
    file.push_str("services:\n");
    for name in &names {
        writeln!(file, "  {name}: {{desired_count: 1}}").unwrap();
    }
    run(async {
        let stage = Stage::new();
        let done = stage.deploy(&file, "app:1").await;
        assert_eq!(exit(&done), 0);
        let calls = stage.ecs.called("DescribeServices");
        let sizes: Vec<usize> = calls
            .iter()
            .map(|input| input["services"].as_array().unwrap().len())
            .collect();
        assert_eq!(sizes.len() % 3, 0, "{sizes:?}");
        let mut polls = sizes.chunks(3);
        assert!(
            polls.all(|poll| poll.iter().sum::<usize>() == 25),
            "{sizes:?}"
        );
        // 12 seconds in polls of 2 to 10 seconds, and the plan's.
        assert!((3..=8).contains(&(sizes.len() / 3)), "{sizes:?}");
        stage.ecs.calls.take();

        let done = stage.deploy(&file, "app:1").await.unwrap();
        assert_eq!(done.outcomes, []);
        assert_eq!(stage.ecs.writes(), 0);
        assert_eq!(stage.ecs.called("DescribeServices").len(), 3);
        assert_eq!(stage.ecs.calls.borrow().len(), 3 + 25);
    });
}

/// What the plan does not show is not run: tasks after the services belong to a deploy of them.
#[test]
fn a_schedule_alone_runs_no_task_after_it() {
    let file = FILE.replace("cluster: main", "cluster: arn:aws:ecs:r:1:cluster/main")
        + "scheduled_tasks: {nightly: {schedule: rate(1 day), task: web, role_arn: \"arn:aws:iam::1:role/x\"}}\n";
    run(async {
        let stage = Stage::with(&file, "app:1").await;
        let done = stage.deploy(&file, "app:1").await.unwrap();
        assert_eq!(done.outcomes, []);
        let text = stage.events.text();
        assert!(text.contains("\n1 schedule to create\n"), "{text}");
        assert!(text.contains("schedule nightly: PutTargets\n"), "{text}");
        assert!(!text.contains("after: "), "{text}");
        let kept = &stage.bucket.all("/locks/")[0]["kept"];
        assert_eq!(*kept, json!({"services": []}));
    });
}

/// Each change has one record in the audit, with how it ended.
#[test]
fn every_change_is_in_the_audit_once() {
    run(async {
        let stage = Stage::with(FILE, "app:1").await;
        let before = stage.bucket.all("/audit/").len();
        stage.ecs.slow.set(5.0);
        stage.deploy(FILE, "app:2").await.unwrap();
        let records = stage.bucket.all("/audit/");
        let new: Vec<String> = records[before..]
            .iter()
            .map(|record| {
                assert_eq!(record["outcome"], "done", "{record}");
                format!(
                    "{} {}",
                    record["action"].as_str().unwrap(),
                    record["resource"].as_str().unwrap()
                )
            })
            .collect();
        let mut expected = vec![
            "ecs:RegisterTaskDefinition job",
            "ecs:RegisterTaskDefinition rake",
            "ecs:RegisterTaskDefinition warm",
            "ecs:RegisterTaskDefinition web",
            "ecs:RunTask rake",
            "ecs:RunTask warm",
            "ecs:UpdateService job",
            "ecs:UpdateService web",
        ];
        let mut new: Vec<&str> = new.iter().map(String::as_str).collect();
        new.sort_unstable();
        expected.sort_unstable();
        assert_eq!(new, expected);
        // The definition was not known at once: that is one change all the same.
        assert!(stage.ecs.called("RunTask").len() > 2);
    });
}

/// A circuit breaker at any moment: a deploy is well only if what serves in the end is its own.
#[test]
fn a_circuit_breaker_in_any_phase_is_no_success() {
    for rollouts in [true, false] {
        let mut codes = Vec::new();
        for tenths in (0..200).step_by(5) {
            run(async {
                let stage = Stage::with(ONE, "app:1").await;
                stage.ecs.breaker("web");
                stage.ecs.rollouts.set(rollouts);
                let at = f64::from(tenths) / 10.0;
                stage
                    .ecs
                    .fates
                    .borrow_mut()
                    .insert("app:2".to_owned(), Fate::BreaksAt(at));
                let done = stage.deploy(ONE, "app:2").await;
                let code = exit(&done);
                after(60.0).await;
                let expected = if stage.ecs.serves("web").0 == "app:2" {
                    0
                } else {
                    10
                };
                assert_eq!(code, expected, "{at} {rollouts} {done:?}");
                codes.push(code);
            });
        }
        assert!(codes.contains(&0) && codes.contains(&10), "{codes:?}");
    }
}

#[test]
fn another_deploy_in_the_middle_supersedes_it() {
    for seconds in [1.0, 4.0, 8.0, 11.0] {
        run(async {
            let stage = Stage::with(ONE, "app:1").await;
            // Known there, and never deployed by us.
            stage.deploy(ONE, "app:3").await.unwrap();
            stage.deploy(ONE, "app:1").await.unwrap();
            let other = async {
                after(seconds).await;
                stage.ecs.update("web", "app:3");
            };
            let deploy = stage.deploy(ONE, "app:2");
            let (done, ()) = futures_util::future::join(deploy, other).await;
            assert_eq!(exit(&done), 11, "{seconds}: {done:?}");
        });
    }
}

#[test]
fn scaling_in_the_middle_is_no_failure() {
    for (seconds, desired) in [(1.0, 5), (7.0, 4), (3.0, 1)] {
        run(async {
            let stage = Stage::with(ONE, "app:1").await;
            let scaled = async {
                after(seconds).await;
                stage.ecs.scale("web", desired);
            };
            let (done, ()) = futures_util::future::join(stage.deploy(ONE, "app:2"), scaled).await;
            assert_eq!(exit(&done), 0, "{done:?}");
            assert_eq!(stage.ecs.serves("web"), ("app:2".to_owned(), "COMPLETED"));
        });
    }
}

#[test]
fn tasks_that_do_not_start_end_it_early_with_their_reason_and_log() {
    run(async {
        let stage = Stage::with(FILE, "app:1").await;
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("app:2".to_owned(), Fate::Good);
        let file = FILE.replace(
            "web: {containerDefinitions: [{name: app",
            "web: {containerDefinitions: [{name: app, image: broken",
        );
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("broken".to_owned(), Fate::Crash(3));
        let done = stage.deploy(&file, "app:2").await;
        assert_eq!(exit(&done), 13);
        let text = stage.events.text();
        let said = "service web: 3 tasks: Essential container in task exited; app exited with 3 (";
        assert!(text.contains(said), "{text}");
        assert!(
            text.contains("  app | app of arn:aws:ecs:r:1:task-definition/web:2\n"),
            "{text}"
        );
        // The second wave never began, and `after` neither.
        assert_eq!(stage.ecs.serves("job").0, "app:1");
        assert_eq!(stage.ecs.ran("warm", "app:2"), 0);
        // The same again does not take the failed deployment for a success.
        let again = stage.deploy(&file, "app:2").await;
        assert_eq!(exit(&again), 13, "{again:?}");
    });
}

#[test]
fn rollback_goes_back_to_what_ran_before() {
    run(async {
        let mut stage = Stage::with(ONE, "app:1").await;
        stage.options.rollback = true;
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("app:2".to_owned(), Fate::Crash(1));
        let done = stage.deploy(ONE, "app:2").await;
        assert_eq!(exit(&done), 10, "{done:?}");
        assert_eq!(stage.ecs.serves("web"), ("app:1".to_owned(), "COMPLETED"));
        let text = stage.events.text();
        assert!(text.contains("service web: sent back to web:1"), "{text}");

        // A new service has nothing to go back to.
        let new = ONE.replace(
            "services: {",
            "services: {new: {task: web, desired_count: 1}, ",
        );
        let done = stage.deploy(&new, "app:2").await;
        assert_eq!(exit(&done), 13, "{done:?}");
    });
}

#[test]
fn without_room_it_waits_and_then_says_so() {
    run(async {
        let stage = Stage::with(ONE, "app:1").await;
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("app:2".to_owned(), Fate::NoRoom);
        let began = tokio::time::Instant::now();
        let done = stage.deploy(ONE, "app:2").await.unwrap();
        assert!(
            matches!(done.outcomes[0].1, Outcome::Timeout { .. }),
            "{done:?}"
        );
        assert!(began.elapsed() >= stage.options.limits.capacity);
        let told = stage.events.text();
        assert!(
            told.contains("service web: ECS: (service x) was unable to place a task"),
            "{told}"
        );
    });
}

/// Throttles and failures of polls are no verdict, in either direction.
#[test]
fn a_poll_that_fails_says_nothing() {
    for kind in [Kind::Throttled, Kind::Unavailable, Kind::Timeout] {
        for (fate, expected) in [(Fate::Good, 0), (Fate::Crash(1), 13)] {
            run(async {
                let stage = Stage::with(ONE, "app:1").await;
                stage
                    .ecs
                    .fates
                    .borrow_mut()
                    .insert("app:2".to_owned(), fate);
                let mut seen = 0;
                stage.faults.set(move |operation, _| {
                    let read = operation.starts_with("Describe") || operation.starts_with("List");
                    seen += usize::from(read);
                    // Not those of the plan: a while of silence, then some that answer.
                    let fails = (5..15).contains(&seen) || (seen > 15 && seen.is_multiple_of(3));
                    if read && fails {
                        Fault::Refused(kind)
                    } else {
                        Fault::None
                    }
                });
                let done = stage.deploy(ONE, "app:2").await;
                assert_eq!(exit(&done), expected, "{kind:?} {fate:?} {done:?}");
            });
        }
    }
}

#[test]
fn a_definition_that_is_not_known_yet_is_waited_for() {
    run(async {
        let stage = Stage::with(ONE, "app:1").await;
        stage.ecs.slow.set(4.0);
        let done = stage.deploy(ONE, "app:2").await;
        assert_eq!(exit(&done), 0);
        assert!(stage.ecs.called("UpdateService").len() > 1);
        // For one that stays unknown there is an end.
        stage.ecs.slow.set(1e9);
        let done = stage.deploy(ONE, "app:3").await;
        assert!(
            matches!(&done, Err(Stop::Aws(error)) if error.is("ClientException")),
            "{done:?}"
        );
    });
}

#[test]
fn a_migration_that_fails_changes_no_service() {
    run(async {
        let stage = Stage::with(FILE, "app:1").await;
        let file = FILE.replace(
            "rake: {containerDefinitions: [{name: app",
            "rake: {containerDefinitions: [{name: app, image: bad",
        );
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("bad".to_owned(), Fate::Crash(7));
        let stop = stage.deploy(&file, "app:2").await.unwrap_err();
        assert_eq!(stop.to_string(), "before: task rake ended with 7");
        assert_eq!(stage.ecs.called("UpdateService"), [] as [Value; 0]);
        let lock = &stage.bucket.all("/locks/")[0];
        assert_eq!(lock["released"], true);
        assert_eq!(lock["kept"], json!({"services": []}));
    });
}

/// The lock of one is in the way of the other, which takes over when it is free.
#[test]
fn two_deploys_come_one_after_the_other() {
    run(async {
        let mut stage = Stage::with(FILE, "app:1").await;
        let second = async {
            after(5.0).await;
            stage.deploy(FILE, "app:3").await
        };
        let (first, second) = Box::pin(futures_util::future::join(
            stage.deploy(FILE, "app:2"),
            second,
        ))
        .await;
        assert_eq!(exit(&first), 0);
        let said = second.unwrap_err().to_string();
        assert!(
            said.starts_with("lock main: held by ann@ci until "),
            "{said}"
        );
        assert_eq!(stage.ecs.serves("web").0, "app:2");

        stage.wait_lock = Duration::from_mins(5);
        let next = async {
            after(5.0).await;
            // Under the lock, for whoever scales its services.
            let kept = stage.bucket.all("/locks/")[0]["kept"].clone();
            assert_eq!(
                kept,
                json!({"cluster": "main", "services": ["web", "job"], "after": true})
            );
            stage.deploy(FILE, "app:4").await
        };
        let (first, next) = Box::pin(futures_util::future::join(
            stage.deploy(FILE, "app:3"),
            next,
        ))
        .await;
        assert_eq!((exit(&first), exit(&next)), (0, 0));
        assert_eq!(stage.ecs.serves("job").0, "app:4");
    });
}

/// Somebody forces the lock: what was begun is waited for, and nothing more is changed.
#[test]
fn without_its_lock_a_deploy_changes_nothing_more() {
    run(async {
        let stage = Stage::with(FILE, "app:1").await;
        // From then on every write to S3 finds another's.
        let thief = async {
            after(12.0).await;
            assert_eq!(stage.ecs.called("UpdateService").len(), 1);
            stage.faults.set(|operation, _| match operation {
                "PutObject" => Fault::Refused(Kind::Conflict),
                "GetObject" => Fault::Refused(Kind::NotFound),
                _ => Fault::None,
            });
        };
        // Longer than the lock.
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("app:2".to_owned(), Fate::NoRoom);
        let room = async {
            after(180.0).await;
            stage
                .ecs
                .fates
                .borrow_mut()
                .insert("app:2".to_owned(), Fate::Good);
        };
        let others = futures_util::future::join(thief, room);
        let (done, _) = futures_util::future::join(stage.deploy(FILE, "app:2"), others).await;
        assert!(matches!(done, Err(Stop::LockLost(_))), "{done:?}");
        assert_eq!(stage.ecs.called("UpdateService").len(), 1);
        assert_eq!(stage.ecs.serves("web").0, "app:2");
    });
}

#[test]
fn an_interrupted_deploy_gives_its_lock_back() {
    for seconds in [0.5, 4.0, 14.0, 30.0] {
        run(async {
            let stage = Stage::with(FILE, "app:1").await;
            let ctrl_c = async {
                after(seconds).await;
                stage.guard.borrow().interrupt();
            };
            let (done, ()) = futures_util::future::join(stage.deploy(FILE, "app:2"), ctrl_c).await;
            assert_eq!(done, Err(Stop::Interrupted), "{seconds}");
            assert_eq!(stage.bucket.all("/locks/")[0]["released"], true);
            let again = stage.deploy(FILE, "app:2").await;
            assert_eq!(exit(&again), 0);
            assert_eq!(stage.ecs.ran("rake", "app:2"), 1);
            assert_eq!(stage.ecs.ran("warm", "app:2"), 1);
        });
    }
}

#[test]
fn a_new_deployment_can_be_forced_and_zero_tasks_be_allowed() {
    run(async {
        let mut stage = Stage::with(ONE, "app:1").await;
        stage.options.force_new = true;
        let done = stage.deploy(ONE, "app:1").await.unwrap();
        assert_eq!(done.outcomes, [("web".to_owned(), Outcome::Success)]);
        let sent = stage.ecs.called("UpdateService");
        let expected = json!({"cluster": "main", "service": "web", "forceNewDeployment": true});
        assert_eq!(sent, [expected]);

        let scaled = ONE.replace("desired_count: 2", "desired_count: 2, autoscaled: true");
        stage.ecs.scale("web", 0);
        let done = stage.deploy(&scaled, "app:1").await;
        assert_eq!(exit(&done), 1, "{done:?}");
        stage.options.allow_zero = true;
        let done = stage.deploy(&scaled, "app:1").await;
        assert_eq!(exit(&done), 0, "{done:?}");
        let sent = stage.ecs.called("UpdateService");
        assert!(sent.iter().all(|input| input["desiredCount"].is_null()));
    });
}

/// It begins no deployment.
#[test]
fn another_number_of_tasks_is_waited_for() {
    run(async {
        let stage = Stage::with(ONE, "app:1").await;
        let more = ONE.replace("desired_count: 2", "desired_count: 4");
        stage.events.take();
        let done = stage.deploy(&more, "app:1").await;
        assert_eq!(exit(&done), 0, "{done:?}");
        let said = stage.events.text();
        assert!(said.contains("service web: 2 of 4 tasks run\n"), "{said}");
        stage
            .ecs
            .fates
            .borrow_mut()
            .insert("app:1".to_owned(), Fate::NoRoom);
        let most = ONE.replace("desired_count: 2", "desired_count: 9");
        let done = stage.deploy(&most, "app:1").await;
        assert_eq!(exit(&done), 12, "{done:?}");
        // What was told before is not told again.
        stage.events.take();
        let done = stage.deploy(ONE, "app:1").await;
        assert_eq!(exit(&done), 0, "{done:?}");
        let said = stage.events.text();
        assert!(!said.contains("unable to place"), "{said}");
    });
}

#[test]
fn a_service_is_deleted_only_if_that_is_meant() {
    run(async {
        let stage = Stage::with(FILE, "app:1").await;
        let file = FILE.replace("job: {desired_count: 1, wave: 2}", "job: {delete: true}");
        let stop = stage.deploy(&file, "app:2").await.unwrap_err();
        assert_eq!(
            stop.to_string(),
            "job would be deleted: say --yes if that is meant"
        );
        assert_eq!(stage.ecs.writes(), 0);
        assert!(stage.ecs.is_active("job"));
    });
}

/// A deploy leaves a deployment of others alone that goes on when nothing of the file is to change, but waits for it.
#[test]
fn a_deployment_that_goes_on_is_waited_for() {
    run(async {
        let mut stage = Stage::with(ONE, "app:1").await;
        stage.options.wait = false;
        stage.deploy(ONE, "app:2").await.unwrap();
        assert_eq!(stage.ecs.serves("web").1, "IN_PROGRESS");
        stage.options.wait = true;
        let done = stage.deploy(ONE, "app:2").await.unwrap();
        assert_eq!(done.outcomes, [("web".to_owned(), Outcome::Success)]);
        assert_eq!(stage.ecs.serves("web").1, "COMPLETED");
        assert_eq!(stage.ecs.called("UpdateService").len(), 1);
    });
}

#[test]
fn some_services_are_deployed_without_the_others() {
    let config = loaded(&[("deploy.yml", FILE)], None);
    let job = only(&config, &["job".to_owned()]).unwrap();
    let names: Vec<&str> = job.tasks.iter().map(|task| task.name.as_str()).collect();
    assert_eq!(names, ["job", "rake", "warm"]);
    assert_eq!(job.services.len(), 1);
    assert_eq!((&job.before, &job.after), (&config.before, &config.after));
    assert_eq!(only(&config, &[]).as_ref(), Ok(&config));
    let names = ["web".to_owned(), "jb".to_owned()];
    assert_eq!(only(&config, &names), Err("jb".to_owned()));
}

#[test]
fn the_worst_service_decides() {
    let outcomes = [
        Outcome::Success,
        Outcome::Superseded { by: String::new() },
        Outcome::RolledBack {
            reason: String::new(),
            causes: Vec::new(),
        },
        Outcome::Timeout {
            waiting: Waiting::Unseen,
            causes: Vec::new(),
        },
        Outcome::FailedStarts { causes: Vec::new() },
        Outcome::NotStarted,
    ];
    let expected = [0, 11, 10, 12, 13, 1];
    // Each outweighs all before it, in any order.
    for (most, expected) in expected.into_iter().enumerate() {
        let mut all: Vec<(String, Outcome)> = outcomes[..=most]
            .iter()
            .map(|outcome| ("web".to_owned(), outcome.clone()))
            .collect();
        assert_eq!(code(&all), expected);
        all.reverse();
        assert_eq!(code(&all), expected);
    }
    assert_eq!(code(&[]), 0);
}
