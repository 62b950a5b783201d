//! What one poll saw: AWS's answers, as far as a verdict needs them.

use serde::{Deserialize, Deserializer};

/// What one poll saw of a service.
#[derive(Clone, Debug, PartialEq)]
pub enum Observation {
    /// The calls failed in a way that passes.
    Unknown,
    /// It stands in `failures`.
    Missing { reason: String },
    Seen {
        service: Box<Service>,
        /// Stopped tasks of our deployment.
        stopped: Vec<Stopped>,
        targets: Targets,
        /// The service deployment that is ours, where AWS keeps one.
        rollout: Option<Rollout>,
    },
}

/// Whether the load balancer finds the tasks well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Targets {
    /// There is none, or it was not asked.
    #[default]
    Unknown,
    Healthy,
    Unhealthy(Unhealthy),
}

/// Targets that a group lacks for all tasks to be served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unhealthy {
    /// The target group's name.
    pub group: String,
    pub targets: u64,
    /// In the load balancer's words.
    pub reason: String,
}

/// One of `DescribeServices`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Service {
    pub service_name: String,
    pub status: String,
    pub task_definition: String,
    pub desired_count: u64,
    pub running_count: u64,
    pub pending_count: u64,
    pub deployments: Vec<Deployment>,
    pub load_balancers: Vec<LoadBalancer>,
    /// The newest first.
    pub events: Vec<Event>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deployment {
    pub id: String,
    /// `PRIMARY`: what the service is to become; `ACTIVE`: what it still runs.
    pub status: String,
    pub task_definition: String,
    pub desired_count: u64,
    pub running_count: u64,
    pub pending_count: u64,
    pub failed_tasks: u64,
    /// Absent for controllers other than ECS.
    pub rollout_state: Option<String>,
    pub rollout_state_reason: Option<String>,
    #[serde(deserialize_with = "seconds")]
    pub created_at: f64,
}

impl Service {
    pub fn deployment(&self, id: &str) -> Option<&Deployment> {
        self.deployments.iter().find(|one| one.id == id)
    }

    pub fn primary(&self) -> Option<&Deployment> {
        self.deployments.iter().find(|one| one.is_primary())
    }
}

impl Deployment {
    #[must_use]
    pub fn is_primary(&self) -> bool {
        self.status == "PRIMARY"
    }

    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.rollout_state.as_deref() == Some("FAILED")
    }
}

/// Where a service registers its tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LoadBalancer {
    /// Classic ones have none.
    pub target_group_arn: Option<String>,
    pub advanced_configuration: Option<Alternate>,
}

/// Blue/green deployments take turns between two groups.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Alternate {
    pub alternate_target_group_arn: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    pub id: String,
    #[serde(deserialize_with = "seconds")]
    pub created_at: f64,
    pub message: String,
}

/// A task that ended, of `DescribeTasks`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Stopped {
    pub task_arn: String,
    /// The deployment's id.
    pub started_by: String,
    pub stop_code: String,
    pub stopped_reason: String,
    pub containers: Vec<Container>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    pub name: String,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
}

/// A service deployment, as `DescribeServiceDeployments` has it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rollout {
    /// `IN_PROGRESS`, `SUCCESSFUL`, `ROLLBACK_SUCCESSFUL`, …
    pub status: String,
    pub reason: Option<String>,
    /// ARN of the definition that it deploys, if known.
    pub definition: Option<String>,
    /// Where it waits for an answer.
    pub paused: Option<Hook>,
}

impl Rollout {
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.status == "SUCCESSFUL"
    }
}

/// Where a blue/green deployment waits for an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hook {
    pub id: String,
    pub stage: String,
}

/// Epoch seconds, as AWS's JSON has them; an emulator may write them out.
pub fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    let written = value.as_str().and_then(|text| {
        let text = format!("{}Z", text.get(..19)?);
        let time = humantime::parse_rfc3339(&text).ok()?;
        let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
        Some(since.as_secs_f64())
    });
    Ok(value.as_f64().or(written).unwrap_or_default())
}
