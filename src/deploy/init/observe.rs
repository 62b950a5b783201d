//! Services and their definitions, read.

use super::Seen;
use crate::aws::{AwsError, Ecs};
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Instant;

/// Why nothing can be written.
#[derive(Debug)]
pub enum Problem {
    Aws(AwsError),
    /// A line for each service that cannot be taken.
    Services(Vec<String>),
}

impl From<AwsError> for Problem {
    fn from(error: AwsError) -> Problem {
        Problem::Aws(error)
    }
}

pub async fn observe(
    cluster: &str,
    region: &str,
    names: &[String],
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Seen, Problem> {
    let mut seen = Seen {
        cluster: cluster.to_owned(),
        region: region.to_owned(),
        ..Seen::default()
    };
    let found = ecs.services(cluster, names, deadline).await?;
    let mut problems = Vec::new();
    for name in names {
        let text = |service: &&serde_json::Map<String, Value>, key: &str, value: &str| {
            service.get(key).and_then(Value::as_str) == Some(value)
        };
        let service = found.iter().find(|one| text(one, "serviceName", name));
        let service = service.filter(|one| text(one, "status", "ACTIVE"));
        let Some(service) = service else {
            problems.push(format!(
                "service {name}: it does not run in the cluster {cluster}"
            ));
            continue;
        };
        let controller = service.get("deploymentController");
        let controller = controller.and_then(|one| one.get("type")?.as_str());
        if let Some(other) = controller.filter(|controller| *controller != "ECS") {
            problems.push(format!(
                "service {name}: its deployments are made by {other}, not by ECS: leave it out"
            ));
        }
        seen.services.push(service.clone());
    }
    if !problems.is_empty() {
        return Err(Problem::Services(problems));
    }
    let arns = seen.services.iter();
    let arns = arns.filter_map(|service| service.get("taskDefinition")?.as_str());
    let arns: BTreeSet<String> = arns.map(str::to_owned).collect();
    let arns: Vec<String> = arns.into_iter().collect();
    let definitions = ecs.task_definitions(&arns, deadline).await?;
    for (arn, definition) in arns.into_iter().zip(definitions) {
        match definition {
            Some(definition) => drop(seen.definitions.insert(arn, definition)),
            None => problems.push(format!("task definition {arn}: ECS does not have it")),
        }
    }
    if problems.is_empty() {
        Ok(seen)
    } else {
        Err(Problem::Services(problems))
    }
}
