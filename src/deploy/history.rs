//! What was deployed: a service's last deployments, with the commit of each and how it ended.
//!
//! Where AWS keeps no deployments, or does not tell, the service and the revisions of its family do: that is
//! less, and is marked so.

use super::plan::short;
use super::rollback::{Ended, Past};
use crate::aws::{AwsError, Ecs, Kind};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// The most that is asked for: one call describes as many.
pub const MOST: usize = 20;

/// How long it takes to believe that deployments are not to be had.
const PATIENCE: Duration = Duration::from_secs(5);

/// A tag of a definition, or a label of a container, that names its commit.
const TAGS: [&str; 5] = ["commit", "git_sha", "git-sha", "revision", "sha"];
const LABEL: &str = "org.opencontainers.image.revision";

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

/// The histories of services, in the order of their names; those that there are not are not in it.
pub async fn histories(
    cluster: &str,
    names: &[String],
    most: usize,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Vec<History>, AwsError> {
    let services = ecs.services(cluster, names, deadline).await?;
    let mut untold = None;
    let mut all = Vec::new();
    for name in names {
        let same = |service: &&Map<String, Value>| text(service, "serviceName") == Some(name);
        let Some(service) = services
            .iter()
            .find(same)
            .filter(|service| is_there(service))
        else {
            continue;
        };
        let told = match &untold {
            None => told(cluster, name, most, ecs, deadline).await?,
            Some(why) => Told::Untold(String::clone(why)),
        };
        all.push(match told {
            Told::Deployments(deployments) => {
                let known = deployments
                    .iter()
                    .filter_map(|one| text(one, "taskDefinition"));
                let known = known.chain(text(service, "taskDefinition"));
                let definitions = described(known, ecs, deadline).await?;
                from_deployments(service, &deployments, &definitions)
            }
            Told::None(why) => guess(service, most, why, ecs, deadline).await?,
            Told::Untold(why) => {
                untold = Some(why.clone());
                guess(service, most, why, ecs, deadline).await?
            }
        });
    }
    Ok(all)
}

fn is_there(service: &Map<String, Value>) -> bool {
    text(service, "status") != Some("INACTIVE")
}

/// What AWS says of a service's deployments.
enum Told {
    Deployments(Vec<Map<String, Value>>),
    /// There is none, for this one.
    None(String),
    /// It does not say, for any.
    Untold(String),
}

async fn told(
    cluster: &str,
    name: &str,
    most: usize,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Told, AwsError> {
    let soon = deadline.min(Instant::now() + PATIENCE);
    match ecs.deployments(cluster, name, most, soon).await {
        Ok(all) if all.is_empty() => {
            let why = format!("AWS keeps no deployments of {name}");
            Ok(Told::None(why))
        }
        Ok(all) => Ok(Told::Deployments(all)),
        Err(error) if passes(error.kind) => Err(error),
        Err(error) => Ok(Told::Untold(error.to_string())),
    }
}

/// A failure that holds for the calls of a guess, too, or that passes.
fn passes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Connect | Kind::Credentials | Kind::Expired | Kind::Region | Kind::Throttled
    )
}

async fn described(
    arns: impl Iterator<Item = &str>,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Definitions, AwsError> {
    let distinct: BTreeSet<&str> = arns.collect();
    let arns: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
    let found = ecs.task_definitions(&arns, deadline).await?;
    let found = arns.into_iter().zip(found);
    Ok(found
        .filter_map(|(arn, definition)| Some((arn, definition?)))
        .collect())
}

async fn guess(
    service: &Map<String, Value>,
    most: usize,
    why: String,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<History, AwsError> {
    let current = text(service, "taskDefinition").unwrap_or_default();
    let revisions = ecs.revisions(family(current), most, deadline).await?;
    let own = deployments(service).filter_map(|one| text(one, "taskDefinition"));
    let known = revisions.iter().map(String::as_str).chain(own);
    let definitions = described(known, ecs, deadline).await?;
    let mut history = from_service(service, &revisions, &definitions);
    history.entries.truncate(most);
    history.guessed = Some(why);
    Ok(history)
}

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

/// The commit that a definition is of.
#[must_use]
pub fn commit(definition: &Map<String, Value>) -> Option<String> {
    let tags = definition.get("tags").and_then(Value::as_array);
    let tagged = tags.into_iter().flatten().find_map(|tag| {
        let key = tag.get("key")?.as_str()?.to_ascii_lowercase();
        let value = tag.get("value")?.as_str()?;
        (TAGS.contains(&key.as_str()) && is_commit(value)).then_some(value)
    });
    let containers = definition.get("containerDefinitions");
    let containers = || containers.and_then(Value::as_array).into_iter().flatten();
    let labelled = || {
        containers().find_map(|container| {
            let value = container.get("dockerLabels")?.get(LABEL)?.as_str()?;
            is_commit(value).then_some(value)
        })
    };
    let of_image =
        || containers().find_map(|container| image_tag(container.get("image")?.as_str()?));
    let found = tagged.or_else(labelled).or_else(of_image)?;
    Some(found.to_ascii_lowercase())
}

/// `repository:TAG` or `repository:TAG@sha256:…`, if the tag is a commit's.
fn image_tag(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
    is_commit(tag).then_some(tag)
}

/// A whole SHA, or the beginning of one with letters and digits: `20260131` is a date.
fn is_commit(word: &str) -> bool {
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    match word.len() {
        40 | 64 => hex,
        7..=39 => hex && letter && digit,
        _ => false,
    }
}

/// The last parts of who registered it: `deployer/ci-run-7`, `user/alice`.
fn registered_by(definition: &Map<String, Value>) -> Option<String> {
    let arn = text(definition, "registeredBy")?;
    let name = arn.rsplit(':').next()?;
    let name = name.strip_prefix("assumed-role/").unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_definition_tells_its_commit() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let image = |image: &str| json!({"containerDefinitions": [{"image": image}]});
        let table = [
            (image(&format!("repo/app:{sha}")), Some(sha)),
            (image(&format!("host:5000/app:{sha}@sha256:00")), Some(sha)),
            (image("app:0123ABC"), Some("0123abc")),
            // A date, a word, a version, a port, nothing.
            (image("app:20260131"), None),
            (image("app:facade"), None),
            (image("app:v1.2"), None),
            (image("host:5000/app"), None),
            (image("app"), None),
            (
                json!({"tags": [{"key": "Commit", "value": "deadbe7"}],
                    "containerDefinitions": [{"image": "app:0123abc"}]}),
                Some("deadbe7"),
            ),
            (
                json!({"containerDefinitions": [{"image": "sidecar:1"},
                    {"image": "app:latest", "dockerLabels": {LABEL: sha}}]}),
                Some(sha),
            ),
            (
                json!({"containerDefinitions": [{"image": "sidecar:1"}, {"image": "app:0123abc"}]}),
                Some("0123abc"),
            ),
        ];
        for (definition, expected) in table {
            let shown = definition.to_string();
            assert_eq!(commit(&map(definition)).as_deref(), expected, "{shown}");
        }
    }

    #[test]
    fn who_registered_it_is_named_shortly() {
        let table = [
            ("arn:aws:iam::1:user/alice", Some("user/alice")),
            ("arn:aws:sts::1:assumed-role/ci/run-7", Some("ci/run-7")),
            ("arn:aws:iam::1:root", Some("root")),
        ];
        for (arn, name) in table {
            let found = registered_by(&map(json!({"registeredBy": arn})));
            assert_eq!(found.as_deref(), name);
        }
        assert_eq!(registered_by(&map(json!({}))), None);
    }
}
