//! Tasks that run once: what they say, how they end, and that they do run once.

use super::task_world::{ARN, Life, Limits, World, paused, run, run_limited, secs};
use crate::support::Entry;
use entry::aws::{AwsError, Kind};
use entry::deploy::oneoff::{
    Again, Error, Foreign, Repeat, Start, Stopped, Task, again, newest_foreign, started_by,
};
use entry::deploy::verdict::Deployment;
use serde_json::json;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;
use tokio::time::Instant as Clock;

const NAME: &str = "entryctl/work";

fn once(foreign: Option<Foreign>) -> Repeat {
    Repeat::Once {
        started_by: NAME.to_owned(),
        foreign,
    }
}

fn fails(kind: Kind, code: &str) -> AwsError {
    AwsError::new(kind, "aws:Call", "", format!("no ({code})"))
}

#[test]
fn a_task_is_run_with_its_output_and_its_exit_code() {
    paused(async {
        let world = World::new();
        world.life.borrow_mut().exit = Some(7);
        let (ended, shown) = run(&world, &Repeat::Always).await;
        let ended = ended.unwrap();
        assert_eq!(ended.code, Some(7));
        assert_eq!(
            ended.reason,
            "Essential container in task exited; app exited with 7"
        );
        assert_eq!(shown.output, "one\ntwo\n");
        assert_eq!(shown.statuses, ["PENDING", "RUNNING", "STOPPED"]);
        assert_eq!(shown.notes, [] as [String; 0]);
        assert_eq!(shown.start.unwrap().1, Start::New);
        let tasks = world.tasks.borrow();
        let request = &tasks[0].request;
        assert_eq!(request["taskDefinition"], ARN);
        let expected = json!([{"name": "app", "command": ["rake", "db:migrate"]}]);
        assert_eq!(request["overrides"]["containerOverrides"], expected);
        // Nothing is looked for that nobody wants.
        assert_eq!(world.count("ListTasks"), 0);
    });
}

/// Lines of all sizes and kinds; the most of them come at once, and after the end.
fn many() -> Vec<(Duration, String)> {
    let line = |number: u64| {
        let at = match number {
            0..40_000 => secs(4) + Duration::from_micros(number * 100),
            40_000..90_000 => secs(11),
            _ => secs(14),
        };
        let mut line = format!("{number} ümlaut \u{1b}[31mred\u{1b}[0m\t\u{7}");
        if number % 5_000 == 17 {
            let _ = write!(line, "{}", "x".repeat(200_000));
        }
        (at, line)
    };
    (0..100_000).map(line).collect()
}

fn text(lines: &[(Duration, String)]) -> String {
    lines.iter().map(|(_, line)| line.clone() + "\n").collect()
}

#[test]
fn a_hundred_thousand_lines_come_byte_for_byte() {
    let lines = many();
    let expected = text(&lines);
    paused(async {
        let world = World::new();
        world.life.borrow_mut().lines = lines;
        let (ended, shown) = run(&world, &Repeat::Always).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert_eq!(shown.output.len(), expected.len());
        assert!(shown.output == expected);
    });
}

/// A world whose task says these lines at these seconds, and ends so; and the lines.
fn saying<'l>(
    lines: impl IntoIterator<Item = (u64, &'l str)>,
    exit: i64,
) -> (Rc<World>, Vec<(Duration, String)>) {
    let lines = lines.into_iter();
    let lines: Vec<_> = lines
        .map(|(at, line)| (secs(at), line.to_owned()))
        .collect();
    let world = World::new();
    *world.life.borrow_mut() = Life {
        exit: Some(exit),
        lines: lines.clone(),
        ..Life::default()
    };
    (world, lines)
}

