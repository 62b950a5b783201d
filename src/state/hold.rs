//! Holding a lease: reads and conditional writes around the pure decision.

use super::lease::{Record, Step, acquire};
use super::place::Place;
use crate::aws::{AwsError, Get, Kind, OnlyIf, Put, S3};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Much more than a record needs.
const LARGEST: u64 = 16 * 1024 * 1024;

/// One attempt to read or write.
const CALL: Duration = Duration::from_secs(20);

/// Others are faster so many times at most.
const CONFLICTS: u32 = 20;

/// The record under a name, with its `ETag`.
pub async fn read(
    s3: &dyn S3,
    place: &Place,
    name: &str,
) -> Result<Option<(Record, String)>, AwsError> {
    let get = Get {
        bucket: place.bucket.clone(),
        key: place.key("locks", name),
        version_id: None,
        customer_key: None,
        max_bytes: LARGEST,
    };
    let mut body = Vec::new();
    let info = match s3.get(&get, &mut body, Instant::now() + CALL).await {
        Ok(info) => info,
        Err(error) if error.kind == Kind::NotFound && !error.is("NoSuchBucket") => return Ok(None),
        Err(error) => return Err(error),
    };
    let record = serde_json::from_slice(&body).map_err(|error| {
        let detail = format!("it holds no lease ({error}): remove it if it is not entryctl's");
        AwsError::new(Kind::Reply, "s3:GetObject", &get.url(), detail)
    })?;
    Ok(Some((record, info.etag.unwrap_or_default())))
}

/// The outcome of an attempt to take a lease.
pub enum Held<'s> {
    Ours(Box<Hold<'s>>),
    /// Somebody else has it.
    Other(Box<Record>),
}

/// A lease that we hold, until it ends or is released.
pub struct Hold<'s> {
    s3: &'s dyn S3,
    place: Place,
    name: String,
    length: Duration,
    record: Record,
    etag: String,
}

/// Why a lease is no longer ours.
#[derive(Debug, thiserror::Error)]
pub enum Lost {
    #[error("the lock was taken by {}", .0.holder)]
    Taken(Box<Record>),
    #[error("the lock was given back by somebody else")]
    Released,
    #[error("the lock is gone")]
    Gone,
    #[error("the lock cannot be renewed, and ends: {0}")]
    Over(AwsError),
}

impl<'s> Hold<'s> {
    /// Takes the lease `name` for `wanted`, whose id tells its holder, for `length` from `now`.
    pub async fn take(
        s3: &'s dyn S3,
        place: &Place,
        name: &str,
        wanted: &Record,
        length: Duration,
        now: impl Fn() -> Timestamp,
    ) -> Result<Held<'s>, AwsError> {
        let mut conflicts = 0;
        loop {
            let seen = read(s3, place, name).await?;
            let step = acquire(
                seen.as_ref().map(|(record, _)| record),
                wanted,
                length,
                None,
                now(),
            );
            let record = match step {
                Step::Wait(other) => return Ok(Held::Other(other)),
                Step::Write(record) => *record,
            };
            let etag = seen.map(|(_, etag)| etag);
            match write(s3, place, name, &record, etag).await {
                Ok(etag) => {
                    return Ok(Held::Ours(Box::new(Hold {
                        s3,
                        place: place.clone(),
                        name: name.to_owned(),
                        length,
                        record,
                        etag,
                    })));
                }
                // By whom, the next look tells; it may have been ourselves, with the reply lost.
                Err(error) if error.kind == Kind::Conflict && conflicts < CONFLICTS => {
                    conflicts += 1;
                }
                Err(error) => return Err(error),
            }
        }
    }

    pub fn record(&self) -> &Record {
        &self.record
    }

    /// Renews it, with `kept` in it if given. An error means that nobody knows: it is ours until its end.
    pub async fn renew(&mut self, kept: Option<Value>, now: Timestamp) -> Result<(), Lost> {
        let step = acquire(Some(&self.record), &self.record, self.length, kept, now);
        let record = match step {
            Step::Write(record) => *record,
            Step::Wait(other) => return Err(Lost::Taken(other)),
        };
        let etag = Some(self.etag.clone());
        match write(self.s3, &self.place, &self.name, &record, etag).await {
            Ok(etag) => {
                self.record = record;
                self.etag = etag;
                Ok(())
            }
            Err(error) if error.kind == Kind::Conflict => self.look(error).await,
            Err(error) if now >= self.record.until => Err(Lost::Over(error)),
            // There is time for another attempt.
            Err(_) => Ok(()),
        }
    }

    /// After a conflict: perhaps it was our own write, whose reply was lost.
    async fn look(&mut self, conflict: AwsError) -> Result<(), Lost> {
        match read(self.s3, &self.place, &self.name).await {
            Ok(Some((record, etag))) if record.id == self.record.id && !record.released => {
                self.record = record;
                self.etag = etag;
                Ok(())
            }
            // By `entryctl unlock --force`.
            Ok(Some((ours, _))) if ours.id == self.record.id => Err(Lost::Released),
            Ok(Some((other, _))) => Err(Lost::Taken(Box::new(other))),
            Ok(None) => Err(Lost::Gone),
            Err(_) => Err(Lost::Over(conflict)),
        }
    }

    /// When it ends unless it is renewed: nothing may be done after it.
    pub fn until(&self) -> Timestamp {
        self.record.until
    }

    /// For how long it is renewed from now on.
    pub fn set_length(&mut self, length: Duration) {
        self.length = length;
    }

    /// How long to wait before it is renewed: twice more before its end.
    pub fn heartbeat(&self) -> Duration {
        self.length / 3
    }

    /// Renews it again and again; returns when it is lost.
    pub async fn keep(&mut self, now: impl Fn() -> Timestamp) -> Lost {
        loop {
            tokio::time::sleep(self.heartbeat()).await;
            if let Err(lost) = self.renew(None, now()).await {
                return lost;
            }
        }
    }

    /// Gives it back, so that the next need not wait for its end. What it keeps stays.
    pub async fn release(mut self, kept: Option<Value>) -> Result<(), AwsError> {
        self.record.released = true;
        if let Some(kept) = kept {
            self.record.kept = kept;
        }
        let mut conflicts = 0;
        loop {
            let etag = Some(self.etag.clone());
            match write(self.s3, &self.place, &self.name, &self.record, etag).await {
                Err(error) if error.kind == Kind::Conflict && conflicts < CONFLICTS => {}
                written => return written.map(drop),
            }
            conflicts += 1;
            // A renewal of ours whose reply was lost, or that was broken off: it is held still.
            match read(self.s3, &self.place, &self.name).await? {
                Some((record, etag)) if record.id == self.record.id && !record.released => {
                    self.etag = etag;
                }
                // Somebody else's, or already released by a write whose reply was lost.
                _ => return Ok(()),
            }
        }
    }
}

async fn write(
    s3: &dyn S3,
    place: &Place,
    name: &str,
    record: &Record,
    etag: Option<String>,
) -> Result<String, AwsError> {
    let put = Put {
        bucket: place.bucket.clone(),
        key: place.key("locks", name),
        body: serde_json::to_vec_pretty(record).unwrap_or_default(),
        metadata: BTreeMap::new(),
        customer_key: None,
        only_if: Some(etag.map_or(OnlyIf::Absent, OnlyIf::Unchanged)),
    };
    let etag = s3.put(&put, Instant::now() + CALL).await?;
    Ok(etag.unwrap_or_default())
}
