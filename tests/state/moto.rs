//! The same by S3's protocol: the conditions are sent, and a conflict is told from other errors.

use super::hold::{at, place, wanted};
use crate::aws::probe::Probe;
use crate::support::http;
use crate::support::moto::Moto;
use entry::aws::S3;
use entry::state::{Held, Hold};
use serde_json::json;
use std::time::Duration;

const LENGTH: Duration = Duration::from_mins(1);

#[test]
fn a_lease_in_a_bucket() {
    let moto = Moto::start();
    http::put(moto.address(), "/bucket", b"");
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", moto.url())
        .run(&json!({"lease": true}));
    let steps = [
        "a: ours",
        "b: a has it",
        "b: ours",
        "a: the lock was taken by b@host",
        "c: ours",
    ];
    assert_eq!(found.value["steps"], json!(steps), "{}", found.value);
}

/// In the probe's process.
pub async fn steps(s3: &dyn S3) -> Vec<String> {
    let mut steps = Vec::new();
    let mut first = take(s3, "a", 0, &mut steps).await.unwrap();
    first.renew(None, at(10)).await.unwrap();
    assert!(take(s3, "b", 20, &mut steps).await.is_none());
    let second = take(s3, "b", 200, &mut steps).await.unwrap();
    let lost = first.renew(None, at(200)).await.unwrap_err();
    steps.push(format!("a: {lost}"));
    second.release(None).await.unwrap();
    take(s3, "c", 201, &mut steps).await.unwrap();
    steps
}

async fn take<'s>(
    s3: &'s dyn S3,
    id: &str,
    second: i64,
    steps: &mut Vec<String>,
) -> Option<Box<Hold<'s>>> {
    let taken = Hold::take(s3, &place(), "main", &wanted(id), LENGTH, || at(second)).await;
    match taken.unwrap() {
        Held::Ours(hold) => {
            steps.push(format!("{id}: ours"));
            Some(hold)
        }
        Held::Other(other) => {
            steps.push(format!("{id}: {} has it", other.id));
            None
        }
    }
}