#[test]
fn what_comes_late_is_waited_for_until_entrys_last_line() {
    let said = Entry::new().oneoff(["true"]).run().expect(0).stderr();
    let [start, stop] = *said.lines().collect::<Vec<_>>() else {
        panic!("{said}");
    };
    let missing = "entry's last line did not come: the end of the output may be missing";
    // Its container ends after ten seconds.
    let table = [
        (vec![(25, "late"), (25, stop)], 0, vec![], 35),
        (vec![(11, "two"), (11, stop)], 0, vec![], 20),
        // What was killed has said no last line.
        (vec![(11, "two")], 137, vec![], 20),
        (vec![(11, "two")], 3, vec![missing], 45),
    ];
    for (last, exit, notes, within) in table {
        let all = [(4, start), (9, "one")].into_iter().chain(last);
        paused(async {
            let (world, lines) = saying(all, exit);
            let began = Clock::now();
            let (ended, shown) = run(&world, &Repeat::Always).await;
            assert_eq!(ended.unwrap().code, Some(exit));
            assert_eq!(shown.output, text(&lines));
            assert_eq!(shown.notes, notes);
            assert!(began.elapsed() < secs(within), "{:?}", began.elapsed());
        });
    }
}

#[test]
fn a_first_line_that_comes_late_is_shown_and_silence_is_told() {
    let silence = "no output came: there was none, or `entryctl logs TASK` shows it later";
    // Its container ends after ten seconds.
    let table = [
        (vec![(22, "late")], 0, vec![]),
        (vec![], 0, vec![silence]),
        (vec![], 137, vec![silence]),
    ];
    for (lines, exit, notes) in table {
        paused(async {
            let (world, lines) = saying(lines, exit);
            let (ended, shown) = run(&world, &Repeat::Always).await;
            assert_eq!(ended.unwrap().code, Some(exit));
            assert_eq!(shown.output, text(&lines));
            assert_eq!(shown.notes, notes);
        });
    }
}

#[test]
fn throttles_and_broken_calls_lose_no_line_and_double_none() {
    let lines = many();
    let expected = text(&lines);
    paused(async {
        let world = World::new();
        world.life.borrow_mut().lines = lines;
        *world.fault.borrow_mut() = Box::new(|operation, before| match operation {
            "GetLogEvents" if before % 3 == 0 => {
                Some(fails(Kind::Throttled, "ThrottlingException"))
            }
            "GetLogEvents" | "DescribeTasks" if before % 5 == 0 => {
                Some(fails(Kind::Unavailable, "InternalFailure"))
            }
            _ => None,
        });
        let (ended, shown) = run(&world, &Repeat::Always).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert!(shown.output == expected);
    });
}

#[test]
fn what_does_not_start_says_why_and_nothing_is_waited_for() {
    paused(async {
        let world = World::new();
        let reason =
            "CannotPullContainerError: pull image manifest has been retried 5 time(s): not found";
        *world.life.borrow_mut() = Life {
            exit: None,
            reason,
            lines: Vec::new(),
            ..Life::default()
        };
        let (ended, shown) = run(&world, &Repeat::Always).await;
        let ended = ended.unwrap();
        assert_eq!((ended.code, ended.reason.as_str()), (None, reason));
        assert_eq!(shown.statuses, ["PENDING", "STOPPED"]);
        assert_eq!(world.calls.borrow().last().unwrap(), "GetLogEvents");
    });
}

#[test]
fn whoever_asks_has_it_stopped_and_sees_its_last_words() {
    for limits in [
        Limits {
            asked_after: Some(secs(6)),
            timeout: None,
        },
        Limits {
            asked_after: None,
            timeout: Some(secs(6)),
        },
    ] {
        paused(async {
            let world = World::new();
            *world.life.borrow_mut() = Life {
                ends_at: secs(1000),
                lines: vec![(secs(4), "one".to_owned()), (secs(9), "bye".to_owned())],
                ..Life::default()
            };
            // ECS is out of order for a while.
            *world.fault.borrow_mut() = Box::new(|operation, before| {
                let fault = operation == "StopTask" && before % 2 == 0;
                fault.then(|| fails(Kind::Unavailable, "InternalFailure"))
            });
            let (ended, shown) = run_limited(&world, &Repeat::Always, limits).await;
            let ended = ended.unwrap();
            let why = if limits.timeout.is_some() {
                Stopped::Timeout
            } else {
                Stopped::Asked
            };
            assert_eq!((ended.code, ended.stopped), (Some(143), Some(why)));
            assert_eq!(shown.output, "one\nbye\n");
            let stops = world.count("StopTask");
            assert!((1..=2).contains(&stops), "{stops}");
        });
    }
}

