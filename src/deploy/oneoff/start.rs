//! From a job to a task that does it: the one that does already, the one that did, or a new one.

use super::again::{Again, Repeat, again};
use super::key::token;
use super::request::{Job, run_task};
use super::task::Task;
use super::{Error, Sink, Told};
use crate::aws::{AwsError, Ecs, Kind, Write};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// One call with its retries.
const CALL: Duration = Duration::from_mins(1);

/// A definition that was registered just now may not be known everywhere yet.
const KNOWN_AFTER: Duration = Duration::from_secs(20);

/// How long to wait before the next look at what is not as it will be.
const LOOK: Duration = Duration::from_secs(2);

/// A task that a call made is younger, and ours and AWS's clock are no further apart than five minutes, or AWS
/// would take no call of ours.
const OLD: Duration = Duration::from_mins(15);

/// Tokens to try: one for each time that the work was begun in the last day and forgotten after an hour.
const TOKENS: usize = 20;

/// What our name is where there is no other.
const NOBODY: &str = "entryctl";

/// How a task came to be the one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    New,
    /// It ran already.
    Joined,
    /// It ended well already.
    Counted,
}

/// A definition by its ARN or family, though it may be known only in some seconds.
pub async fn definition(ecs: &Ecs<'_>, name: &str) -> Result<Map<String, Value>, Error> {
    let end = tokio::time::Instant::now() + KNOWN_AFTER;
    loop {
        let names = [name.to_owned()];
        let found = ecs.task_definitions(&names, Instant::now() + CALL).await?;
        match found.into_iter().flatten().next() {
            Some(definition) => return Ok(definition),
            // A family has been there for long or is not there.
            None if name.contains(':') && tokio::time::Instant::now() < end => {
                tokio::time::sleep(LOOK).await;
            }
            None => {
                let line = format!("there is no task definition {name}: deploy it first");
                return Err(Error::Job(line));
            }
        }
    }
}

/// The ARN of the task that does the job.
pub async fn start(
    job: &Job,
    repeat: &Repeat,
    ecs: &Ecs<'_>,
    sink: Sink<'_>,
) -> Result<(String, Start), Error> {
    let started_by = match repeat {
        Repeat::Always => NOBODY,
        Repeat::Join { started_by } | Repeat::Once { started_by, .. } => started_by,
    };
    let mut old = Vec::new();
    let mut waiting: Option<tokio::time::Instant> = None;
    while old.len() < TOKENS {
        let tasks = match repeat {
            Repeat::Always => Vec::new(),
            _ => begun(job, started_by, ecs).await?,
        };
        let token = match again(repeat, &tasks, &job.container, &old) {
            Again::Join(task) => return Ok((task, Start::Joined)),
            Again::Done(task) => return Ok((task, Start::Counted)),
            Again::Wait(task) => {
                if waiting.is_none() {
                    sink(Told::Note(&format!(
                        "{task} is being stopped: waiting for its end"
                    )));
                }
                let since = waiting.get_or_insert_with(tokio::time::Instant::now);
                if since.elapsed() >= job.stops_within() {
                    return Err(Error::Stuck(task));
                }
                tokio::time::sleep(LOOK).await;
                continue;
            }
            Again::Run { token } if token.is_empty() => random()?,
            Again::Run { token } => token,
        };
        let task = run(job, started_by, &token, ecs).await?;
        if !is_old(&task, &tasks, now()) {
            return Ok((task.task_arn, Start::New));
        }
        old.push(task.task_arn);
    }
    let line = "ECS answers with tasks that ended long ago: try again later".to_owned();
    Err(Error::Refused(line))
}

/// Tasks of that name that run, or ended in the last hour. `startedBy` may be the only filter, and finds those
/// that run only.
async fn begun(job: &Job, started_by: &str, ecs: &Ecs<'_>) -> Result<Vec<Task>, AwsError> {
    let deadline = Instant::now() + CALL;
    let running = json!({"startedBy": started_by});
    let mut arns = ecs.list_tasks(&job.cluster, &running, deadline).await?;
    let ended = json!({"family": job.family(), "desiredStatus": "STOPPED"});
    arns.extend(ecs.list_tasks(&job.cluster, &ended, deadline).await?);
    arns.sort_unstable();
    arns.dedup();
    let tasks = ecs.tasks(&job.cluster, &arns, deadline).await?;
    Ok(tasks.into_iter().map(Task::read).collect())
}

