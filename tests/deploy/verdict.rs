//! Every row of the outcome table, deployments as they go, and what must never be called a success.

use entry::deploy::verdict::{
    Container, Deployment, Event, Expected, Hook, Limits, Memory, Observation, Outcome, Rollout,
    Service, Stopped, Targets, Unhealthy, Verdict, Waiting, verdict,
};
use proptest::prelude::*;
use serde_json::json;
use std::time::Duration;

const OURS: &str = "ecs-svc/2";
const OLD: &str = "arn:td/web:1";
const NEW: &str = "arn:td/web:2";
const THIRD: &str = "arn:td/web:3";

fn expected() -> Expected {
    Expected {
        deployment: OURS.to_owned(),
        definition: NEW.to_owned(),
        before: Some(OLD.to_owned()),
        tasks: 0,
        allow_zero: false,
        until_paused: false,
        limits: Limits {
            timeout: Duration::from_mins(10),
            capacity: Duration::from_mins(20),
            failed_starts: 3,
        },
    }
}

/// `id status definition state running/desired`
fn deployment(text: &str) -> Deployment {
    let words: Vec<&str> = text.split_whitespace().collect();
    let [id, status, definition, state, counts] = words.as_slice() else {
        panic!("{text}");
    };
    let (running, desired) = counts.split_once('/').unwrap();
    Deployment {
        id: (*id).to_owned(),
        status: (*status).to_owned(),
        task_definition: (*definition).to_owned(),
        running_count: running.parse().unwrap(),
        desired_count: desired.parse().unwrap(),
        rollout_state: (*state != "-").then(|| (*state).to_owned()),
        created_at: 100.0,
        ..Deployment::default()
    }
}

#[derive(Clone, Debug)]
struct Seen {
    service: Service,
    stopped: Vec<Stopped>,
    targets: Targets,
    rollout: Option<Rollout>,
}

fn seen(deployments: &[&str]) -> Seen {
    let deployments: Vec<Deployment> = deployments.iter().map(|text| deployment(text)).collect();
    Seen {
        service: Service {
            status: "ACTIVE".to_owned(),
            desired_count: deployments.first().map_or(0, |first| first.desired_count),
            deployments,
            ..Service::default()
        },
        stopped: Vec::new(),
        targets: Targets::Unknown,
        rollout: None,
    }
}

impl Seen {
    fn event(mut self, at: f64, message: &str) -> Seen {
        let event = Event {
            created_at: at,
            message: message.to_owned(),
            ..Event::default()
        };
        self.service.events.insert(0, event);
        self
    }

    fn stopped(mut self, count: usize, code: &str, reason: &str) -> Seen {
        let first = self.stopped.len();
        self.stopped
            .extend((first..first + count).map(|number| Stopped {
                task_arn: format!("arn:task/main/{number:032x}"),
                started_by: OURS.to_owned(),
                stop_code: code.to_owned(),
                stopped_reason: reason.to_owned(),
                containers: vec![Container {
                    name: "app".to_owned(),
                    exit_code: (code == "EssentialContainerExited").then_some(1),
                    reason: None,
                }],
            }));
        self
    }

    fn targets(mut self, targets: Targets) -> Seen {
        self.targets = targets;
        self
    }

    fn rollout(mut self, status: &str, definition: &str) -> Seen {
        self.rollout = Some(Rollout {
            status: status.to_owned(),
            definition: Some(definition.to_owned()),
            ..Rollout::default()
        });
        self
    }

    fn observation(&self) -> Observation {
        Observation::Seen {
            service: Box::new(self.service.clone()),
            stopped: self.stopped.clone(),
            targets: self.targets.clone(),
            rollout: self.rollout.clone(),
        }
    }
}

/// The answer to the last of some polls, each at its minute.
fn at_minutes(expected: &Expected, polls: &[(u64, &Observation)]) -> Verdict {
    let mut memory = Memory::default();
    let mut last = Verdict::Wait(Waiting::Unseen);
    for (minute, poll) in polls {
        (last, memory) = verdict(expected, poll, memory, Duration::from_mins(*minute));
    }
    last
}