#[test]
fn what_cannot_be_stopped_is_told_as_such() {
    paused(async {
        let world = World::new();
        world.life.borrow_mut().ends_at = secs(1000);
        *world.fault.borrow_mut() = Box::new(|operation, _| {
            (operation == "StopTask").then(|| fails(Kind::Denied, "AccessDeniedException"))
        });
        let limits = Limits {
            timeout: Some(secs(6)),
            ..Limits::default()
        };
        let (ended, _) = run_limited(&world, &Repeat::Always, limits).await;
        assert!(matches!(ended, Err(Error::NotStopped { .. })), "{ended:?}");
    });
}

/// Its machine is out of reach: ECS shows it as it was, for good.
#[test]
fn a_task_that_never_stops_is_not_waited_for_without_end() {
    let life = || Life {
        ends_at: secs(1_000_000),
        stops_in: secs(1_000_000),
        ..Life::default()
    };
    let limits = Limits {
        timeout: Some(secs(60)),
        ..Limits::default()
    };
    paused(async {
        let world = World::new();
        *world.life.borrow_mut() = life();
        let began = tokio::time::Instant::now();
        let (ended, _) = run_limited(&world, &once(None), limits).await;
        let said = ended.unwrap_err().to_string();
        assert!(said.ends_with("is connected"), "{said}");
        assert_eq!(world.count("StopTask"), 1);
        let took = began.elapsed();
        assert!(secs(660) <= took && took < secs(700), "{took:?}");
        // Whoever comes next waits for it as long, and starts nothing beside it.
        let (ended, shown) = run_limited(&world, &once(None), limits).await;
        assert!(matches!(ended, Err(Error::Stuck(_))), "{ended:?}");
        assert_eq!(shown.notes.len(), 1);
        assert_eq!(world.count("RunTask"), 1);
    });
}

#[test]
fn a_task_that_is_not_known_yet_is_no_task_that_is_gone() {
    paused(async {
        let world = World::new();
        world.unknown.set(secs(8));
        let (ended, shown) = run(&world, &Repeat::Always).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert_eq!(shown.output, "one\ntwo\n");

        let world = World::new();
        world.unknown.set(secs(100_000));
        let (ended, _) = run(&world, &Repeat::Always).await;
        assert!(matches!(ended, Err(Error::Forgotten(_))), "{ended:?}");
    });
}

#[test]
fn an_error_that_stays_is_no_end_of_the_task() {
    paused(async {
        let world = World::new();
        *world.fault.borrow_mut() = Box::new(|operation, before| {
            (operation == "DescribeTasks" && before > 4)
                .then(|| fails(Kind::Denied, "AccessDeniedException"))
        });
        let (ended, _) = run(&world, &Repeat::Always).await;
        let line = ended.unwrap_err().to_string();
        assert!(
            line.contains("runs on, but nothing is known of it"),
            "{line}"
        );

        // Its output may be denied, its exit code is not.
        let world = World::new();
        *world.fault.borrow_mut() = Box::new(|operation, _| {
            (operation == "GetLogEvents").then(|| fails(Kind::Denied, "AccessDeniedException"))
        });
        let (ended, shown) = run(&world, &Repeat::Always).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert_eq!(shown.output, "");
        assert!(shown.notes[0].starts_with("its output is not shown any more: "));
    });
}

