//! A deploy that is killed at any call, or whose call is refused or loses its reply: the same command again brings
//! it to its end, and runs each one-off task once.

use super::fake::stage::{FILE, exit};
use super::fake::{Fault, Stage, run};
use entry::aws::Kind;
use futures_util::future::{Either, select};
use serde_json::json;
use std::pin::pin;
use std::time::Duration;

/// What must be true in the end.
#[track_caller]
fn is_deployed(stage: &Stage, case: &str) {
    serves(stage, case);
    assert_eq!(stage.ecs.ran("warm", "app:2"), 1, "{case}: after");
    let locks = stage.bucket.all("/locks/");
    assert_eq!(locks.len(), 1, "{case}");
    assert_eq!(locks[0]["released"], true, "{case}: {}", locks[0]);
    assert_eq!(locks[0]["kept"], json!({"services": []}), "{case}");
}

#[track_caller]
fn serves(stage: &Stage, case: &str) {
    for service in ["web", "job"] {
        assert_eq!(
            stage.ecs.serves(service),
            ("app:2".to_owned(), "COMPLETED"),
            "{case}: {service}"
        );
    }
    assert_eq!(stage.ecs.ran("rake", "app:2"), 1, "{case}: migrations");
}

/// Runs the deploy until it ends or dies; whether it died.
async fn dies(stage: &Stage, file: &str) -> bool {
    let deploy = pin!(stage.deploy(file, "app:2"));
    let died = pin!(stage.faults.died.notified());
    match select(died, deploy).await {
        Either::Left(_) => true,
        Either::Right((done, _)) => {
            assert_eq!(exit(&done), 0, "{done:?}");
            false
        }
    }
}

/// A hook for one call.
fn at(number: usize, fault: Fault) -> impl FnMut(&str, usize) -> Fault {
    move |_, count| {
        if count == number { fault } else { Fault::None }
    }
}

/// Kills at every call in turn, and tells how many there were. The lock of the one that died is waited for.
fn killed_everywhere(file: &str, fault: Fault, check: fn(&Stage, &str)) -> usize {
    for number in 1.. {
        let case = format!("{fault:?} {number}");
        let died = run(async {
            let mut stage = Stage::with(file, "app:1").await;
            stage.faults.set(at(number, fault));
            let died = dies(&stage, file).await;
            stage.faults.clear();
            if died {
                // By then the lock is over.
                stage.wait_lock = Duration::from_secs(140);
                let again = stage.deploy(file, "app:2").await;
                assert_eq!(exit(&again), 0, "{case}: {again:?}");
            }
            check(&stage, &case);
            died
        });
        if !died {
            return number - 1;
        }
    }
    unreachable!()
}

/// Without a lock the next one comes at once, while everything still goes on. `after` needs the lock's record.
#[test]
fn killed_without_a_lock_it_converges() {
    let file = FILE
        .replace("state: s3://bucket/state\n", "")
        .replace("after: [{task: warm, command: warm}]\n", "");
    for fault in [Fault::DiesBefore, Fault::DiesAfter] {
        let calls = killed_everywhere(&file, fault, serves);
        assert!(calls > 25, "only {calls} calls");
    }
}

#[test]
fn killed_before_any_call_it_converges() {
    let calls = killed_everywhere(FILE, Fault::DiesBefore, is_deployed);
    assert!(calls > 40, "only {calls} calls");
}

#[test]
fn killed_after_any_call_it_converges() {
    let calls = killed_everywhere(FILE, Fault::DiesAfter, is_deployed);
    assert!(calls > 40, "only {calls} calls");
}

/// Killed twice, the second time in what takes it up.
#[test]
fn killed_again_while_it_takes_up_it_converges() {
    for first in (1..60).step_by(7) {
        for second in (1..60).step_by(5) {
            let case = format!("{first}, then {second}");
            run(async {
                let mut stage = Stage::with(FILE, "app:1").await;
                stage.wait_lock = Duration::from_secs(140);
                for number in [first, second] {
                    stage.faults.set(at(number, Fault::DiesAfter));
                    dies(&stage, FILE).await;
                }
                stage.faults.clear();
                let again = stage.deploy(FILE, "app:2").await;
                assert_eq!(exit(&again), 0, "{case}: {again:?}");
                is_deployed(&stage, &case);
            });
        }
    }
}

/// A call that AWS refuses or whose reply is lost is an error, or is got over; it is never taken for another's.
#[test]
fn a_failure_of_any_call_is_got_over_or_told() {
    let faults = [
        Fault::Refused(Kind::Unavailable),
        Fault::Refused(Kind::Throttled),
        Fault::Lost(Kind::Connect),
    ];
    for fault in faults {
        let mut ended_well = 0;
        for number in 1..80 {
            let case = format!("{fault:?} {number}");
            run(async {
                let mut stage = Stage::with(FILE, "app:1").await;
                stage.faults.set(at(number, fault));
                let done = stage.deploy(FILE, "app:2").await;
                stage.faults.clear();
                let code = exit(&done);
                assert!(matches!(code, 0 | 1), "{case}: {done:?}");
                if code == 0 {
                    ended_well += 1;
                } else {
                    stage.wait_lock = Duration::from_secs(140);
                    let again = stage.deploy(FILE, "app:2").await;
                    assert_eq!(exit(&again), 0, "{case}: {again:?}");
                }
                let locks = stage.bucket.all("/locks/");
                // The very release may have failed.
                if locks[0]["released"] == true {
                    is_deployed(&stage, &case);
                }
            });
        }
        assert!(ended_well > 10, "{fault:?}: {ended_well}");
    }
}
