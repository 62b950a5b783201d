//! The questions asked. Each that fails is an answer of its own: the others are asked all the same.

use super::facts::{Answer, Facts, Permission, Permissions};
use super::wanted::{Secret, Wanted};
use crate::aws::{AwsError, Call, Elb, Existence, Iam, Kind};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

/// Calls in the file's region, or in another one.
pub trait Regions {
    fn region(&self, name: Option<&str>) -> Box<dyn Call + '_>;
}

/// Asks for all that is wanted, but images.
pub async fn gather(wanted: &Wanted, regions: &dyn Regions, deadline: Instant) -> Facts {
    let home = regions.region(None);
    let iam = Iam::new(&*home);
    let mut facts = Facts::default();
    for role in &wanted.roles {
        let answer = answer(iam.role(role, deadline).await);
        facts.roles.insert(role.clone(), answer);
    }
    for (role, needs) in &wanted.permissions {
        // Of a role that is not there, that alone is said.
        if let Some(Answer::There(known)) = facts.roles.get(role) {
            let permissions = permissions(iam, &known.arn, needs, deadline).await;
            facts.permissions.insert(role.clone(), permissions);
        }
    }
    parameters(wanted, regions, deadline, &mut facts).await;
    for secret in &wanted.secrets {
        if let Secret::Managed { region, arn } = secret {
            let calls = regions.region(Some(region));
            let asked = Existence::new(&*calls).secret(arn, deadline).await;
            facts.secrets.insert(secret.clone(), there(asked));
        }
    }
    for (region, group) in &wanted.log_groups {
        let calls = regions.region(region.as_deref());
        let asked = Existence::new(&*calls).log_group(group, deadline).await;
        facts
            .log_groups
            .insert((region.clone(), group.clone()), there(asked));
    }
    let elb = Elb::new(&*home);
    for arn in &wanted.target_groups {
        let group = answer(elb.target_group(arn, deadline).await);
        if group.there().is_some()
            // Only a warning hangs on it.
            && let Ok(Some(delay)) = elb.deregistration_delay(arn, deadline).await
        {
            facts.deregistration_delays.insert(arn.clone(), delay);
        }
        facts.target_groups.insert(arn.clone(), group);
    }
    facts
}

fn answer<T>(asked: Result<Option<T>, AwsError>) -> Answer<T> {
    match asked {
        Ok(Some(value)) => Answer::There(value),
        Ok(None) => Answer::Missing,
        Err(error) => Answer::Unread(error.to_string()),
    }
}

fn there(asked: Result<bool, AwsError>) -> Answer<()> {
    answer(asked.map(|there| there.then_some(())))
}

/// All parameters of a region in one call.
async fn parameters(wanted: &Wanted, regions: &dyn Regions, deadline: Instant, facts: &mut Facts) {
    let mut by_region: BTreeMap<&Option<String>, Vec<String>> = BTreeMap::new();
    for secret in &wanted.secrets {
        if let Secret::Parameter { region, name } = secret {
            by_region.entry(region).or_default().push(name.clone());
        }
    }
    for (region, names) in by_region {
        let calls = regions.region(region.as_deref());
        let asked = Existence::new(&*calls).parameters(&names, deadline).await;
        for name in names {
            let asked = match &asked {
                Ok(found) => Ok(found.contains(&name)),
                Err(error) => Err(error.clone()),
            };
            let region = region.clone();
            facts
                .secrets
                .insert(Secret::Parameter { region, name }, there(asked));
        }
    }
}

/// IAM's own decisions, or where they may not be had, the role's documents.
async fn permissions(
    iam: Iam<'_>,
    role_arn: &str,
    needs: &BTreeSet<Permission>,
    deadline: Instant,
) -> Permissions {
    match simulated(iam, role_arn, needs, deadline).await {
        Ok(decisions) => Permissions::Simulated(decisions),
        Err(_) => match iam.policies(role_arn, deadline).await {
            Ok(documents) => Permissions::Documents(documents),
            Err(error) => Permissions::Unread(error.to_string()),
        },
    }
}

async fn simulated(
    iam: Iam<'_>,
    role_arn: &str,
    needs: &BTreeSet<Permission>,
    deadline: Instant,
) -> Result<BTreeMap<Permission, crate::aws::Decision>, AwsError> {
    // A call for each action under the same conditions.
    let mut grouped: BTreeMap<(&str, &BTreeMap<String, String>), Vec<&Permission>> =
        BTreeMap::new();
    for need in needs {
        let key = (need.action.as_str(), &need.context);
        grouped.entry(key).or_default().push(need);
    }
    let mut decisions = BTreeMap::new();
    for ((action, context), needs) in grouped {
        let resources: Vec<String> = needs.iter().map(|need| need.resource.clone()).collect();
        let found = iam
            .simulate(role_arn, action, &resources, context, deadline)
            .await?;
        if found.is_empty() {
            let detail = "no decision on any resource";
            let action = "iam:SimulatePrincipalPolicy";
            return Err(AwsError::new(Kind::Reply, action, role_arn, detail));
        }
        for need in needs {
            if let Some(decision) = found.get(&need.resource) {
                decisions.insert(need.clone(), *decision);
            }
        }
    }
    Ok(decisions)
}
