//! `entryctl rollback`: services go back to what served before.

use super::DEADLINE;
use super::carry::Carry;
use super::confirm::confirmed;
use super::files::{Files, all_there, commit};
use super::history::{guessed, short_sha};
use super::lock::who;
use super::retire;
use crate::aws::{AwsError, Ecs};
use crate::cli::{Failure, online, output, warn};
use crate::deploy::apply::{Options, Planner, Planning};
use crate::deploy::config::Config;
use crate::deploy::guard::Stop;
use crate::deploy::history::{self, MOST};
use crate::deploy::plan::{Plan, Running, short};
use crate::deploy::rollback::{self, Back, Choice, To};
use crate::deploy::verdict::Limits;
use clap::Args;
use serde_json::{Map, Value, json};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::{Duration, Instant};

const EXAMPLES: &str = "\
Services go back to the task definition that served before, by their deployments and not by the
numbers of revisions: what failed, or was only registered, is no step back. All services are
chosen before any is changed. Rules of the cluster that pin what is left go back with them, and
so do the file's scheduled tasks of the same commit. Nothing else of a service is changed.

Where ECS itself has gone back already, last-good leaves the service as it is. A service that runs
what --to names already is only waited for: after it was killed, the same command takes it up.

Exit codes: 0 they serve again, or nothing goes back; 1 failed, or there is nothing to go back to;
2 wrong usage; 10 to 13 and 130 as with entryctl deploy.

Examples:
  entryctl rollback --dry-run
  entryctl rollback web worker --env production
  entryctl rollback web --to web:41
  entryctl rollback --to 3f2a9c1 --yes";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub(in crate::cli) struct Arguments {
    /// The services, as AWS knows them [default: all of the file's]
    services: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// What to go back to: a revision, a commit, or last-good
    #[arg(long, value_name = "REV|SHA|last-good", conflicts_with = "steps")]
    to: Option<String>,
    /// How many deployments that served to go back
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u8).range(1..=20))]
    steps: Option<u8>,
    /// Print what would go back, and change nothing
    #[arg(long)]
    dry_run: bool,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Deregister what was left, once all services serve again and nothing refers to it
    #[arg(long)]
    deregister: bool,
    /// How long to wait while a deploy holds the lock
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = humantime::parse_duration)]
    wait_lock: Duration,
    /// Why, for others who find the lock
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// How long it may take
    #[arg(long, value_name = "DURATION", default_value = "20m", value_parser = humantime::parse_duration)]
    timeout: Duration,
    /// Print what goes back as JSON, then events as JSON, one a line
    #[arg(long)]
    json: bool,
}

/// What is to go back, and what is not.
struct Ways {
    choices: Vec<Choice>,
    plan: Plan,
    /// The services, as they are.
    described: BTreeMap<String, Map<String, Value>>,
}

impl Ways {
    fn backs(&self) -> Vec<Back> {
        let backs = self.choices.iter().filter_map(|choice| match choice {
            Choice::Back(back) => Some(back.clone()),
            Choice::Stay { .. } | Choice::There { .. } => None,
        });
        backs.collect()
    }

    /// Whether all of it is as ECS left it.
    fn are_left(&self) -> bool {
        let stays = |choice: &Choice| matches!(choice, Choice::Stay { .. });
        self.choices.iter().all(stays)
    }
}

/// Each warning is told once, though the choice is made twice.
#[derive(Default)]
struct Warned(RefCell<BTreeSet<String>>);

impl Warned {
    fn tell(&self, warnings: &[String]) {
        let mut told = self.0.borrow_mut();
        let news = warnings.iter().filter(|one| told.insert((*one).clone()));
        news.for_each(|warning| warn(warning));
    }
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let to = self.target()?;
        let config = self.files.load(None)?;
        let names = self.files.services(&config, &self.services)?;
        let settings = self.files.settings(&config);
        online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let calls = clients.calls();
            let ecs = Ecs::new(&calls);
            let warned = Warned::default();
            let ways = self.ways(&config, &names, &to, &ecs, &warned, deadline);
            let ways = ways.await?;
            output::print(self.told(&ways).as_bytes())?;
            if self.dry_run || ways.are_left() {
                return Ok(());
            }
            if !ways.backs().is_empty() {
                confirmed("Go back?", self.yes)?;
            }
            let again = Again {
                arguments: self,
                config: &config,
                names: &names,
                to: &to,
                ecs,
                told: &ways,
                warned: &warned,
            };
            let carry = Carry {
                config: &config,
                clients,
                options: &self.options(),
                who: who("rollback", &self.message)?,
                wait_lock: self.wait_lock,
                json: self.json,
                may_delete: &|_| false,
                planner: Some(&again),
            };
            let backs = ways.backs();
            carry
                .out(async |deploy, outcomes| {
                    if self.deregister {
                        retire::deregister(deploy, &backs, outcomes, &config, &ecs).await?;
                    }
                    Ok(())
                })
                .await
        })
    }

    fn options(&self) -> Options {
        Options {
            limits: Limits {
                timeout: self.timeout,
                capacity: self.timeout,
                failed_starts: 3,
            },
            allow_zero: true,
            rollback: false,
            wait: true,
            force_new: false,
        }
    }

    fn target(&self) -> Result<To, Failure> {
        if let Some(steps) = self.steps {
            return Ok(To::Steps(usize::from(steps)));
        }
        let Some(word) = self.to.as_deref().filter(|word| *word != "last-good") else {
            return Ok(To::LastGood);
        };
        let digits = word.bytes().all(|byte| byte.is_ascii_digit());
        if word.contains(':') || (digits && word.len() < 7) {
            return Ok(To::Revision(word.to_owned()));
        }
        if word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(To::Sha(word.to_ascii_lowercase()));
        }
        commit(word).map(To::Sha)
    }

    /// Chooses for all services, or says all that stands against it.
    async fn ways(
        &self,
        config: &Config,
        names: &[String],
        to: &To,
        ecs: &Ecs<'_>,
        warned: &Warned,
        deadline: Instant,
    ) -> Result<Ways, Failure> {
        let failed = |error: AwsError| Failure::new(&error);
        let all = history::histories(&config.cluster, names, MOST, ecs, deadline).await;
        let all = all.map_err(failed)?;
        all_there(config, names, |name| {
            all.iter().any(|one| one.service == name)
        })?;
        warned.tell(&guessed(&all));
        let (mut choices, mut refusals) = (Vec::new(), Vec::new());
        for history in &all {
            match rollback::choice(history, to) {
                Ok(choice) => choices.push(choice),
                Err(why) => refusals.push(why),
            }
        }
        if !refusals.is_empty() {
            return Err(Failure::Lines(refusals));
        }
        let mut ways = Ways {
            choices,
            plan: rollback::plan(config, &[], &[], &[]),
            described: all
                .iter()
                .map(|one| (one.service.clone(), one.described.clone()))
                .collect(),
        };
        let backs = ways.backs();
        if backs.is_empty() {
            ways.plan = rollback::and_there(ways.plan, config, &ways.choices);
            return Ok(ways);
        }
        let cluster_arn = all
            .iter()
            .find_map(|one| one.described.get("clusterArn")?.as_str());
        let plan = with_rules(config, &backs, cluster_arn, ecs, deadline).await;
        ways.plan = rollback::and_there(plan, config, &ways.choices);
        warned.tell(&ways.plan.warnings);
        Ok(ways)
    }

    fn told(&self, ways: &Ways) -> String {
        if self.json {
            let services: Vec<Value> = ways.choices.iter().map(as_json).collect();
            let all = json!({"services": services, "plan": ways.plan.json()});
            return output::pretty(&all);
        }
        let mut out: String = ways.choices.iter().map(line).collect();
        for step in &ways.plan.scheduled {
            step.lines(&mut out, super::plan::paint());
        }
        out
    }
}