/// Verdicts of one poll after the other, ten seconds apart, until one ends it.
fn trace(expected: &Expected, polls: &[Seen]) -> Verdict {
    let mut memory = Memory::default();
    let mut last = None;
    for (number, poll) in (0u64..).zip(polls) {
        let now = Duration::from_secs(10 * number);
        let (verdict, next) = verdict(expected, &poll.observation(), memory, now);
        memory = next;
        let ends = matches!(verdict, Verdict::End(_));
        last = Some(verdict);
        if ends {
            break;
        }
    }
    last.unwrap()
}

fn once(poll: Seen) -> Verdict {
    trace(&expected(), &[poll])
}

#[track_caller]
fn ended(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::End(outcome) => outcome,
        Verdict::Wait(waiting) => panic!("it waits: {waiting}"),
    }
}

#[track_caller]
fn waits(verdict: &Verdict, said: &str) {
    match verdict {
        Verdict::Wait(waiting) => assert_eq!(waiting.to_string(), said),
        Verdict::End(outcome) => panic!("it ended: {outcome}"),
    }
}

fn ill(targets: u64) -> Targets {
    Targets::Unhealthy(Unhealthy {
        group: "web".to_owned(),
        targets,
        reason: "failed".to_owned(),
    })
}

const DONE: &str = "ecs-svc/2 PRIMARY arn:td/web:2 COMPLETED 2/2";
const GOING: &str = "ecs-svc/2 PRIMARY arn:td/web:2 IN_PROGRESS 1/2";
const BEFORE: &str = "ecs-svc/1 ACTIVE arn:td/web:1 COMPLETED 2/2";
const STARTED: &str = "(service web) has started 1 tasks: (task x).";
const UNABLE: &str = "(service web) was unable to place a task because no container instance met all \
    of its requirements.";

#[test]
fn completed_is_a_success_once_it_serves() {
    assert_eq!(ended(once(seen(&[DONE]))), Outcome::Success);
    assert_eq!(Outcome::Success.code(), 0);
    let healthy = seen(&[DONE]).targets(Targets::Healthy);
    assert_eq!(ended(once(healthy)), Outcome::Success);
    for (targets, says) in [
        (1, "1 target is not healthy in target group web: failed"),
        (2, "2 targets are not healthy in target group web: failed"),
    ] {
        waits(&once(seen(&[DONE]).targets(ill(targets))), says);
    }
    // The service may have been scaled meanwhile, up or down.
    let scaled = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 COMPLETED 2/9"]);
    assert_eq!(ended(once(scaled)), Outcome::Success);
    let gone = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 COMPLETED 0/2"]);
    waits(&once(gone), "0 of 2 tasks run");
    // It bakes.
    let bakes = seen(&[DONE]).rollout("IN_PROGRESS", NEW);
    waits(&once(bakes), "its tasks run, and ECS has not finished");
    let baked = seen(&[DONE]).rollout("SUCCESSFUL", NEW);
    assert_eq!(ended(once(baked)), Outcome::Success);
}

/// Another number of tasks alone begins no deployment, and the complete one stays complete.
#[test]
fn the_tasks_that_were_asked_for_must_run() {
    let more = Expected {
        tasks: 4,
        ..expected()
    };
    let of = |counts: &str, desired| {
        let mut poll = seen(&[&format!(
            "ecs-svc/2 PRIMARY arn:td/web:2 COMPLETED {counts}"
        )]);
        poll.service.desired_count = desired;
        poll
    };
    let at = |seconds, poll: &Seen| {
        let (memory, now) = (Memory::default(), Duration::from_secs(seconds));
        verdict(&more, &poll.observation(), memory, now).0
    };
    // AWS may be behind our call, and knows of no fourth task yet.
    for poll in [of("2/4", 4), of("2/2", 4), of("2/2", 2)] {
        waits(&at(0, &poll), "2 of 4 tasks run");
    }
    waits(&at(29, &of("2/2", 2)), "2 of 4 tasks run");
    waits(&at(60, &of("2/4", 4)), "2 of 4 tasks run");
    assert_eq!(ended(at(0, &of("4/4", 4))), Outcome::Success);
    // Somebody else asked for fewer, or more, meanwhile.
    assert_eq!(ended(at(30, &of("2/2", 2))), Outcome::Success);
    assert_eq!(ended(at(0, &of("5/9", 9))), Outcome::Success);
    let full = of("2/4", 4).event(101.0, UNABLE);
    waits(
        &at(60, &full),
        &format!("there is no room for a task: {UNABLE}"),
    );
}

