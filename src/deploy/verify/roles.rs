//! Roles: they exist, ECS may assume them, and one is there where ECS needs it.

use super::wanted::needs_execution_role;
use super::{Answer, Facts, Finding, on_fargate, text};
use crate::deploy::config::{Config, Task};
use serde_json::Value;

const ECS_TASKS: &str = "ecs-tasks.amazonaws.com";

pub fn findings(config: &Config, task: &Task, facts: &Facts) -> Vec<Finding> {
    let place = format!("task {}", task.name);
    let mut findings = Vec::new();
    for key in ["taskRoleArn", "executionRoleArn"] {
        let Some(name) = text(&task.request, key) else {
            continue;
        };
        let place = format!("{place}: {key}");
        match facts.roles.get(name) {
            Some(Answer::There(role)) if !trusts_ecs(&role.trust) => {
                let message = format!(
                    "ECS may not assume {name}: allow sts:AssumeRole to the service {ECS_TASKS} in its trust policy"
                );
                findings.push(Finding::error(&place, message));
            }
            Some(Answer::Missing) => {
                let message = format!("there is no role {name}: create it, or correct its name");
                findings.push(Finding::error(&place, message));
            }
            Some(Answer::Unread(why)) => {
                findings.push(Finding::note(&place, format!("not checked: {why}")));
            }
            Some(Answer::There(_)) | None => {}
        }
    }
    if text(&task.request, "executionRoleArn").is_none()
        && let Some(why) = needs_execution_role(task, on_fargate(config, task))
    {
        let message = format!("executionRoleArn is missing: {why}");
        findings.push(Finding::error(&place, message));
    }
    findings
}

/// Whether the trust policy lets tasks have the role, conditions aside.
fn trusts_ecs(trust: &Value) -> bool {
    super::policy::statements(trust).any(|statement| {
        let action = super::policy::texts(statement.get("Action"));
        let assumes = action.iter().any(|action| {
            ["sts:AssumeRole", "sts:*", "*"]
                .iter()
                .any(|known| known.eq_ignore_ascii_case(action))
        });
        let principal = statement.get("Principal");
        let anybody = principal == Some(&Value::from("*"));
        let services = super::policy::texts(principal.and_then(|one| one.get("Service")));
        statement.get("Effect") == Some(&Value::from("Allow"))
            && assumes
            && (anybody || services.contains(&ECS_TASKS))
    })
}
