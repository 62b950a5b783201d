//! The calls: AWS's own list of deployments, else what a guess needs.

use super::{Definitions, History, deployments, family, from_deployments, from_service, text};
use crate::aws::{AwsError, Ecs, Kind};
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Instant;

/// The histories of services, in the order of their names; those that there are not are not in it.
pub async fn histories(
    cluster: &str,
    names: &[String],
    most: usize,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Vec<History>, AwsError> {
    let services = ecs.services(cluster, names, deadline).await?;
    let mut untold = None;
    let mut all = Vec::new();
    for name in names {
        let same = |service: &&Map<String, Value>| text(service, "serviceName") == Some(name);
        let Some(service) = services
            .iter()
            .find(same)
            .filter(|service| is_there(service))
        else {
            continue;
        };
        let told = match &untold {
            None => told(cluster, name, most, ecs, deadline).await?,
            Some(why) => Told::Untold(String::clone(why)),
        };
        all.push(match told {
            Told::Deployments(deployments) => {
                let known = deployments
                    .iter()
                    .filter_map(|one| text(one, "taskDefinition"));
                let known = known.chain(text(service, "taskDefinition"));
                let definitions = described(known, ecs, deadline).await?;
                from_deployments(service, &deployments, &definitions)
            }
            Told::None(why) => guess(service, most, why, ecs, deadline).await?,
            Told::Untold(why) => {
                untold = Some(why.clone());
                guess(service, most, why, ecs, deadline).await?
            }
        });
    }
    Ok(all)
}

fn is_there(service: &Map<String, Value>) -> bool {
    text(service, "status") != Some("INACTIVE")
}

/// What AWS says of a service's deployments.
enum Told {
    Deployments(Vec<Map<String, Value>>),
    /// There is none, for this one.
    None(String),
    /// It does not say, for any.
    Untold(String),
}

async fn told(
    cluster: &str,
    name: &str,
    most: usize,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Told, AwsError> {
    match ecs.deployments(cluster, name, most, deadline).await {
        Ok(all) if all.is_empty() => {
            let why = format!("AWS keeps no deployments of {name}");
            Ok(Told::None(why))
        }
        Ok(all) => Ok(Told::Deployments(all)),
        Err(error) if passes(error.kind) => Err(error),
        Err(error) => Ok(Told::Untold(error.to_string())),
    }
}

/// A failure that holds for the calls of a guess, too, or that passes. Who does not have these calls may say that
/// it is out of order.
fn passes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Connect
            | Kind::Credentials
            | Kind::Expired
            | Kind::Region
            | Kind::Throttled
            | Kind::Timeout
    )
}

async fn described(
    arns: impl Iterator<Item = &str>,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Definitions, AwsError> {
    let distinct: BTreeSet<&str> = arns.collect();
    let arns: Vec<String> = distinct.into_iter().map(str::to_owned).collect();
    let found = ecs.task_definitions(&arns, deadline).await?;
    let found = arns.into_iter().zip(found);
    Ok(found
        .filter_map(|(arn, definition)| Some((arn, definition?)))
        .collect())
}

async fn guess(
    service: &Map<String, Value>,
    most: usize,
    why: String,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<History, AwsError> {
    let current = text(service, "taskDefinition").unwrap_or_default();
    let revisions = ecs.revisions(family(current), most, deadline).await?;
    let own = deployments(service).filter_map(|one| text(one, "taskDefinition"));
    let known = revisions.iter().map(String::as_str).chain(own);
    let definitions = described(known, ecs, deadline).await?;
    let mut history = from_service(service, &revisions, &definitions);
    history.entries.truncate(most);
    history.guessed = Some(why);
    Ok(history)
}