/// The choice again, under the lock: what was shown is what is done.
struct Again<'a> {
    arguments: &'a Arguments,
    config: &'a Config,
    names: &'a [String],
    to: &'a To,
    ecs: Ecs<'a>,
    told: &'a Ways,
    warned: &'a Warned,
}

impl Planner for Again<'_> {
    fn plan(&self) -> Planning<'_> {
        Box::pin(async {
            let deadline = Instant::now() + DEADLINE;
            let Again {
                arguments,
                config,
                names,
                to,
                ecs,
                told,
                warned,
            } = self;
            let ways = arguments.ways(config, names, to, ecs, warned, deadline);
            let ways = ways
                .await
                .map_err(|failure| Stop::Refused(failure.lines()))?;
            if ways.choices != told.choices || ways.plan != told.plan {
                let line = "what runs has changed meanwhile: nothing is changed, look again";
                return Err(Stop::Refused(vec![line.to_owned()]));
            }
            let running = Running {
                services: ways.described,
                ..Running::default()
            };
            Ok((ways.plan, running))
        })
    }
}

/// The plan with the rules that go back, too; that they cannot be read holds up no service.
async fn with_rules(
    config: &Config,
    backs: &[Back],
    cluster_arn: Option<&str>,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Plan {
    let mut moves = rollback::moves(backs);
    let read = async {
        let cluster_arn = cluster_arn.unwrap_or(&config.cluster);
        let rules = rollback::rules(cluster_arn, ecs, deadline).await?;
        let more = rollback::of_the_same_commit(config, backs, &rules, ecs, deadline).await?;
        Ok::<_, AwsError>((rules, more))
    };
    match read.await {
        Ok((rules, (more, lost))) => {
            moves.extend(more);
            let mut plan = rollback::plan(config, backs, &rules, &moves);
            let lost = lost.iter().map(|name| {
                format!(
                    "schedule {name}: it stays as it is, since no active revision of its family is of \
                     the commit that is gone back to"
                )
            });
            plan.warnings.extend(lost);
            plan
        }
        Err(error) => {
            let mut plan = rollback::plan(config, backs, &[], &[]);
            let line = format!("scheduled rules stay as they are: {error}");
            plan.warnings.push(line);
            plan
        }
    }
}

fn line(choice: &Choice) -> String {
    let mut out = String::new();
    let sha = |sha: &Option<String>| match sha {
        Some(sha) => format!(" ({})", short_sha(sha)),
        None => String::new(),
    };
    // Writing to a String cannot fail.
    let _ = match choice {
        Choice::Back(back) => writeln!(
            out,
            "service {}: {}{} -> {}{}",
            back.service,
            short(&back.from),
            sha(&back.from_sha),
            short(&back.to),
            sha(&back.to_sha),
        ),
        Choice::Stay {
            service,
            runs,
            failed,
        } => writeln!(
            out,
            "service {service}: no change, ECS went back from {} to {} already",
            short(failed),
            short(runs)
        ),
        Choice::There { service, runs } => {
            writeln!(
                out,
                "service {service}: no change, {} runs already",
                short(runs)
            )
        }
    };
    out
}

fn as_json(choice: &Choice) -> Value {
    match choice {
        Choice::Back(back) => json!({
            "service": back.service, "action": "back",
            "from": back.from, "fromCommit": back.from_sha,
            "to": back.to, "toCommit": back.to_sha,
        }),
        Choice::Stay {
            service,
            runs,
            failed,
        } => json!({"service": service, "action": "unchanged", "runs": runs, "failed": failed}),
        Choice::There { service, runs } => {
            json!({"service": service, "action": "unchanged", "runs": runs})
        }
    }
}