#[test]
fn a_definition_of_just_now_is_waited_for() {
    paused(async {
        let world = World::new();
        *world.fault.borrow_mut() = Box::new(|operation, before| {
            (operation == "RunTask" && before < 3).then(|| {
                let detail = "TaskDefinition not found. (ClientException)";
                AwsError::new(Kind::Other, "ecs:RunTask", "", detail)
            })
        });
        let (ended, _) = run(&world, &Repeat::Always).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert_eq!(world.count("RunTask"), 4);
    });
}

#[test]
fn no_room_is_told() {
    paused(async {
        let world = World::new();
        *world.more.borrow_mut() = Box::new(|operation, _| {
            (operation == "RunTask")
                .then(|| json!({"tasks": [], "failures": [{"arn": "i", "reason": "RESOURCE:CPU"}]}))
        });
        let (ended, _) = run(&world, &Repeat::Always).await;
        assert_eq!(
            ended.unwrap_err().to_string(),
            "ECS started no task: RESOURCE:CPU (no instance has that much CPU left)"
        );
    });
}

/// Whatever call is the last one that its caller lives to make, the work is done once and seen whole.
#[test]
fn work_whose_caller_dies_at_any_call_is_done_once() {
    let mut calls = 0;
    for last in 0.. {
        let more = paused(async {
            let world = World::new();
            world.answered.set(last);
            let first = tokio::time::timeout(secs(600), run(&world, &once(None))).await;
            if first.is_ok() {
                return false;
            }
            world.answered.set(usize::MAX);
            // Minutes later, and within the hour: it may have ended meanwhile.
            let (ended, shown) = run(&world, &once(None)).await;
            assert_eq!(ended.unwrap().code, Some(0));
            assert_eq!(shown.output, "one\ntwo\n", "after {last} calls");
            assert_eq!(world.tasks.borrow().len(), 1, "after {last} calls");
            true
        });
        calls = last;
        if !more {
            break;
        }
    }
    assert!(calls > 10, "{calls}");
}

#[test]
fn what_failed_is_run_again_and_what_went_well_is_not() {
    paused(async {
        let world = World::new();
        world.life.borrow_mut().exit = Some(1);
        for runs in 1..=2 {
            let (ended, shown) = run(&world, &once(None)).await;
            assert_eq!(ended.unwrap().code, Some(1));
            assert_eq!(shown.start.unwrap().1, Start::New);
            assert_eq!(world.tasks.borrow().len(), runs);
        }
        world.life.borrow_mut().exit = Some(0);
        let (ended, _) = run(&world, &once(None)).await;
        assert_eq!(ended.unwrap().code, Some(0));
        let (ended, shown) = run(&world, &once(None)).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert_eq!(shown.output, "one\ntwo\n");
        assert_eq!(shown.start.unwrap().1, Start::Counted);
        assert_eq!(world.tasks.borrow().len(), 3);
        // Something else was deployed since: what it did may be undone.
        let foreign = Some(Foreign {
            id: "ecs-svc/9".to_owned(),
            created_at: world.now(),
        });
        let (_, shown) = run(&world, &once(foreign)).await;
        assert_eq!(shown.start.unwrap().1, Start::New);
    });
}

/// ECS keeps a token for a day, and a task for an hour after its end.
#[test]
fn an_answer_of_yesterday_is_no_new_task() {
    paused(async {
        let world = World::new();
        world.life.borrow_mut().exit = Some(1);
        let (ended, _) = run(&world, &once(None)).await;
        assert_eq!(ended.unwrap().code, Some(1));
        // The reply that its token got stays as it was: a task that begins. Its time is made long ago by the
        // clock of this machine, which the paused one does not move.
        world.age_replies(2.0 * 3600.0);
        tokio::time::sleep(secs(2 * 3600)).await;
        let (ended, shown) = run(&world, &once(None)).await;
        assert_eq!(ended.unwrap().code, Some(1));
        assert_eq!(shown.start.unwrap().1, Start::New);
        assert_eq!(world.tasks.borrow().len(), 2);
    });
}

