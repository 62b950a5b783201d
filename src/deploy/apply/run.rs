//! The order of a deploy.

use super::lock::{Kept, Lock, Session, Who};
use super::one_offs::{LogTail, OneOffs};
use super::services::Services;
use super::writer::Writer;
use super::{back, forced};
use crate::aws::{Call, Ecs, Write};
use crate::deploy::config::Config;
use crate::deploy::guard::{Guard, Stop};
use crate::deploy::observe;
use crate::deploy::plan::{
    Definition, DefinitionAction, Plan, Running, ServiceAction, ServiceStep, short,
};
use crate::deploy::report::{Event, Report, When};
use crate::deploy::verdict::{Limits, Outcome};
use crate::deploy::wait::{Proof, Wait};
use crate::state::Audit;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::{Duration, Instant};

/// For all calls that make a plan.
const PLAN: Duration = Duration::from_mins(1);

/// The time, as AWS and the lock's other holders have it.
pub type Clock<'c> = &'c dyn Fn() -> Timestamp;

/// What was asked for on the command line.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own"
)]
pub struct Options {
    pub limits: Limits,
    pub allow_zero: bool,
    /// Go back where a deployment does not come to what it should.
    pub rollback: bool,
    /// Wait for proof.
    pub wait: bool,
    pub force_new: bool,
}

/// A deploy, with whom it asks, tells and obeys.
pub struct Deploy<'d> {
    pub config: &'d Config,
    pub options: &'d Options,
    pub calls: &'d dyn Call,
    pub lock: Option<Lock<'d>>,
    pub who: Who,
    pub one_offs: Option<&'d dyn OneOffs>,
    pub logs: Option<&'d dyn LogTail>,
    pub report: &'d dyn Report,
    pub guard: &'d Guard,
    pub now: Clock<'d>,
    /// Whether these services may be deleted.
    pub may_delete: &'d dyn Fn(&[&str]) -> bool,
    /// Makes the plan, once the lock is held; the files do without it.
    pub planner: Option<&'d dyn Planner>,
}

/// A plan that is not made of the files alone.
pub trait Planner {
    fn plan(&self) -> Planning<'_>;
}

/// A plan that is being made, with what it is made from.
pub type Planning<'p> = Pin<Box<dyn Future<Output = Result<(Plan, Running), Stop>> + 'p>>;

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Done {
    /// Of each service that was waited for.
    pub outcomes: Vec<(String, Outcome)>,
}

/// The exit code of a deploy: the worst of its services decides. What is left undone is worst, then a service that
/// cannot run, then one of which nobody knows; what serves, though not what was wanted, comes last.
#[must_use]
pub fn code(outcomes: &[(String, Outcome)]) -> u8 {
    const WORST_FIRST: [u8; 5] = [1, 13, 12, 10, 11];
    let codes: Vec<u8> = outcomes.iter().map(|(_, outcome)| outcome.code()).collect();
    let worst = WORST_FIRST.iter().find(|code| codes.contains(code));
    worst.copied().unwrap_or_default()
}

impl Deploy<'_> {
    /// Deploys, and does what comes after it, under the lock if there is one.
    pub async fn run<T>(&self, then: impl AsyncFnOnce(&Done) -> T) -> Result<(Done, T), Stop> {
        let work = async |session: Option<&Session<'_>>| {
            let done = self.planned(session).await?;
            let after = then(&done).await;
            Ok((done, after))
        };
        let Some(lock) = &self.lock else {
            return work(None).await;
        };
        let work = async |session: &Session<'_>| work(Some(session)).await;
        lock.under(&self.who, self.guard, self.report, self.now, work)
            .await
    }

    fn ecs(&self) -> Ecs<'_> {
        Ecs::new(self.calls)
    }

    fn audit(&self) -> Option<Audit<'_>> {
        let lock = self.lock.as_ref()?;
        Some(self.who.audit(lock.s3, lock.place))
    }

    /// What changes something for this deploy.
    #[must_use]
    pub fn writer(&self) -> Writer<'_> {
        Writer::new(self.ecs(), self.audit(), self.guard, self.report, self.now)
    }

    async fn planned(&self, session: Option<&Session<'_>>) -> Result<Done, Stop> {
        let ecs = self.ecs();
        let observed = async {
            if let Some(planner) = self.planner {
                return planner.plan().await;
            }
            let deadline = Instant::now() + PLAN;
            Ok(observe::observed(self.config, &ecs, deadline).await?)
        };
        let (mut plan, running) = self.guard.unless_interrupted(observed).await??;
        if self.options.force_new {
            plan = forced(plan, self.config, &running);
        }
        self.report.tell(&Event::Planned(Box::new(plan.clone())));
        for warning in &plan.warnings {
            self.report.tell(&Event::Warning(warning.clone()));
        }
        let writer = self.writer();
        let run = Run {
            deploy: self,
            plan: &plan,
            running: &running,
            writer: &writer,
        };
        run.refuse()?;
        run.all(session).await
    }
}

/// A plan that is carried out.
pub(super) struct Run<'r> {
    pub deploy: &'r Deploy<'r>,
    pub plan: &'r Plan,
    pub running: &'r Running,
    pub writer: &'r Writer<'r>,
}

/// ARNs of the definitions of this deploy, by their names in the file.
pub(super) type Arns = BTreeMap<String, String>;