#[test]
fn without_a_rollout_state_it_is_done_when_alone_and_whole() {
    let alone = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 - 2/2"]);
    assert_eq!(ended(once(alone)), Outcome::Success);
    let drains = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 - 2/2", BEFORE]);
    waits(&once(drains), "its tasks run, and ECS has not finished");
    let starts = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 - 1/2"]);
    waits(&once(starts), "1 of 2 tasks run");
}

#[test]
fn distinct_failed_starts_are_enough_to_know() {
    let why = "Essential container in task exited";
    let two = seen(&[GOING, BEFORE]).stopped(2, "EssentialContainerExited", why);
    waits(&once(two.clone()), "1 of 2 tasks run");
    // The same two again are no more than two.
    waits(
        &trace(&expected(), &[two.clone(), two.clone()]),
        "1 of 2 tasks run",
    );
    let three = two.stopped(
        1,
        "TaskFailedToStart",
        "CannotPullContainerError: pull image manifest has been retried 5 time(s)",
    );
    let outcome = ended(once(three));
    assert_eq!(outcome.code(), 13);
    let causes: Vec<String> = outcome.causes().iter().map(ToString::to_string).collect();
    assert_eq!(
        causes,
        [
            "2 tasks: Essential container in task exited; app exited with 1 \
             (00000000000000000000000000000000)",
            "1 task: CannotPullContainerError: pull image manifest has been retried 5 time(s) \
             (00000000000000000000000000000002)",
        ]
    );
}

#[test]
fn failed_starts_are_remembered_over_polls() {
    let why = "ResourceInitializationError: unable to pull secrets (request id 1a2b3c4d-0";
    let polls: Vec<Seen> = (0..3)
        .map(|number| {
            let mut poll = seen(&[GOING, BEFORE]).stopped(1, "TaskFailedToStart", "");
            poll.stopped[0].task_arn = format!("arn:task/main/{number}");
            poll.stopped[0].stopped_reason = format!("{why}{number})");
            poll
        })
        .collect();
    let outcome = ended(trace(&expected(), &polls));
    assert_eq!(outcome.code(), 13);
    assert_eq!(
        outcome.causes().len(),
        1,
        "one reason but for ids: {outcome:?}"
    );
    assert_eq!(outcome.causes()[0].tasks, 3);
}

/// Reasons are one but for ids and addresses, and for nothing else.
#[test]
fn reasons_are_told_apart() {
    for (one, other, causes) in [
        // An id of seven letters is one, and so is an address.
        ("no secret ab12cde", "no secret ab12cdf", 1),
        ("dial tcp 10.0.0.12:443", "dial tcp 10.0.0.13:443", 1),
        // A code, a word and its sign are none.
        ("app exited with 1", "app exited with 2", 2),
        ("no secret ab12cd", "no secret ab12ce", 2),
        ("registry unreachable", "registry unauthorized", 2),
        ("image (app)", "image (job)", 2),
    ] {
        let mut poll = seen(&[GOING, BEFORE]).stopped(3, "TaskFailedToStart", one);
        poll.stopped[2].stopped_reason = other.to_owned();
        let outcome = ended(once(poll));
        assert_eq!(outcome.causes().len(), causes, "{outcome:?}");
    }
}