async fn run(job: &Job, started_by: &str, token: &str, ecs: &Ecs<'_>) -> Result<Task, Error> {
    let request = run_task(job, started_by, token);
    let arn = job.arn();
    let end = tokio::time::Instant::now() + KNOWN_AFTER;
    let reply = loop {
        let write = ecs.write(Write::RunTask, arn, &request, Instant::now() + CALL);
        match write.await {
            Err(error) if is_not_known_yet(&error) && tokio::time::Instant::now() < end => {
                tokio::time::sleep(LOOK).await;
            }
            reply => break reply?,
        }
    };
    let tasks = reply.get("tasks").and_then(Value::as_array);
    let task = tasks.and_then(|tasks| tasks.first()?.as_object().cloned());
    match task.map(Task::read) {
        Some(task) if !task.task_arn.is_empty() => Ok(task),
        _ => Err(Error::Refused(failures(&reply))),
    }
}

fn is_not_known_yet(error: &AwsError) -> bool {
    error.is("ClientException") && error.detail.contains("TaskDefinition")
}

/// Whether ECS answered with a task of an earlier call, since its token was used before. It runs no more, or it
/// would have been found. `now` in seconds of the epoch.
fn is_old(task: &Task, known: &[Task], now: f64) -> bool {
    let is_known = known.iter().any(|known| known.task_arn == task.task_arn);
    is_known || (task.created_at > 0.0 && now - task.created_at > OLD.as_secs_f64())
}

fn now() -> f64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs_f64()
}

/// Why there is no task, in words.
fn failures(reply: &Map<String, Value>) -> String {
    let failures = reply.get("failures").and_then(Value::as_array);
    let mut words: Vec<String> = failures
        .into_iter()
        .flatten()
        .map(|failure| {
            let reason = failure["reason"].as_str().unwrap_or_default();
            let detail = failure["detail"]
                .as_str()
                .filter(|detail| !detail.is_empty());
            let known = meaning(reason).or(detail);
            let known = known.map_or_else(String::new, |known| format!(" ({known})"));
            format!("{reason}{known}")
        })
        .collect();
    words.sort_unstable();
    words.dedup();
    if words.is_empty() {
        words.push("it gives no reason".to_owned());
    }
    words.join(", ")
}

/// <https://docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html>
fn meaning(reason: &str) -> Option<&'static str> {
    Some(match reason {
        "RESOURCE:CPU" => "no instance has that much CPU left",
        "RESOURCE:MEMORY" => "no instance has that much memory left",
        "RESOURCE:ENI" => "no instance has a network interface left",
        "RESOURCE:GPU" => "no instance has that many GPUs left",
        "RESOURCE:PORTS" => "its port is taken on every instance: use a host port of 0",
        "AGENT" => "the agent of the instance is not connected",
        "ATTRIBUTE" => "no instance has an attribute that the definition needs",
        "LOCATION" => "no instance is where it must be",
        _ => return None,
    })
}

fn random() -> Result<String, Error> {
    let bytes = getrandom::u64().map_err(|error| {
        let detail = format!("the kernel gives no random bytes: {error}");
        AwsError::new(Kind::NotTried, "ecs:RunTask", "", detail)
    })?;
    Ok(token(&[&format!("{bytes:016x}")]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_may_be_a_task_of_an_earlier_call() {
        let task = |arn: &str, created_at: f64| Task {
            task_arn: arn.to_owned(),
            created_at,
            ..Task::default()
        };
        let known = [task("a", 990.0)];
        let table = [
            (task("a", 990.0), true),
            (task("b", 990.0), false),
            // AWS's clock may be before ours, or behind.
            (task("b", 1300.0), false),
            (task("b", 700.0), false),
            (task("b", 99.0), true),
            // No time at all.
            (task("b", 0.0), false),
        ];
        for (answer, old) in table {
            assert_eq!(is_old(&answer, &known, 1000.0), old, "{answer:?}");
        }
    }

    #[test]
    fn a_task_that_was_not_placed_says_why() {
        let table = [
            (
                json!({"failures": [{"arn": "i1", "reason": "RESOURCE:MEMORY"}, {"arn": "i2", "reason": "RESOURCE:MEMORY"}]}),
                "RESOURCE:MEMORY (no instance has that much memory left)",
            ),
            (
                json!({"failures": [{"reason": "ODD", "detail": "in AWS's words"}]}),
                "ODD (in AWS's words)",
            ),
            (json!({"failures": []}), "it gives no reason"),
            (json!({}), "it gives no reason"),
        ];
        for (reply, words) in table {
            assert_eq!(failures(reply.as_object().unwrap()), words);
        }
    }
}
