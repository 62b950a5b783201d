//! Task roles: their policies allow what the modes need.

use super::facts::{Permission, Permissions};
use super::policy::{Verdict, evaluate};
use super::{Commands, Facts, Finding, text};
use crate::aws::Decision;
use crate::deploy::config::Task;

/// Services whose resources have policies of their own, which may allow it, too.
const WITH_POLICIES: [&str; 4] = ["kms:", "s3:", "secretsmanager:", "sts:"];

pub fn findings(task: &Task, commands: &Commands, facts: &Facts) -> Vec<Finding> {
    let needs = commands.needs(&task.name);
    let place = format!("task {}", task.name);
    if needs.is_empty() {
        return Vec::new();
    }
    let Some(role) = text(&task.request, "taskRoleArn") else {
        let actions: Vec<&str> = needs.iter().map(|need| need.action.as_str()).collect();
        let message = format!(
            "taskRoleArn is missing: its modes need {}",
            distinct(&actions)
        );
        return vec![Finding::warning(&place, message)];
    };
    let place = format!("{place}: taskRoleArn");
    match facts.permissions.get(role) {
        None => Vec::new(),
        Some(Permissions::Unread(why)) => {
            let message = format!("whether it may do what its modes need cannot be read: {why}");
            vec![Finding::note(&place, message)]
        }
        Some(known) => needs
            .iter()
            .filter_map(|need| finding(&place, role, need, verdict(known, need)))
            .collect(),
    }
}

fn verdict(known: &Permissions, need: &Permission) -> Verdict {
    match known {
        Permissions::Documents(documents) => evaluate(documents, need),
        Permissions::Simulated(decisions) => match decisions.get(need) {
            Some(Decision::Allowed) => Verdict::Allowed,
            Some(Decision::Denied) => Verdict::Denied,
            // A pattern is taken by its letters there.
            Some(Decision::NotAllowed)
                if need.resource.contains(['*', '?']) && need.resource != "*" =>
            {
                Verdict::Open
            }
            Some(Decision::NotAllowed) => Verdict::NotAllowed,
            None => Verdict::Open,
        },
        Permissions::Unread(_) => Verdict::Open,
    }
}

fn finding(place: &str, role: &str, need: &Permission, verdict: Verdict) -> Option<Finding> {
    let Permission {
        action, resource, ..
    } = need;
    match verdict {
        Verdict::Allowed => None,
        Verdict::Denied => {
            let message =
                format!("a policy of {role} denies {action} on {resource}, which its modes need");
            Some(Finding::error(place, message))
        }
        Verdict::Open => {
            let message = format!(
                "whether {role} may {action} on {resource} depends on conditions or on which one it is"
            );
            Some(Finding::note(place, message))
        }
        Verdict::NotAllowed if WITH_POLICIES.iter().any(|one| action.starts_with(one)) => {
            let message = format!(
                "no policy of {role} allows {action} on {resource}, which its modes need: unless one of the resource does, allow it (entryctl iam)"
            );
            Some(Finding::warning(place, message))
        }
        Verdict::NotAllowed => {
            let message = format!(
                "no policy of {role} allows {action} on {resource}, which its modes need: allow it (entryctl iam)"
            );
            Some(Finding::error(place, message))
        }
    }
}

fn distinct(actions: &[&str]) -> String {
    let mut distinct: Vec<&str> = actions.to_vec();
    distinct.dedup();
    distinct.join(", ")
}
