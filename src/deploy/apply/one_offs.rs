//! One-off tasks of a deploy: what it asks of those who run them, and of those who read logs.

use super::Writer;
use super::run::{Arns, Run, resolved};
use crate::aws::Pending;
use crate::deploy::config::OneOff;
use crate::deploy::guard::Stop;
use crate::deploy::plan::ServiceAction;
use crate::deploy::report::{Event, Report, When};
use serde_json::{Map, Value};
use std::future::Future;
use std::pin::Pin;

/// A one-off task of a deploy.
pub struct Request<'r> {
    pub when: When,
    /// Which of them it is, `before 1`: two may do the same.
    pub place: &'r str,
    pub one: &'r OneOff,
    /// ARN of its task's definition, for this deploy.
    pub definition: &'r str,
    pub cluster: &'r str,
    /// The file's first service as it is to be: the task runs where its tasks do.
    pub beside: Option<&'r Map<String, Value>>,
    /// The file's services as they were when the plan was made: which of their deployments are not of this deploy
    /// tells whether a task has run for it.
    pub services: &'r [&'r Map<String, Value>],
    /// ARNs of the definitions that the file's services get.
    pub targets: &'r [String],
    /// Every change goes through it.
    pub writer: &'r Writer<'r>,
    /// Where the task's lines go.
    pub report: &'r dyn Report,
}

/// How a one-off task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The container's exit code.
    pub code: i64,
    /// It had run already, in a deploy that broke off.
    pub earlier: bool,
}

/// Runs one-off tasks, each once for its deploy: one that runs is followed to its end, and one that has ended well
/// is not run again.
pub trait OneOffs {
    fn run<'r>(
        &'r self,
        request: Request<'r>,
    ) -> Pin<Box<dyn Future<Output = Result<Ended, Stop>> + 'r>>;
}

/// Which lines are wanted.
pub struct Tail<'t> {
    /// ARN of the task's definition, which says where its logs go.
    pub definition: &'t str,
    /// ARN of the task.
    pub task: &'t str,
    pub container: &'t str,
    pub most: usize,
}

/// Reads what a container wrote last.
pub trait LogTail {
    /// The oldest first; none if it wrote nothing, or nothing to where we can read.
    fn last_lines<'t>(&'t self, tail: &'t Tail<'t>) -> Pending<'t, Vec<String>>;
}

impl Run<'_> {
    /// Runs them one after the other; the first that fails ends it.
    pub(super) async fn one_offs(
        &self,
        when: When,
        all: &[OneOff],
        arns: &Arns,
    ) -> Result<(), Stop> {
        let services: Vec<&Map<String, Value>> = self
            .deploy
            .config
            .services
            .iter()
            .filter_map(|service| self.running.services.get(&service.name))
            .collect();
        let targets = self.targets(arns);
        let beside = self.beside();
        for (index, one) in all.iter().enumerate() {
            let place = format!("{when} {}", index + 1);
            let (Some(one_offs), Some(definition)) =
                (self.deploy.one_offs, arns.get(&one.run.task))
            else {
                continue;
            };
            let task = || one.run.task.clone();
            self.deploy.report.tell(&Event::OneOff {
                when,
                task: task(),
                command: one.run.command.clone(),
            });
            let ended = one_offs.run(Request {
                when,
                place: &place,
                one,
                definition,
                cluster: &self.plan.cluster,
                beside: beside.as_ref(),
                services: &services,
                targets: &targets,
                writer: self.writer,
                report: self.deploy.report,
            });
            let ended = self.deploy.guard.unless_interrupted(ended).await??;
            self.deploy.report.tell(&Event::OneOffEnded {
                when,
                task: task(),
                code: ended.code,
                earlier: ended.earlier,
            });
            if ended.code != 0 {
                return Err(Stop::OneOff {
                    when,
                    task: task(),
                    code: ended.code,
                });
            }
        }
        Ok(())
    }

    /// The first service, with what the file says of it over what runs: in a first deploy nothing does.
    fn beside(&self) -> Option<Map<String, Value>> {
        let mut services = self.deploy.config.services.iter();
        let first = services.find(|service| !service.delete)?;
        let runs = self.running.services.get(&first.name);
        let mut beside = runs.cloned().unwrap_or_default();
        beside.extend(first.fields.clone());
        Some(beside)
    }

    /// ARNs of what the services are to run.
    fn targets(&self, arns: &Arns) -> Vec<String> {
        let steps = self.plan.services.iter();
        let targets = steps.filter_map(|step| match &step.action {
            ServiceAction::Create { definition, .. }
            | ServiceAction::Update {
                definition: Some(definition),
                ..
            } => resolved(definition, arns),
            _ => {
                let runs = self
                    .running
                    .services
                    .get(&step.name)?
                    .get("taskDefinition")?;
                runs.as_str().map(str::to_owned)
            }
        });
        targets.collect()
    }
}
