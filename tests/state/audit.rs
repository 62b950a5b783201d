//! What is recorded of a call.

use super::hold::{at, place, run};
use crate::support::memory_s3::{Fault, MemoryS3};
use entry::state::Audit;
use serde_json::{Value, json};

fn audit(s3: &MemoryS3) -> Audit<'_> {
    Audit {
        s3,
        place: place(),
        holder: "deploy@ci".to_owned(),
        id: "run-1".to_owned(),
    }
}

fn request() -> serde_json::Map<String, Value> {
    let request = json!({
        "cluster": "main",
        "family": "web",
        "containerDefinitions": [{"environment": [{"name": "A", "value": "canary"}]}],
        "overrides": {"canary": 1},
    });
    request.as_object().unwrap().clone()
}

#[test]
fn a_call_is_recorded_before_it_is_made_and_again_with_its_end() {
    run(async {
        let s3 = MemoryS3::default();
        let begun = audit(&s3)
            .begin("ecs:RegisterTaskDefinition", "web", &request(), at(0))
            .await
            .unwrap();
        let [url] = s3.urls().try_into().unwrap();
        assert!(
            url.starts_with("s3://bucket/app/audit/2027-01-15T08:00:00.000Z-"),
            "{url}"
        );
        let record =
            |url: &str| -> Value { serde_json::from_slice(&s3.object(url).unwrap()).unwrap() };
        let expected = |outcome: &str| {
            json!({
                "at": "2027-01-15T08:00:00Z",
                "holder": "deploy@ci",
                "id": "run-1",
                "action": "ecs:RegisterTaskDefinition",
                "resource": "web",
                "request": {"cluster": "main", "family": "web"},
                "outcome": outcome,
            })
        };
        assert_eq!(record(&url), expected("begun"));
        audit(&s3).end(begun, "done").await.unwrap();
        assert_eq!(s3.urls(), [url.as_str()]);
        assert_eq!(record(&url), expected("done"));
    });
}

#[test]
fn a_call_that_cannot_be_recorded_is_an_error() {
    run(async {
        let s3 = MemoryS3::default();
        s3.faults(|_| Some(Fault::Fails));
        let begun = audit(&s3)
            .begin("ecs:UpdateService", "web", &request(), at(0))
            .await;
        assert!(begun.unwrap_err().to_string().contains("s3:PutObject"));
    });
}
