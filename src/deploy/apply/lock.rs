//! The lock of a deploy: a lease on S3, renewed while it lasts, and given back on every way out.
//!
//! Its record keeps `{"cluster": "main", "services": ["web", …], "after": true}`: the services under deploy, by
//! their names, which whoever scales them leaves alone while the lock is held; and whether `after` is still owed,
//! because a deploy broke off when services had changed already.

use super::run::Clock;
use crate::aws::S3;
use crate::deploy::guard::{Guard, Stop};
use crate::deploy::report::{Event, Report};
use crate::state::{Audit, Held, Hold, Place, Record};
use futures_util::future::{Either, select};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::Mutex;

/// How long a lock outlives a holder that was killed.
const LENGTH: Duration = Duration::from_mins(2);

/// Between two looks at a lock that another holds.
const LOOK: Duration = Duration::from_secs(5);

/// Attempts to write what is kept, which must be there before the first change.
const ATTEMPTS: u32 = 3;

/// Who deploys.
#[derive(Clone, Debug)]
pub struct Who {
    /// For people: `ann@ci-7`.
    pub holder: String,
    /// Of this very run.
    pub id: String,
    pub message: String,
}

impl Who {
    /// Records of this run's calls, at the place of the locks.
    #[must_use]
    pub fn audit<'s>(&self, s3: &'s dyn S3, place: &Place) -> Audit<'s> {
        Audit {
            s3,
            place: place.clone(),
            holder: self.holder.clone(),
            id: self.id.clone(),
        }
    }
}

/// Where the lock is, and how long another's is waited for.
pub struct Lock<'l> {
    pub s3: &'l dyn S3,
    pub place: &'l Place,
    pub name: &'l str,
    pub wait: Duration,
}

/// What the lock's record keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Its name, also where the file has its ARN.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub cluster: String,
    pub services: Vec<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub after: bool,
}

impl Kept {
    /// Of a record; what another version wrote and this one does not know is nothing.
    #[must_use]
    pub fn of(value: &Value) -> Kept {
        serde_json::from_value(value.clone()).unwrap_or_default()
    }
}

impl Record {
    /// A record for a new holder.
    #[must_use]
    pub fn wanted(who: &Who, now: Timestamp) -> Record {
        Record {
            holder: who.holder.clone(),
            id: who.id.clone(),
            message: who.message.clone(),
            since: now,
            until: now,
            released: false,
            kept: Value::Null,
        }
    }
}

/// A lock that is held.
pub struct Session<'s> {
    hold: Mutex<Hold<'s>>,
    guard: &'s Guard,
    now: Clock<'s>,
    kept: RefCell<Kept>,
}

impl Session<'_> {
    /// What the one before left.
    pub fn kept(&self) -> Kept {
        self.kept.borrow().clone()
    }

    /// Writes it into the record. It is there when this returns well.
    pub async fn keep(&self, kept: &Kept) -> Result<(), Stop> {
        let value = json!(kept);
        let mut hold = self.hold.lock().await;
        for _ in 0..ATTEMPTS {
            let renewed = hold.renew(Some(value.clone()), (self.now)()).await;
            renewed.map_err(|lost| Stop::LockLost(lost.to_string()))?;
            if hold.record().kept == value {
                self.guard.hold_until(hold.until());
                self.kept.replace(kept.clone());
                return Ok(());
            }
        }
        let why = "the lock's record cannot be written";
        Err(Stop::LockLost(why.to_owned()))
    }

    /// What is to be left behind.
    pub fn owe_after(&self, owed: bool) {
        self.kept.borrow_mut().after = owed;
    }

    /// Renews it until it is lost.
    async fn beat(&self) {
        loop {
            let pause = self.hold.lock().await.heartbeat();
            tokio::time::sleep(pause).await;
            let mut hold = self.hold.lock().await;
            match hold.renew(None, (self.now)()).await {
                Ok(()) => self.guard.hold_until(hold.until()),
                Err(lost) => return self.guard.lose(lost.to_string()),
            }
        }
    }

    async fn release(self, report: &dyn Report) {
        let mut kept = self.kept.into_inner();
        kept.cluster.clear();
        kept.services.clear();
        let hold = self.hold.into_inner();
        let until = hold.until();
        if let Err(error) = hold.release(Some(json!(kept))).await {
            let line = format!("the lock is not given back, it ends at {until:.0}: {error}");
            report.tell(&Event::Warning(line));
        }
    }
}

impl Lock<'_> {
    /// Runs `work` under the lock.
    pub async fn under<T>(
        &self,
        who: &Who,
        guard: &Guard,
        report: &dyn Report,
        now: Clock<'_>,
        work: impl AsyncFnOnce(&Session<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let hold = self.take(who, guard, report, now).await?;
        guard.hold_until(hold.until());
        report.tell(&Event::Locked {
            name: self.name.to_owned(),
        });
        let session = Session {
            kept: RefCell::new(Kept::of(&hold.record().kept)),
            hold: Mutex::new(*hold),
            guard,
            now,
        };
        let done = {
            let (work, beat) = (pin!(work(&session)), pin!(session.beat()));
            match select(work, beat).await {
                Either::Left((done, _)) => done,
                // It ends before its next change: the guard knows.
                Either::Right(((), work)) => work.await,
            }
        };
        session.release(report).await;
        done
    }

    async fn take(
        &self,
        who: &Who,
        guard: &Guard,
        report: &dyn Report,
        now: Clock<'_>,
    ) -> Result<Box<Hold<'_>>, Stop> {
        let began = tokio::time::Instant::now();
        let mut told = false;
        loop {
            // Not dropped in it: a lock that was taken is given back.
            let wanted = Record::wanted(who, now());
            let taken = Hold::take(self.s3, self.place, self.name, &wanted, LENGTH, now);
            let other = match taken.await? {
                Held::Ours(hold) => return Ok(hold),
                Held::Other(other) => other,
            };
            let left = self.wait.saturating_sub(began.elapsed());
            if left.is_zero() {
                return Err(Stop::Locked {
                    name: self.name.to_owned(),
                    holder: other.holder,
                    message: other.message,
                    until: other.until,
                });
            }
            if !std::mem::replace(&mut told, true) {
                report.tell(&Event::LockHeld {
                    name: self.name.to_owned(),
                    holder: other.holder.clone(),
                    message: other.message.clone(),
                    until: other.until,
                });
            }
            let pause = tokio::time::sleep(LOOK.min(left));
            guard.unless_interrupted(pause).await?;
        }
    }
}