/// They were tried again, and it came about.
#[test]
fn failed_starts_do_not_undo_a_success() {
    let done = seen(&[DONE]).stopped(5, "TaskFailedToStart", "why");
    assert_eq!(ended(once(done)), Outcome::Success);
}

#[test]
fn what_is_no_failed_start_does_not_count() {
    for (code, reason) in [
        (
            "ServiceSchedulerInitiated",
            "Scaling activity initiated by (deployment ecs-svc/2)",
        ),
        ("UserInitiated", "Task stopped by user"),
        ("SpotInterruption", "Host EC2 (instance i-0) terminated."),
        (
            "TaskFailedToStart",
            "Capacity is unavailable at this time. Please try again later",
        ),
        ("TaskFailedToStart", "RESOURCE:MEMORY"),
    ] {
        let poll = seen(&[GOING, BEFORE]).stopped(5, code, reason);
        waits(&once(poll), "1 of 2 tasks run");
    }
    let mut others = seen(&[GOING, BEFORE]).stopped(5, "TaskFailedToStart", "x");
    for task in &mut others.stopped {
        task.started_by = "ecs-svc/1".to_owned();
    }
    waits(&once(others), "1 of 2 tasks run");
    let ill = "Task failed ELB health checks in (target-group arn:tg)";
    let ill = seen(&[GOING, BEFORE]).stopped(3, "ServiceSchedulerInitiated", ill);
    assert_eq!(ended(once(ill)).code(), 13);
}

#[test]
fn a_circuit_breaker_that_rolls_nothing_back_is_a_failed_start() {
    let mut poll = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 FAILED 0/2", BEFORE]);
    poll.service.deployments[0].failed_tasks = 4;
    let reason = "ECS deployment circuit breaker: tasks failed to start.";
    poll.service.deployments[0].rollout_state_reason = Some(reason.to_owned());
    let outcome = ended(once(poll.clone()));
    assert_eq!(outcome.code(), 13);
    let said = outcome.causes()[0].to_string();
    assert_eq!(said, format!("4 tasks: {reason} (2)"));
    // What the tasks died of says more.
    let poll = poll.stopped(1, "EssentialContainerExited", "It exited");
    let causes: Vec<String> = ended(once(poll))
        .causes()
        .iter()
        .map(|cause| cause.reason.clone())
        .collect();
    assert_eq!(causes, ["It exited; app exited with 1"]);
}

/// AWS's numbers, and an emulator's text.
#[test]
fn times_are_read_as_they_come() {
    for (written, seconds) in [
        (json!(1_767_225_600.25), 1_767_225_600.25),
        (json!("2026-01-01T00:00:00.250000+00:00"), 1_767_225_600.0),
        (json!("yesterday"), 0.0),
        (json!(null), 0.0),
    ] {
        let read = json!({"id": OURS, "createdAt": written});
        let read: Deployment = serde_json::from_value(read).unwrap();
        assert!(
            (read.created_at - seconds).abs() < 0.001,
            "{written}: {read:?}"
        );
    }
}

#[test]
fn without_room_it_waits_with_a_time_of_its_own() {
    let no_room = seen(&[GOING, BEFORE]).event(101.0, UNABLE);
    waits(
        &once(no_room.clone()),
        &format!("there is no room for a task: {UNABLE}"),
    );
    // An event of before the deployment says nothing about it, and a started task ends it.
    let earlier = seen(&[GOING, BEFORE]).event(99.0, UNABLE);
    waits(&once(earlier), "1 of 2 tasks run");
    let started = no_room.clone().event(102.0, STARTED);
    waits(&once(started), "1 of 2 tasks run");

    let memory = Memory::default();
    let seconds = Duration::from_secs;
    let (_, memory) = verdict(&expected(), &no_room.observation(), memory, seconds(10));
    let (late, memory) = verdict(&expected(), &no_room.observation(), memory, seconds(1209));
    assert!(
        matches!(late, Verdict::Wait(Waiting::NoRoom { .. })),
        "{late:?}"
    );
    let (over, memory) = verdict(&expected(), &no_room.observation(), memory, seconds(1210));
    assert_eq!(ended(over).code(), 12);
    // Once there is room, its own time no longer counts.
    let room = seen(&[GOING, BEFORE]).observation();
    let (_, memory) = verdict(&expected(), &room, memory, seconds(20));
    assert_eq!(memory.no_room, None);
}

