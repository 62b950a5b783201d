//! `entryctl stop`: tasks that must end.

use super::DEADLINE;
use super::files::Files;
use crate::aws::{Ecs, Write as EcsWrite};
use crate::cli::{Failure, online, output};
use crate::deploy::oneoff::Task;
use crate::deploy::plan::short;
use crate::deploy::tasks::{self, short_id};
use clap::Args;
use serde_json::{Map, Value};
use std::io::{self, IsTerminal, Write};

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
        let asks = io::stdin().is_terminal() && io::stderr().is_terminal();
        if !self.yes && !asks {
            let line = "nobody is here to ask: say --yes to stop them".to_owned();
            return Err(Failure::line(line));
        }
        let config = self.files.load(None)?;
        let settings = self.files.settings(&config);
        let cluster = &config.cluster;
        let found = online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let calls = clients.calls();
            let found = tasks::by_ids(&Ecs::new(&calls), cluster, &self.tasks, deadline).await;
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
        if !self.yes && !confirmed(&tasks) {
            return Err(Failure::line("nothing is stopped".to_owned()));
        }
        // The answer took its time, and had no deadline.
        online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let calls = clients.calls();
            let ecs = Ecs::new(&calls);
            for task in &tasks {
                let request = request(cluster, task, &self.reason);
                let stopped = ecs
                    .write(EcsWrite::StopTask, &task.task_arn, &request, deadline)
                    .await;
                stopped.map_err(|error| Failure::new(&error))?;
                output::print(format!("{}\n", task.task_arn).as_bytes())?;
            }
            Ok(())
        })
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

fn confirmed(tasks: &[Task]) -> bool {
    let mut stderr = io::stderr();
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
    let question = format!("{list}Stop {} task{s}? [y/N] ", tasks.len());
    let asked = stderr.write_all(question.as_bytes());
    let mut answer = String::new();
    let read = asked
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().read_line(&mut answer));
    read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes")
}
