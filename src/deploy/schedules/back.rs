//! Rules of a rollback: what pins a revision that is left starts what is gone back to.

use super::decide::definition;
use super::{ScheduleAction, ScheduleStep, Target};
use crate::aws::Rule;
use crate::deploy::plan::{Change, Definition, short};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Where a revision gives way to another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// ARN of what is left.
    pub from: String,
    /// ARN of what is gone back to.
    pub to: String,
}

/// The revision that is gone back to from `arn`, if it is left.
#[must_use]
pub fn moved<'m>(arn: &str, all: &'m [Moved]) -> Option<&'m str> {
    let found = all.iter().find(|moved| short(&moved.from) == short(arn));
    found.map(|moved| moved.to.as_str())
}

/// Revisions that a rule's targets start.
#[must_use]
pub fn pinned(rule: &Rule) -> BTreeSet<String> {
    let arns = rule.targets.iter().filter_map(definition);
    arns.map(str::to_owned).collect()
}

/// The steps for every target that starts what is left: one for each, since each target has its own pin.
#[must_use]
pub fn steps(rules: &[(String, Rule)], all: &[Moved]) -> Vec<ScheduleStep> {
    let targets = rules
        .iter()
        .flat_map(|(name, rule)| rule.targets.iter().map(move |target| (name, target)));
    let steps = targets.filter_map(|(name, target)| {
        let from = definition(target)?;
        let to = moved(from, all)?;
        Some(ScheduleStep {
            name: name.clone(),
            action: repinned(target, from, to),
        })
    });
    steps.collect()
}

fn repinned(target: &Map<String, Value>, from: &str, to: &str) -> ScheduleAction {
    let mut members = target.clone();
    if let Some(Value::Object(parameters)) = members.get_mut("EcsParameters") {
        parameters.remove("TaskDefinitionArn");
    }
    ScheduleAction::Put {
        is_new: false,
        rule: None,
        target: Some(Target {
            members,
            definition: Definition::Arn(to.to_owned()),
        }),
        changes: vec![Change {
            path: "taskDefinition".to_owned(),
            from: Some(short(from).into()),
            to: Some(short(to).into()),
        }],
    }
}