/// Nodes that come at last must not find that the time of the tasks is over.
#[test]
fn time_without_room_is_not_the_time_of_the_tasks() {
    let full = seen(&[GOING, BEFORE]).event(101.0, UNABLE);
    let room = full.clone().event(102.0, STARTED).observation();
    let (full, unknown) = (full.observation(), Observation::Unknown);
    let mut expected = expected();
    expected.limits.timeout = Duration::from_mins(20);
    expected.limits.capacity = Duration::from_mins(15);
    let waits = |polls: &[(u64, &Observation)]| {
        let verdict = at_minutes(&expected, polls);
        assert!(matches!(verdict, Verdict::Wait(_)), "{verdict:?}");
    };
    let is_late = |polls: &[(u64, &Observation)]| {
        assert_eq!(ended(at_minutes(&expected, polls)).code(), 12);
    };
    // From minute 10 to 24 there is no room.
    let until = [(9, &room), (10, &full), (23, &full)];
    // A poll that fails after the timeout is none.
    waits(&[&until[..], &[(23, &unknown)]].concat());
    // A task is started: ten minutes of its twenty are left.
    waits(&[&until[..], &[(24, &room)]].concat());
    waits(&[&until[..], &[(24, &room), (33, &room)]].concat());
    is_late(&[&until[..], &[(24, &room), (34, &room)]].concat());
    // Room has its own end,
    is_late(&[&until[..], &[(25, &full)]].concat());
    // and one that comes and goes makes nothing endless: fifteen minutes and twenty are all.
    let flaps: Vec<(u64, &Observation)> = (0..18)
        .map(|pair| (pair * 2, if pair % 2 == 0 { &full } else { &room }))
        .collect();
    waits(&flaps[..17]);
    is_late(&[&flaps[..], &[(36, &room)]].concat());
    is_late(&[(0, &room), (20, &unknown)]);
}

#[test]
fn back_on_the_earlier_definition_is_rolled_back() {
    let mut back = seen(&[
        "ecs-svc/3 PRIMARY arn:td/web:1 IN_PROGRESS 1/2",
        "ecs-svc/2 ACTIVE arn:td/web:2 FAILED 0/2",
    ]);
    let reason = "ECS deployment circuit breaker: tasks failed to start.";
    back.service.deployments[1].rollout_state_reason = Some(reason.to_owned());
    let outcome = ended(once(back));
    assert_eq!(
        (outcome.code(), outcome.to_string()),
        (10, format!("rolled back: {reason}"))
    );
    // And after it, when ours is gone and the service is as stable as can be.
    let gone = seen(&["ecs-svc/3 PRIMARY arn:td/web:1 COMPLETED 2/2"]);
    let outcome = ended(trace(&expected(), &[seen(&[GOING, BEFORE]), gone.clone()]));
    assert_eq!(
        outcome.to_string(),
        "rolled back: the service is back on arn:td/web:1"
    );
    for status in [
        "ROLLBACK_REQUESTED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_SUCCESSFUL",
        "ROLLBACK_FAILED",
    ] {
        let poll = seen(&[DONE]).rollout(status, NEW);
        assert_eq!(ended(once(poll)).code(), 10, "{status}");
    }
    let stopped = seen(&[GOING]).rollout("STOPPED", NEW);
    assert_eq!(ended(once(stopped)).code(), 1);
}

