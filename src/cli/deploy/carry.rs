//! What `deploy` and `rollback` have in common: the lock, the report, Ctrl-C, and the exit code.

use super::interrupt::{INTERRUPTED, guarded};
use super::plan::paint;
use crate::aws::Clients;
use crate::cli::{Failure, warn};
use crate::deploy::apply::{Deploy, Done, Lock, OnEcs, Options, Planner, Who, code};
use crate::deploy::config::Config;
use crate::deploy::guard::{Guard, Stop};
use crate::deploy::report::{Json, Lines, Live, Report};
use crate::deploy::verdict::Outcome;
use jiff::Timestamp;
use std::io::{self, IsTerminal};
use std::time::Duration;

/// A plan to be carried out.
pub(super) struct Carry<'c> {
    pub config: &'c Config,
    pub clients: &'c Clients,
    pub options: &'c Options,
    pub who: Who,
    pub wait_lock: Duration,
    pub json: bool,
    pub may_delete: &'c dyn Fn(&[&str]) -> bool,
    pub planner: Option<&'c dyn Planner>,
}

impl Carry<'_> {
    /// Carries it out; `then` comes after it, under the same lock, whatever its services came to.
    pub(super) async fn out(
        &self,
        then: impl AsyncFnOnce(&Deploy<'_>, &[(String, Outcome)]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        if !self.json {
            let live = io::stdout().is_terminal() && io::stderr().is_terminal();
            return if live {
                self.reported(&Live::new(warn, paint()), then).await
            } else {
                let lines = Lines::new(io::stdout(), warn, paint());
                self.reported(&lines, then).await
            };
        }
        let now: &dyn Fn() -> Timestamp = &Timestamp::now;
        let json = Json::new(io::stdout(), now);
        let done = self.reported(&json, then).await;
        let (code, error) = match &done {
            Ok(()) => (0, None),
            Err(Failure::Code(code, lines)) => (*code, Some(lines.join("\n"))),
            Err(Failure::Lines(lines)) => (1, Some(lines.join("\n"))),
            Err(Failure::BrokenPipe) => (1, None),
        };
        json.done(code, error.as_deref());
        done
    }

    async fn reported(
        &self,
        report: &dyn Report,
        then: impl AsyncFnOnce(&Deploy<'_>, &[(String, Outcome)]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let clients = self.clients;
        let calls = clients.calls();
        let lock = self.config.state.as_ref().map(|place| Lock {
            s3: clients.s3(),
            place,
            name: self.config.lock_name(),
            wait: self.wait_lock,
        });
        if lock.is_none() {
            warn(
                "there is no state: in the file, so nothing keeps two deploys from running at once",
            );
        }
        let calls_in = |region: &str| clients.calls_of(region);
        let on_ecs = OnEcs {
            calls: &calls,
            calls_in: &calls_in,
        };
        let guard = Guard::default();
        let deploy = Deploy {
            config: self.config,
            options: self.options,
            calls: &calls,
            lock,
            who: self.who.clone(),
            one_offs: Some(&on_ecs),
            logs: Some(&on_ecs),
            report,
            guard: &guard,
            now: &Timestamp::now,
            may_delete: self.may_delete,
            planner: self.planner,
        };
        let then = async |done: &Done| then(&deploy, &done.outcomes).await;
        // Boxed: what comes after it would make all that wait as large.
        let done = guarded(&guard, Box::pin(deploy.run(then))).await?;
        let (done, after) = done.map_err(failure)?;
        after?;
        ended(&done.outcomes)
    }
}

fn failure(stop: Stop) -> Failure {
    match stop {
        Stop::Refused(lines) => Failure::Lines(lines),
        Stop::Interrupted => Failure::Code(INTERRUPTED, vec![stop.to_string()]),
        stop => Failure::line(stop.to_string()),
    }
}

/// What the events told already is said again in short: a job's log may be long.
fn ended(outcomes: &[(String, Outcome)]) -> Result<(), Failure> {
    let code = code(outcomes);
    if code == 0 {
        return Ok(());
    }
    let bad = outcomes.iter().filter(|(_, outcome)| outcome.code() != 0);
    let lines = bad
        .map(|(service, outcome)| crate::aws::one_line(&format!("service {service}: {outcome}")));
    Err(Failure::Code(code, lines.collect()))
}
