//! The decisions: pure, from the file and AWS's answers to the plan.

use super::canonical::{self, over, short};
use super::changes::{Change, Extent, changes};
use super::{
    Definition, DefinitionAction, DefinitionStep, Plan, Revision, Running, ServiceAction,
    ServiceStep, defaults,
};
use crate::deploy::config::fields::CREATE_ONLY;
use crate::deploy::config::{Config, Service, Task, TaskOf};
use crate::deploy::schedules::{self, ScheduleStep};
use serde_json::{Map, Value, json};

/// What a deploy of these files would do.
#[must_use]
pub fn plan(config: &Config, running: &Running) -> Plan {
    let definitions: Vec<DefinitionStep> = config
        .tasks
        .iter()
        .map(|task| definition_step(task, config, running))
        .collect();
    let mut refusals = Vec::new();
    let services = config.services.iter().map(|service| {
        let action = Decision {
            config,
            running,
            definitions: &definitions,
            service,
        }
        .action();
        ServiceStep {
            name: service.name.clone(),
            wave: service.wave,
            action: action.unwrap_or_else(|why| {
                refusals.push(format!("service {}: {why}", service.name));
                ServiceAction::Unchanged
            }),
        }
    });
    let services = services.collect();
    let scheduled = schedules(config, running, &definitions, &mut refusals);
    let mut plan = Plan {
        cluster: config.cluster.clone(),
        definitions,
        before: Vec::new(),
        services,
        scheduled,
        after: Vec::new(),
        warnings: Vec::new(),
        refusals,
    };
    if plan.deploys() {
        plan.before.clone_from(&config.before);
        plan.after.clone_from(&config.after);
    }
    plan
}

fn schedules(
    config: &Config,
    running: &Running,
    definitions: &[DefinitionStep],
    refusals: &mut Vec<String>,
) -> Vec<ScheduleStep> {
    let steps = config.scheduled_tasks.iter().filter_map(|scheduled| {
        let name = &scheduled.run.task;
        let task = config.tasks.iter().find(|task| task.name == *name);
        let definition = definition_of(name, definitions);
        let lender = lender(config, name);
        let service = lender.map(|service| {
            let there = running.services.get(&service.name);
            schedules::service(&service.fields, there)
        });
        let step = schedules::step(schedules::Facts {
            scheduled,
            task,
            definition: definition.as_ref(),
            cluster_arn: running.cluster_arn.as_deref(),
            service: service.as_ref(),
            rule: running.rules.get(&scheduled.name),
        });
        step.map_err(|why| refusals.push(format!("schedule {}: {why}", scheduled.name)))
            .ok()
    });
    steps.collect()
}

/// The first service that runs a task, else the first that the file has.
fn lender<'c>(config: &'c Config, task: &str) -> Option<&'c Service> {
    let services = || config.services.iter().filter(|service| !service.delete);
    let same = services().find(|service| service.is_of(task));
    same.or_else(|| services().next())
}

fn definition_of(name: &str, definitions: &[DefinitionStep]) -> Option<Definition> {
    let step = definitions.iter().find(|step| step.name == name)?;
    Some(match &step.action {
        DefinitionAction::Unchanged { arn } => Definition::Arn(arn.clone()),
        DefinitionAction::Register { .. } => Definition::New(name.to_owned()),
    })
}

fn definition_step(task: &Task, config: &Config, running: &Running) -> DefinitionStep {
    let revisions = running.definitions.get(&task.family);
    let revisions = revisions.map(Vec::as_slice).unwrap_or_default();
    let serves = |revision: &Revision| {
        !is_deregistered(revision) || only_runs(task, revision, config, running)
    };
    let same = |revision: &&Revision| against(task, revision).is_empty() && serves(revision);
    let action = match (revisions.iter().find(same), revisions.first()) {
        (Some(same), _) => DefinitionAction::Unchanged {
            arn: same.arn.clone(),
        },
        (None, first) => DefinitionAction::Register {
            request: task.request.clone(),
            against: first.map(|first| first.arn.clone()),
            changes: first.map_or_else(Vec::new, |first| reasons(task, first)),
        },
    };
    DefinitionStep {
        name: task.name.clone(),
        family: task.family.clone(),
        action,
        hidden: task.filled.clone(),
    }
}

