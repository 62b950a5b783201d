//! Containers: their secrets and log groups are there, and their stop fits in `stopTimeout`.

use super::wanted::{Secret, log_group, secrets};
use super::{Answer, Commands, Facts, Finding, containers_of, on_fargate, text};
use crate::deploy::config::{Config, Task};
use serde_json::{Map, Value};
use std::time::Duration;

/// What ECS takes where a container says nothing.
const STOP_TIMEOUT: u64 = 30;
/// The most that Fargate gives.
const FARGATE_MOST: u64 = 120;

pub fn findings(config: &Config, task: &Task, commands: &Commands, facts: &Facts) -> Vec<Finding> {
    let fargate = on_fargate(config, task);
    containers_of(task)
        .flat_map(|container| {
            let name = text(container, "name").unwrap_or_default();
            let place = format!("task {}: container {name}", task.name);
            let mut findings = secret_findings(container, &place, facts);
            findings.extend(log_finding(container, &place, facts));
            let stop = commands.stop(&task.name, name);
            findings.extend(stop_finding(container, &place, stop, fargate));
            findings
        })
        .collect()
}

fn secret_findings(container: &Map<String, Value>, place: &str, facts: &Facts) -> Vec<Finding> {
    let all = secrets(container).into_iter();
    let found = all.filter_map(|(key, secret)| {
        let place = format!("{place}: {key}");
        let what = match &secret {
            Secret::Parameter { name, .. } => format!("parameter {name}"),
            Secret::Managed { arn, .. } => format!("secret {arn}"),
            Secret::Unknown(arn) => {
                let message = format!("{arn} is neither a parameter nor a secret");
                return Some(Finding::error(&place, message));
            }
        };
        match facts.secrets.get(&secret)? {
            Answer::There(()) => None,
            Answer::Missing => {
                let message = format!("there is no {what}: create it, or correct valueFrom");
                Some(Finding::error(&place, message))
            }
            Answer::Unread(why) => Some(Finding::note(&place, format!("not checked: {why}"))),
        }
    });
    found.collect()
}

fn log_finding(container: &Map<String, Value>, place: &str, facts: &Facts) -> Option<Finding> {
    let (group, made) = log_group(container)?;
    let place = format!("{place}: logConfiguration");
    match facts.log_groups.get(&group)? {
        Answer::There(()) => None,
        Answer::Missing if made => None,
        Answer::Missing => {
            let message = format!(
                "there is no log group {}: create it, or write awslogs-create-group: \"true\"",
                group.1
            );
            Some(Finding::error(&place, message))
        }
        Answer::Unread(why) => Some(Finding::note(&place, format!("not checked: {why}"))),
    }
}

fn stop_finding(
    container: &Map<String, Value>,
    place: &str,
    stop: Option<(&str, Duration)>,
    fargate: bool,
) -> Option<Finding> {
    let given = container.get("stopTimeout").and_then(Value::as_u64);
    if let Some(seconds) = given.filter(|seconds| fargate && *seconds > FARGATE_MOST) {
        let message = format!("stopTimeout is {seconds}, and Fargate takes {FARGATE_MOST} at most");
        return Some(Finding::error(place, message));
    }
    let (mode, stop) = stop?;
    let limit = Duration::from_secs(given.unwrap_or(STOP_TIMEOUT));
    if stop <= limit {
        return None;
    }
    let default = if given.is_none() { ", the default" } else { "" };
    let needed = stop.as_secs() + u64::from(stop.subsec_nanos() > 0);
    let remedy = if fargate && needed > FARGATE_MOST {
        format!("Fargate takes {FARGATE_MOST} at most: shorten the mode's stop")
    } else {
        format!("write stopTimeout: {needed}, or shorten the mode's stop")
    };
    let message = format!(
        "the stop of mode {mode} may take {needed} s, and ECS kills it after {} s (stopTimeout{default}): {remedy}",
        limit.as_secs()
    );
    Some(Finding::error(place, message))
}
