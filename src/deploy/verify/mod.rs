//! `entryctl verify`: what would make a deploy fail, all of it at once, before anything is changed.
//!
//! ```text
//! Config ─▶ wanted (wanted) ─▶ AWS (gather) ─▶ Facts (facts) ─┐
//! modes folder (modes) ─▶ Commands ───────────────────────────┴▶ findings: roles, policy, containers, services
//! ```
//!
//! The checks are pure. What could not be asked is a note that says so: nobody is kept from a deploy because
//! they may not read IAM.

mod containers;
mod facts;
mod finding;
mod gather;
mod images;
mod modes;
mod permissions;
mod policy;
mod roles;
mod services;
mod wanted;

pub use facts::{Answer, Facts, Permission, Permissions};
pub use finding::{Finding, Level};
pub use gather::{Regions, gather};
pub use modes::{Command, Commands, Runs, Sources, commands};
pub use policy::{Verdict, evaluate};
pub use wanted::{Secret, Wanted, wanted};

use super::config::{Config, Task};
use serde_json::{Map, Value};

/// Every finding, errors first.
#[must_use]
pub fn verify(config: &Config, commands: &Commands, facts: &Facts) -> Vec<Finding> {
    let mut findings = images::findings(&facts.images);
    for task in &config.tasks {
        findings.extend(roles::findings(config, task, facts));
        findings.extend(containers::findings(config, task, commands, facts));
        findings.extend(permissions::findings(task, commands, facts));
    }
    findings.extend(modes::findings(commands));
    findings.extend(services::findings(config, commands, facts));
    // Each level keeps the order of the file.
    findings.sort_by_key(|finding| finding.level);
    findings.dedup();
    findings
}

fn containers_of(task: &Task) -> impl Iterator<Item = &Map<String, Value>> {
    let containers = task.request.get("containerDefinitions");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    containers.filter_map(Value::as_object)
}

fn text<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m str> {
    map.get(key).and_then(Value::as_str)
}

fn items<'m>(map: &'m Map<String, Value>, key: &str) -> impl Iterator<Item = &'m Value> {
    map.get(key).and_then(Value::as_array).into_iter().flatten()
}

/// Whether some service runs the task on Fargate, or it is made for nothing else.
fn on_fargate(config: &Config, task: &Task) -> bool {
    let demands: Vec<&str> = items(&task.request, "requiresCompatibilities")
        .filter_map(Value::as_str)
        .collect();
    let services = config.services.iter();
    let mut services = services.filter(|one| one.is_of(&task.name));
    demands == ["FARGATE"]
        || services.any(|service| {
            let providers = items(&service.fields, "capacityProviderStrategy");
            let mut providers = providers.filter_map(|one| one.get("capacityProvider")?.as_str());
            text(&service.fields, "launchType") == Some("FARGATE")
                || providers.any(|provider| provider.starts_with("FARGATE"))
        })
}
