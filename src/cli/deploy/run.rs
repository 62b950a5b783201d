//! `entryctl run`: a task that runs once.

use super::DEADLINE;
use super::audited::audited;
use super::files::Files;
use super::interrupt::interruptible;
use super::told::{OURS, Teller};
use crate::aws::{Call, Clients, Ecs};
use crate::cli::{Failure, online};
use crate::config::problems::suggestion;
use crate::deploy::config::Config;
use crate::deploy::logs::CallsIn;
use crate::deploy::oneoff::{self, Job, Repeat, StopAsked, Told};
use clap::Args;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Runs a command in a task of its own: with the definition, the network and the capacity of a
service that runs. What the container writes comes on standard output, all of it and in its
order, if it logs with awslogs; what becomes of the task comes on standard error. Ctrl-C stops
the task, a second one leaves it alone.

A task that the same key, command and definition began and that still runs is joined, so that
a job that is retried does not run it twice. With --key, one that ended with 0 within the last
hour counts, too. Without it the key is that of the CI job, if there is one
($GITHUB_RUN_ID and $GITHUB_JOB, $CI_PIPELINE_ID and $CI_JOB_NAME).

Exit codes: that of the container; 124 stopped by --timeout, 125 it did not run or entryctl
failed, 130 stopped by Ctrl-C, 2 wrong usage.

Examples:
  entryctl run -- rake db:migrate
  entryctl run --service worker --container app -- rails runner 'puts User.count'
  entryctl run --key \"release-$SHA\" --timeout 30m -- rake release
  entryctl run --detach -- rake reports";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The service whose definition runs, as AWS knows it [default: the file's only one]
    #[arg(long, value_name = "SERVICE", conflicts_with = "task")]
    service: Option<String>,
    /// The task of the file whose latest definition runs, where the file's first service does
    #[arg(long, value_name = "TASK")]
    task: Option<String>,
    /// The container that the command is for [default: the only one]
    #[arg(long, value_name = "CONTAINER")]
    container: Option<String>,
    #[command(flatten)]
    files: Files,
    /// Print the task's ARN as soon as it is started, and end
    #[arg(long, conflicts_with = "timeout")]
    detach: bool,
    /// Stop it after so long
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// The name of this work: what has begun under it is not begun again
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
    /// The command and its arguments [default: the definition's]
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,
}

