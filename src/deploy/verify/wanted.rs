//! What the files name that must be there: the questions to AWS.

use super::facts::Permission;
use super::modes::Commands;
use super::{containers_of, items, text};
use crate::deploy::config::{Config, Task};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// What a `valueFrom` names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Secret {
    /// A parameter of this name, in this region where it is not the file's.
    Parameter {
        region: Option<String>,
        name: String,
    },
    /// A secret of Secrets Manager, by its ARN without key, stage and version.
    Managed { region: String, arn: String },
    /// An ARN of something else.
    Unknown(String),
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Wanted {
    pub roles: BTreeSet<String>,
    pub secrets: BTreeSet<Secret>,
    pub log_groups: BTreeSet<(Option<String>, String)>,
    /// ARNs.
    pub target_groups: BTreeSet<String>,
    /// By task role, what the modes of its containers need.
    pub permissions: BTreeMap<String, BTreeSet<Permission>>,
}

/// All that must be asked for.
#[must_use]
pub fn wanted(config: &Config, commands: &Commands) -> Wanted {
    let mut wanted = Wanted::default();
    for task in &config.tasks {
        for key in ["taskRoleArn", "executionRoleArn"] {
            wanted
                .roles
                .extend(text(&task.request, key).map(str::to_owned));
        }
        for container in containers_of(task) {
            let secrets = secrets(container);
            wanted
                .secrets
                .extend(secrets.into_iter().map(|(_, secret)| secret));
            wanted
                .log_groups
                .extend(log_group(container).map(|(group, _)| group));
        }
        let needs = commands.needs(&task.name);
        if let Some(role) = text(&task.request, "taskRoleArn").filter(|_| !needs.is_empty()) {
            let known = wanted.permissions.entry(role.to_owned()).or_default();
            known.extend(needs);
        }
    }
    let services = config.services.iter().filter(|service| !service.delete);
    let balancers = services.flat_map(|service| items(&service.fields, "loadBalancers"));
    let groups = balancers.filter_map(|one| one.get("targetGroupArn")?.as_str());
    wanted.target_groups = groups.map(str::to_owned).collect();
    wanted
}

/// What a container gets its secrets from, with where it says so.
pub(super) fn secrets(container: &Map<String, Value>) -> Vec<(String, Secret)> {
    let mut all = named(container, "secrets", "secrets");
    if let Some(log) = container.get("logConfiguration").and_then(Value::as_object) {
        all.extend(named(
            log,
            "secretOptions",
            "logConfiguration.secretOptions",
        ));
    }
    let credentials = container.get("repositoryCredentials");
    let credentials = credentials.and_then(|one| one.get("credentialsParameter")?.as_str());
    all.extend(credentials.map(|from| ("repositoryCredentials".to_owned(), secret(from))));
    all
}

fn named(map: &Map<String, Value>, key: &str, shown: &str) -> Vec<(String, Secret)> {
    let named = items(map, key).filter_map(|one| {
        let name = one.get("name").and_then(Value::as_str).unwrap_or_default();
        let from = one.get("valueFrom")?.as_str()?;
        Some((format!("{shown}.{name}"), secret(from)))
    });
    named.collect()
}

fn secret(from: &str) -> Secret {
    let parts: Vec<&str> = from.split(':').collect();
    match parts.as_slice() {
        ["arn", _, "ssm", region, _, resource @ ..] => {
            let resource = resource.join(":");
            let Some(name) = resource.strip_prefix("parameter/") else {
                return Secret::Unknown(from.to_owned());
            };
            // The slash that a path begins with is not told from the one behind `parameter`.
            let slash = if name.contains('/') { "/" } else { "" };
            Secret::Parameter {
                region: Some((*region).to_owned()),
                name: format!("{slash}{name}"),
            }
        }
        [
            "arn",
            partition,
            "secretsmanager",
            region,
            account,
            "secret",
            name,
            ..,
        ] => Secret::Managed {
            region: (*region).to_owned(),
            arn: format!("arn:{partition}:secretsmanager:{region}:{account}:secret:{name}"),
        },
        ["arn", ..] => Secret::Unknown(from.to_owned()),
        _ => Secret::Parameter {
            region: None,
            name: from.to_owned(),
        },
    }
}

/// The group that the container's log goes to, and whether the driver makes it.
pub(super) fn log_group(
    container: &Map<String, Value>,
) -> Option<((Option<String>, String), bool)> {
    let log = container.get("logConfiguration")?.as_object()?;
    if text(log, "logDriver") != Some("awslogs") {
        return None;
    }
    let options = log.get("options")?.as_object()?;
    let group = text(options, "awslogs-group")?.to_owned();
    let region = text(options, "awslogs-region").map(str::to_owned);
    let made = text(options, "awslogs-create-group") == Some("true");
    Some(((region, group), made))
}

/// Whether something of the task needs the execution role, and what.
pub(super) fn needs_execution_role(task: &Task, on_fargate: bool) -> Option<&'static str> {
    let mut containers = containers_of(task);
    containers.find_map(|container| {
        let ecr = text(container, "image")
            .is_some_and(|image| crate::deploy::image::Reference::parse(image).is_some());
        if !secrets(container).is_empty() {
            Some("its secrets are read by it")
        } else if on_fargate && ecr {
            Some("Fargate pulls images of ECR with it")
        } else if on_fargate && log_group(container).is_some() {
            Some("Fargate writes logs with it")
        } else {
            None
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_known_by_its_place() {
        let parameter = |region: Option<&str>, name: &str| Secret::Parameter {
            region: region.map(str::to_owned),
            name: name.to_owned(),
        };
        let managed = |arn: &str| Secret::Managed {
            region: "eu-west-1".to_owned(),
            arn: arn.to_owned(),
        };
        let arn = "arn:aws:secretsmanager:eu-west-1:1:secret:app/db-AbCdEf";
        let table = [
            ("DB", parameter(None, "DB")),
            ("/app/db", parameter(None, "/app/db")),
            (
                "arn:aws:ssm:eu-west-1:1:parameter/app/db",
                parameter(Some("eu-west-1"), "/app/db"),
            ),
            (
                "arn:aws:ssm:eu-west-1:1:parameter/db",
                parameter(Some("eu-west-1"), "db"),
            ),
            (arn, managed(arn)),
            (&format!("{arn}:password::"), managed(arn)),
            (&format!("{arn}:password:AWSPREVIOUS:"), managed(arn)),
            (
                "arn:aws:s3:::bucket/x",
                Secret::Unknown("arn:aws:s3:::bucket/x".to_owned()),
            ),
        ];
        for (from, expected) in table {
            assert_eq!(secret(from), expected, "{from}");
        }
    }
}
