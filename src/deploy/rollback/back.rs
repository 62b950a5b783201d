//! What goes back to what, and the plan that says so: pure.

use super::choose::is_named;
use super::{Ended, Refusal, To, choose};
use crate::aws::Rule;
use crate::deploy::config::Config;
use crate::deploy::history::{Entry, History};
use crate::deploy::plan::{Change, Definition, Plan, ServiceAction, ServiceStep, short};
use crate::deploy::schedules::{self, Moved};
use serde_json::{Map, Value};

/// A service that goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Back {
    pub service: String,
    /// ARN of what it leaves.
    pub from: String,
    pub from_sha: Option<String>,
    /// ARN of what it goes back to.
    pub to: String,
    pub to_sha: Option<String>,
}

/// What is to become of one service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Choice {
    Back(Back),
    /// ECS itself went back to what served last.
    Stay {
        service: String,
        /// ARN of what runs.
        runs: String,
        /// ARN of what failed.
        failed: String,
    },
    /// It runs what was named already, as after a rollback that was broken off.
    There {
        service: String,
        /// ARN of what runs.
        runs: String,
    },
}

/// What becomes of a service, or why there is nothing to go back to.
pub fn choice(history: &History, to: &To) -> Result<Choice, String> {
    let service = &history.service;
    let described = &history.described;
    let controller = described.get("deploymentController");
    let controller = controller.and_then(|controller| controller.get("type")?.as_str());
    if let Some(other) = controller.filter(|controller| *controller != "ECS") {
        return Err(format!(
            "{service}: its deployments are made by {other}, not by ECS: go back with that"
        ));
    }
    if described.get("status").and_then(Value::as_str) == Some("DRAINING") {
        return Err(format!("{service}: it is being deleted"));
    }
    if *to == To::LastGood
        && let Some(failed) = left_by_ecs(history)
    {
        return Ok(Choice::Stay {
            service: service.clone(),
            runs: history.current.clone(),
            failed: failed.definition.clone(),
        });
    }
    if is_named(to, &history.current, history.sha(&history.current)) {
        return Ok(Choice::There {
            service: service.clone(),
            runs: history.current.clone(),
        });
    }
    let is_active = |arn: &str| history.is_active(arn);
    let target = choose(&history.current, &history.past(), to, &is_active);
    let target = target.map_err(|refusal: Refusal| format!("{service}: {refusal}"))?;
    let sha = |arn: &str| history.sha(arn).map(str::to_owned);
    Ok(Choice::Back(Back {
        service: service.clone(),
        from_sha: sha(&history.current),
        from: history.current.clone(),
        to_sha: sha(&target),
        to: target,
    }))
}

/// What failed last, if what runs is what served before it: one more step would leave what is good.
fn left_by_ecs(history: &History) -> Option<&Entry> {
    let failed =
        |entry: &&Entry| entry.ended == Some(Ended::Bad) && entry.definition != history.current;
    if history.guessed.is_some() {
        // The way back is a deployment of its own here, which is newer than what failed.
        return history.entries.iter().find(failed);
    }
    let last = history.entries.first().filter(failed)?;
    let mut good = history.entries.iter();
    let good = good.find(|entry| entry.ended == Some(Ended::Good))?;
    (good.definition == history.current).then_some(last)
}

/// Which revisions give way to which. A revision that services leave for different ones is in it once, with the
/// first service's.
#[must_use]
pub fn moves(backs: &[Back]) -> Vec<Moved> {
    let mut all: Vec<Moved> = Vec::new();
    for back in backs {
        if schedules::moved(&back.from, &all).is_none() {
            all.push(Moved {
                from: back.from.clone(),
                to: back.to.clone(),
            });
        }
    }
    all
}

/// The plan: of services the task definition and nothing else, in the waves of the file, and of rules the pin.
#[must_use]
pub fn plan(config: &Config, backs: &[Back], rules: &[(String, Rule)], moves: &[Moved]) -> Plan {
    let steps = config.services.iter().filter_map(|service| {
        let back = backs.iter().find(|back| back.service == service.name)?;
        Some(ServiceStep {
            name: service.name.clone(),
            wave: service.wave,
            action: update(&config.cluster, back),
        })
    });
    Plan {
        cluster: config.cluster.clone(),
        definitions: Vec::new(),
        before: Vec::new(),
        services: steps.collect(),
        scheduled: schedules::steps(rules, moves),
        after: Vec::new(),
        warnings: Vec::new(),
        refusals: Vec::new(),
    }
}

/// The plan with services that are there already: whether they have served is still to be seen.
#[must_use]
pub fn and_there(mut plan: Plan, config: &Config, choices: &[Choice]) -> Plan {
    let is_there = |name: &str| {
        let mut choices = choices.iter();
        choices.any(|choice| matches!(choice, Choice::There { service, .. } if service == name))
    };
    let steps = config.services.iter().filter_map(|service| {
        let mut known = plan.services.iter();
        let known = known.find(|step| step.name == service.name).cloned();
        let there = || ServiceStep {
            name: service.name.clone(),
            wave: service.wave,
            action: ServiceAction::Unchanged,
        };
        known.or_else(|| is_there(&service.name).then(there))
    });
    plan.services = steps.collect();
    plan
}

fn update(cluster: &str, back: &Back) -> ServiceAction {
    let mut request = Map::new();
    request.insert("cluster".to_owned(), cluster.into());
    request.insert("service".to_owned(), back.service.clone().into());
    ServiceAction::Update {
        request,
        definition: Some(Definition::Arn(back.to.clone())),
        tags: Map::new(),
        changes: vec![Change {
            path: "taskDefinition".to_owned(),
            from: Some(short(&back.from).into()),
            to: Some(short(&back.to).into()),
        }],
    }
}
