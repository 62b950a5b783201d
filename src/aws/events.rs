//! `EventBridge`: rules that start tasks on a schedule, and their targets, in AWS's own JSON. Rules are those of
//! the default bus, the only one that has schedules.

use super::IN_FLIGHT;
use super::calls::{Call, odd};
use super::endpoint::Service;
use super::error::{AwsError, Kind, one_line};
use super::protocol::{Api, Protocol};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Map, Value, json};
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "EventBridge",
        name: "events",
        signed_as: "events",
        plain_in_gov: true,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "AWSEvents",
    },
};

/// What changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RuleWrite {
    PutRule,
    PutTargets,
    RemoveTargets,
    DeleteRule,
}

impl RuleWrite {
    pub fn operation(self) -> &'static str {
        match self {
            RuleWrite::PutRule => "PutRule",
            RuleWrite::PutTargets => "PutTargets",
            RuleWrite::RemoveTargets => "RemoveTargets",
            RuleWrite::DeleteRule => "DeleteRule",
        }
    }

    /// The IAM action.
    pub fn action(self) -> String {
        action(self.operation())
    }
}

/// The code of an error that there is no such rule.
const NO_RULE: &str = "ResourceNotFoundException";

fn action(operation: &str) -> String {
    format!("{}:{operation}", API.name())
}

/// A rule as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rule {
    /// As `DescribeRule` has it.
    pub rule: Map<String, Value>,
    /// As `ListTargetsByRule` has them.
    pub targets: Vec<Map<String, Value>>,
}

/// `EventBridge`, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct Events<'c> {
    calls: &'c dyn Call,
}

impl<'c> Events<'c> {
    pub fn new(calls: &'c dyn Call) -> Events<'c> {
        Events { calls }
    }

    /// Calls an operation that changes something. A target that was not taken is an error, too.
    pub async fn write(
        &self,
        write: RuleWrite,
        rule: &str,
        request: &Map<String, Value>,
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let operation = write.operation();
        let input = Value::Object(request.clone());
        let reply = self
            .calls
            .call(&API, operation, rule, input, deadline)
            .await?;
        refused(&reply).map_or(Ok(()), |detail| {
            Err(AwsError::new(Kind::Other, &write.action(), rule, detail))
        })
    }

    /// Rules by name, each with its targets; `None` where there is none.
    pub async fn rules(
        &self,
        names: &[String],
        deadline: Instant,
    ) -> Result<Vec<Option<Rule>>, AwsError> {
        let calls = names.iter().map(|name| self.rule(name, deadline));
        stream::iter(calls).buffered(IN_FLIGHT).try_collect().await
    }

    async fn rule(&self, name: &str, deadline: Instant) -> Result<Option<Rule>, AwsError> {
        let input = json!({"Name": name});
        let call = self.calls.call(&API, "DescribeRule", name, input, deadline);
        let rule = match call.await {
            Ok(Value::Object(rule)) => rule,
            Ok(_) => return Err(odd(&API, "DescribeRule", name)),
            Err(error) if error.is(NO_RULE) => return Ok(None),
            Err(error) => return Err(error),
        };
        let targets = self.targets(name, deadline).await?;
        Ok(targets.map(|targets| Rule { rule, targets }))
    }

    /// A rule's targets; `None` if there is no such rule.
    async fn targets(
        &self,
        rule: &str,
        deadline: Instant,
    ) -> Result<Option<Vec<Map<String, Value>>>, AwsError> {
        let input = json!({"Rule": rule});
        let pages = self.pages("ListTargetsByRule", rule, input, "Targets", deadline);
        let targets = match pages.await {
            Ok(targets) => targets.into_iter(),
            Err(error) if error.is(NO_RULE) => return Ok(None),
            Err(error) => return Err(error),
        };
        let targets = targets.filter_map(|target| match target {
            Value::Object(target) => Some(target),
            _ => None,
        });
        Ok(Some(targets.collect()))
    }

    /// All rules that start something in a cluster, by name, each with its targets alone.
    pub async fn rules_of_cluster(
        &self,
        cluster_arn: &str,
        deadline: Instant,
    ) -> Result<Vec<(String, Rule)>, AwsError> {
        let names = self.names_of_cluster(cluster_arn, deadline).await?;
        let calls = names.iter().map(|name| self.targets(name, deadline));
        let found: Vec<Option<Vec<_>>> = stream::iter(calls)
            .buffered(IN_FLIGHT)
            .try_collect()
            .await?;
        let found = names.into_iter().zip(found);
        let rules = found.filter_map(|(name, targets)| {
            let rule = Map::new();
            let targets = targets?;
            Some((name, Rule { rule, targets }))
        });
        Ok(rules.collect())
    }

    async fn names_of_cluster(
        &self,
        cluster_arn: &str,
        deadline: Instant,
    ) -> Result<Vec<String>, AwsError> {
        let (operation, input) = ("ListRuleNamesByTarget", json!({"TargetArn": cluster_arn}));
        let names = self.pages(operation, cluster_arn, input, "RuleNames", deadline);
        let names = names.await?.into_iter();
        Ok(names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect())
    }

    async fn pages(
        &self,
        operation: &str,
        resource: &str,
        input: Value,
        list: &str,
        deadline: Instant,
    ) -> Result<Vec<Value>, AwsError> {
        let pages: Vec<Value> = self
            .calls
            .pages(&API, operation, resource, input, usize::MAX, deadline)
            .await?;
        let mut all = Vec::new();
        for mut page in pages {
            match page.get_mut(list).map(Value::take) {
                Some(Value::Array(items)) => all.extend(items),
                // No rule is not no answer.
                _ => return Err(odd(&API, operation, resource)),
            }
        }
        Ok(all)
    }
}

/// Why entries of a reply that is no error did not come through.
fn refused(reply: &Value) -> Option<String> {
    let count = reply.get("FailedEntryCount").and_then(Value::as_u64);
    let entries = reply.get("FailedEntries").and_then(Value::as_array);
    let entries = entries.map(Vec::as_slice).unwrap_or_default();
    if count.unwrap_or_default() == 0 && entries.is_empty() {
        return None;
    }
    let text = |entry: &Value, key: &str| entry.get(key).and_then(Value::as_str).map(one_line);
    let told = entries.iter().map(|entry| {
        let id = text(entry, "TargetId").unwrap_or_default();
        let message = text(entry, "ErrorMessage").unwrap_or_default();
        let code = text(entry, "ErrorCode").unwrap_or_default();
        format!("target {id}: {message} ({code})")
    });
    let told: Vec<String> = told.collect();
    Some(if told.is_empty() {
        "a target was not taken".to_owned()
    } else {
        told.join(", ")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_no_error_can_be_a_failure() {
        let table = [
            (json!(null), None),
            (json!({"FailedEntryCount": 0, "FailedEntries": []}), None),
            (
                json!({"FailedEntryCount": 1}),
                Some("a target was not taken"),
            ),
            (
                json!({"FailedEntryCount": 1, "FailedEntries": [
                    {"TargetId": "web", "ErrorCode": "ConcurrentModificationException",
                        "ErrorMessage": "try\nagain"}]}),
                Some("target web: try again (ConcurrentModificationException)"),
            ),
        ];
        for (reply, told) in table {
            assert_eq!(refused(&reply).as_deref(), told, "{reply}");
        }
    }
}