#[test]
fn a_task_that_runs_is_joined_and_one_that_is_stopped_is_waited_for() {
    paused(async {
        let world = World::new();
        let task = world.had(NAME, Life::default(), secs(5));
        let join = Repeat::Join {
            started_by: NAME.to_owned(),
        };
        let (ended, shown) = run(&world, &join).await;
        assert_eq!(ended.unwrap().task, task);
        assert_eq!(shown.start.unwrap(), (task, Start::Joined));
        assert_eq!(shown.output, "one\ntwo\n");

        // It has ended: it is joined no more, since only a key of somebody's own says that once is enough.
        let (_, shown) = run(&world, &join).await;
        assert_eq!(shown.start.unwrap().1, Start::New);

        let world = World::new();
        world.life.borrow_mut().ends_at = secs(1000);
        let limits = Limits {
            timeout: Some(secs(6)),
            ..Limits::default()
        };
        // It dies as soon as it has asked ECS to stop it.
        world.answered.set(usize::MAX);
        let first = run_limited(&world, &join, limits);
        let first = tokio::time::timeout(secs(8), first).await;
        assert!(first.is_err());
        assert_eq!(world.count("StopTask"), 1);
        *world.life.borrow_mut() = Life::default();
        let (ended, shown) = run(&world, &join).await;
        assert_eq!(ended.unwrap().code, Some(0));
        assert!(shown.notes[0].ends_with("is being stopped: waiting for its end"));
        assert_eq!(shown.start.unwrap().1, Start::New);
    });
}

fn task(name: &str, created_at: f64, status: &str, exit: Option<i64>) -> Task {
    let value = json!({
        "taskArn": name, "startedBy": NAME, "createdAt": created_at, "lastStatus": status,
        "desiredStatus": if status == "STOPPED" { "STOPPED" } else { "RUNNING" },
        "containers": [{"name": "app", "exitCode": exit}, {"name": "side", "exitCode": 0}],
    });
    Task::read(value.as_object().cloned().unwrap())
}

#[test]
fn what_began_before_decides_whether_it_is_done_again() {
    let foreign = |created_at| {
        Some(Foreign {
            id: "ecs-svc/1".to_owned(),
            created_at,
        })
    };
    let runs = |found: &Again| matches!(found, Again::Run { .. });
    let done = |name: &str| Again::Done(name.to_owned());
    let join = |name: &str| Again::Join(name.to_owned());
    let good = task("good", 100.0, "STOPPED", Some(0));
    let bad = task("bad", 100.0, "STOPPED", Some(1));
    let lost = task("lost", 100.0, "STOPPED", None);
    let busy = task("busy", 50.0, "PENDING", None);
    let mut other = good.clone();
    other.started_by = "ecs-svc/1".to_owned();
    let mut stopping = task("stopping", 100.0, "RUNNING", None);
    stopping.desired_status = "STOPPED".to_owned();

    let decide = |foreign, tasks: &[&Task]| {
        let tasks: Vec<Task> = tasks.iter().map(|task| (*task).clone()).collect();
        again(&once(foreign), &tasks, "app", &[])
    };
    assert_eq!(decide(None, &[&good]), done("good"));
    assert_eq!(decide(foreign(99.0), &[&bad, &good]), done("good"));
    // It was deployed after it, or at the same time.
    assert!(runs(&decide(foreign(101.0), &[&good])));
    assert!(runs(&decide(foreign(100.0), &[&good])));
    for tasks in [&[] as &[&Task], &[&bad], &[&lost], &[&other]] {
        assert!(runs(&decide(None, tasks)), "{tasks:?}");
    }
    assert_eq!(decide(None, &[&good, &busy]), join("busy"));
    let waits = Again::Wait("stopping".to_owned());
    assert_eq!(decide(None, &[&stopping]), waits);

    // Where nobody said that once is enough, only what runs counts.
    let named = Repeat::Join {
        started_by: NAME.to_owned(),
    };
    assert!(runs(&again(
        &named,
        std::slice::from_ref(&good),
        "app",
        &[]
    )));
    assert_eq!(
        again(&named, std::slice::from_ref(&busy), "app", &[]),
        join("busy")
    );
    assert!(runs(&again(&Repeat::Always, &[busy], "app", &[])));

    // A token is that of the same attempt only.
    let token = |foreign, tasks: &[&Task], old: &[String]| {
        let tasks: Vec<Task> = tasks.iter().map(|task| (*task).clone()).collect();
        match again(&once(foreign), &tasks, "app", old) {
            Again::Run { token } => token,
            other => panic!("{other:?}"),
        }
    };
    let all = [
        token(None, &[], &[]),
        token(foreign(1.0), &[], &[]),
        token(None, &[&bad], &[]),
        token(None, &[&bad, &lost], &[]),
        token(None, &[], &["older".to_owned()]),
    ];
    for (place, one) in all.iter().enumerate() {
        assert_eq!(one.len(), 64);
        assert!(!all[..place].contains(one), "{place}");
    }
    assert_eq!(
        token(None, &[&bad, &lost], &[]),
        token(None, &[&lost, &bad], &[])
    );
}

