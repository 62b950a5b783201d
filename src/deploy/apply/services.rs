//! Services: what is sent for each, and what is to be waited for then.

use super::one_offs::{LogTail, Tail};
use super::run::{Arns, Run, resolved};
use crate::aws::{AwsError, Kind, Write};
use crate::deploy::guard::Stop;
use crate::deploy::plan::{ServiceAction, ServiceStep, short};
use crate::deploy::report::{Change, Event, Report};
use crate::deploy::verdict::{Deployment, Expected, Service, Stopped};
use crate::deploy::wait::{Proof, Target};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Of a container that failed: enough for a stack trace.
const LINES: usize = 20;

/// The services of a run.
pub(super) struct Services<'s> {
    pub run: &'s Run<'s>,
    pub arns: &'s Arns,
}

/// An answer without what it always has.
pub(super) fn odd(write: Write, resource: &str) -> Stop {
    let action = format!("ecs:{}", write.operation());
    let detail = "it does not show what was made";
    Stop::Aws(AwsError::new(Kind::Reply, &action, resource, detail))
}

impl Run<'_> {
    /// Whether a service that is as it should be has a deployment that is to be proven yet: one that goes on, or
    /// one that failed.
    pub(super) fn resumes(&self, step: &ServiceStep) -> bool {
        step.action == ServiceAction::Unchanged && self.is_unproven(step)
    }

    fn is_unproven(&self, step: &ServiceStep) -> bool {
        let primary = self.primary(step).filter(|_| self.deploy.options.wait);
        primary.is_some_and(|primary| has_not_served(&primary))
    }

    fn described(&self, step: &ServiceStep) -> Option<Service> {
        let found = self.running.services.get(&step.name)?.clone();
        let service: Service = serde_json::from_value(Value::Object(found)).ok()?;
        (service.status == "ACTIVE").then_some(service)
    }

    /// Ids of the events that it had before.
    fn told(&self, step: &ServiceStep) -> BTreeSet<String> {
        let service = self.described(step).unwrap_or_default();
        service.events.into_iter().map(|event| event.id).collect()
    }

    fn primary(&self, step: &ServiceStep) -> Option<Deployment> {
        self.described(step)?.primary().cloned()
    }

    /// ARN of what served last: ECS's circuit breaker goes back to it, and so do we. `None` where all that is
    /// there has failed.
    fn served(&self, step: &ServiceStep) -> Option<String> {
        let service = self.described(step)?;
        let Some(primary) = service.primary() else {
            return Some(service.task_definition);
        };
        // Of several that go on none may ever have served: what ECS has proven comes first.
        let older = || {
            service
                .deployments
                .iter()
                .filter(|one| one.status == "ACTIVE")
        };
        let served = [primary]
            .into_iter()
            .chain(older())
            .find(|one| !has_not_served(one));
        let goes_on = || older().chain([primary]).find(|one| !one.has_failed());
        let served = served.or_else(goes_on)?;
        Some(served.task_definition.clone())
    }
}

fn has_not_served(deployment: &Deployment) -> bool {
    deployment.has_failed() || deployment.rollout_state.as_deref() == Some("IN_PROGRESS")
}

