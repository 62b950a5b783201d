//! Container instances, a hundred a call: what is known of a node before its tasks are looked at.

use super::members::{count, flag, list, text, time};
use super::sight::Sight;
use super::{Eye, Job};
use crate::autoscale::ClusterId;
use crate::autoscale::decide::{Node, NodeStatus, Tasks};
use crate::aws::Ecs;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A container instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    pub arn: Arc<str>,
    pub instance: Arc<str>,
    pub zone: Option<Arc<str>>,
    pub at: Option<Timestamp>,
    pub status: NodeStatus,
    pub connected: bool,
    /// Tasks of whatever kind; those that were told to stop do not count.
    pub running: u32,
    pub pending: u32,
    /// Its tasks, once they were looked at.
    pub tasks: Option<Tasks>,
}

impl Registered {
    /// As a decision sees it.
    pub fn node(&self, tasks: Tasks) -> Node {
        Node {
            instance: self.instance.clone(),
            status: self.status,
            connected: self.connected,
            tasks,
        }
    }

    /// Whether there is more to know. A node that drains may look empty while its tasks take their time to
    /// stop.
    pub fn is_unclear(&self) -> bool {
        self.tasks.is_none() && (self.running > 0 || self.status == NodeStatus::Draining)
    }

    /// What is known for certain, and the worst of what is not: protected tasks of services, so that the node
    /// is neither chosen nor taken to be empty.
    pub fn worst(&self) -> Tasks {
        self.tasks.unwrap_or_else(|| {
            let least = u32::from(self.status == NodeStatus::Draining);
            Tasks {
                service: self.running.max(least),
                protected: self.running,
                pending: self.pending,
                ..Tasks::default()
            }
        })
    }

    /// The best of what is not known, if as many tasks as `daemons` are daemons.
    pub fn best(&self, daemons: u32) -> Tasks {
        let daemons = match self.status {
            NodeStatus::Draining => self.running,
            _ => daemons.min(self.running),
        };
        self.tasks.unwrap_or(Tasks {
            one_off: self.running - daemons,
            daemon: daemons,
            pending: self.pending,
            ..Tasks::default()
        })
    }
}

pub fn jobs<'a>(eye: Eye<'a>, clusters: &'a BTreeSet<ClusterId>) -> Vec<Job<'a>> {
    let jobs = clusters.iter();
    jobs.map(|cluster| -> Job<'_> { Box::pin(look(eye, cluster)) })
        .collect()
}

async fn look<'a>(eye: Eye<'a>, cluster: &'a ClusterId) -> Sight {
    let mut sight = Sight::default();
    let reply = match eye.clouds.calls(&cluster.region) {
        Ok(calls) => {
            let ecs = Ecs::new(calls);
            ecs.container_instances(&cluster.name, None, eye.clouds.deadline)
                .await
        }
        Err(error) => Err(error),
    };
    match reply {
        Ok(seen) => {
            let nodes = seen.iter().filter_map(registered).collect();
            sight.registered.insert(cluster.clone(), nodes);
        }
        Err(error) => sight.failed(format!("nodes of {cluster}"), error),
    }
    sight
}

fn registered(value: &Value) -> Option<Registered> {
    let attribute = |name: &str| {
        let found = list(value, "attributes").iter();
        let mut found = found.filter(|one| text(one, "name") == Some(name));
        found.find_map(|one| text(one, "value"))
    };
    let status = match text(value, "status").unwrap_or_default() {
        "ACTIVE" => NodeStatus::Active,
        "DRAINING" => NodeStatus::Draining,
        _ => NodeStatus::Other,
    };
    Some(Registered {
        arn: text(value, "containerInstanceArn")?.into(),
        // One that is not of EC2 is in no group.
        instance: text(value, "ec2InstanceId")?.into(),
        zone: attribute("ecs.availability-zone").map(Arc::from),
        at: time(value, "registeredAt"),
        status,
        connected: flag(value, "agentConnected"),
        running: count(value, "runningTasksCount").unwrap_or(0),
        pending: count(value, "pendingTasksCount").unwrap_or(0),
        tasks: None,
    })
}

/// Puts nodes into the snapshot as they are known so far, and into groups what only nodes tell.
pub fn complete(sight: &mut Sight) {
    let mut by_instance: HashMap<Arc<str>, &Registered> = HashMap::new();
    for (cluster, nodes) in &sight.registered {
        let arns: BTreeMap<Arc<str>, Arc<str>> = nodes
            .iter()
            .map(|node| (node.instance.clone(), node.arn.clone()))
            .collect();
        let container_instances = &mut sight.snapshot.container_instances;
        container_instances.insert(cluster.clone(), arns);
        by_instance.extend(nodes.iter().map(|node| (node.instance.clone(), node)));
    }
    for group in sight.snapshot.groups.values_mut() {
        for instance in &mut group.instances {
            let Some(node) = by_instance.get(&instance.id) else {
                continue;
            };
            // Nearly its launch: a node registers when its agent has started.
            instance.launched = node.at.unwrap_or(instance.launched);
            if let Some(zone) = node.zone.as_ref().filter(|_| instance.zone.is_empty()) {
                instance.zone = zone.clone();
            }
        }
    }
    sight.show(|_, node| node.worst());
}

impl Sight {
    /// The nodes, each with the tasks that it is taken to have.
    pub fn show(&mut self, tasks: impl Fn(&ClusterId, &Registered) -> Tasks) {
        for (cluster, nodes) in &self.registered {
            let nodes = nodes.iter().map(|node| node.node(tasks(cluster, node)));
            let clusters = &mut self.snapshot.clusters;
            clusters.insert(cluster.clone(), nodes.collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_is_what_its_reply_says() {
        let reply = json!({
            "containerInstanceArn": "arn:ci/1", "ec2InstanceId": "i-1", "status": "DRAINING",
            "agentConnected": true, "runningTasksCount": 2, "pendingTasksCount": 1,
            "registeredAt": 1_780_272_000.5,
            "attributes": [{"name": "ecs.os-type", "value": "linux"},
                           {"name": "ecs.availability-zone", "value": "eu-west-1a"}],
        });
        let node = registered(&reply).unwrap();
        assert_eq!((node.status, node.connected), (NodeStatus::Draining, true));
        assert_eq!(node.zone.as_deref(), Some("eu-west-1a"));
        assert_eq!((node.running, node.pending), (2, 1));
        assert_eq!(node.at.unwrap().as_second(), 1_780_272_000);
        assert_eq!(registered(&json!({"containerInstanceArn": "a"})), None);
    }

    #[test]
    fn a_draining_node_is_never_taken_to_be_empty_unseen() {
        let mut node = registered(&json!({
            "containerInstanceArn": "a", "ec2InstanceId": "i", "status": "DRAINING",
        }))
        .unwrap();
        assert!(node.is_unclear());
        assert_eq!(node.worst().at_stake(), 1);
        node.tasks = Some(Tasks::default());
        assert!(!node.is_unclear());
        assert_eq!(node.worst().at_stake(), 0);
        node.status = NodeStatus::Active;
        node.tasks = None;
        assert!(!node.is_unclear());
        node.running = 3;
        assert_eq!(node.best(1).at_stake(), 2);
        assert_eq!(node.best(5).at_stake(), 0);
        assert_eq!((node.worst().service, node.worst().protected), (3, 3));
    }
}