/// The reasons of the tasks come with it, in whichever phase it is rolled back.
#[test]
fn a_rollback_in_every_phase() {
    let back = seen(&["ecs-svc/3 PRIMARY arn:td/web:1 IN_PROGRESS 1/2"]);
    let why = "Essential container in task exited";
    let phases = [
        seen(&["ecs-svc/2 PRIMARY arn:td/web:2 IN_PROGRESS 0/2", BEFORE]),
        seen(&[GOING, BEFORE]).stopped(1, "EssentialContainerExited", why),
        seen(&["ecs-svc/2 PRIMARY arn:td/web:2 IN_PROGRESS 2/2", BEFORE]),
        seen(&["ecs-svc/2 PRIMARY arn:td/web:2 IN_PROGRESS 2/2"]).targets(ill(2)),
        seen(&[GOING, BEFORE]).event(101.0, UNABLE),
        seen(&[DONE]).rollout("IN_PROGRESS", NEW),
    ];
    for (number, _) in phases.iter().enumerate() {
        let mut polls = phases[..=number].to_vec();
        polls.push(back.clone());
        let outcome = ended(trace(&expected(), &polls));
        assert_eq!(outcome.code(), 10, "phase {number}");
        assert_eq!(outcome.causes().len(), usize::from(number > 0));
    }
}

#[test]
fn a_third_definition_supersedes() {
    let third = seen(&[
        "ecs-svc/4 PRIMARY arn:td/web:3 IN_PROGRESS 0/2",
        "ecs-svc/2 ACTIVE arn:td/web:2 IN_PROGRESS 1/2",
    ]);
    let outcome = ended(trace(&expected(), &[seen(&[GOING, BEFORE]), third]));
    assert_eq!(
        (outcome.code(), outcome.to_string()),
        (11, format!("superseded by {THIRD}"))
    );
    // Someone else's deployment of the same definition is not known to us.
    let same = seen(&["ecs-svc/5 PRIMARY arn:td/web:2 COMPLETED 2/2"]);
    let outcome = ended(trace(&expected(), &[seen(&[GOING]), same]));
    assert_eq!(
        (outcome.code(), outcome.to_string()),
        (11, "superseded by ecs-svc/5".to_owned())
    );
    // Nor is it a rollback where ours only started the same definition anew.
    let anew = Expected {
        before: Some(NEW.to_owned()),
        ..expected()
    };
    let same = seen(&["ecs-svc/5 PRIMARY arn:td/web:2 COMPLETED 2/2"]);
    assert_eq!(ended(trace(&anew, &[seen(&[GOING]), same])).code(), 11);
    let other = seen(&[DONE]).rollout("SUCCESSFUL", THIRD);
    assert_eq!(ended(once(other)).code(), 11);
    // A new service has nothing to go back to.
    let new = Expected {
        before: None,
        ..expected()
    };
    let old = seen(&["ecs-svc/3 PRIMARY arn:td/web:1 COMPLETED 2/2"]);
    assert_eq!(ended(trace(&new, &[seen(&[GOING]), old])).code(), 11);
}

/// AWS stops the record of a deployment whose place a newer one takes.
#[test]
fn a_stop_by_a_newer_deployment_is_no_stop() {
    let ours = seen(&[GOING, BEFORE]);
    for status in ["STOPPED", "STOP_REQUESTED"] {
        let table = [
            (THIRD, "superseded by arn:td/web:3", 11),
            (NEW, "superseded by ecs-svc/3", 11),
            (OLD, "rolled back: the service is back on arn:td/web:1", 10),
        ];
        for (definition, said, code) in table {
            let newer = format!("ecs-svc/3 PRIMARY {definition} IN_PROGRESS 1/2");
            let newer = seen(&[&newer, "ecs-svc/2 ACTIVE arn:td/web:2 IN_PROGRESS 1/2"]);
            let polls = [ours.clone(), newer.rollout(status, NEW)];
            let found = ended(trace(&expected(), &polls));
            let found = (found.to_string(), found.code());
            assert_eq!(found, (said.to_owned(), code), "{status}");
        }
        let alone = ended(once(ours.clone().rollout(status, NEW)));
        assert_eq!(alone, Outcome::Stopped, "{status}");
    }
}

