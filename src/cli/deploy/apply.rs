//! `entryctl deploy`: carries the plan out, and waits until it is proven.

use super::carry::Carry;
use super::confirm::{answer, is_yes, somebody_is_here};
use super::files::Files;
use super::lock::who;
use super::plan::show;
use super::{DEADLINE, check, images};
use crate::aws::{Clients, Ecs};
use crate::cli::{Failure, online, warn};
use crate::deploy::apply::{Options, forced, only};
use crate::deploy::config::Config;
use crate::deploy::observe;
use crate::deploy::verdict::Limits;
use clap::{Args, Subcommand};
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Registers the task definitions that changed, runs `before`, updates the services wave by wave,
and waits for each wave until ECS has proven it; then runs `after`. With `state:` in the file,
one deploy at a time holds the lock. Killed or interrupted anywhere, the same command again
takes it up. Progress goes to standard output, as one JSON object a line with --json.

Exit codes: 0 deployed and proven, or nothing to change; 1 failed; 2 wrong usage; 10 a service
was rolled back; 11 another deployment superseded it; 12 timeout; 13 its tasks do not start;
130 interrupted. Of several services the worst decides, in this order: 1, 13, 12, 10, 11.

Examples:
  entryctl deploy
  entryctl deploy v1.2 --env production --rollback
  entryctl deploy --dry-run
  entryctl deploy --env production --wait-lock 10m --message \"ticket 12\"
  entryctl deploy --json | jq -r 'select(.event == \"ended\") | [.service, .outcome] | @tsv'";

#[derive(Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(in crate::cli) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    /// The commit that ${SHA} stands for [default: `$SHA`, else HEAD]
    #[arg(value_name = "REF")]
    revision: Option<String>,
    #[command(flatten)]
    files: Files,
    /// Only these services of the file, as AWS knows them
    #[arg(long, value_name = "SERVICE", value_delimiter = ',')]
    services: Vec<String>,
    /// Print the plan, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Delete services without a question
    #[arg(long)]
    yes: bool,
    /// How long to wait while another deploy holds the lock
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    wait_lock: Duration,
    /// Why, for others who find the lock
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// How long a wave may take
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// How long there may be no room for a task
    #[arg(long, value_name = "DURATION", default_value = "15m", value_parser = humantime::parse_duration)]
    capacity_timeout: Duration,
    /// So many failed tasks of a deployment are enough to give up
    #[arg(long, value_name = "COUNT", default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=100))]
    failed_starts: u8,
    /// Go back to what ran before where tasks do not start, or at a timeout
    #[arg(long, conflicts_with = "no_wait")]
    rollback: bool,
    /// Do not wait for proof, and do not run `after`
    #[arg(long)]
    no_wait: bool,
    /// A service without tasks is fine
    #[arg(long)]
    allow_zero: bool,
    /// Start new tasks of every service, though nothing changes
    #[arg(long)]
    force_new: bool,
    /// Print events as JSON, one a line; with --dry-run, the plan
    #[arg(long)]
    json: bool,
}

#[derive(Subcommand)]
enum Command {
    /// Check deploy.yml and what it names
    Check(check::Arguments),
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        if let Some(Command::Check(arguments)) = &self.command {
            return arguments.run();
        }
        let config = self.files.load(self.revision.as_deref())?;
        let config = only(&config, &self.services)
            .map_err(|name| Failure::line(format!("{}: no service {name:?}", self.files.name())))?;
        let settings = self.files.settings(&config);
        online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let config = images::pinned(&config, clients, deadline).await?;
            if self.dry_run {
                self.planned(&config, clients, deadline).await
            } else {
                self.deployed(&config, clients).await
            }
        })
    }

    async fn planned(
        &self,
        config: &Config,
        clients: &Clients,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let calls = clients.calls();
        let ecs = Ecs::new(&calls);
        let observed = observe::observed(config, &ecs, deadline).await;
        let (mut plan, running) = observed.map_err(|error| Failure::new(&error))?;
        if self.force_new {
            plan = forced(plan, config, &running);
        }
        show(&plan, self.json)
    }

    async fn deployed(&self, config: &Config, clients: &Clients) -> Result<(), Failure> {
        if self.no_wait && !config.after.is_empty() {
            warn("after is not run: it needs services that are proven");
        }
        let carry = Carry {
            config,
            clients,
            options: &self.options(),
            who: who("deploy", &self.message)?,
            wait_lock: self.wait_lock,
            json: self.json,
            may_delete: &|names| self.may_delete(names),
            planner: None,
        };
        carry.out(async |_, _| Ok(())).await
    }

    fn options(&self) -> Options {
        Options {
            limits: Limits {
                timeout: self.timeout,
                capacity: self.capacity_timeout,
                failed_starts: self.failed_starts.into(),
            },
            allow_zero: self.allow_zero,
            rollback: self.rollback,
            wait: !self.no_wait,
            force_new: self.force_new,
        }
    }

    /// The lock goes on meanwhile only as long as one renewal lasts: an answer that comes later changes nothing.
    fn may_delete(&self, names: &[&str]) -> bool {
        if self.yes {
            return true;
        }
        let question = format!("delete {}?", names.join(", "));
        somebody_is_here() && is_yes(&answer(&question))
    }
}
