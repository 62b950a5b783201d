//! What the files mean.

use crate::state::Place;
use serde_json::{Map, Value};
use std::time::Duration;

/// Everything that is deployed.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub region: Option<String>,
    /// Name or ARN.
    pub cluster: String,
    /// Where lock and audit are.
    pub state: Option<Place>,
    /// The lock's name, if it is not the cluster's.
    pub lock: Option<String>,
    /// Whether images of ECR are registered with the digests that their tags stand for.
    pub pin: bool,
    pub tasks: Vec<Task>,
    /// In the order of their waves.
    pub services: Vec<Service>,
    pub scheduled_tasks: Vec<ScheduledTask>,
    /// One-off tasks before the services, such as a migration.
    pub before: Vec<OneOff>,
    pub after: Vec<OneOff>,
}

impl Config {
    /// Deploys of one name exclude each other: by default all those into a cluster, so that whoever scales its
    /// services finds the lock by the cluster's name.
    #[must_use]
    pub fn lock_name(&self) -> &str {
        let cluster = || self.cluster.rsplit('/').next().unwrap_or_default();
        self.lock.as_deref().unwrap_or_else(cluster)
    }
}

/// A task definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    pub name: String,
    pub family: String,
    /// The members of `RegisterTaskDefinition`.
    pub request: Map<String, Value>,
    /// Variables of containers whose values were filled in from this command's environment: they are not shown.
    pub filled: Vec<String>,
}

/// Which task definition a service runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TaskOf {
    /// One of the file, by its name there.
    File(String),
    /// An ARN, `family:revision` or family, as AWS takes it.
    Fixed(String),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    /// As AWS knows it.
    pub name: String,
    pub task: TaskOf,
    /// Services of a lower wave are deployed, and proven, first.
    pub wave: u32,
    /// Something else sets its number of tasks.
    pub autoscaled: bool,
    pub delete: bool,
    /// The members of `CreateService` that the file names, without name, cluster and task definition.
    pub fields: Map<String, Value>,
}

impl Service {
    /// Whether its tasks are of this task of the file.
    #[must_use]
    pub fn is_of(&self, task: &str) -> bool {
        matches!(&self.task, TaskOf::File(name) if name == task)
    }
}

/// A task that a rule of `EventBridge` starts.
#[derive(Clone, Debug, PartialEq)]
pub struct ScheduledTask {
    pub name: String,
    pub schedule: String,
    pub run: Run,
    pub count: u32,
    pub enabled: bool,
    pub description: Option<String>,
    pub role_arn: Option<String>,
    /// The target's id in its rule; the task's family without it.
    pub target_id: Option<String>,
    /// Members of `RunTask` that say where and how: `launchType`, `networkConfiguration`, `group`, …
    pub placed: Map<String, Value>,
    pub delete: bool,
}

/// A task that runs once and ends.
#[derive(Clone, Debug, PartialEq)]
pub struct OneOff {
    pub run: Run,
    pub timeout: Duration,
}

/// A command in place of a task's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// By its name in the file.
    pub task: String,
    /// The container that the command is for.
    pub container: String,
    /// The container's own if empty.
    pub command: Vec<String>,
}