/// New tasks of what ran already, or new settings for them, that ECS takes back.
#[test]
fn a_rollback_to_the_same_definition_is_one() {
    let same = Expected {
        before: Some(NEW.to_owned()),
        ..expected()
    };
    for (state, code) in [("FAILED", 10), ("IN_PROGRESS", 11)] {
        let older = format!("ecs-svc/2 ACTIVE arn:td/web:2 {state} 1/2");
        let back = seen(&["ecs-svc/3 PRIMARY arn:td/web:2 IN_PROGRESS 1/2", &older]);
        let found = ended(trace(&same, &[seen(&[GOING, BEFORE]), back]));
        assert_eq!(found.code(), code, "{state}");
    }
}

#[test]
fn a_deployment_that_is_not_there_yet_is_waited_for() {
    let old = seen(&["ecs-svc/1 PRIMARY arn:td/web:1 COMPLETED 2/2"]);
    waits(&once(old.clone()), "AWS does not show the deployment yet");
    waits(&once(seen(&[])), "AWS does not show the deployment yet");
    let polls = vec![old.clone(), old.clone(), seen(&[DONE])];
    assert_eq!(ended(trace(&expected(), &polls)), Outcome::Success);
    // To re-attach after a rollback is to learn of it, once half a minute has passed.
    waits(
        &trace(&expected(), &vec![old.clone(); 3]),
        "AWS does not show the deployment yet",
    );
    assert_eq!(ended(trace(&expected(), &vec![old; 4])).code(), 10);
}

#[test]
fn a_service_that_is_gone_ends_it_at_once() {
    let missing = Observation::Missing {
        reason: "MISSING".to_owned(),
    };
    let (found, _) = verdict(&expected(), &missing, Memory::default(), Duration::ZERO);
    assert_eq!(
        ended(found).to_string(),
        "there is no such service: MISSING"
    );
    for status in ["INACTIVE", "DRAINING"] {
        let mut poll = seen(&[DONE]);
        status.clone_into(&mut poll.service.status);
        let outcome = ended(once(poll));
        assert_eq!(outcome.code(), 1);
        assert_eq!(
            outcome.to_string(),
            format!("there is no such service: it is {status}")
        );
    }
}

#[test]
fn no_task_asked_for_is_no_start() {
    let zero = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 COMPLETED 0/0"]);
    let outcome = ended(once(zero.clone()));
    assert_eq!((&outcome, outcome.code()), (&Outcome::NotStarted, 1));
    let meant = Expected {
        allow_zero: true,
        ..expected()
    };
    assert_eq!(ended(trace(&meant, &[zero])), Outcome::Success);
    let mut going = seen(&["ecs-svc/2 PRIMARY arn:td/web:2 IN_PROGRESS 0/0"]);
    going.service.desired_count = 0;
    waits(&once(going), "0 of 0 tasks run");
}

#[test]
fn a_pause_is_told_or_is_what_was_waited_for() {
    let hook = Hook {
        id: "hook-1".to_owned(),
        stage: "POST_TEST_TRAFFIC_SHIFT".to_owned(),
    };
    let mut poll = seen(&[GOING, BEFORE]).rollout("IN_PROGRESS", NEW);
    poll.rollout.as_mut().unwrap().paused = Some(hook.clone());
    waits(
        &once(poll.clone()),
        "paused at POST_TEST_TRAFFIC_SHIFT by the hook hook-1",
    );
    let asked = Expected {
        until_paused: true,
        ..expected()
    };
    let outcome = ended(trace(&asked, &[poll]));
    assert_eq!((&outcome, outcome.code()), (&Outcome::Paused(hook), 0));
}

