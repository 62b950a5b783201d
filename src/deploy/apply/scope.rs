//! What of the files a deploy is about: pure.

use crate::deploy::config::{Config, TaskOf};
use crate::deploy::plan::{Plan, Running, ServiceAction};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// The config for some of its services, by the names that AWS has for them. Scheduled tasks, and definitions that
/// nothing left needs, are left out; `before` and `after` stay. An error is a name that is not in the file.
pub fn only(config: &Config, services: &[String]) -> Result<Config, String> {
    let mut config = config.clone();
    if services.is_empty() {
        return Ok(config);
    }
    let known = |name: &&String| !config.services.iter().any(|one| one.name == **name);
    if let Some(unknown) = services.iter().find(known) {
        return Err(unknown.clone());
    }
    config.services.retain(|one| services.contains(&one.name));
    config.scheduled_tasks.clear();
    let of_service = config.services.iter().filter_map(|one| match &one.task {
        TaskOf::File(name) => Some(name.clone()),
        TaskOf::Fixed(_) => None,
    });
    let one_offs = config.before.iter().chain(&config.after);
    let of_one_off = one_offs.map(|one| one.run.task.clone());
    let needed: BTreeSet<String> = of_service.chain(of_one_off).collect();
    config.tasks.retain(|task| needed.contains(&task.name));
    Ok(config)
}

/// The plan with a new deployment of every service that is there, though nothing of it changes.
#[must_use]
pub fn forced(mut plan: Plan, config: &Config, running: &Running) -> Plan {
    let force = |request: &mut Map<String, Value>| {
        request.insert("forceNewDeployment".to_owned(), true.into());
    };
    let cluster = plan.cluster.clone();
    for step in &mut plan.services {
        let found = running.services.get(&step.name);
        let active = found.is_some_and(|found| found.get("status") == Some(&"ACTIVE".into()));
        match &mut step.action {
            ServiceAction::Unchanged if active => {
                let mut request = Map::new();
                request.insert("cluster".to_owned(), cluster.clone().into());
                request.insert("service".to_owned(), step.name.clone().into());
                force(&mut request);
                step.action = ServiceAction::Update {
                    request,
                    definition: None,
                    tags: Map::new(),
                    changes: Vec::new(),
                };
            }
            ServiceAction::Update { request, .. } => force(request),
            _ => {}
        }
    }
    if !plan.is_empty() {
        plan.before.clone_from(&config.before);
        plan.after.clone_from(&config.after);
    }
    plan
}
