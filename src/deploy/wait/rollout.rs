//! What AWS's record of service deployments adds: rollbacks under way, baking, alarms. An emulator or a role may
//! not have it; then `DescribeServices` alone has to do.

use super::Watched;
use super::poll::{Poll, State, deadline};
use crate::aws::AwsError;
use crate::deploy::verdict::{Deployment, Rollout, Service};
use serde_json::{Map, Value};
use std::time::Duration;

/// Of a service: ours may not be the newest.
const DEPLOYMENTS: usize = 5;

/// Between two looks while nothing is decided.
const PACE: Duration = Duration::from_secs(15);

/// A record may be this much older than the deployment that it is of. An earlier deployment of the same definition
/// that was rolled back took longer than this.
const BEFORE: f64 = 30.0;

/// The record of our deployment. It is asked for now and then, and where it decides.
pub async fn look(
    poll: &Poll<'_>,
    one: &mut Watched,
    service: &Service,
    state: State,
) -> Result<Option<Rollout>, AwsError> {
    let decides = matches!(state, State::Completed | State::Over);
    let due = match one.pace.rollout {
        _ if decides => true,
        None => false,
        Some(last) => poll.now.saturating_sub(last) >= PACE,
    };
    one.pace.rollout.get_or_insert(poll.now);
    let ours = service.deployment(&one.target.expected.deployment);
    let (Some(ours), true) = (ours, due) else {
        return Ok(None);
    };
    one.pace.rollout = Some(poll.now);
    let (cluster, name) = (poll.wait.cluster, &one.target.service);
    let ecs = &poll.wait.ecs;
    let call = ecs.deployments(cluster, name, DEPLOYMENTS, deadline());
    match poll.rollouts.ask(call, poll.wait.report).await {
        Ok(Some(all)) => {
            let definition = &one.target.expected.definition;
            Ok(of(&all, definition, ours.created_at))
        }
        Err(error) if decides => Err(error),
        Ok(None) | Err(_) => Ok(None),
    }
}

/// The newest record of the definition that is not older than the deployment.
fn of(all: &[Map<String, Value>], definition: &str, since: f64) -> Option<Rollout> {
    all.iter().find_map(|record| {
        let read = serde_json::from_value(Value::Object(record.clone()));
        // It has these members in common with a deployment.
        let read: Deployment = read.ok()?;
        let is_ours = read.task_definition == definition && read.created_at >= since - BEFORE;
        let text = |key: &str| record.get(key).and_then(Value::as_str).map(str::to_owned);
        is_ours.then(|| Rollout {
            status: read.status,
            reason: text("statusReason"),
            definition: Some(read.task_definition),
            paused: None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_record_is_ours_by_definition_and_time() {
        let record = |status: &str, definition: &str, at: f64| {
            let record = json!({"status": status, "taskDefinition": definition, "createdAt": at});
            record.as_object().cloned().unwrap()
        };
        let all = [
            record("IN_PROGRESS", "web:9", 300.0),
            record("IN_PROGRESS", "web:8", 200.0),
            record("ROLLBACK_SUCCESSFUL", "web:8", 100.0),
        ];
        let status = |definition, since| of(&all, definition, since).map(|found| found.status);
        assert_eq!(status("web:8", 201.0).as_deref(), Some("IN_PROGRESS"));
        // A second try of the same definition, which AWS does not list yet: the first one tells nothing of it.
        assert_eq!(of(&all[2..], "web:8", 200.0), None);
        assert_eq!(status("web:7", 200.0), None);
    }
}
