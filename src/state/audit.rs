//! One record for each call that changes something: written before the call, and again with its end, so that a
//! call whose caller died in it is seen, too.

use super::place::Place;
use crate::aws::{AwsError, Put, S3};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

const CALL: Duration = Duration::from_secs(20);

/// Members of requests that are recorded: none that may hold a secret.
const SHOWN: [&str; 12] = [
    "cluster",
    "containerInstances",
    "count",
    "desiredCount",
    "family",
    "forceNewDeployment",
    "reason",
    "service",
    "serviceName",
    "startedBy",
    "task",
    "taskDefinition",
];

/// What was done.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    pub at: Timestamp,
    pub holder: String,
    /// Which run of the holder's.
    pub id: String,
    /// `ecs:UpdateService`.
    pub action: String,
    pub resource: String,
    pub request: Map<String, Value>,
    /// `begun`, `done`, or the error.
    pub outcome: String,
}

/// Writes records.
pub struct Audit<'s> {
    pub s3: &'s dyn S3,
    pub place: Place,
    pub holder: String,
    pub id: String,
}

impl Audit<'_> {
    /// Records a call that is about to be made. On an error it must not be made.
    pub async fn begin(
        &self,
        action: &str,
        resource: &str,
        request: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<(Entry, String), AwsError> {
        let shown = request
            .iter()
            .filter(|(key, _)| SHOWN.contains(&key.as_str()));
        let entry = Entry {
            at: now,
            holder: self.holder.clone(),
            id: self.id.clone(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            request: shown
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect(),
            outcome: "begun".to_owned(),
        };
        let random = getrandom::u32().unwrap_or_default();
        let key = self.place.key("audit", &format!("{now:.3}-{random:08x}"));
        self.write(&key, &entry).await?;
        Ok((entry, key))
    }

    /// Records how it ended.
    pub async fn end(&self, begun: (Entry, String), outcome: &str) -> Result<(), AwsError> {
        let (mut entry, key) = begun;
        outcome.clone_into(&mut entry.outcome);
        self.write(&key, &entry).await
    }

    async fn write(&self, key: &str, entry: &Entry) -> Result<(), AwsError> {
        let put = Put {
            bucket: self.place.bucket.clone(),
            key: key.to_owned(),
            body: serde_json::to_vec(entry).unwrap_or_default(),
            metadata: BTreeMap::new(),
            customer_key: None,
            only_if: None,
        };
        self.s3.put(&put, Instant::now() + CALL).await.map(drop)
    }
}