impl Services<'_> {
    /// Begins a wave's deployments. A call that AWS refuses ends it, with those that were begun to be waited for.
    pub async fn begin(&self, wave: &[ServiceStep]) -> Result<(Vec<Target>, Option<Stop>), Stop> {
        let mut targets = Vec::new();
        for step in wave {
            match self.begin_one(step).await {
                Ok(target) => targets.extend(target),
                Err(stop @ Stop::Aws(_)) => return Ok((targets, Some(stop))),
                Err(stop) => return Err(stop),
            }
        }
        Ok((targets, None))
    }

    async fn begin_one(&self, step: &ServiceStep) -> Result<Option<Target>, Stop> {
        match &step.action {
            ServiceAction::Unchanged if self.run.resumes(step) => Ok(self.resume(step)),
            ServiceAction::Unchanged | ServiceAction::Delete => Ok(None),
            ServiceAction::Create {
                request,
                definition,
            } => {
                let mut request = request.clone();
                let definition = resolved(definition, self.arns);
                // A reply that was lost must not make a second one.
                let token = format!("{:016x}{:016x}", random(), random());
                request.insert("clientToken".to_owned(), token.into());
                self.send(Write::CreateService, step, request, definition)
                    .await
            }
            ServiceAction::Update {
                request,
                definition,
                tags,
                ..
            } => {
                if !tags.is_empty() {
                    self.tag(step, tags).await?;
                }
                // The cluster and the service only name it.
                let changes = |key: &String| !matches!(key.as_str(), "cluster" | "service");
                if definition.is_none() && !request.keys().any(changes) {
                    let unproven = self.run.is_unproven(step);
                    return Ok(unproven.then(|| self.resume(step)).flatten());
                }
                let definition = match definition {
                    Some(definition) => resolved(definition, self.arns),
                    None => None,
                };
                self.send(Write::UpdateService, step, request.clone(), definition)
                    .await
            }
        }
    }

    /// Sends it, and finds in the reply what to wait for.
    async fn send(
        &self,
        write: Write,
        step: &ServiceStep,
        mut request: Map<String, Value>,
        definition: Option<String>,
    ) -> Result<Option<Target>, Stop> {
        if let Some(definition) = &definition {
            request.insert("taskDefinition".to_owned(), definition.clone().into());
        }
        let tasks = request.get("desiredCount").and_then(Value::as_u64);
        let reply = self.run.writer.write(write, &step.name, &request).await?;
        let new = write == Write::CreateService;
        let change = if new {
            Change::Created
        } else {
            Change::Updated
        };
        let deployment = begun(&reply, definition.as_deref());
        self.run.deploy.report.tell(&Event::Changed {
            service: step.name.clone(),
            change,
            deployment: deployment.as_ref().map(|one| one.id.clone()),
            definition: definition.or_else(|| Some(deployment.as_ref()?.task_definition.clone())),
        });
        match deployment {
            Some(deployment) => Ok(Some(Target {
                new,
                // What ECS told of a deployment that was there before is no news.
                told: self.run.told(step),
                ..self.target(step, &deployment, tasks)
            })),
            None if self.run.deploy.options.wait => Err(odd(write, &step.name)),
            None => Ok(None),
        }
    }

    /// Waits for a deployment that was begun before.
    fn resume(&self, step: &ServiceStep) -> Option<Target> {
        let primary = self.run.primary(step)?;
        self.tell(step, Change::Resumed, Some(&primary));
        Some(self.target(step, &primary, None))
    }

    fn target(&self, step: &ServiceStep, deployment: &Deployment, tasks: Option<u64>) -> Target {
        let deploy = self.run.deploy;
        let mut services = deploy.config.services.iter();
        let service = services.find(|service| service.name == step.name);
        // The file's own wish.
        let asked = service.is_some_and(|service| {
            !service.autoscaled && service.fields.get("desiredCount") == Some(&json!(0))
        });
        Target {
            service: step.name.clone(),
            expected: Expected {
                deployment: deployment.id.clone(),
                definition: deployment.task_definition.clone(),
                before: self.run.served(step),
                tasks: tasks.unwrap_or_default(),
                allow_zero: deploy.options.allow_zero || asked || tasks == Some(0),
                until_paused: false,
                limits: deploy.options.limits,
            },
            new: false,
            told: BTreeSet::new(),
        }
    }

    fn tell(&self, step: &ServiceStep, change: Change, deployment: Option<&Deployment>) {
        self.run.deploy.report.tell(&Event::Changed {
            service: step.name.clone(),
            change,
            definition: deployment.map(|one| one.task_definition.clone()),
            deployment: deployment.map(|one| one.id.clone()),
        });
    }

    async fn tag(&self, step: &ServiceStep, tags: &Map<String, Value>) -> Result<(), Stop> {
        let arn = self.run.running.services.get(&step.name);
        let arn = arn.and_then(|service| service.get("serviceArn"));
        let arn = arn.ok_or_else(|| odd(Write::TagResource, &step.name))?;
        let tags = tags
            .iter()
            .map(|(key, value)| json!({"key": key, "value": value}));
        let mut request = Map::new();
        request.insert("resourceArn".to_owned(), arn.clone());
        request.insert("tags".to_owned(), tags.collect());
        self.run
            .writer
            .write(Write::TagResource, &step.name, &request)
            .await?;
        self.tell(step, Change::Tagged, None);
        Ok(())
    }

    /// Deletes what the file says is to go, once the rest of its wave serves.
    pub async fn delete(&self, wave: &[ServiceStep]) -> Result<(), Stop> {
        for step in wave
            .iter()
            .filter(|step| step.action == ServiceAction::Delete)
        {
            let cluster = &self.run.plan.cluster;
            // Its tasks are stopped as ever; without it the service must be scaled down first.
            let request = json!({"cluster": cluster, "service": step.name, "force": true});
            let request = request.as_object().cloned().unwrap_or_default();
            self.run
                .writer
                .write(Write::DeleteService, &step.name, &request)
                .await?;
            self.tell(step, Change::Deleted, None);
        }
        Ok(())
    }
}

/// The deployment that a call began, by its reply: of this definition, for an earlier one proves nothing.
pub(super) fn begun(reply: &Map<String, Value>, definition: Option<&str>) -> Option<Deployment> {
    let service: Service = serde_json::from_value(reply.get("service")?.clone()).ok()?;
    let is_of = |deployed: &str, wanted: &str| {
        let (deployed, wanted) = (short(deployed), short(wanted));
        // The file may name a family without a revision.
        deployed == wanted || deployed.split(':').next() == Some(wanted)
    };
    let primary = service.primary()?;
    let ours = definition.is_none_or(|wanted| is_of(&primary.task_definition, wanted));
    ours.then(|| primary.clone())
}

fn random() -> u64 {
    // Without the kernel's random bytes a lost reply is an error, as without the token.
    getrandom::u64().unwrap_or_default()
}

/// The last lines of containers that failed, of one task for each cause.
pub(super) async fn tell_logs(logs: &dyn LogTail, proof: &Proof, report: &dyn Report) {
    for cause in proof.outcome.causes() {
        let Some(task) = proof.memory.failed.get(&cause.task) else {
            continue;
        };
        let Some(container) = failed_container(task) else {
            continue;
        };
        let tail = Tail {
            definition: &proof.target.expected.definition,
            task: &task.task_arn,
            container,
            most: LINES,
        };
        match logs.last_lines(&tail).await {
            Ok(lines) if lines.is_empty() => {}
            Ok(lines) => report.tell(&Event::Log {
                service: proof.target.service.clone(),
                task: task.task_arn.clone(),
                container: container.to_owned(),
                lines,
            }),
            Err(error) => report.tell(&Event::Warning(error.to_string())),
        }
    }
}

fn failed_container(task: &Stopped) -> Option<&str> {
    let mut failed = task.containers.iter();
    let failed = failed.find(|one| one.exit_code.is_some_and(|code| code != 0));
    let first = failed.or_else(|| task.containers.first());
    first.map(|one| one.name.as_str())
}
