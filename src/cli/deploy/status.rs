//! `entryctl status`: the services of the file as they are.

use super::files::{Files, all_there, time};
use crate::aws::one_line;
use crate::cli::{Failure, output};
use crate::deploy::observe::{self, Seen};
use crate::deploy::plan::short;
use crate::deploy::verdict::Service;
use clap::Args;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// The last events of a service that are shown.
const EVENTS: usize = 3;

const EXAMPLES: &str = "\
Prints tasks, deployments and the last events of each service, and where tasks are missing,
why those of its deployments stopped.

Exit codes: 0 done, 1 failed or a service is not there, 2 wrong usage.

Examples:
  entryctl status
  entryctl status web --env production --deployments 5
  entryctl status --json | jq '.[] | {name, running, desired}'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The services, as AWS knows them [default: all of the file's]
    services: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Print the last deployments of each service, too
    #[arg(long, value_name = "COUNT", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=20))]
    deployments: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let names = self.files.services(&config, &self.services)?;
        let all = self.files.on_ecs(&config, async |ecs, deadline| {
            let most = usize::from(self.deployments);
            let all = observe::seen(&config.cluster, &names, most, &ecs, deadline).await;
            all.map_err(|error| Failure::new(&error))
        })?;
        let text = if self.json {
            let all: Vec<Value> = all.iter().map(as_json).collect();
            output::pretty(&all)
        } else {
            all.iter().map(lines).collect()
        };
        output::print(text.as_bytes())?;
        all_there(&config, &names, |name| {
            let mut there = all.iter().filter(|seen| seen.service.is_some());
            there.any(|seen| seen.name == name)
        })
    }
}

fn lines(seen: &Seen) -> String {
    let mut out = String::new();
    let name = &seen.name;
    // Writing to a String cannot fail.
    let Some(service) = &seen.service else {
        let _ = writeln!(out, "{name}: not there");
        return out;
    };
    let _ = writeln!(
        out,
        "{name}: {}, {} of {} tasks run, {}",
        service.status,
        service.running_count,
        service.desired_count,
        short(&service.task_definition),
    );
    for one in &service.deployments {
        let _ = writeln!(
            out,
            "  {} {} {} {} {}/{}, {} failed",
            one.id,
            one.status,
            short(&one.task_definition),
            one.rollout_state.as_deref().unwrap_or("-"),
            one.running_count,
            one.desired_count,
            one.failed_tasks,
        );
    }
    for cause in &seen.causes {
        let _ = writeln!(out, "  stopped: {}", one_line(&cause.to_string()));
    }
    for one in &seen.deployments {
        let text = |key: &str| one.get(key).and_then(Value::as_str).unwrap_or("-");
        let _ = writeln!(
            out,
            "  deployment {} {}",
            text("status"),
            short(text("taskDefinition"))
        );
    }
    for event in service.events.iter().take(EVENTS) {
        let message = one_line(&event.message);
        let _ = writeln!(out, "  {} {message}", time(event.created_at));
    }
    out
}

fn as_json(seen: &Seen) -> Value {
    let Some(service) = &seen.service else {
        return json!({"name": seen.name, "status": "MISSING"});
    };
    let causes = seen
        .causes
        .iter()
        .map(|cause| json!({"tasks": cause.tasks, "reason": cause.reason, "example": cause.task}));
    let past: Vec<Value> = seen.deployments.iter().map(past).collect();
    json!({
        "name": seen.name,
        "status": service.status,
        "running": service.running_count,
        "desired": service.desired_count,
        "pending": service.pending_count,
        "taskDefinition": service.task_definition,
        "deployments": deployments(service),
        "stopped": causes.collect::<Vec<Value>>(),
        "lastDeployments": past,
        "events": service.events.iter().take(EVENTS).map(|event| {
            json!({"at": time(event.created_at), "message": event.message})
        }).collect::<Vec<Value>>(),
    })
}

fn deployments(service: &Service) -> Vec<Value> {
    let one = service.deployments.iter().map(|one| {
        json!({
            "id": one.id,
            "status": one.status,
            "taskDefinition": one.task_definition,
            "rolloutState": one.rollout_state,
            "rolloutStateReason": one.rollout_state_reason,
            "running": one.running_count,
            "desired": one.desired_count,
            "pending": one.pending_count,
            "failed": one.failed_tasks,
        })
    });
    one.collect()
}

fn past(one: &Map<String, Value>) -> Value {
    json!({
        "arn": one.get("serviceDeploymentArn"),
        "status": one.get("status"),
        "reason": one.get("statusReason"),
        "taskDefinition": one.get("taskDefinition"),
    })
}
