//! Whether the load balancer finds the tasks well, once ECS has done its part: ECS ignores ill targets during
//! `healthCheckGracePeriodSeconds` (AWS, `CreateService`).

use super::poll::{Poll, deadline};
use crate::aws::{AwsError, Elb, Kind, TargetHealth};
use crate::deploy::verdict::{Service, Targets, Unhealthy};
use std::collections::BTreeMap;

/// What a service's target groups say of the tasks of this deployment.
pub async fn look(
    poll: &Poll<'_>,
    service: &Service,
    deployment: &str,
) -> Result<Targets, AwsError> {
    let ours = service.deployment(deployment);
    let running = ours.map_or(0, |ours| ours.running_count);
    let elb = Elb::new(poll.wait.ecs.calls());
    let mut worst = Targets::Unknown;
    for balancer in &service.load_balancers {
        let Some(arn) = balancer.target_group_arn.as_deref() else {
            continue;
        };
        let mut found = Vec::new();
        let alternate = balancer.advanced_configuration.as_ref();
        let alternate = alternate.and_then(|one| one.alternate_target_group_arn.as_deref());
        for arn in [Some(arn), alternate].into_iter().flatten() {
            let call = async { there(elb.target_health(arn, deadline()).await) };
            match poll.targets.ask(call, poll.wait.report).await? {
                Some(targets) => found.extend(targets),
                // None that can be asked for is not none that is well.
                None => return Ok(Targets::Unknown),
            }
        }
        worst = worse(worst, of(name(arn), &found, running));
    }
    Ok(worst)
}

/// A group that is gone has no target that is well: that is known, and nothing to do without.
fn there(told: Result<Vec<TargetHealth>, AwsError>) -> Result<Vec<TargetHealth>, AwsError> {
    match told {
        Err(error) if error.kind == Kind::NotFound => Ok(vec![TargetHealth {
            state: "unused".to_owned(),
            description: Some("it does not exist".to_owned()),
            ..TargetHealth::default()
        }]),
        told => told,
    }
}

/// `arn:…:targetgroup/NAME/ID`
fn name(arn: &str) -> &str {
    arn.split('/').nth(1).unwrap_or(arn)
}

/// Of one group. Other services may have targets in it, so those that are well are counted, and not those that are ill.
fn of(group: &str, targets: &[TargetHealth], running: u64) -> Targets {
    // `unavailable`: health checks are off.
    let well = |one: &&TargetHealth| matches!(one.state.as_str(), "healthy" | "unavailable");
    let well = targets.iter().filter(well).count();
    let lacking = running.saturating_sub(u64::try_from(well).unwrap_or(u64::MAX));
    if lacking == 0 {
        return Targets::Healthy;
    }
    Targets::Unhealthy(Unhealthy {
        group: group.to_owned(),
        targets: lacking,
        reason: reason(targets),
    })
}

/// What is told of most targets that are not well, and do not go away.
fn reason(targets: &[TargetHealth]) -> String {
    let mut told: BTreeMap<&str, usize> = BTreeMap::new();
    let coming = |one: &&TargetHealth| {
        matches!(
            one.state.as_str(),
            "initial" | "unhealthy" | "unhealthy.draining" | "unused"
        )
    };
    for one in targets.iter().filter(coming) {
        let text = one.description.as_deref().or(one.reason.as_deref());
        *told.entry(text.unwrap_or(&one.state)).or_default() += 1;
    }
    let most = told.into_iter().max_by_key(|(_, count)| *count);
    most.map_or("not registered", |(text, _)| text).to_owned()
}

fn worse(one: Targets, other: Targets) -> Targets {
    match (&one, &other) {
        (Targets::Unhealthy(first), Targets::Unhealthy(second))
            if first.targets < second.targets =>
        {
            other
        }
        (Targets::Unhealthy(_), _) | (Targets::Healthy, Targets::Unknown) => one,
        _ => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(state: &str, description: Option<&str>) -> TargetHealth {
        TargetHealth {
            state: state.to_owned(),
            reason: Some("Target.SomeCode".to_owned()),
            description: description.map(str::to_owned),
        }
    }

    fn ill(targets: u64, reason: &str) -> Targets {
        Targets::Unhealthy(Unhealthy {
            group: "web".to_owned(),
            targets,
            reason: reason.to_owned(),
        })
    }

    #[test]
    fn so_many_targets_as_tasks_must_be_healthy() {
        let healthy = || target("healthy", None);
        let codes = || target("unhealthy", Some("Health checks failed with codes: [404]"));
        let initial = || target("initial", Some("Initial health checks in progress"));
        let draining = || target("draining", Some("Target deregistration is in progress"));
        let bare = target("unused", None);
        for (targets, running, expected) in [
            (vec![healthy(), healthy()], 2, Targets::Healthy),
            // Old ones go away.
            (vec![healthy(), draining(), healthy()], 2, Targets::Healthy),
            // Another service's.
            (vec![healthy(), healthy(), codes()], 2, Targets::Healthy),
            (vec![target("unavailable", None)], 1, Targets::Healthy),
            (vec![healthy(), draining()], 2, ill(1, "not registered")),
            (vec![], 2, ill(2, "not registered")),
            (
                vec![codes(), initial(), codes(), draining()],
                3,
                ill(3, "Health checks failed with codes: [404]"),
            ),
            (
                vec![initial(), healthy()],
                2,
                ill(1, "Initial health checks in progress"),
            ),
            (vec![bare], 1, ill(1, "Target.SomeCode")),
        ] {
            assert_eq!(of("web", &targets, running), expected, "{targets:?}");
        }
    }

    #[test]
    fn the_worst_group_decides() {
        let (few, many) = (ill(1, "few"), ill(2, "many"));
        for (one, other, expected) in [
            (Targets::Unknown, Targets::Healthy, Targets::Healthy),
            (Targets::Healthy, Targets::Unknown, Targets::Healthy),
            (Targets::Healthy, few.clone(), few.clone()),
            (few.clone(), Targets::Healthy, few.clone()),
            (few.clone(), many.clone(), many.clone()),
            (many.clone(), few.clone(), many.clone()),
        ] {
            assert_eq!(worse(one, other), expected);
        }
    }

    #[test]
    fn a_group_has_a_name() {
        let arn =
            "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/web/0123456789abcdef";
        assert_eq!(name(arn), "web");
        assert_eq!(name("odd"), "odd");
    }
}