/// Whose definition runs.
enum Source {
    /// By its family.
    Family(String),
    Service,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        self.done().map_err(|failure| match failure {
            Failure::Lines(lines) => Failure::Code(OURS, lines),
            failure => failure,
        })
    }

    fn done(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let (source, service) = self.source(&config)?;
        let settings = self.files.settings(&config);
        online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let run = async |calls: &dyn Call| {
                let ecs = Ecs::new(calls);
                let service = service.as_deref();
                let job = self.job(&config, source, service, &ecs, deadline).await?;
                self.run_job(&job, &ecs, clients).await
            };
            audited(&config, clients, "run", run).await
        })
    }

    /// What runs, and the service where it does.
    fn source(&self, config: &Config) -> Result<(Source, Option<String>), Failure> {
        let asked: Vec<String> = self.service.iter().cloned().collect();
        let mut services = self.files.services(config, &asked)?.into_iter();
        let first = services.next();
        if let Some(name) = &self.task {
            let task = config.tasks.iter().find(|task| task.name == *name);
            let Some(task) = task else {
                let known: Vec<&str> = config.tasks.iter().map(|task| &*task.name).collect();
                let suggestion = suggestion(name, "tasks", &known);
                let line = format!("{}: no task {name:?}, {suggestion}", self.files.name());
                return Err(Failure::line(line));
            };
            return Ok((Source::Family(task.family.clone()), first));
        }
        match (first, services.next()) {
            (Some(service), None) => Ok((Source::Service, Some(service))),
            (None, _) => Err(Failure::line(format!(
                "{}: there is no service: name a task with --task",
                self.files.name()
            ))),
            (Some(_), Some(_)) => {
                let names = self.files.services(config, &[])?.join(", ");
                let line = format!(
                    "{}: there are several services: name one with --service: {names}",
                    self.files.name()
                );
                Err(Failure::line(line))
            }
        }
    }

    async fn job(
        &self,
        config: &Config,
        source: Source,
        service: Option<&str>,
        ecs: &Ecs<'_>,
        deadline: Instant,
    ) -> Result<Job, Failure> {
        let names: Vec<String> = service.iter().map(ToString::to_string).collect();
        let described = ecs.services(&config.cluster, &names, deadline).await;
        let described = described.map_err(|error| Failure::new(&error))?;
        let active = described.into_iter().find(|one| one["status"] == "ACTIVE");
        let name = match (source, &active) {
            (Source::Family(family), _) => family,
            (Source::Service, Some(service)) => text(service, "taskDefinition"),
            (Source::Service, None) => {
                let name = service.unwrap_or_default();
                let line = format!(
                    "{name} is not in the cluster {}: deploy it first",
                    config.cluster
                );
                return Err(Failure::line(line));
            }
        };
        let definition = oneoff::definition(ecs, &name).await;
        let definition = definition.map_err(|error| Failure::new(&error))?;
        let container = oneoff::container(&definition, self.container.as_deref());
        let placement = oneoff::placement(&active.unwrap_or_default(), &definition);
        Ok(Job {
            cluster: config.cluster.clone(),
            container: container.map_err(Failure::line)?,
            command: self.command.clone(),
            placement,
            definition,
        })
    }

    async fn run_job(&self, job: &Job, ecs: &Ecs<'_>, clients: &Clients) -> Result<(), Failure> {
        let variable = |name: &str| std::env::var(name).ok();
        let repeat = repeat(job, self.key.as_deref(), &variable);
        let calls_in = |region: &str| clients.calls_of(region);
        let teller = RefCell::new(Teller::new(job, self.json && !self.detach));
        let mut sink = |told: Told<'_>| teller.borrow_mut().tell(told);
        if self.detach {
            let started = oneoff::start(job, &repeat, ecs, &mut sink).await;
            let (task, start) = started.map_err(|error| Failure::new(&error))?;
            return teller.borrow_mut().detached(&task, start, self.json);
        }
        let calls_in: CallsIn = &calls_in;
        let work = async |mut stop: StopAsked| {
            let timeout = self.timeout;
            oneoff::run(job, &repeat, ecs, calls_in, timeout, &mut stop, &mut sink).await
        };
        let done = interruptible(work).await?;
        let mut teller = teller.borrow_mut();
        teller.finish(done, self.timeout)
    }
}

fn text(map: &Map<String, Value>, key: &str) -> String {
    let text = map.get(key).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

/// What tasks that began before mean.
fn repeat(job: &Job, key: Option<&str>, variable: &dyn Fn(&str) -> Option<String>) -> Repeat {
    let named = |key: &str| {
        let mut words = vec!["run", key];
        words.extend(job.words());
        oneoff::started_by(&words)
    };
    match (key, ci_key(variable)) {
        (Some(key), _) => Repeat::Once {
            started_by: named(key),
            foreign: None,
        },
        (None, Some(key)) => Repeat::Join {
            started_by: named(&key),
        },
        (None, None) => Repeat::Always,
    }
}

/// A CI job's name, which its retries have, too.
fn ci_key(variable: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let pairs = [
        ("GITHUB_RUN_ID", "GITHUB_JOB"),
        ("CI_PIPELINE_ID", "CI_JOB_NAME"),
    ];
    pairs.iter().find_map(|(run, job)| {
        let run = variable(run).filter(|run| !run.is_empty())?;
        Some(format!("{run}/{}", variable(job).unwrap_or_default()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ci_job_and_its_retry_have_the_same_key() {
        let of = |pairs: &'static [(&str, &str)]| {
            ci_key(&move |name| {
                let found = pairs.iter().find(|(known, _)| *known == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[("GITHUB_RUN_ID", "")]), None);
        let github = of(&[
            ("GITHUB_RUN_ID", "7"),
            ("GITHUB_JOB", "migrate"),
            ("GITHUB_RUN_ATTEMPT", "2"),
        ]);
        assert_eq!(github.as_deref(), Some("7/migrate"));
        let gitlab = of(&[
            ("CI_PIPELINE_ID", "8"),
            ("CI_JOB_NAME", "x 1/2"),
            ("CI_JOB_ID", "9"),
        ]);
        assert_eq!(gitlab.as_deref(), Some("8/x 1/2"));
    }
}