fn is_deregistered(revision: &Revision) -> bool {
    revision.definition.get("status") == Some(&json!("INACTIVE"))
}

/// Whether a revision is only to go on where it runs: ECS starts nothing else of one that was deregistered.
fn only_runs(task: &Task, revision: &Revision, config: &Config, running: &Running) -> bool {
    let of_task = |service: &&Service| !service.delete && service.is_of(&task.name);
    let runs = |service: &Service| {
        let found = running.services.get(&service.name);
        let runs = found.and_then(|found| found.get("taskDefinition")?.as_str());
        runs == Some(revision.arn.as_str())
    };
    let one_offs = config
        .before
        .iter()
        .chain(&config.after)
        .map(|one| &one.run);
    let scheduled = config.scheduled_tasks.iter().filter(|one| !one.delete);
    let mut started = one_offs.chain(scheduled.map(|one| &one.run));
    let mut services = config.services.iter().filter(of_task);
    services.all(runs) && !started.any(|run| run.task == task.name)
}

/// Tags of a revision count only where the file has some.
fn against(task: &Task, revision: &Revision) -> Vec<Change> {
    let want = canonical::task(&task.request);
    let mut have = canonical::task(&revision.definition);
    canonical::without_unknown(&mut have, &want);
    if !want.contains_key("tags") {
        have.remove("tags");
    }
    changes(&want, &have, Extent::Whole, &[defaults::TASK])
}

/// Why a revision is not used.
fn reasons(task: &Task, revision: &Revision) -> Vec<Change> {
    let mut reasons = against(task, revision);
    if is_deregistered(revision) {
        reasons.push(Change {
            path: "status".to_owned(),
            from: Some("INACTIVE".into()),
            to: Some("ACTIVE".into()),
        });
    }
    reasons
}

/// All that one service's action depends on.
struct Decision<'p> {
    config: &'p Config,
    running: &'p Running,
    definitions: &'p [DefinitionStep],
    service: &'p Service,
}

