//! `entryctl autoscale status`: services, alarms and groups of a file as they are.

use super::online::{Observed, Place, columns};
use crate::autoscale::config::{Group, Service};
use crate::autoscale::decide::{InstanceState, NodeStatus};
use crate::autoscale::{AlarmId, GroupKind};
use crate::cli::{Failure, output};
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;

const EXAMPLES: &str = "\
Prints desired and running tasks of each service with the minimum and maximum of this moment,
the groups' sizes and nodes, and the alarms' states; with `state:` in the file, who leads. What
is unknown is a ?.

Exit codes: 0 done, 1 failed or something could not be seen, 2 wrong usage.

Examples:
  entryctl autoscale status --config config/autoscale.yml
  entryctl autoscale status --config config/autoscale.yml --json | jq '.services'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    #[command(flatten)]
    place: Place,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub fn run(&self) -> Result<(), Failure> {
        let seen = self.place.observe()?;
        let text = if self.json {
            output::pretty(&as_json(&seen))
        } else {
            lines(&seen)
        };
        output::print(text.as_bytes())?;
        seen.whole()
    }
}

/// What there is of a service.
fn service(seen: &Observed, service: &Service) -> Value {
    let (min, max) = (service.min_at(seen.now), service.max_at(seen.now));
    let known = seen.snapshot.services.get(&service.id);
    let lease = known.and_then(|one| one.lease.as_ref());
    let lease = lease.filter(|lease| seen.now < lease.until);
    json!({
        "service": service.id.to_string(),
        "desired": known.map(|one| one.desired),
        "running": known.map(|one| one.running),
        "pending": known.map(|one| one.pending),
        "min": min,
        "max": max,
        "deploying": known.map(|one| one.deploying),
        "lease": lease.map(|lease| lease.holder.to_string()),
    })
}

/// What there is of a group that has nodes.
fn group(seen: &Observed, group: &Group) -> Value {
    let known = seen.snapshot.groups.get(&group.id);
    let nodes = seen.snapshot.clusters.get(&group.cluster);
    let instances = || known.into_iter().flat_map(|known| &known.instances);
    let in_state = |state| instances().filter(|one| one.state == state).count();
    let with_status = |status| {
        let nodes = nodes.into_iter().flatten();
        let ours = nodes.filter(|node| instances().any(|one| one.id == node.instance));
        ours.filter(|node| node.status == status).count()
    };
    let bounded = known.filter(|_| group.id.kind == GroupKind::AutoScaling);
    json!({
        "group": group.id.to_string(),
        "desired": known.map(|one| one.desired),
        "min": bounded.map(|one| one.min),
        "max": bounded.map(|one| one.max),
        "launching": known.map(|_| in_state(InstanceState::Launching)),
        "inService": known.map(|_| in_state(InstanceState::InService)),
        "active": nodes.map(|_| with_status(NodeStatus::Active)),
        "draining": nodes.map(|_| with_status(NodeStatus::Draining)),
    })
}

fn alarm(seen: &Observed, id: &AlarmId) -> Value {
    let known = seen.snapshot.alarms.get(id);
    json!({
        "alarm": id.to_string(),
        "state": known.map(|alarm| alarm.state.to_string()),
        "since": known.map(|alarm| alarm.since.to_string()),
    })
}

fn as_json(seen: &Observed) -> Value {
    let groups = || seen.config.groups.iter();
    let services = groups().flat_map(|group| &group.services);
    let triggers = services
        .clone()
        .flat_map(|service| service.upscale.iter().chain(&service.downscale));
    let alarms: BTreeSet<&AlarmId> = triggers.map(|trigger| &trigger.alarm).collect();
    let with_nodes = groups().filter(|group| group.id.kind != GroupKind::Simple);
    let leader = seen.leader().map(|leader| {
        json!({
            "holder": leader.holder, "since": leader.since.to_string(),
            "until": leader.until.to_string(),
        })
    });
    json!({
        "at": seen.now.to_string(),
        "leader": leader,
        "services": services.map(|one| service(seen, one)).collect::<Vec<_>>(),
        "groups": with_nodes.map(|one| group(seen, one)).collect::<Vec<_>>(),
        "alarms": alarms.into_iter().map(|id| alarm(seen, id)).collect::<Vec<_>>(),
        "unseen": seen.troubles.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// The same as columns.
fn lines(seen: &Observed) -> String {
    let all = as_json(seen);
    let tables: [(&str, &[&str], &[&str]); 3] = [
        (
            "services",
            &["service", "desired", "running", "pending", "min", "max", ""],
            &["service", "desired", "running", "pending", "min", "max"],
        ),
        (
            "groups",
            &[
                "group",
                "desired",
                "min",
                "max",
                "launching",
                "in service",
                "active",
                "draining",
            ],
            &[
                "group",
                "desired",
                "min",
                "max",
                "launching",
                "inService",
                "active",
                "draining",
            ],
        ),
        (
            "alarms",
            &["alarm", "state", "since"],
            &["alarm", "state", "since"],
        ),
    ];
    let tables = tables.into_iter().filter_map(|(name, head, keys)| {
        let rows = all[name].as_array().filter(|rows| !rows.is_empty())?;
        let rows = rows.iter().map(|row| {
            let mut cells: Vec<String> = keys.iter().map(|key| cell(&row[*key])).collect();
            if head.len() > keys.len() {
                cells.push(remark(row));
            }
            cells
        });
        Some(columns(head, rows.collect()))
    });
    let tables = tables.collect::<Vec<_>>().join("\n");
    leader(seen) + &tables
}

fn leader(seen: &Observed) -> String {
    match (seen.leader(), &seen.config.state) {
        (_, None) => String::new(),
        (Some(leader), _) => format!("{} leads since {:.0}\n\n", leader.holder, leader.since),
        (None, Some(place)) if seen.lease_unknown => {
            format!("who leads is unknown: the lease in {place} could not be read\n\n")
        }
        (None, Some(place)) => format!("nobody leads: the lease in {place} is free\n\n"),
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "?".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn remark(service: &Value) -> String {
    match (service["lease"].as_str(), service["deploying"].as_bool()) {
        (Some(holder), _) => format!("deployed by {holder}"),
        (None, Some(true)) => "a deployment is in progress".to_owned(),
        _ => String::new(),
    }
}
