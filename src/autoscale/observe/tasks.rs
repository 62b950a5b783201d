//! What runs on a node: by what becomes of it when the node drains.

use super::members::last_part;
use super::nodes::Registered;
use super::sight::Sight;
use super::{Eye, IN_FLIGHT};
use crate::autoscale::ClusterId;
use crate::autoscale::decide::{NodeStatus, Tasks};
use crate::aws::{AwsError, Ecs};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Looks at the tasks of some nodes of a cluster. If that fails, they are taken to run services. `careful`:
/// it matters which tasks of services are protected.
pub async fn look_at(
    eye: Eye<'_>,
    sight: &mut Sight,
    cluster: &ClusterId,
    instances: &BTreeSet<Arc<str>>,
    careful: bool,
) {
    let nodes = sight.registered.get(cluster).into_iter().flatten();
    let chosen = |node: &&Registered| instances.contains(&node.instance);
    let nodes: Vec<Registered> = nodes.filter(chosen).cloned().collect();
    let daemons = sight.daemons.get(cluster).cloned();
    let look = async {
        let ecs = Ecs::new(eye.clouds.calls(&cluster.region)?);
        see(eye, ecs, cluster, &nodes, daemons).await
    };
    let (tasks, daemons) = match look.await {
        Ok(seen) => seen,
        Err(error) => {
            sight.failed(format!("tasks on nodes of {cluster}"), error);
            return sight.settle(cluster, instances, Registered::worst);
        }
    };
    let protected = if careful {
        protected(eye, sight, cluster, &nodes, &tasks, &daemons).await
    } else {
        BTreeSet::new()
    };
    let mut by_node: BTreeMap<&str, Vec<&Map<String, Value>>> = BTreeMap::new();
    for task in &tasks {
        let node = member(task, "containerInstanceArn");
        by_node.entry(node).or_default().push(task);
    }
    sight.settle(cluster, instances, |node| {
        let tasks = by_node.get(&*node.arn).map_or(&[][..], Vec::as_slice);
        counted(tasks, &daemons, &protected)
    });
    sight.daemons.insert(cluster.clone(), daemons);
}

/// The protected of the tasks that would be moved; all of them if nobody tells.
async fn protected(
    eye: Eye<'_>,
    sight: &mut Sight,
    cluster: &ClusterId,
    nodes: &[Registered],
    tasks: &[Map<String, Value>],
    daemons: &BTreeSet<String>,
) -> BTreeSet<String> {
    let active = nodes
        .iter()
        .filter(|node| node.status == NodeStatus::Active);
    let active: BTreeSet<&str> = active.map(|node| &*node.arn).collect();
    let moved = tasks.iter().filter(|task| {
        kind(task, daemons) == Kind::Service
            && active.contains(member(task, "containerInstanceArn"))
    });
    let ask: Vec<String> = moved
        .map(|task| member(task, "taskArn").to_owned())
        .collect();
    if ask.is_empty() {
        return BTreeSet::new();
    }
    let found = async {
        let ecs = Ecs::new(eye.clouds.calls(&cluster.region)?);
        ecs.protected_tasks(&cluster.name, &ask, eye.clouds.deadline)
            .await
    };
    match found.await {
        Ok(found) => found,
        Err(error) => {
            sight.failed(format!("protection of tasks in {cluster}"), error);
            ask.into_iter().collect()
        }
    }
}

impl Sight {
    /// Notes what some nodes run.
    fn settle(
        &mut self,
        cluster: &ClusterId,
        instances: &BTreeSet<Arc<str>>,
        tasks: impl Fn(&Registered) -> Tasks,
    ) {
        let nodes = self.registered.get_mut(cluster).into_iter().flatten();
        for node in nodes.filter(|node| instances.contains(&node.instance)) {
            node.tasks = Some(tasks(node));
        }
    }
}

type Seen = (Vec<Map<String, Value>>, BTreeSet<String>);

async fn see(
    eye: Eye<'_>,
    ecs: Ecs<'_>,
    cluster: &ClusterId,
    nodes: &[Registered],
    daemons: Option<BTreeSet<String>>,
) -> Result<Seen, AwsError> {
    let deadline = eye.clouds.deadline;
    let lists = nodes.iter().flat_map(|node| {
        // Of those that were told to stop some still run; nobody else counts them.
        let stopping = node.status == NodeStatus::Draining;
        let running = node.running + node.pending > 0;
        [(running, "RUNNING"), (stopping, "STOPPED")]
            .into_iter()
            .filter(|(asked, _)| *asked)
            .map(move |(_, status)| json!({"containerInstance": &*node.arn, "desiredStatus": status}))
    });
    let lists: Vec<Value> = lists.collect();
    let lists = lists
        .iter()
        .map(|filter| ecs.list_tasks(&cluster.name, filter, deadline));
    let arns: Vec<Vec<String>> = stream::iter(lists)
        .buffered(IN_FLIGHT)
        .try_collect()
        .await?;
    let arns: Vec<String> = arns.into_iter().flatten().collect();
    let tasks = ecs.tasks(&cluster.name, &arns, deadline).await?;
    let daemons = match daemons {
        Some(daemons) => daemons,
        None => ecs.daemon_services(&cluster.name, deadline).await?,
    };
    Ok((tasks, daemons))
}

/// What becomes of a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Service,
    Daemon,
    OneOff,
}

/// `service:NAME` is the group of a service's tasks; `family:…`, or a name of one's own, of all others.
fn kind(task: &Map<String, Value>, daemons: &BTreeSet<String>) -> Kind {
    let Some(name) = member(task, "group").strip_prefix("service:") else {
        return Kind::OneOff;
    };
    if daemons.iter().any(|arn| last_part(arn) == name) {
        Kind::Daemon
    } else {
        Kind::Service
    }
}

fn counted(
    tasks: &[&Map<String, Value>],
    daemons: &BTreeSet<String>,
    protected: &BTreeSet<String>,
) -> Tasks {
    let mut counts = Tasks::default();
    for task in tasks {
        match member(task, "lastStatus") {
            "STOPPED" | "DELETED" => continue,
            "PROVISIONING" | "PENDING" | "ACTIVATING" => counts.pending += 1,
            _ => match kind(task, daemons) {
                Kind::Service => counts.service += 1,
                Kind::Daemon => counts.daemon += 1,
                Kind::OneOff => counts.one_off += 1,
            },
        }
        counts.protected += u32::from(protected.contains(member(task, "taskArn")));
    }
    counts
}

fn member<'t>(task: &'t Map<String, Value>, name: &str) -> &'t str {
    task.get(name).and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_told_apart() {
        let task = |arn: &str, group: &str, status: &str| {
            let value = json!({"taskArn": arn, "group": group, "lastStatus": status});
            value.as_object().unwrap().clone()
        };
        let tasks = [
            task("1", "service:web", "RUNNING"),
            task("2", "service:web", "STOPPING"),
            task("3", "service:agent", "RUNNING"),
            task("4", "family:migrate", "RUNNING"),
            task("5", "nightly", "DEPROVISIONING"),
            task("6", "service:web", "PENDING"),
            task("7", "service:agent", "STOPPED"),
        ];
        let tasks: Vec<_> = tasks.iter().collect();
        let daemons = BTreeSet::from(["arn:aws:ecs:r:1:service/main/agent".to_owned()]);
        let protected = BTreeSet::from(["2".to_owned()]);
        let expected = Tasks {
            service: 2,
            one_off: 2,
            protected: 1,
            daemon: 1,
            pending: 1,
        };
        assert_eq!(counted(&tasks, &daemons, &protected), expected);
    }
}
