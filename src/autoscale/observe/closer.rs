//! What the next decision would touch is looked at closer, and nothing else: it is asked what it would do if
//! all that is not known were well, until it would touch nothing that is not known.

use super::Eye;
use super::members::{text, time};
use super::nodes::Registered;
use super::sight::{Sight, batch};
use super::tasks::look_at;
use crate::autoscale::config::{Busy, Group};
use crate::autoscale::decide::{Act, InstanceState, NodeStatus, decide};
use crate::autoscale::{ClusterId, Region};
use crate::aws::Ec2;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// The most nodes of a cluster whose tasks are looked at in a poll; the others are taken to run services.
const NODES: usize = 10;

/// Instances that are in no cluster: since when, where, and whether they still run.
pub async fn instances(eye: Eye<'_>, sight: &mut Sight) {
    let mut outside: BTreeMap<&Region, BTreeSet<Arc<str>>> = BTreeMap::new();
    for group in &eye.config.groups {
        let (Some(seen), Some(nodes)) = (
            sight.snapshot.groups.get(&group.id),
            sight.snapshot.container_instances.get(&group.cluster),
        ) else {
            continue;
        };
        let unknown = seen.instances.iter().filter(|instance| {
            instance.state == InstanceState::InService && !nodes.contains_key(&instance.id)
        });
        let ids = outside.entry(&group.id.region).or_default();
        ids.extend(unknown.map(|instance| instance.id.clone()));
    }
    for (region, ids) in outside {
        if ids.is_empty() {
            continue;
        }
        let ids: Vec<&str> = ids.iter().map(AsRef::as_ref).collect();
        let seen = async {
            let ec2 = Ec2::new(eye.clouds.calls(region)?);
            ec2.instances(&ids, eye.clouds.deadline).await
        };
        match seen.await {
            Ok(seen) => fill(sight, &seen),
            // They stay as young as the poll, and none of them is taken for an orphan.
            Err(error) => sight.failed(batch("instances", &ids), error),
        }
    }
}

fn fill(sight: &mut Sight, seen: &[Value]) {
    let seen: HashMap<&str, &Value> = seen
        .iter()
        .filter_map(|one| Some((text(one, "instanceId")?, one)))
        .collect();
    let groups = sight.snapshot.groups.values_mut();
    for instance in groups.flat_map(|group| &mut group.instances) {
        let Some(value) = seen.get(&*instance.id) else {
            continue;
        };
        instance.launched = time(value, "launchTime").unwrap_or(instance.launched);
        let zone = value
            .get("placement")
            .and_then(|place| text(place, "availabilityZone"));
        if let Some(zone) = zone.filter(|_| instance.zone.is_empty()) {
            instance.zone = zone.into();
        }
        let state = value
            .get("instanceState")
            .and_then(|state| text(state, "name"));
        instance.state = match state {
            Some("pending") => InstanceState::Launching,
            Some("running") | None => instance.state,
            Some(_) => InstanceState::Leaving,
        };
    }
}

/// Tasks of the nodes that may go, or are about to.
pub async fn tasks(eye: Eye<'_>, sight: &mut Sight) {
    let daemons: BTreeMap<ClusterId, u32> = sight
        .registered
        .iter()
        .map(|(cluster, nodes)| (cluster.clone(), fewest(nodes)))
        .collect();
    let mut left: BTreeMap<ClusterId, usize> = BTreeMap::new();
    loop {
        let sum = |cluster: &ClusterId| daemons.get(cluster).copied().unwrap_or(0);
        sight.show(|cluster, node| node.best(sum(cluster)));
        let touched = touched(eye, sight, &mut left);
        if touched.is_empty() {
            break;
        }
        for (cluster, instances) in touched {
            let careful = careful(eye, &cluster);
            look_at(eye, sight, &cluster, &instances, careful).await;
        }
    }
    sight.show(|_, node| node.worst());
}

/// About as many tasks as there are daemons on each node.
fn fewest(nodes: &[Registered]) -> u32 {
    let active = nodes
        .iter()
        .filter(|node| node.status == NodeStatus::Active);
    active.map(|node| node.running).min().unwrap_or(0)
}

/// The nodes that a decision would act on without knowing their tasks, as many as may be looked at.
fn touched(
    eye: Eye<'_>,
    sight: &Sight,
    left: &mut BTreeMap<ClusterId, usize>,
) -> BTreeMap<ClusterId, BTreeSet<Arc<str>>> {
    let memory = eye.look.memory.clone();
    let decision = decide(eye.config, &sight.snapshot, memory, eye.now);
    let mut touched: BTreeMap<ClusterId, BTreeSet<Arc<str>>> = BTreeMap::new();
    for action in decision.actions {
        let (Act::Drain { group, instance }
        | Act::Terminate {
            group, instance, ..
        }) = action.act
        else {
            continue;
        };
        let mut groups = eye.config.groups.iter();
        let Some(group) = groups.find(|one| one.id == group) else {
            continue;
        };
        let nodes = sight.registered.get(&group.cluster);
        let node = nodes.and_then(|nodes| nodes.iter().find(|node| node.instance == instance));
        let left = left.entry(group.cluster.clone()).or_insert(NODES);
        if *left > 0 && node.is_some_and(Registered::is_unclear) {
            *left -= 1;
            let cluster = touched.entry(group.cluster.clone()).or_default();
            cluster.insert(instance);
        }
    }
    touched
}

/// Instances of groups that drain nodes with tasks of services: there it matters which of these are protected.
fn careful(eye: Eye<'_>, cluster: &ClusterId) -> bool {
    let drains = |group: &&Group| group.cluster == *cluster && group.removal.busy == Busy::Drain;
    eye.config.groups.iter().any(|group| drains(&group))
}
