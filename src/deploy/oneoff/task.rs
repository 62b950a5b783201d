//! A task as `DescribeTasks` has it, and what it ended of: pure.

use crate::deploy::verdict::seconds;
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Task {
    pub task_arn: String,
    pub task_definition_arn: String,
    /// `service:NAME`, or `family:NAME` for one that no service started.
    pub group: String,
    pub started_by: String,
    /// `PROVISIONING`, `PENDING`, `RUNNING`, …, `STOPPED`.
    pub last_status: String,
    pub desired_status: String,
    pub health_status: String,
    #[serde(deserialize_with = "seconds")]
    pub created_at: f64,
    #[serde(deserialize_with = "seconds")]
    pub started_at: f64,
    #[serde(deserialize_with = "seconds")]
    pub stopped_at: f64,
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
    /// Its id on its machine, once it runs.
    pub runtime_id: Option<String>,
}

impl Task {
    /// A task of a reply. What an emulator has of another kind is not there.
    pub fn read(task: Map<String, Value>) -> Task {
        let arn = task.get("taskArn").and_then(Value::as_str);
        let arn = arn.unwrap_or_default().to_owned();
        serde_json::from_value(Value::Object(task)).unwrap_or(Task {
            task_arn: arn,
            ..Task::default()
        })
    }

    /// The last part of its ARN.
    pub fn id(&self) -> &str {
        self.task_arn.rsplit('/').next().unwrap_or(&self.task_arn)
    }

    pub fn has_ended(&self) -> bool {
        self.last_status == "STOPPED"
    }

    /// It runs, but was told to end.
    pub fn is_stopping(&self) -> bool {
        self.desired_status == "STOPPED" && !self.has_ended()
    }

    pub fn container(&self, name: &str) -> Option<&Container> {
        self.containers.iter().find(|one| one.name == name)
    }

    pub fn exit_code(&self, container: &str) -> Option<i64> {
        self.container(container)?.exit_code
    }

    /// Whether the container ran at all.
    pub fn ran(&self, container: &str) -> bool {
        let container = self.container(container);
        container.is_some_and(|one| one.exit_code.is_some() || one.runtime_id.is_some())
    }
}

/// Why it ended, in ECS's words: the task's reason, and those of containers that did not end well.
pub fn reason(task: &Task) -> String {
    let mut parts = Vec::new();
    if !task.stopped_reason.is_empty() {
        parts.push(task.stopped_reason.clone());
    }
    for one in &task.containers {
        let code = one.exit_code.filter(|code| *code != 0);
        let own = one.reason.as_deref().unwrap_or_default();
        // Often it is the task's reason once more.
        let own = Some(own).filter(|own| !own.is_empty() && !task.stopped_reason.contains(own));
        let code = code.map_or_else(String::new, |code| format!(" exited with {code}"));
        match (code.as_str(), own) {
            ("", None) => {}
            (code, None) => parts.push(format!("{}{code}", one.name)),
            (code, Some(own)) => parts.push(format!("{}{code}: {own}", one.name)),
        }
    }
    if parts.is_empty() {
        parts.push("ECS gives no reason".to_owned());
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn task(value: &Value) -> Task {
        Task::read(value.as_object().cloned().unwrap())
    }

    #[test]
    fn a_reason_is_told_once_and_names_its_container() {
        let table = [
            (
                json!({"stoppedReason": "Essential container in task exited",
                    "containers": [{"name": "app", "exitCode": 1}, {"name": "log", "exitCode": 0}]}),
                "Essential container in task exited; app exited with 1",
            ),
            (
                json!({"stoppedReason": "CannotPullContainerError: pull image manifest has been retried",
                    "containers": [{"name": "app",
                        "reason": "CannotPullContainerError: pull image manifest has been retried"}]}),
                "CannotPullContainerError: pull image manifest has been retried",
            ),
            (
                json!({"stoppedReason": "Essential container in task exited",
                    "containers": [{"name": "app", "exitCode": 137,
                        "reason": "OutOfMemoryError: Container killed due to memory usage"}]}),
                "Essential container in task exited; app exited with 137: OutOfMemoryError: Container killed \
                 due to memory usage",
            ),
            (
                json!({"containers": [{"name": "app", "exitCode": 0}]}),
                "ECS gives no reason",
            ),
        ];
        for (value, expected) in table {
            assert_eq!(reason(&task(&value)), expected);
        }
    }

    #[test]
    fn a_task_that_never_began_has_no_exit_code() {
        let pulled =
            json!({"lastStatus": "STOPPED", "containers": [{"name": "app", "reason": "x"}]});
        assert_eq!(task(&pulled).exit_code("app"), None);
        assert!(!task(&pulled).ran("app") && task(&pulled).has_ended());
        let ran = json!({"containers": [{"name": "app", "exitCode": 0}]});
        assert_eq!(task(&ran).exit_code("app"), Some(0));
        assert!(task(&ran).ran("app") && !task(&ran).ran("other"));
        // It has no times of ours, but the ARN is kept.
        let odd = json!({"taskArn": "arn:x/1", "containers": 5});
        assert_eq!(task(&odd).id(), "1");
    }
}