#[test]
fn time_runs_out_and_says_what_was_missing() {
    let late = |observation: &Observation| {
        let memory = Memory {
            seen: true,
            ..Memory::default()
        };
        let seconds = Duration::from_secs;
        let (early, _) = verdict(&expected(), observation, memory.clone(), seconds(599));
        assert!(matches!(early, Verdict::Wait(_)), "{early:?}");
        let (late, _) = verdict(&expected(), observation, memory, seconds(600));
        let outcome = ended(late);
        assert_eq!(outcome.code(), 12);
        outcome.to_string()
    };
    assert_eq!(
        late(&seen(&[GOING]).observation()),
        "timeout: 1 of 2 tasks run"
    );
    assert_eq!(late(&Observation::Unknown), "timeout: AWS does not answer");
    // What is decided just then counts.
    let done = seen(&[DONE]).observation();
    let (found, _) = verdict(
        &expected(),
        &done,
        Memory::default(),
        Duration::from_secs(9999),
    );
    assert_eq!(ended(found), Outcome::Success);
}

fn any_deployment() -> impl Strategy<Value = Deployment> {
    let id = prop::sample::select(vec!["ecs-svc/1", OURS, "ecs-svc/3"]);
    let status = prop::sample::select(vec!["PRIMARY", "ACTIVE"]);
    let definition = prop::sample::select(vec![OLD, NEW, THIRD]);
    let state = prop::sample::select(vec!["IN_PROGRESS", "COMPLETED", "FAILED", "-"]);
    (id, status, definition, state, 0u64..3, 0u64..3).prop_map(
        |(id, status, definition, state, running, desired)| {
            deployment(&format!(
                "{id} {status} {definition} {state} {running}/{desired}"
            ))
        },
    )
}

fn any_poll() -> impl Strategy<Value = Seen> {
    let rollout = prop::option::of((
        prop::sample::select(vec![
            "IN_PROGRESS",
            "SUCCESSFUL",
            "ROLLBACK_IN_PROGRESS",
            "STOPPED",
        ]),
        prop::sample::select(vec![NEW, THIRD]),
    ));
    let targets = prop::sample::select(vec![Targets::Unknown, Targets::Healthy, ill(1)]);
    let deployments = prop::collection::vec(any_deployment(), 0..3);
    (
        deployments,
        0u64..3,
        rollout,
        targets,
        0usize..4,
        any::<bool>(),
    )
        .prop_map(|(deployments, desired, rollout, targets, stopped, event)| {
            let mut poll = seen(&[]);
            poll.service.deployments = deployments;
            poll.service.desired_count = desired;
            poll = poll
                .targets(targets)
                .stopped(stopped, "TaskFailedToStart", "why");
            if event {
                poll = poll.event(101.0, UNABLE);
            }
            match rollout {
                Some((status, definition)) => poll.rollout(status, definition),
                None => poll,
            }
        })
}

proptest! {
    /// Whatever is seen: exit 0 only if the primary deployment is ours, complete, runs tasks, and nothing that
    /// AWS knows speaks against it.
    #[test]
    fn success_is_never_said_of_anything_else(polls in prop::collection::vec(any_poll(), 1..6)) {
        let mut memory = Memory::default();
        for (number, poll) in (0u64..).zip(&polls) {
            let now = Duration::from_secs(40 * number);
            let (found, next) = verdict(&expected(), &poll.observation(), memory, now);
            memory = next;
            let Verdict::End(outcome) = found else { continue };
            if outcome.code() == 0 {
                let mut primaries = poll.service.deployments.iter();
                let primary = primaries.find(|one| one.status == "PRIMARY").unwrap();
                prop_assert_eq!(&primary.id, OURS);
                prop_assert!(primary.running_count > 0 && poll.service.desired_count > 0);
                prop_assert!(!matches!(poll.targets, Targets::Unhealthy(_)));
                prop_assert!(matches!(primary.rollout_state.as_deref(), None | Some("COMPLETED")));
                let rollout = poll.rollout.as_ref();
                prop_assert!(rollout.is_none_or(|rollout| rollout.status == "SUCCESSFUL"));
            }
            break;
        }
    }
}
