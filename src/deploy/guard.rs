//! Whether a deploy may go on: not after Ctrl-C, and not without its lock. What was begun at AWS goes on there.

use crate::aws::AwsError;
use crate::deploy::report::When;
use futures_util::future::{Either, select};
use jiff::Timestamp;
use std::cell::{Cell, RefCell};
use std::pin::pin;
use tokio::sync::Notify;

/// Why a deploy ended before its end.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    #[error("interrupted: what was begun goes on at ECS, the same command again takes it up")]
    Interrupted,
    #[error(
        "lock {name}: held by {holder} until {until:.0}{}; wait with --wait-lock, or see entryctl unlock --help",
        told(message)
    )]
    Locked {
        name: String,
        holder: String,
        message: String,
        until: Timestamp,
    },
    #[error("{0}: nothing more is changed, the same command again takes it up")]
    LockLost(String),
    #[error("the audit cannot be written, and nothing is changed without it: {0}")]
    Audit(AwsError),
    #[error("{0}")]
    Aws(AwsError),
    #[error("{0}: what was begun goes on at ECS unseen, the same command again waits for it")]
    Blind(AwsError),
    /// The files ask for what cannot be done.
    #[error("{}", .0.join("\n"))]
    Refused(Vec<String>),
    #[error("{when}: task {task} ended with {code}")]
    OneOff { when: When, task: String, code: i64 },
    #[error("{when}: task {task}: {why}")]
    OneOffFailed {
        when: When,
        task: String,
        why: String,
    },
}

impl From<AwsError> for Stop {
    fn from(error: AwsError) -> Stop {
        Stop::Aws(error)
    }
}

fn told(message: &str) -> String {
    if message.is_empty() {
        String::new()
    } else {
        format!(" ({message})")
    }
}

/// Asked before each call that changes something, and while something is waited for.
#[derive(Default)]
pub struct Guard {
    interrupted: Cell<bool>,
    wake: Notify,
    lock: RefCell<Lock>,
}

#[derive(Default)]
enum Lock {
    /// There is none to be held.
    #[default]
    None,
    HeldUntil(Timestamp),
    Lost(String),
}

impl Guard {
    /// Ends all waiting, and lets no further call change anything.
    pub fn interrupt(&self) {
        self.interrupted.set(true);
        self.wake.notify_waiters();
    }

    /// The lock is held, and must be renewed by then.
    pub fn hold_until(&self, until: Timestamp) {
        *self.lock.borrow_mut() = Lock::HeldUntil(until);
    }

    pub fn lose(&self, why: String) {
        *self.lock.borrow_mut() = Lock::Lost(why);
    }

    /// Whether something may be changed now.
    pub fn check(&self, now: Timestamp) -> Result<(), Stop> {
        if self.interrupted.get() {
            return Err(Stop::Interrupted);
        }
        match &*self.lock.borrow() {
            Lock::None => Ok(()),
            Lock::HeldUntil(until) if now < *until => Ok(()),
            Lock::HeldUntil(_) => Err(Stop::LockLost("the lock is over".to_owned())),
            Lock::Lost(why) => Err(Stop::LockLost(why.clone())),
        }
    }

    async fn interrupted(&self) {
        loop {
            // First, or what comes between would be missed.
            let woken = self.wake.notified();
            if self.interrupted.get() {
                return;
            }
            woken.await;
        }
    }

    /// Work that changes nothing, and is dropped when interrupted.
    pub async fn unless_interrupted<T>(&self, work: impl Future<Output = T>) -> Result<T, Stop> {
        let (work, interrupted) = (pin!(work), pin!(self.interrupted()));
        match select(interrupted, work).await {
            Either::Left(_) => Err(Stop::Interrupted),
            Either::Right((done, _)) => Ok(done),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn nothing_changes_without_the_lock_or_after_an_interruption() {
        let guard = Guard::default();
        assert_eq!(guard.check(at(0)), Ok(()));
        guard.hold_until(at(10));
        assert_eq!(guard.check(at(9)), Ok(()));
        assert!(matches!(guard.check(at(10)), Err(Stop::LockLost(_))));
        guard.hold_until(at(20));
        assert_eq!(guard.check(at(10)), Ok(()));
        guard.lose("taken".to_owned());
        let lost = Stop::LockLost("taken".to_owned());
        assert_eq!(guard.check(at(10)), Err(lost));
        guard.interrupt();
        assert_eq!(guard.check(at(10)), Err(Stop::Interrupted));
    }

    #[test]
    fn an_interruption_ends_a_wait_that_goes_on_or_begins() {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let guard = Guard::default();
            let done = guard.unless_interrupted(async { 7 }).await;
            assert_eq!(done, Ok(7));
            let later = async {
                tokio::time::sleep(Duration::from_secs(1)).await;
                guard.interrupt();
            };
            let waiting = guard.unless_interrupted(std::future::pending::<()>());
            let (ended, ()) = futures_util::future::join(waiting, later).await;
            assert_eq!(ended, Err(Stop::Interrupted));
            let again = guard.unless_interrupted(std::future::pending::<()>()).await;
            assert_eq!(again, Err(Stop::Interrupted));
        });
    }
}