impl Run<'_> {
    /// What stands against it, all of it before the first change.
    fn refuse(&self) -> Result<(), Stop> {
        let mut refusals = self.plan.refusals.clone();
        let one_offs = self.plan.before.len() + self.plan.after.len();
        if one_offs > 0 && self.deploy.one_offs.is_none() {
            let why = "before and after are in the file, and nothing here runs one-off tasks";
            refusals.push(why.to_owned());
        }
        let deleted = self.plan.services.iter();
        let deleted = deleted.filter(|step| step.action == ServiceAction::Delete);
        let deleted: Vec<&str> = deleted.map(|step| step.name.as_str()).collect();
        if refusals.is_empty() && !deleted.is_empty() && !(self.deploy.may_delete)(&deleted) {
            let names = deleted.join(", ");
            refusals.push(format!(
                "{names} would be deleted: say --yes if that is meant"
            ));
        }
        if refusals.is_empty() {
            Ok(())
        } else {
            Err(Stop::Refused(refusals))
        }
    }

    async fn all(&self, session: Option<&Session<'_>>) -> Result<Done, Stop> {
        let owed = session.is_some_and(|session| session.kept().after);
        let steps = self.plan.services.iter();
        let acts =
            |step: &&ServiceStep| step.action != ServiceAction::Unchanged || self.resumes(step);
        let services: Vec<String> = steps.filter(acts).map(|step| step.name.clone()).collect();
        if self.plan.is_empty() && services.is_empty() && !owed {
            return Ok(Done::default());
        }
        // Of a deploy that is taken up again the plan no longer tells it; a rollback has none.
        let after = if self.plan.deploys() {
            &self.plan.after
        } else {
            &self.deploy.config.after
        };
        let deploys = self.plan.deploys() || !services.is_empty() || owed;
        let owes = deploys && !after.is_empty() && self.deploy.options.wait;
        let owe = |owed| {
            if let Some(session) = session {
                session.owe_after(owed);
            }
        };
        if let Some(session) = session {
            let kept = Kept {
                cluster: short(&self.plan.cluster).to_owned(),
                services,
                after: owes,
            };
            session.keep(&kept).await?;
        }
        // Unless we are killed, it is known whether a service has changed.
        owe(owed);
        let arns = self.register().await?;
        self.one_offs(When::Before, &self.plan.before, &arns)
            .await?;
        owe(owes);
        let done = self.waves(&arns).await?;
        // Rules pin definitions, which have served by now.
        if code(&done.outcomes) == 0 {
            self.schedules(&arns).await?;
        }
        match code(&done.outcomes) {
            0 if owes => {
                self.one_offs(When::After, after, &arns).await?;
                owe(false);
            }
            // What serves now is not what these tasks belong to.
            10 | 11 => owe(false),
            _ => {}
        }
        Ok(done)
    }

    /// Registers what changed; the ARNs of all.
    async fn register(&self) -> Result<Arns, Stop> {
        let mut arns = Arns::new();
        for step in &self.plan.definitions {
            let arn = match &step.action {
                DefinitionAction::Unchanged { arn } => arn.clone(),
                DefinitionAction::Register { request, .. } => {
                    let write = Write::RegisterTaskDefinition;
                    let reply = self.writer.write(write, &step.family, request).await?;
                    let arn = reply.get("taskDefinition");
                    let arn = arn.and_then(|known| known.get("taskDefinitionArn")?.as_str());
                    let arn = arn.ok_or_else(|| super::services::odd(write, &step.family))?;
                    self.writer.registered(arn);
                    self.deploy.report.tell(&Event::Registered {
                        task: step.name.clone(),
                        definition: arn.to_owned(),
                    });
                    arn.to_owned()
                }
            };
            arns.insert(step.name.clone(), arn);
        }
        Ok(arns)
    }

    /// Wave by wave; a wave that is not proven ends it.
    async fn waves(&self, arns: &Arns) -> Result<Done, Stop> {
        let mut done = Done::default();
        let services = Services { run: self, arns };
        for wave in self
            .plan
            .services
            .chunk_by(|one, next| one.wave == next.wave)
        {
            let (targets, failed) = services.begin(wave).await?;
            if !self.deploy.options.wait {
                failed.map_or(Ok(()), Err)?;
                services.delete(wave).await?;
                continue;
            }
            let wait = Wait {
                cluster: &self.plan.cluster,
                ecs: self.deploy.ecs(),
                report: self.deploy.report,
                guard: self.deploy.guard,
            };
            let mut proofs = wait.proven(targets).await?;
            self.logs(&proofs).await;
            if self.deploy.options.rollback {
                proofs = back::all(self, &wait, proofs).await?;
            }
            // What could not be begun is told with how far the others of its wave came.
            failed.map_or(Ok(()), Err)?;
            let outcomes = proofs.into_iter();
            let outcomes = outcomes.map(|proof| (proof.target.service, proof.outcome));
            done.outcomes.extend(outcomes);
            if code(&done.outcomes) != 0 {
                break;
            }
            services.delete(wave).await?;
        }
        Ok(done)
    }

    /// The last lines of containers that failed, one task for each cause.
    async fn logs(&self, proofs: &[Proof]) {
        if let Some(logs) = self.deploy.logs {
            for proof in proofs {
                super::services::tell_logs(logs, proof, self.deploy.report).await;
            }
        }
    }
}

/// The ARN of a definition.
pub(super) fn resolved(definition: &Definition, arns: &Arns) -> Option<String> {
    match definition {
        Definition::Arn(arn) => Some(arn.clone()),
        Definition::New(name) => arns.get(name).cloned(),
    }
}
