//! `entryctl stop`: tasks that must end.

use super::DEADLINE;
use super::audited::audited;
use super::confirm::{answer, is_yes, somebody_is_here};
use super::files::Files;
use crate::aws::{Call, Ecs, Write};
use crate::cli::{Failure, online, output};
use crate::deploy::oneoff::Task;
use crate::deploy::plan::short;
use crate::deploy::tasks::{self, short_id};
use clap::Args;
use serde_json::{Map, Value};
use std::time::Instant;

const EXAMPLES: &str = "\
Tells ECS to stop tasks: each container gets its stop signal, and KILL after its stopTimeout.
A service starts others in their place. On a terminal it asks first; elsewhere it does nothing
without --yes. The reason is shown by `entryctl tasks --stopped`.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl stop 0f9d0c2a
  entryctl stop --yes --reason 'stuck in a loop' arn:aws:ecs:us-east-1:1:task/main/0f9d0c2a…";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The tasks: ids, the beginnings of ids, or ARNs
    #[arg(required = true, value_name = "TASK")]
    tasks: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// What ECS notes for it
    #[arg(long, value_name = "TEXT", default_value = "entryctl stop")]
    reason: String,
    /// Do not ask
    #[arg(long)]
    yes: bool,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        if !self.yes && !somebody_is_here() {
            let line = "nobody is here to ask: say --yes to stop them".to_owned();
            return Err(Failure::line(line));
        }
        let config = self.files.load(None)?;
        let cluster = &config.cluster;
        let found = self.files.on_ecs(&config, async |ecs, deadline| {
            let found = tasks::by_ids(&ecs, cluster, &self.tasks, deadline).await;
            found.map_err(|error| Failure::new(&error))
        })?;
        let (mut tasks, problems) = found;
        if !problems.is_empty() {
            return Err(Failure::Lines(problems));
        }
        tasks.retain(|task| {
            if task.has_ended() {
                crate::cli::say(&format!("task {} has ended already", short_id(task.id())));
            }
            !task.has_ended()
        });
        if tasks.is_empty() {
            return Ok(());
        }
        if !self.yes && !is_yes(&answer(&question(&tasks))) {
            return Err(Failure::line("nothing is stopped".to_owned()));
        }
        // The answer took its time, and had no deadline.
        let settings = self.files.settings(&config);
        online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let stop = async |calls: &dyn Call| {
                self.stop(cluster, &tasks, Ecs::new(calls), deadline).await
            };
            audited(&config, clients, "stop", stop).await
        })
    }

    async fn stop(
        &self,
        cluster: &str,
        tasks: &[Task],
        ecs: Ecs<'_>,
        deadline: Instant,
    ) -> Result<(), Failure> {
        for task in tasks {
            let request = request(cluster, task, &self.reason);
            let stopped = ecs
                .write(Write::StopTask, &task.task_arn, &request, deadline)
                .await;
            stopped.map_err(|error| Failure::new(&error))?;
            output::print(format!("{}\n", task.task_arn).as_bytes())?;
        }
        Ok(())
    }
}

fn request(cluster: &str, task: &Task, reason: &str) -> Map<String, Value> {
    let members = [
        ("cluster", cluster),
        ("task", &task.task_arn),
        ("reason", reason),
    ];
    let members = members.map(|(key, value)| (key.to_owned(), Value::from(value)));
    Map::from_iter(members)
}

fn question(tasks: &[Task]) -> String {
    let line = |task: &Task| {
        let of = tasks::service(task).map_or_else(String::new, |service| format!(" of {service}"));
        let definition = short(&task.task_definition_arn);
        format!(
            "{} {definition}{of}, {}\n",
            short_id(task.id()),
            task.last_status
        )
    };
    let list: String = tasks.iter().map(line).collect();
    let s = if tasks.len() == 1 { "" } else { "s" };
    format!("{list}Stop {} task{s}?", tasks.len())
}
