//! `entryctl scale`: another number of tasks.

use super::DEADLINE;
use super::audited::audited;
use super::confirm::confirmed;
use super::files::Files;
use crate::aws::{Call, Ecs};
use crate::cli::{Failure, online, output, say, warn};
use crate::deploy::config::Config;
use crate::deploy::scale::{self, End, Step, Wish};
use clap::Args;
use serde_json::{Value, json};
use std::fmt::Write;
use std::time::Duration;

/// The exit code where the time was up.
const LATE: u8 = 12;

const EXAMPLES: &str = "\
Sets how many tasks a service should run, and nothing else of it. Before tasks are stopped it
asks, or wants --yes where there is no terminal. A service that scales by itself is refused:
one that the file calls autoscaled, or that is a scalable target of Application Auto Scaling.
The next deploy sets the file's desiredCount again.

Exit codes: 0 done, 1 failed, 2 wrong usage, 12 not all tasks run in time (--wait).

Examples:
  entryctl scale web=4
  entryctl scale web=0 worker=0 --yes --wait --env staging";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(in crate::cli) struct Arguments {
    /// The services, as AWS knows them, and how many tasks each should run
    #[arg(required = true, value_name = "SERVICE=COUNT", value_parser = wish)]
    wishes: Vec<Wish>,
    #[command(flatten)]
    files: Files,
    /// Even if something else scales it
    #[arg(long)]
    force: bool,
    /// Do not ask before tasks are stopped
    #[arg(short, long)]
    yes: bool,
    /// Wait until as many tasks run
    #[arg(short, long)]
    wait: bool,
    /// How long to wait
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn wish(word: &str) -> Result<Wish, String> {
    let (service, count) = word.split_once('=').ok_or("write SERVICE=COUNT")?;
    let count = count.parse();
    let count = count.map_err(|_| "COUNT is how many tasks, such as 2".to_owned())?;
    Ok(Wish {
        service: service.to_owned(),
        count,
    })
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let names: Vec<String> = self
            .wishes
            .iter()
            .map(|wish| wish.service.clone())
            .collect();
        let names = self.files.services(&config, &names)?;
        let twice = names.iter().enumerate();
        let mut twice =
            twice.filter(|(place, name)| names.iter().take(*place).any(|one| one == *name));
        if let Some((_, name)) = twice.next() {
            return Err(Failure::line(format!("{name} is named twice")));
        }
        let settings = self.files.settings(&config);
        let limit = DEADLINE + self.timeout + DEADLINE;
        online::with_clients(&settings, limit, async |clients, _| {
            let scaled =
                async |calls: &dyn Call| self.scaled(&config, &names, &Ecs::new(calls)).await;
            audited(&config, clients, "scale", scaled).await
        })
    }

    async fn scaled(
        &self,
        config: &Config,
        names: &[String],
        ecs: &Ecs<'_>,
    ) -> Result<(), Failure> {
        let soon = || std::time::Instant::now() + DEADLINE;
        let facts = scale::facts(&config.cluster, names, ecs, soon()).await;
        let facts = facts.map_err(|error| Failure::new(&error))?;
        if let (Err(why), false) = (&facts.scalable, self.force) {
            warn(&format!(
                "whether services scale by themselves is taken from the file: {why}"
            ));
        }
        let steps = scale::steps(config, &self.wishes, &facts, self.force);
        let steps = steps.map_err(Failure::Lines)?;
        let stopped: Vec<String> = steps
            .iter()
            .filter(|step| step.stops())
            .map(|step| format!("{} from {} to {} tasks", step.service, step.from, step.to))
            .collect();
        if !stopped.is_empty() {
            let question = format!("Scale {}?", stopped.join(", "));
            confirmed(&question, self.yes)?;
        }
        let applied = scale::apply(&config.cluster, &steps, ecs, soon()).await;
        applied.map_err(|error| Failure::new(&error))?;
        output::print(self.told(&steps).as_bytes())?;
        if !self.wait {
            return Ok(());
        }
        match scale::wait(&config.cluster, &steps, ecs, self.timeout, &say).await {
            End::Done => Ok(()),
            End::Failed(lines) => Err(Failure::Lines(lines)),
            End::Late(lines) => {
                let limit = humantime::format_duration(self.timeout);
                let line = format!("not there after {limit}: {}", lines.join(", "));
                Err(Failure::Code(LATE, vec![line]))
            }
        }
    }

    fn told(&self, steps: &[Step]) -> String {
        if self.json {
            let one = |step: &Step| {
                json!({"service": step.service, "from": step.from, "to": step.to,
                    "changed": step.acts()})
            };
            let all: Vec<Value> = steps.iter().map(one).collect();
            return output::pretty(&all);
        }
        let mut out = String::new();
        for step in steps {
            // Writing to a String cannot fail.
            let _ = if step.acts() {
                writeln!(out, "{}: {} -> {} tasks", step.service, step.from, step.to)
            } else {
                writeln!(out, "{}: {} tasks already", step.service, step.to)
            };
        }
        out
    }
}
