//! What PID 1 knows of a mode's codependent processes, and how long their stop takes.

use crate::config::{Output, Ready, Restart};
use crate::stop::{Plan, Spec, StopTimeout};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Processes that start, run and stop together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupPlan {
    pub members: Vec<MemberPlan>,
    /// The longest that a stop takes: the longest way through those that wait for each other.
    pub total: Duration,
    pub output: Output,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberPlan {
    pub name: String,
    pub plan: Plan,
    /// Those that must be ready first, as places in the list; they stop after it.
    pub after: Vec<usize>,
    pub ready: Option<Ready>,
    pub restart: Option<Restart>,
    pub optional: bool,
}

/// The stop plan of each process, and the length of the whole stop, within the cap.
pub fn schedule(members: &[(Spec, &[usize])], cap: Option<StopTimeout>) -> (Vec<Plan>, Duration) {
    let after: Vec<&[usize]> = members.iter().map(|(_, after)| *after).collect();
    let plans: Vec<Plan> = members
        .iter()
        .map(|(spec, _)| Plan::new(spec, None))
        .collect();
    let total = longest(&plans, &after);
    let Some(cap) = cap.filter(|cap| cap.limit() < total) else {
        return (plans, total);
    };
    // Each gives way in proportion. What it gives may be time that another way through them needs anyway,
    // so it takes some rounds until no way is longer than the cap.
    let mut share = 1.0;
    let mut shortened = (plans, total);
    while shortened.1 > cap.limit() {
        share *= 0.999 * cap.limit().as_secs_f64() / shortened.1.as_secs_f64();
        let plans: Vec<Plan> = members
            .iter()
            .map(|(spec, _)| Plan::new(spec, None).total().mul_f64(share))
            .zip(members)
            .map(|(length, (spec, _))| Plan::new(spec, Some(StopTimeout::new(length))))
            .collect();
        let total = longest(&plans, &after);
        shortened = (plans, total);
    }
    shortened
}

/// The longest way through the stop: a process begins when those that were started after it have ended,
/// but its load balancer turns away from the first moment.
fn longest(plans: &[Plan], after: &[&[usize]]) -> Duration {
    let mut ends: Vec<Option<Duration>> = vec![None; plans.len()];
    // As many rounds as the longest chain has links; a circle, which the loader refuses, ends it too.
    for _ in 0..plans.len() {
        for (index, plan) in plans.iter().enumerate() {
            let waits_for = (0..plans.len()).filter(|&other| after[other].contains(&index));
            let begins: Option<Vec<Duration>> = waits_for.map(|other| ends[other]).collect();
            if let Some(begins) = begins {
                let begins = begins.into_iter().max().unwrap_or_default();
                ends[index] = Some(begins.max(plan.drain) + plan.defer + plan.grace());
            }
        }
    }
    ends.into_iter().flatten().max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stop::Preset;

    fn spec(drain: u64, grace: u64) -> Spec {
        Spec {
            preset: Preset::Unicorn,
            drain: Some(Duration::from_secs(drain)),
            grace: Some(Duration::from_secs(grace)),
            ..Spec::default()
        }
    }

    fn total(members: &[(Spec, &[usize])], cap: Option<&str>) -> f64 {
        let cap = cap.map(|text| StopTimeout::parse(text).unwrap());
        schedule(members, cap).1.as_secs_f64()
    }

    #[test]
    fn independent_ones_stop_together() {
        assert!((total(&[(spec(5, 10), &[]), (spec(0, 12), &[])], None) - 15.0).abs() < 1e-9);
    }

    #[test]
    fn a_chain_adds_up_but_drains_from_the_start() {
        // The second is stopped first; meanwhile the first has drained.
        let chain: [(Spec, &[usize]); 2] = [(spec(5, 10), &[]), (spec(0, 12), &[0])];
        assert!((total(&chain, None) - 22.0).abs() < 1e-9);
    }

    #[test]
    fn a_cap_shortens_every_way() {
        let chain: [(Spec, &[usize]); 3] = [
            (spec(5, 10), &[]),
            (spec(0, 12), &[0]),
            (spec(20, 30), &[1, 0]),
        ];
        assert!((total(&chain, None) - 72.0).abs() < 1e-9);
        for cap in ["71", "30", "7", "1"] {
            let limit: f64 = cap.parse().unwrap();
            let total = total(&chain, Some(cap));
            assert!(total <= limit + 1e-6, "{cap}: {total}");
            assert!(total > limit * 0.5, "{cap}: {total}");
        }
        assert!((total(&chain, Some("90")) - 72.0).abs() < 1e-9);
    }
}
