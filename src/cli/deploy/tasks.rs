//! `entryctl tasks`: the tasks of the file's services, and those that run once.

use super::files::Files;
use super::files::time;
use crate::aws::{AwsError, Ecs, one_line};
use crate::cli::{Failure, output};
use crate::deploy::config::Config;
use crate::deploy::oneoff::{Task, reason};
use crate::deploy::plan::short;
use crate::deploy::tasks::{self, Which, short_id};
use clap::Args;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::{Value, json};
use std::time::Instant;

const EXAMPLES: &str = "\
Prints the tasks of services, the oldest first: without a name those of all services of the
file, and those of its task definitions that no service started. --stopped prints those that
ended within the last hour, too, and why: longer AWS does not know them.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl tasks
  entryctl tasks web --stopped
  entryctl tasks --json | jq -r '.[].arn'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The services, as AWS knows them [default: all of the file's]
    services: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Print those that ended, too
    #[arg(long)]
    stopped: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let names = self.files.services(&config, &self.services)?;
        let all = self.files.on_ecs(&config, async |ecs, deadline| {
            let all = self.tasks(&config, &names, &ecs, deadline).await;
            all.map_err(|error| Failure::new(&error))
        })?;
        let text = if self.json {
            let all: Vec<Value> = all.iter().map(as_json).collect();
            output::pretty(&all)
        } else {
            table(&all, self.stopped)
        };
        output::print(text.as_bytes())
    }

    async fn tasks(
        &self,
        config: &Config,
        names: &[String],
        ecs: &Ecs<'_>,
        deadline: Instant,
    ) -> Result<Vec<Task>, AwsError> {
        let which = if self.stopped {
            Which::All
        } else {
            Which::Running
        };
        let cluster = &config.cluster;
        if !self.services.is_empty() {
            return tasks::of_services(ecs, cluster, names, which, deadline).await;
        }
        // A call a hundred tasks, not one a service: and what runs once is in no service.
        let mut all = tasks::of_cluster(ecs, cluster, which, deadline).await?;
        all.retain(|task| is_of(task, config, names));
        Ok(all)
    }
}

/// Whether a task is one of the file's: of a service, or of a definition that no service started.
fn is_of(task: &Task, config: &Config, services: &[String]) -> bool {
    if let Some(service) = tasks::service(task) {
        return services.iter().any(|known| known == service);
    }
    let family = short(&task.task_definition_arn).split(':').next();
    let mut known = config.tasks.iter();
    known.any(|known| Some(known.family.as_str()) == family)
}

fn table(all: &[Task], stopped: bool) -> String {
    if all.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table.load_style(NOTHING);
    let mut head = vec![
        "TASK",
        "SERVICE",
        "DEFINITION",
        "STATUS",
        "HEALTH",
        "CREATED",
    ];
    if stopped {
        head.push("REASON");
    }
    table.set_header(head);
    for task in all {
        let mut row = vec![
            short_id(&task.task_arn).to_owned(),
            tasks::service(task).unwrap_or("-").to_owned(),
            short(&task.task_definition_arn).to_owned(),
            task.last_status.clone(),
            dash(&task.health_status),
            time(task.created_at),
        ];
        if stopped {
            row.push(if task.has_ended() {
                one_line(&reason(task))
            } else {
                "-".to_owned()
            });
        }
        table.add_row(row);
    }
    let lines = table.lines();
    lines.map(|line| line.trim().to_owned() + "\n").collect()
}

fn dash(text: &str) -> String {
    let text = if text.is_empty() { "-" } else { text };
    text.to_owned()
}

fn as_json(task: &Task) -> Value {
    let at = |seconds: f64| (seconds > 0.0).then(|| time(seconds));
    let containers = task
        .containers
        .iter()
        .map(|one| json!({"name": one.name, "exitCode": one.exit_code, "reason": one.reason}));
    json!({
        "arn": task.task_arn,
        "id": task.id(),
        "service": tasks::service(task),
        "taskDefinition": task.task_definition_arn,
        "startedBy": task.started_by,
        "status": task.last_status,
        "desiredStatus": task.desired_status,
        "health": task.health_status,
        "createdAt": at(task.created_at),
        "startedAt": at(task.started_at),
        "stoppedAt": at(task.stopped_at),
        "stopped": task.has_ended().then(|| reason(task)),
        "containers": containers.collect::<Vec<Value>>(),
    })
}
