//! Who holds a lease.

use crate::support::memory_s3::{Fault, MemoryS3};
use entry::state::{Held, Hold, Lost, Place, Record, read};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cell::Cell;
use std::time::Duration;

const LENGTH: Duration = Duration::from_mins(1);

pub fn place() -> Place {
    Place::parse("s3://bucket/app").unwrap()
}

pub fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

pub fn wanted(id: &str) -> Record {
    Record {
        holder: format!("{id}@host"),
        id: id.to_owned(),
        message: String::new(),
        since: at(0),
        until: at(0),
        released: false,
        kept: Value::Null,
    }
}

pub fn run<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().unwrap();
    runtime.block_on(future)
}

async fn take<'s>(s3: &'s MemoryS3, id: &str, second: i64) -> Held<'s> {
    let taken = Hold::take(s3, &place(), "main", &wanted(id), LENGTH, || at(second)).await;
    taken.unwrap()
}

async fn ours<'s>(s3: &'s MemoryS3, id: &str, second: i64) -> Box<Hold<'s>> {
    match take(s3, id, second).await {
        Held::Ours(hold) => hold,
        Held::Other(other) => panic!("{id}: {} has it", other.holder),
    }
}

async fn holder(s3: &MemoryS3) -> String {
    read(s3, &place(), "main").await.unwrap().unwrap().0.id
}

#[test]
fn of_many_that_come_at_once_one_gets_it() {
    run(async {
        let s3 = MemoryS3::default();
        let ids: Vec<String> = (0..20).map(|number| format!("run-{number}")).collect();
        let all = futures_util::future::join_all(ids.iter().map(|id| take(&s3, id, 0))).await;
        let winners = all.iter().filter(|held| matches!(held, Held::Ours(_)));
        assert_eq!(winners.count(), 1);
        let known = holder(&s3).await;
        for held in &all {
            match held {
                Held::Ours(hold) => assert_eq!(hold.record().id, known),
                Held::Other(other) => assert_eq!(other.id, known),
            }
        }
    });
}

#[test]
fn it_goes_on_when_it_is_given_back_or_over_and_not_before() {
    run(async {
        let s3 = MemoryS3::default();
        let mut first = ours(&s3, "a", 0).await;
        assert!(matches!(take(&s3, "b", 70).await, Held::Other(other) if other.id == "a"));
        first.renew(Some(json!({"step": 1})), at(30)).await.unwrap();
        assert!(matches!(take(&s3, "b", 100).await, Held::Other(_)));
        // Whoever died with it holds up the next until its end, and the clocks' difference.
        let second = ours(&s3, "b", 101).await;
        assert_eq!(second.record().kept, json!({"step": 1}));
        assert!(
            matches!(first.renew(None, at(101)).await, Err(Lost::Taken(other)) if other.id == "b")
        );
        second.release(Some(json!({"step": 2}))).await.unwrap();
        let third = ours(&s3, "c", 102).await;
        assert_eq!(third.record().kept, json!({"step": 2}));
        assert_eq!(s3.urls(), ["s3://bucket/app/locks/main.json"]);
    });
}

#[test]
fn a_lost_reply_neither_loses_nor_doubles_it() {
    run(async {
        for lost in 1..=5 {
            let s3 = MemoryS3::default();
            s3.faults(move |call| (call == lost).then_some(Fault::ReplyLost));
            // The first call reads, the second writes.
            let held = loop {
                let taken = Hold::take(&s3, &place(), "main", &wanted("a"), LENGTH, || at(0)).await;
                match taken {
                    Ok(Held::Ours(hold)) => break hold,
                    Ok(Held::Other(other)) => panic!("{} has it", other.holder),
                    Err(_) => {}
                }
            };
            let mut held = held;
            for second in 1..4 {
                held.renew(None, at(second)).await.unwrap();
            }
            assert_eq!(holder(&s3).await, "a", "{lost}");
            held.release(None).await.unwrap();
            ours(&s3, "b", 5).await;
        }
    });
}

/// A deploy ends whenever it does, also while its lock is being renewed.
#[test]
fn a_renewal_that_is_broken_off_does_not_keep_it_from_being_given_back() {
    run(async {
        let s3 = MemoryS3::default();
        let mut hold = ours(&s3, "a", 0).await;
        s3.faults(|_| Some(Fault::ReplyLost));
        hold.renew(None, at(40)).await.unwrap();
        s3.faults(|_| None);
        hold.release(Some(json!({"step": 1}))).await.unwrap();
        let next = ours(&s3, "b", 41).await;
        assert_eq!(next.record().kept, json!({"step": 1}));
    });
}

#[test]
fn one_that_somebody_else_gave_back_or_took_is_left() {
    run(async {
        let s3 = MemoryS3::default();
        let mut hold = ours(&s3, "a", 0).await;
        ours(&s3, "a", 1).await.release(None).await.unwrap();
        let lost = hold.renew(None, at(2)).await.unwrap_err();
        assert_eq!(lost.to_string(), "the lock was given back by somebody else");
        hold.release(Some(json!("canary"))).await.unwrap();
        let hold = ours(&s3, "b", 3).await;
        let mut thief = ours(&s3, "c", 100).await;
        hold.release(Some(json!("canary"))).await.unwrap();
        thief.renew(None, at(101)).await.unwrap();
        assert_eq!(thief.record().kept, Value::Null);
    });
}

#[test]
fn one_that_cannot_be_renewed_ends_when_it_said() {
    run(async {
        let s3 = MemoryS3::default();
        let mut hold = ours(&s3, "a", 0).await;
        s3.faults(|_| Some(Fault::Fails));
        hold.renew(None, at(59)).await.unwrap();
        assert_eq!(hold.until(), at(60));
        assert!(matches!(hold.renew(None, at(60)).await, Err(Lost::Over(_))));
    });
}

#[test]
fn it_is_kept_by_a_heartbeat_until_somebody_takes_it() {
    run(async {
        let s3 = MemoryS3::default();
        let second = Cell::new(0);
        let now = || {
            second.set(second.get() + 20);
            at(second.get())
        };
        let mut hold = ours(&s3, "a", 0).await;
        let ten = tokio::time::timeout(Duration::from_secs(199), hold.keep(now)).await;
        assert!(ten.is_err(), "nobody took it");
        assert_eq!(second.get(), 180);
        assert_eq!(hold.until(), at(240));
        // Somebody's clock is far ahead.
        ours(&s3, "b", 1000).await;
        let lost = tokio::time::timeout(Duration::from_hours(1), hold.keep(now)).await;
        assert_eq!(lost.unwrap().to_string(), "the lock was taken by b@host");
    });
}

#[test]
fn what_is_no_lease_is_told_and_left() {
    run(async {
        let s3 = MemoryS3::default();
        let put = entry::aws::Put {
            bucket: "bucket".into(),
            key: "app/locks/main.json".into(),
            body: b"canary".to_vec(),
            metadata: [].into(),
            customer_key: None,
            only_if: None,
        };
        let deadline = std::time::Instant::now() + LENGTH;
        entry::aws::S3::put(&s3, &put, deadline).await.unwrap();
        let taken = Hold::take(&s3, &place(), "main", &wanted("a"), LENGTH, || at(0)).await;
        let error = taken.err().unwrap().to_string();
        assert!(
            error.starts_with("s3:GetObject s3://bucket/app/locks/main.json: ")
                && error.contains("it holds no lease")
                && !error.contains("canary"),
            "{error}"
        );
        assert_eq!(
            s3.object("s3://bucket/app/locks/main.json").unwrap(),
            b"canary"
        );
    });
}