impl Decision<'_> {
    /// What to do, or why it cannot be done.
    fn action(&self) -> Result<ServiceAction, String> {
        let found = self.running.services.get(&self.service.name);
        let status = found.and_then(|service| service.get("status")?.as_str());
        // AWS keeps a deleted one for some time.
        let found = found.filter(|_| status != Some("INACTIVE"));
        match (found, self.service.delete) {
            (None, true) => Ok(ServiceAction::Unchanged),
            (Some(_), true) if status == Some("DRAINING") => Ok(ServiceAction::Unchanged),
            (Some(_), true) => Ok(ServiceAction::Delete),
            (Some(_), false) if status == Some("DRAINING") => Err(
                "it is being deleted: wait until its tasks have stopped, then deploy again"
                    .to_owned(),
            ),
            (Some(found), false) => self.update(found),
            (None, false) => self.create(),
        }
    }

    fn definition(&self) -> Result<Definition, String> {
        let name = match &self.service.task {
            TaskOf::File(name) => name,
            TaskOf::Fixed(fixed) => {
                let latest = self.running.latest.get(fixed);
                return Ok(Definition::Arn(latest.unwrap_or(fixed).clone()));
            }
        };
        let found = definition_of(name, self.definitions);
        found.ok_or_else(|| format!("there is no task {name}"))
    }

    fn create(&self) -> Result<ServiceAction, String> {
        let fields = &self.service.fields;
        let daemon = fields.get("schedulingStrategy") == Some(&json!("DAEMON"));
        if !daemon && !fields.contains_key("desiredCount") {
            return Err(
                "it does not exist yet: write desiredCount, with how many tasks it begins"
                    .to_owned(),
            );
        }
        let mut request = fields.clone();
        request.insert("cluster".to_owned(), self.config.cluster.clone().into());
        request.insert("serviceName".to_owned(), self.service.name.clone().into());
        Ok(ServiceAction::Create {
            request,
            definition: self.definition()?,
        })
    }

    fn update(&self, found: &Map<String, Value>) -> Result<ServiceAction, String> {
        let have = canonical::service(found);
        self.refuse(&have)?;
        let mut want = self.service.fields.clone();
        for key in CREATE_ONLY {
            want.remove(key);
        }
        let daemon = have.get("schedulingStrategy") == Some(&json!("DAEMON"));
        let scalable = self.running.scalable.contains(&self.service.name);
        if self.service.autoscaled || scalable || daemon {
            want.remove("desiredCount");
        }
        let mut tables = vec![defaults::SERVICE];
        if daemon {
            tables.insert(0, defaults::DAEMON);
        }
        let mut found = changes(&want, &have, Extent::Named, &tables);
        let tags = tags(&want, &found);
        let mut request = Map::new();
        for (key, value) in &want {
            let under = |change: &Change| {
                let rest = change.path.strip_prefix(key.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
            };
            if key != "tags" && found.iter().any(under) {
                request.insert(key.clone(), over(have.get(key), value));
            }
        }
        if request.contains_key("capacityProviderStrategy") {
            // It would only count for tasks that start later.
            request.insert("forceNewDeployment".to_owned(), true.into());
        }
        let definition = self.new_definition(&have, &mut found)?;
        if request.is_empty() && definition.is_none() && tags.is_empty() {
            return Ok(ServiceAction::Unchanged);
        }
        request.insert("cluster".to_owned(), self.config.cluster.clone().into());
        request.insert("service".to_owned(), self.service.name.clone().into());
        Ok(ServiceAction::Update {
            request,
            definition,
            tags,
            changes: found,
        })
    }

    /// The definition, where it is not the one that runs.
    fn new_definition(
        &self,
        have: &Map<String, Value>,
        found: &mut Vec<Change>,
    ) -> Result<Option<Definition>, String> {
        let runs = have.get("taskDefinition").and_then(Value::as_str);
        let runs = runs.unwrap_or_default();
        let definition = self.definition()?;
        let to = match &definition {
            Definition::Arn(arn) if short(arn) == short(runs) => return Ok(None),
            Definition::Arn(arn) => short(arn).to_owned(),
            Definition::New(name) => format!("the new one of {name}"),
        };
        found.insert(
            0,
            Change {
                path: "taskDefinition".to_owned(),
                from: Some(short(runs).into()),
                to: Some(to.into()),
            },
        );
        Ok(Some(definition))
    }

    /// What `UpdateService` cannot do.
    fn refuse(&self, have: &Map<String, Value>) -> Result<(), String> {
        let controller = have.get("deploymentController");
        let controller = controller.and_then(|controller| controller.get("type")?.as_str());
        if let Some(other) = controller.filter(|controller| *controller != "ECS") {
            return Err(format!(
                "its deployments are made by {other}, not by ECS: take it out of the file"
            ));
        }
        let mut want = self.service.fields.clone();
        want.retain(|key, _| CREATE_ONLY.contains(&key.as_str()));
        let mut have = have.clone();
        // A name stands for the ARN that ends in it.
        if let (Some(Value::String(want)), Some(Value::String(role))) =
            (want.get("role"), have.get_mut("role"))
            && short(role) == short(want)
        {
            role.clone_from(want);
        }
        let fixed = changes(&want, &have, Extent::Named, &[defaults::SERVICE]);
        match fixed.first() {
            Some(Change { path, from, to }) => {
                let shown = |value: &Option<Value>| match value {
                    Some(Value::String(text)) => text.clone(),
                    Some(value) => value.to_string(),
                    None => "not set".to_owned(),
                };
                let (from, to) = (shown(from), shown(to));
                Err(format!(
                    "{path} is {from}, and the file says {to}: ECS cannot change it, \
                     make a service of another name"
                ))
            }
            None => Ok(()),
        }
    }
}

/// The tags to set.
fn tags(want: &Map<String, Value>, found: &[Change]) -> Map<String, Value> {
    let all = want.get("tags").and_then(Value::as_array).into_iter();
    let pairs = all
        .flatten()
        .filter_map(|tag| Some((tag.get("key")?.as_str()?, tag.get("value")?)));
    let changed = pairs.filter(|(key, _)| {
        let path = format!("tags[{key}]");
        found.iter().any(|change| change.path == path)
    });
    changed
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
}
