//! What AWS is asked for around a rollback: the rules of the cluster, and what still refers to a revision.

use super::{Back, Ended, retire};
use crate::aws::{AwsError, Ecs, Events, Rule};
use crate::deploy::config::Config;
use crate::deploy::history::commit;
use crate::deploy::plan::short;
use crate::deploy::schedules::{self, Moved};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

/// How far back revisions of a commit are looked for.
const REVISIONS: usize = 20;

/// All rules that start something in a cluster, the file's or not.
pub async fn rules(
    cluster_arn: &str,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Vec<(String, Rule)>, AwsError> {
    let events = Events::new(ecs.calls());
    events.rules_of_cluster(cluster_arn, deadline).await
}

/// Moves of the file's scheduled tasks that have a family of their own: what was deployed with the commit that
/// is left gives way to the revision of the commit that is gone back to. Names of rules for which there is none
/// are returned, too.
pub async fn of_the_same_commit(
    config: &Config,
    backs: &[Back],
    rules: &[(String, Rule)],
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<(Vec<Moved>, Vec<String>), AwsError> {
    let ours = rules.iter().filter(|(name, _)| {
        let mut scheduled = config.scheduled_tasks.iter();
        scheduled.any(|one| one.name == *name && !one.delete)
    });
    let left: BTreeSet<&str> = backs.iter().map(|back| family(&back.from)).collect();
    let (mut moves, mut lost) = (Vec::new(), Vec::new());
    for (name, rule) in ours {
        for arn in schedules::pinned(rule) {
            if left.contains(family(&arn)) || schedules::moved(&arn, &moves).is_some() {
                continue;
            }
            let Some(target) = target_of(&arn, backs, ecs, deadline).await? else {
                continue;
            };
            match revision_of(family(&arn), target, ecs, deadline).await? {
                Some(to) => moves.push(Moved { from: arn, to }),
                None => lost.push(name.clone()),
            }
        }
    }
    Ok((moves, lost))
}

/// The commit that a revision gives way to, if it is of one that is left.
async fn target_of<'b>(
    arn: &str,
    backs: &'b [Back],
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Option<&'b str>, AwsError> {
    let found = ecs.task_definitions(&[arn.to_owned()], deadline).await?;
    let sha = found.first().and_then(Option::as_ref).and_then(commit);
    let back = backs
        .iter()
        .find(|back| sha.is_some() && back.from_sha == sha);
    Ok(back.and_then(|back| back.to_sha.as_deref()))
}

/// The newest active revision of a commit.
async fn revision_of(
    family: &str,
    sha: &str,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<Option<String>, AwsError> {
    let arns = ecs.revisions(family, REVISIONS, deadline).await?;
    let found = ecs.task_definitions(&arns, deadline).await?;
    let mut all = arns.into_iter().zip(found);
    let of_commit = all.find(|(_, definition)| {
        let known = definition.as_ref().and_then(commit);
        known.as_deref() == Some(sha)
    });
    Ok(of_commit.map(|(arn, _)| arn))
}

fn family(arn: &str) -> &str {
    short(arn).split(':').next().unwrap_or_default()
}

/// ARNs of all revisions that services, rules and running tasks of a cluster refer to. Only tasks of `families`
/// are looked at.
pub async fn referred(
    cluster: &str,
    cluster_arn: &str,
    families: &BTreeSet<String>,
    ecs: &Ecs<'_>,
    deadline: Instant,
) -> Result<BTreeSet<String>, AwsError> {
    let mut all = BTreeSet::new();
    let services = ecs.list_services(cluster, deadline).await?;
    for service in ecs.services(cluster, &services, deadline).await? {
        all.extend(runs(&service));
        let deployments = service.get("deployments").and_then(Value::as_array);
        let deployments = deployments.into_iter().flatten();
        all.extend(deployments.filter_map(Value::as_object).filter_map(runs));
    }
    for (_, rule) in rules(cluster_arn, ecs, deadline).await? {
        all.extend(schedules::pinned(&rule));
    }
    for family in families {
        let arns = ecs
            .list_tasks(cluster, &json!({"family": family}), deadline)
            .await?;
        for task in ecs.tasks(cluster, &arns, deadline).await? {
            let arn = task.get("taskDefinitionArn").and_then(Value::as_str);
            all.extend(arn.map(str::to_owned));
        }
    }
    Ok(all)
}

fn runs(map: &Map<String, Value>) -> Option<String> {
    let arn = map.get("taskDefinition")?.as_str()?;
    Some(arn.to_owned())
}

/// What may be deregistered, once each service has ended: a revision of which all services have come back, and to
/// which nothing refers.
#[must_use]
pub fn retired(
    backs: &[Back],
    ended: &dyn Fn(&str) -> Ended,
    referred: &BTreeSet<String>,
) -> Vec<String> {
    let referred: Vec<&str> = referred.iter().map(String::as_str).collect();
    let left: BTreeSet<&str> = backs.iter().map(|back| back.from.as_str()).collect();
    let all_good = |bad: &str| {
        let mut of_it = backs.iter().filter(|back| back.from == bad);
        of_it.all(|back| ended(&back.service) == Ended::Good)
    };
    let outcome = |bad: &str| {
        if all_good(bad) {
            Ended::Good
        } else {
            Ended::Bad
        }
    };
    let retired = left
        .into_iter()
        .filter_map(|bad| retire(bad, outcome(bad), &referred));
    retired.map(str::to_owned).collect()
}
