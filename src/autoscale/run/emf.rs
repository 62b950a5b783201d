//! Metrics in CloudWatch's embedded metric format: log lines that CloudWatch Logs makes metrics of.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use crate::autoscale::config::{Config, Group, Service};
use crate::autoscale::decide::{Decision, InstanceState, Snapshot};
use crate::autoscale::{AlarmId, GroupKind, Region};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Duration;

const NAMESPACE: &str = "entry/autoscale";

/// A poll.
pub(super) struct Poll<'a> {
    pub config: &'a Config,
    pub snapshot: &'a Snapshot,
    pub decision: &'a Decision,
    pub now: Timestamp,
    pub took: Duration,
    pub calls: u64,
    pub failed: usize,
}

/// One document for each service and group that was seen, and one for the poll.
pub(super) fn documents(poll: &Poll) -> Vec<Value> {
    let groups = &poll.config.groups;
    let services = groups.iter().flat_map(|group| &group.services);
    let mut all = vec![whole(poll)];
    all.extend(groups.iter().filter_map(|one| group(poll, one)));
    all.extend(services.filter_map(|one| service(poll, one)));
    all
}

fn alarms(service: &Service) -> impl Iterator<Item = &AlarmId> {
    let triggers = service.upscale.iter().chain(&service.downscale);
    triggers.map(|trigger| &trigger.alarm)
}

fn unknown<'a>(poll: &Poll, alarms: impl Iterator<Item = &'a AlarmId>) -> usize {
    let unknown = alarms.filter(|alarm| !poll.snapshot.alarms.contains_key(alarm));
    unknown.collect::<BTreeSet<_>>().len()
}

fn whole(poll: &Poll) -> Value {
    let services = poll.config.groups.iter().flat_map(|group| &group.services);
    let milliseconds = u64::try_from(poll.took.as_millis()).unwrap_or(u64::MAX);
    let metrics = [
        ("PollDuration", "Milliseconds", json!(milliseconds)),
        ("Calls", "Count", json!(poll.calls)),
        ("Actions", "Count", json!(poll.decision.actions.len())),
        ("FailedActions", "Count", json!(poll.failed)),
        (
            "UnknownAlarms",
            "Count",
            json!(unknown(poll, services.flat_map(alarms))),
        ),
    ];
    document(poll.now, &[], &metrics)
}

fn service(poll: &Poll, service: &Service) -> Option<Value> {
    let seen = poll.snapshot.services.get(&service.id)?;
    let metrics = [
        ("Desired", "Count", json!(seen.desired)),
        ("Running", "Count", json!(seen.running)),
        ("Pending", "Count", json!(seen.pending)),
        ("Minimum", "Count", json!(service.min_at(poll.now))),
        ("Maximum", "Count", json!(service.max_at(poll.now))),
        (
            "UnknownAlarms",
            "Count",
            json!(unknown(poll, alarms(service))),
        ),
    ];
    let cluster = &service.id.cluster;
    let mut dimensions = region(&cluster.region);
    dimensions.push(("Cluster", &cluster.name));
    dimensions.push(("Service", &service.id.name));
    Some(document(poll.now, &dimensions, &metrics))
}

fn group(poll: &Poll, group: &Group) -> Option<Value> {
    let seen = poll.snapshot.groups.get(&group.id)?;
    let memory = poll.decision.memory.groups.get(&group.id);
    let leaving = memory.map_or(0, |memory| memory.leaving.len());
    let counted = seen.instances.iter();
    let counted = counted.filter(|instance| instance.state != InstanceState::Leaving);
    let mut metrics = vec![
        ("Desired", "Count", json!(seen.desired)),
        ("Nodes", "Count", json!(counted.count())),
        ("Draining", "Count", json!(leaving)),
        ("Minimum", "Count", json!(seen.min)),
    ];
    // A spot fleet has none of its own.
    if seen.max < u32::MAX {
        metrics.push(("Maximum", "Count", json!(seen.max)));
    }
    if let Some(need) = poll.decision.needs.get(&group.id) {
        metrics.push(("Needed", "Count", json!(need)));
    }
    let mut dimensions = region(&group.id.region);
    let kind = if group.id.kind == GroupKind::SpotFleet {
        "SpotFleet"
    } else {
        "Group"
    };
    dimensions.push((kind, &group.id.name));
    Some(document(poll.now, &dimensions, &metrics))
}

fn region(region: &Region) -> Vec<(&'static str, &str)> {
    region.iter().map(|name| ("Region", &**name)).collect()
}

fn document(now: Timestamp, dimensions: &[(&str, &str)], metrics: &[(&str, &str, Value)]) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let units = metrics.iter();
    let units: Vec<Value> = units
        .map(|(name, unit, _)| json!({"Name": name, "Unit": unit}))
        .collect();
    let metadata = json!({
        "Timestamp": now.as_millisecond(),
        "CloudWatchMetrics": [{"Namespace": NAMESPACE, "Dimensions": [names], "Metrics": units}],
    });
    let mut members = Map::new();
    members.insert("_aws".to_owned(), metadata);
    let texts = dimensions.iter();
    members.extend(texts.map(|(name, value)| ((*name).to_owned(), json!(value))));
    let values = metrics.iter();
    members.extend(values.map(|(name, _, value)| ((*name).to_owned(), value.clone())));
    Value::Object(members)
}