#[test]
fn a_deployment_of_the_same_definition_undoes_nothing() {
    let one = |id: &str, definition: &str, created_at| Deployment {
        id: id.to_owned(),
        task_definition: definition.to_owned(),
        created_at,
        ..Deployment::default()
    };
    let all = [
        one("a", "web:1", 10.0),
        one("b", "web:2", 30.0),
        one("c", "job:1", 20.0),
    ];
    let targets = ["web:2".to_owned(), "job:2".to_owned()];
    let found = newest_foreign(&all, &targets);
    assert_eq!(found.unwrap().id, "c");
    assert_eq!(newest_foreign(&all[1..2], &targets), None);
    assert_eq!(newest_foreign(&[], &targets), None);
}

/// A deploy that is interrupted and made again, and one after something else ran in between.
#[test]
fn a_deploy_migrates_once_until_something_else_is_deployed() {
    paused(async {
        let world = World::new();
        let job = world.job();
        let one = |id: &str, definition: &str, created_at| Deployment {
            id: id.to_owned(),
            task_definition: definition.to_owned(),
            created_at,
            ..Deployment::default()
        };
        let targets = [ARN.to_owned()];
        let old = one("ecs-svc/1", "web:1", world.now() - 3600.0);
        let repeat =
            |place: &str, all: &[Deployment]| Repeat::once_a_deploy(place, &job, all, &targets);
        let start = async |repeat: Repeat| run(&world, &repeat).await.1.start.unwrap().1;
        assert_eq!(
            start(repeat("before 1", std::slice::from_ref(&old))).await,
            Start::New
        );
        let ours = one("ecs-svc/2", ARN, world.now());
        let half = [old.clone(), ours.clone()];
        assert_eq!(start(repeat("before 1", &half)).await, Start::Counted);
        assert_eq!(start(repeat("before 1", &[ours])).await, Start::Counted);
        // The same command at another place of the file is other work.
        assert_eq!(start(repeat("after 1", &half)).await, Start::New);
        // Somebody went back, and this deploys it again.
        let back = one("ecs-svc/3", "web:1", world.now());
        assert_eq!(start(repeat("before 1", &[back])).await, Start::New);
    });
}

#[test]
fn the_name_of_work_is_that_of_its_cluster_definition_container_and_command() {
    let name = |words: &[&str]| started_by(words);
    let job = paused(async { World::new().job() });
    let words = job.words();
    assert_eq!(words, ["main", ARN, "app", "rake", "db:migrate"]);
    assert_eq!(
        name(&words),
        name(&["main", ARN, "app", "rake", "db:migrate"])
    );
}
