//! A step as the calls that it stands for, in their order.

use super::{ScheduleAction, ScheduleStep};
use crate::aws::{AwsError, Events, RuleWrite};
use crate::deploy::plan::Definition;
use serde_json::{Map, Value, json};
use std::time::Instant;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub write: RuleWrite,
    /// The rule's name.
    pub rule: String,
    pub members: Map<String, Value>,
}

impl Request {
    /// Makes the call.
    pub async fn send(&self, events: &Events<'_>, deadline: Instant) -> Result<(), AwsError> {
        events
            .write(self.write, &self.rule, &self.members, deadline)
            .await
    }
}

/// The calls of a step; `arn` gives the ARN of a definition that was registered meanwhile, by the file's name
/// of it. A rule that is broken off between two of them is mended by the next plan.
pub fn requests(
    step: &ScheduleStep,
    arn: &dyn Fn(&str) -> Option<String>,
) -> Result<Vec<Request>, String> {
    let request = |write: RuleWrite, members: Map<String, Value>| Request {
        write,
        rule: step.name.clone(),
        members,
    };
    let mut all = Vec::new();
    match &step.action {
        ScheduleAction::Unchanged => {}
        ScheduleAction::Put { rule, target, .. } => {
            if let Some(rule) = rule {
                all.push(request(RuleWrite::PutRule, rule.clone()));
            }
            if let Some(target) = target {
                let pinned = match &target.definition {
                    Definition::Arn(arn) => Some(arn.clone()),
                    Definition::New(name) => arn(name),
                };
                let pinned = pinned.ok_or_else(|| {
                    format!("schedule {}: its task was not registered", step.name)
                })?;
                let mut members = Value::Object(target.members.clone());
                members["EcsParameters"]["TaskDefinitionArn"] = pinned.into();
                let members = members_of(json!({"Rule": step.name, "Targets": [members]}));
                all.push(request(RuleWrite::PutTargets, members));
            }
        }
        ScheduleAction::Delete { target, with_rule } => {
            if let Some(id) = target {
                let members = members_of(json!({"Rule": step.name, "Ids": [id]}));
                all.push(request(RuleWrite::RemoveTargets, members));
            }
            if *with_rule {
                let members = members_of(json!({"Name": step.name}));
                all.push(request(RuleWrite::DeleteRule, members));
            }
        }
    }
    Ok(all)
}

fn members_of(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}
