//! The memory as JSON, for the next leader. It may be of another version of this program, older or newer: what
//! cannot be read is as good as lost, and a lost memory only costs waits.

use crate::autoscale::decide::{GroupMemory, Leaving, Memory, ServiceMemory};
use crate::autoscale::{ClusterId, GroupId, GroupKind, ServiceId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::VecDeque;
use std::sync::Arc;

/// Another one is not read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    #[serde(default)]
    services: Vec<StoredService>,
    #[serde(default)]
    groups: Vec<StoredGroup>,
}

#[derive(Serialize, Deserialize)]
struct StoredService {
    region: Option<String>,
    cluster: String,
    service: String,
    memory: ServiceMemory,
}

#[derive(Serialize, Deserialize)]
struct StoredGroup {
    kind: Kind,
    region: Option<String>,
    name: String,
    #[serde(default)]
    leaving: Vec<StoredLeaving>,
    #[serde(default)]
    chosen: VecDeque<Timestamp>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    AutoScaling,
    SpotFleet,
    Simple,
}

#[derive(Serialize, Deserialize)]
struct StoredLeaving {
    instance: String,
    since: Timestamp,
    ours: bool,
}

/// What [`read`] makes the same memory of.
#[must_use]
pub fn write(memory: &Memory) -> Value {
    let empty = ServiceMemory::default();
    let services = memory.services.iter().filter(|(_, one)| **one != empty);
    let stored = Stored {
        version: VERSION,
        services: services.map(service).collect(),
        groups: memory.groups.iter().map(group).collect(),
    };
    // Its keys are strings, and its values are numbers, strings and times: nothing of it can fail.
    serde_json::to_value(stored).unwrap_or_default()
}

/// The memory of a leader before us; an error says why it is lost.
pub fn read(kept: &Value) -> Result<Memory, String> {
    if kept.is_null() {
        return Ok(Memory::default());
    }
    let version = kept.get("version").and_then(Value::as_u64);
    if version != Some(u64::from(VERSION)) {
        let version = version.map_or("none".to_owned(), |version| version.to_string());
        return Err(format!("its version is {version}, not {VERSION}"));
    }
    let stored = Stored::deserialize(kept).map_err(|error| error.to_string())?;
    Ok(Memory {
        services: stored.services.into_iter().map(known_service).collect(),
        groups: stored.groups.into_iter().map(known_group).collect(),
    })
}

fn service((id, memory): (&ServiceId, &ServiceMemory)) -> StoredService {
    StoredService {
        region: id.cluster.region.as_deref().map(str::to_owned),
        cluster: id.cluster.name.to_string(),
        service: id.name.to_string(),
        memory: memory.clone(),
    }
}

fn known_service(stored: StoredService) -> (ServiceId, ServiceMemory) {
    let cluster = ClusterId {
        region: stored.region.map(Arc::from),
        name: stored.cluster.into(),
    };
    let name = stored.service.into();
    (ServiceId { cluster, name }, stored.memory)
}

fn group((id, memory): (&GroupId, &GroupMemory)) -> StoredGroup {
    let leaving = memory
        .leaving
        .iter()
        .map(|(instance, leaving)| StoredLeaving {
            instance: instance.to_string(),
            since: leaving.since,
            ours: leaving.ours,
        });
    StoredGroup {
        kind: match id.kind {
            GroupKind::AutoScaling => Kind::AutoScaling,
            GroupKind::SpotFleet => Kind::SpotFleet,
            GroupKind::Simple => Kind::Simple,
        },
        region: id.region.as_deref().map(str::to_owned),
        name: id.name.to_string(),
        leaving: leaving.collect(),
        chosen: memory.chosen.clone(),
    }
}

fn known_group(stored: StoredGroup) -> (GroupId, GroupMemory) {
    let id = GroupId {
        kind: match stored.kind {
            Kind::AutoScaling => GroupKind::AutoScaling,
            Kind::SpotFleet => GroupKind::SpotFleet,
            Kind::Simple => GroupKind::Simple,
        },
        region: stored.region.map(Arc::from),
        name: stored.name.into(),
    };
    let leaving = stored.leaving.into_iter().map(|one| {
        let leaving = Leaving {
            since: one.since,
            ours: one.ours,
        };
        (Arc::from(one.instance), leaving)
    });
    let memory = GroupMemory {
        leaving: leaving.collect(),
        chosen: stored.chosen,
    };
    (id, memory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::autoscale::decide::Asked;
    use serde_json::json;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::new(1_780_272_000 + seconds, 123_456_789).unwrap()
    }

    fn memory() -> Memory {
        let mut memory = Memory::default();
        let cluster = ClusterId {
            region: Some("eu-west-1".into()),
            name: "main".into(),
        };
        let name = "web".into();
        let service = ServiceMemory {
            updated: Some(at(1)),
            unsettled: Some(at(2)),
            reached: Some(at(3)),
            asked: Some(Asked {
                at: at(4),
                from: 2,
                to: 3,
                arrived: true,
                reached: Some(at(5)),
            }),
            wanted: Some(7),
            unknown: Some(at(6)),
            steps: [(at(7), -1)].into(),
            changes: [(at(8), 2), (at(9), 1)].into(),
        };
        memory.services.insert(ServiceId { cluster, name }, service);
        for kind in [
            GroupKind::AutoScaling,
            GroupKind::SpotFleet,
            GroupKind::Simple,
        ] {
            let id = GroupId {
                kind,
                region: None,
                name: "nodes".into(),
            };
            let mut group = GroupMemory::default();
            for (instance, ours) in [("i-1", true), ("i-2", false)] {
                let since = at(10);
                group
                    .leaving
                    .insert(instance.into(), Leaving { since, ours });
            }
            group.chosen.push_back(at(11));
            memory.groups.insert(id, group);
        }
        memory
    }

    #[test]
    fn a_memory_survives() {
        let text = write(&memory()).to_string();
        assert_eq!(read(&serde_json::from_str(&text).unwrap()), Ok(memory()));
        assert_eq!(read(&Value::Null), Ok(Memory::default()));
    }

    #[test]
    fn what_another_version_added_is_passed_over() {
        let mut kept = write(&memory());
        kept["more"] = json!(1);
        kept["services"][0]["memory"]["more"] = json!(1);
        assert_eq!(read(&kept), Ok(memory()));
        let members = kept["services"][0]["memory"].as_object_mut().unwrap();
        members.remove("wanted");
        let known = read(&kept).unwrap();
        assert!(known.services.values().all(|one| one.wanted.is_none()));
    }

    #[test]
    fn a_damaged_memory_is_lost() {
        let mut newer = write(&memory());
        newer["version"] = json!(2);
        let mut damaged = write(&memory());
        damaged["groups"][0]["leaving"][0]["since"] = json!("yesterday");
        for (kept, why) in [
            (newer, "its version is 2, not 1"),
            (json!({"services": []}), "its version is none, not 1"),
            (json!("memory"), "its version is none, not 1"),
            (damaged, ""),
        ] {
            let error = read(&kept).unwrap_err();
            assert!(why.is_empty() || error == why, "{error}");
        }
    }
}
