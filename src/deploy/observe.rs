//! What AWS is asked for: the fewest calls that a plan or a status needs.

use super::config::{Config, Task, TaskOf};
use super::plan::{Plan, Revision, Running, ServiceAction, plan, short};
use super::schedules;
use super::verdict::{Cause, Memory, Service, Stopped, causes, is_failure};
use crate::aws::{self, AwsError, Ecs, Events};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Instant;

/// The plan for what runs. Services come ten a call, and a definition only if one could be it: the revision
/// that runs, and the latest only where that one is not the same. Rules are asked for where the file has
/// scheduled tasks, and whether a service scales by itself only where its number of tasks would change.
pub async fn planned(config: &Config, ecs: &Ecs<'_>, deadline: Instant) -> Result<Plan, AwsError> {
    observed(config, ecs, deadline).await.map(|(plan, _)| plan)
}

/// The plan, and what it was made from.
pub async fn observed(
    config: &Config,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<(Plan, Running), AwsError> {
    let mut running = services(config, ecs, deadline).await?;
    rules(config, ecs, &mut running, deadline).await?;
    let known = running_revisions(config, &running);
    read(&known, ecs, &mut running, deadline).await?;
    latest_of_fixed(config, ecs, &mut running, deadline).await?;
    let first = plan(config, &running);
    let changed = first.definitions.iter().filter(|step| step.registers());
    let families: Vec<String> = changed.map(|step| step.family.clone()).collect();
    read(&families, ecs, &mut running, deadline).await?;
    let warning = scalable(&first, ecs, &mut running, deadline).await?;
    let mut plan = plan(config, &running);
    plan.warnings.extend(warning);
    Ok((plan, running))
}

/// Rules of the file's scheduled tasks, and the ARN by which they know the cluster.
async fn rules(
    config: &Config,
    ecs: &Ecs<'_>,
    running: &mut Running,
    deadline: Instant,
) -> Result<(), AwsError> {
    if config.scheduled_tasks.is_empty() {
        return Ok(());
    }
    let scheduled = config.scheduled_tasks.iter();
    let names: Vec<String> = scheduled.map(|one| one.name.clone()).collect();
    let found = Events::new(ecs.calls()).rules(&names, deadline).await?;
    let found = names.into_iter().zip(found);
    running.rules = found
        .filter_map(|(name, rule)| Some((name, rule?)))
        .collect();
    running.cluster_arn = cluster_arn(&config.cluster, running, ecs, deadline).await?;
    Ok(())
}

/// From what is known, else asked.
async fn cluster_arn(
    cluster: &str,
    running: &Running,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Option<String>, AwsError> {
    let services = running.services.values();
    let mut known = services.filter_map(|service| service.get("clusterArn")?.as_str());
    match known.next() {
        Some(arn) => Ok(Some(arn.to_owned())),
        None if cluster.starts_with("arn:") => Ok(Some(cluster.to_owned())),
        None => ecs.cluster_arn(cluster, deadline).await,
    }
}

/// Notes which services that would get another number of tasks scale by themselves. Who may not ask goes by
/// the file, and is told so; a call that fails for now is no leave to send the number.
async fn scalable(
    plan: &Plan,
    ecs: &Ecs<'_>,
    running: &mut Running,
    deadline: Instant,
) -> Result<Option<String>, AwsError> {
    let counted = plan.services.iter().filter(|step| match &step.action {
        ServiceAction::Update { request, .. } => request.contains_key("desiredCount"),
        _ => false,
    });
    let names: Vec<String> = counted.map(|step| step.name.clone()).collect();
    if names.is_empty() {
        return Ok(None);
    }
    let cluster = short(&plan.cluster);
    match aws::scalable(ecs.calls(), cluster, &names, deadline).await {
        Ok(found) => {
            running.scalable = found;
            Ok(None)
        }
        Err(error) if error.kind.passes() => Err(error),
        Err(error) => Ok(Some(format!(
            "whether services scale by themselves is taken from the file: {error}"
        ))),
    }
}

async fn services(config: &Config, ecs: &Ecs<'_>, deadline: Instant) -> Result<Running, AwsError> {
    let names: Vec<String> = config.services.iter().map(|one| one.name.clone()).collect();
    let described = ecs.services(&config.cluster, &names, deadline).await?;
    let named = described.into_iter().filter_map(|service| {
        let name = service.get("serviceName")?.as_str()?.to_owned();
        Some((name, service))
    });
    Ok(Running {
        services: named.collect(),
        ..Running::default()
    })
}

/// ARNs of what services run, if it is of the family of the file's task, then of what rules start, where no
/// service runs that family.
fn running_revisions(config: &Config, running: &Running) -> Vec<String> {
    let arns = config.services.iter().filter_map(|service| {
        let TaskOf::File(name) = &service.task else {
            return None;
        };
        let task: &Task = config.tasks.iter().find(|task| task.name == *name)?;
        let arn = running.services.get(&service.name)?.get("taskDefinition")?;
        let arn = arn.as_str()?;
        let family = short(arn).split(':').next();
        (family == Some(&task.family)).then(|| arn.to_owned())
    });
    let mut distinct: BTreeSet<String> = arns.collect();
    let family = |arn: &str| short(arn).split(':').next().map(str::to_owned);
    let by_services: BTreeSet<_> = distinct.iter().map(|arn| family(arn)).collect();
    let ours = |arn: &&String| {
        let family = family(arn);
        let mut tasks = config.tasks.iter();
        tasks.any(|task| Some(&task.family) == family.as_ref()) && !by_services.contains(&family)
    };
    let pinned = running.rules.values().flat_map(schedules::pinned);
    let pinned: Vec<String> = pinned.collect();
    distinct.extend(pinned.iter().filter(ours).cloned());
    distinct.into_iter().collect()
}

/// Adds definitions that are not known yet.
async fn read(
    names: &[String],
    ecs: &Ecs<'_>,
    running: &mut Running,
    deadline: Instant,
) -> Result<(), AwsError> {
    let found = ecs.task_definitions(names, deadline).await?;
    for definition in found.into_iter().flatten() {
        let text = |key: &str| definition.get(key).and_then(Value::as_str);
        let (Some(arn), Some(family)) = (text("taskDefinitionArn"), text("family")) else {
            continue;
        };
        let runs =
            |service: &Map<String, Value>| service.get("taskDefinition") == Some(&arn.into());
        // What was deregistered counts only as long as it runs: nothing can be started from it.
        if text("status") == Some("INACTIVE") && !running.services.values().any(runs) {
            continue;
        }
        let (arn, family) = (arn.to_owned(), family.to_owned());
        let revisions = running.definitions.entry(family).or_default();
        if !revisions.iter().any(|known| known.arn == arn) {
            revisions.push(Revision { arn, definition });
        }
    }
    Ok(())
}

/// Families that services name without a revision mean their latest.
async fn latest_of_fixed(
    config: &Config,
    ecs: &Ecs<'_>,
    running: &mut Running,
    deadline: Instant,
) -> Result<(), AwsError> {
    let families: BTreeSet<String> = config
        .services
        .iter()
        .filter_map(|service| match &service.task {
            TaskOf::Fixed(name) if !name.is_empty() && !name.contains(':') => Some(name.clone()),
            _ => None,
        })
        .collect();
    let families: Vec<String> = families.into_iter().collect();
    let found = ecs.task_definitions(&families, deadline).await?;
    for (family, definition) in families.into_iter().zip(found) {
        let arn = definition.and_then(|found| found.get("taskDefinitionArn").cloned());
        if let Some(Value::String(arn)) = arn {
            running.latest.insert(family, arn);
        }
    }
    Ok(())
}

/// A service as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub name: String,
    /// `None`: there is none.
    pub service: Option<Service>,
    /// Why tasks of its deployments failed of late.
    pub causes: Vec<Cause>,
    /// Its last deployments, if asked for.
    pub deployments: Vec<Map<String, Value>>,
}

/// Services as they are, in the order of `names`; stopped tasks are asked for only where tasks are missing.
pub async fn seen(
    cluster: &str,
    names: &[String],
    deployments: usize,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Vec<Seen>, AwsError> {
    let described = ecs.services(cluster, names, deadline).await?;
    let services: Vec<Service> = described
        .into_iter()
        .filter_map(|service| serde_json::from_value(Value::Object(service)).ok())
        .collect();
    let mut all = Vec::new();
    for name in names {
        // AWS keeps a deleted one for some time.
        let there = |one: &&Service| one.service_name == *name && one.status != "INACTIVE";
        let service = services.iter().find(there);
        let mut seen = Seen {
            name: name.clone(),
            service: service.cloned(),
            causes: Vec::new(),
            deployments: Vec::new(),
        };
        if let Some(service) = service {
            if is_lacking(service) {
                let stopped = ecs.stopped_tasks(cluster, name, deadline).await?;
                seen.causes = failures(service, stopped);
            }
            if deployments > 0 {
                let last = ecs.deployments(cluster, name, deployments, deadline);
                seen.deployments = last.await?;
            }
        }
        all.push(seen);
    }
    Ok(all)
}

fn is_lacking(service: &Service) -> bool {
    let failed = service.deployments.iter().any(|one| one.failed_tasks > 0);
    failed || service.running_count < service.desired_count
}

/// Failed tasks of deployments that the service still has.
fn failures(service: &Service, stopped: Vec<Map<String, Value>>) -> Vec<Cause> {
    let stopped = stopped
        .into_iter()
        .filter_map(|task| serde_json::from_value::<Stopped>(Value::Object(task)).ok());
    let own = |task: &Stopped| {
        let mut deployments = service.deployments.iter();
        deployments.any(|deployment| deployment.id == task.started_by)
    };
    let failed = stopped.filter(|task| own(task) && is_failure(task));
    causes(&Memory {
        failed: failed.map(|task| (task.task_arn.clone(), task)).collect(),
        ..Memory::default()
    })
}
