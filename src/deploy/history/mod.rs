//! What was deployed: a service's last deployments, with the commit of each and how it ended.
//!
//! Where AWS keeps no deployments, or does not tell, the service and the revisions of its family do: that is
//! less, and is marked so.

mod ask;
mod commit;

pub use ask::histories;
pub use commit::commit;

use super::plan::short;
use super::rollback::{Ended, Past};
use commit::registered_by;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The most that is asked for: one call describes as many.
pub const MOST: usize = 20;

/// What was deployed to one service.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    pub service: String,
    /// ARN of what it runs, or is to run.
    pub current: String,
    /// The newest first.
    pub entries: Vec<Entry>,
    /// The service, as `DescribeServices` has it.
    pub described: Map<String, Value>,
    /// Why it is put together from what there is, and not AWS's own list.
    pub guessed: Option<String>,
}

/// One deployment.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// ARN of the task definition that it brought.
    pub definition: String,
    /// Commit, where image, tags or labels tell it.
    pub sha: Option<String>,
    /// Who registered the definition.
    pub by: Option<String>,
    /// When it began, in epoch seconds.
    pub at: Option<f64>,
    pub finished: Option<f64>,
    /// AWS's word; `REGISTERED` for a revision of which no more is known.
    pub status: String,
    pub reason: Option<String>,
    /// `None`: not known.
    pub ended: Option<Ended>,
    /// The definition can still be run.
    pub active: bool,
}

impl History {
    /// For a choice, the oldest first. Of a revision of which no more is known than that it is there, and older
    /// than what runs, it is assumed that it served.
    #[must_use]
    pub fn past(&self) -> Vec<Past> {
        let current = revision(&self.current);
        let past = self.entries.iter().rev().filter_map(|entry| {
            let older = revision(&entry.definition) < current;
            let assumed = older.then_some(Ended::Good);
            Some(Past {
                definition: entry.definition.clone(),
                sha: entry.sha.clone(),
                ended: entry.ended.or(assumed)?,
            })
        });
        past.collect()
    }

    /// Whether a definition can be run.
    #[must_use]
    pub fn is_active(&self, arn: &str) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| entry.definition == arn && entry.active)
    }

    /// The commit of a definition.
    #[must_use]
    pub fn sha(&self, arn: &str) -> Option<&str> {
        let mut entries = self.entries.iter();
        let entry = entries.find(|entry| entry.definition == arn)?;
        entry.sha.as_deref()
    }
}

fn revision(arn: &str) -> Option<u32> {
    arn.rsplit(':').next()?.parse().ok()
}

fn family(arn: &str) -> &str {
    short(arn).split(':').next().unwrap_or_default()
}

type Definitions = BTreeMap<String, Map<String, Value>>;

fn deployments(service: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let all = service.get("deployments").and_then(Value::as_array);
    all.into_iter().flatten().filter_map(Value::as_object)
}

/// From AWS's own list, the newest first.
#[must_use]
pub fn from_deployments(
    service: &Map<String, Value>,
    deployments: &[Map<String, Value>],
    definitions: &Definitions,
) -> History {
    let entries = deployments.iter().filter_map(|one| {
        let arn = text(one, "taskDefinition")?;
        let status = text(one, "status").unwrap_or_default();
        Some(Entry {
            at: seconds(one, "startedAt").or_else(|| seconds(one, "createdAt")),
            finished: seconds(one, "finishedAt").or_else(|| seconds(one, "stoppedAt")),
            status: status.to_owned(),
            reason: text(one, "statusReason").map(str::to_owned),
            ended: Some(ended(status)),
            ..entry(arn, definitions)
        })
    });
    History {
        entries: entries.collect(),
        ..history(service)
    }
}

/// From a service's own deployments, and below them the revisions of its family.
#[must_use]
pub fn from_service(
    service: &Map<String, Value>,
    revisions: &[String],
    definitions: &Definitions,
) -> History {
    let own: Vec<Entry> = deployments(service)
        .filter_map(|one| {
            let arn = text(one, "taskDefinition")?;
            let state = text(one, "rolloutState");
            // Other controllers tell no state; what is still there beside the primary one has served.
            let settled = text(one, "status") != Some("PRIMARY")
                || one.get("runningCount") == one.get("desiredCount");
            let ended = match state {
                Some("FAILED") => Ended::Bad,
                Some("COMPLETED") => Ended::Good,
                None if settled => Ended::Good,
                _ => Ended::InProgress,
            };
            Some(Entry {
                at: seconds(one, "createdAt"),
                status: state.or(text(one, "status")).unwrap_or_default().to_owned(),
                reason: text(one, "rolloutStateReason").map(str::to_owned),
                ended: Some(ended),
                ..entry(arn, definitions)
            })
        })
        .collect();
    let other = |arn: &&String| !own.iter().any(|entry| entry.definition == **arn);
    let others: Vec<Entry> = revisions
        .iter()
        .filter(other)
        .map(|arn| {
            let definition = definitions.get(arn);
            Entry {
                at: definition.and_then(|one| seconds(one, "registeredAt")),
                ..entry(arn, definitions)
            }
        })
        .collect();
    History {
        entries: own.into_iter().chain(others).collect(),
        ..history(service)
    }
}

fn history(service: &Map<String, Value>) -> History {
    let text = |key: &str| text(service, key).unwrap_or_default().to_owned();
    History {
        service: text("serviceName"),
        current: text("taskDefinition"),
        entries: Vec::new(),
        described: service.clone(),
        guessed: None,
    }
}

fn entry(arn: &str, definitions: &Definitions) -> Entry {
    let definition = definitions.get(arn);
    Entry {
        definition: arn.to_owned(),
        sha: definition.and_then(commit),
        by: definition.and_then(registered_by),
        at: None,
        finished: None,
        status: "REGISTERED".to_owned(),
        reason: None,
        ended: None,
        active: definition.is_some_and(|one| text(one, "status") == Some("ACTIVE")),
    }
}

/// One that was stopped was replaced before it was proven.
fn ended(status: &str) -> Ended {
    match status {
        "SUCCESSFUL" => Ended::Good,
        "PENDING" | "IN_PROGRESS" => Ended::InProgress,
        _ => Ended::Bad,
    }
}

fn text<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m str> {
    map.get(key)?.as_str()
}

/// Epoch seconds; an emulator may write them out.
fn seconds(map: &Map<String, Value>, key: &str) -> Option<f64> {
    let value = map.get(key)?;
    let written = || {
        let text = format!("{}Z", value.as_str()?.get(..19)?.replace(' ', "T"));
        let time: jiff::Timestamp = text.parse().ok()?;
        Some(time.as_duration().as_secs_f64())
    };
    value.as_f64().or_else(written)
}
