//! One long poll of a queue, and everything that its messages ask for.

use super::message::{Notice, notice};
use super::verdict::{Step, Verdict, what_to_do};
use crate::autoscale::act::{Done, state_of, unless_gone};
use crate::autoscale::config::{Config, Queue};
use crate::autoscale::decide::Snapshot;
use crate::autoscale::observe::members::text;
use crate::autoscale::observe::{Clouds, groups_alone};
use crate::autoscale::{ClusterId, Region};
use crate::aws::{AutoScaling, AwsError, Ecs, Message, Sqs, Write};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long SQS waits for a message. It would wait for 20 s, but an attempt of ours ends after 10.
const WAIT: Duration = Duration::from_secs(8);

/// Messages that are answered at once: many instances may be interrupted together.
const IN_FLIGHT: usize = 5;

/// How long a message that is looked at stays hidden; then others see it again, and so do we.
const HIDDEN: Duration = Duration::from_secs(15);

/// For the calls that a message needs.
const CALL: Duration = Duration::from_secs(10);

/// What a poll of a queue brought.
#[derive(Debug, Default)]
pub struct Report {
    pub steps: Vec<(Step, Result<Done, AwsError>)>,
    /// Messages that were not understood, each told once: they are deleted.
    pub refused: Vec<String>,
    /// Of other people's instances.
    pub foreign: usize,
    /// To be looked at again.
    pub later: usize,
    /// The queue could not be read or what was done not be deleted. The caller waits before the next poll.
    pub error: Option<AwsError>,
}

/// Waits for messages as long as SQS lets it, and does what they ask for. `snapshot` is that of the last poll; the
/// groups are looked at anew for an instance that is not in it: there are no polls while the loop is paused.
pub async fn turn(
    queue: &Queue,
    config: &Config,
    snapshot: &Snapshot,
    clouds: &Clouds<'_>,
    now: impl Fn() -> Timestamp,
) -> Report {
    let mut report = Report::default();
    let sqs = match clouds.calls(&queue.region) {
        Ok(calls) => Sqs::new(calls),
        Err(error) => {
            report.error = Some(error);
            return report;
        }
    };
    let deadline = Instant::now() + WAIT + CALL;
    let messages = match sqs.receive(&queue.url, WAIT, HIDDEN, deadline).await {
        Ok(messages) => messages,
        Err(error) => {
            report.error = Some(error);
            return report;
        }
    };
    let messages: Vec<_> = messages
        .into_iter()
        .map(|message| (notice(&message.body), message))
        .collect();
    let told = |one: &Notice| members(snapshot).any(|id| *id == one.instance);
    let mut notices = messages
        .iter()
        .filter_map(|(notice, _)| notice.as_ref().ok());
    let fresh = if notices.all(told) {
        None
    } else {
        Some(groups_alone(config, clouds, now()).await)
    };
    let answers = stream::iter(messages)
        .map(|(notice, message)| {
            let fresh = fresh.as_ref().filter(|_| !notice.as_ref().is_ok_and(told));
            let snapshot = fresh.unwrap_or(snapshot);
            answer(message, notice, queue, config, snapshot, clouds, now())
        })
        .buffered(IN_FLIGHT);
    let answers: Vec<_> = answers.collect().await;
    let done: Vec<String> = answers
        .into_iter()
        .filter_map(|answer| report.add(answer))
        .collect();
    let deadline = Instant::now() + CALL;
    report.error = sqs.delete(&queue.url, &done, deadline).await.err();
    report
}

/// What became of a message.
enum Answer {
    Refused(String),
    Foreign,
    Later,
    Done(Vec<(Step, Result<Done, AwsError>)>),
}

impl Report {
    /// Notes an answer; the receipt of a message that is done with.
    fn add(&mut self, (receipt, answer): (String, Answer)) -> Option<String> {
        match answer {
            Answer::Refused(line) => self.refused.push(line),
            Answer::Foreign => self.foreign += 1,
            Answer::Later => {
                self.later += 1;
                return None;
            }
            Answer::Done(steps) => {
                // Another attempt helps only against what passes.
                let again = steps
                    .iter()
                    .any(|(_, result)| matches!(result, Err(error) if error.kind.passes()));
                self.steps.extend(steps);
                return (!again).then_some(receipt);
            }
        }
        Some(receipt)
    }
}

/// The instances of all groups that were seen.
fn members(snapshot: &Snapshot) -> impl Iterator<Item = &Arc<str>> {
    let groups = snapshot.groups.values();
    groups.flat_map(|group| group.instances.iter().map(|one| &one.id))
}

async fn answer(
    message: Message,
    notice: Result<Notice, String>,
    queue: &Queue,
    config: &Config,
    snapshot: &Snapshot,
    clouds: &Clouds<'_>,
    now: Timestamp,
) -> (String, Answer) {
    let Message { id, receipt, .. } = message;
    let notice = match notice {
        Ok(notice) => notice,
        Err(why) => {
            let line = format!("message {id} of {} is deleted: {why}", queue.url);
            return (receipt, Answer::Refused(line));
        }
    };
    let steps = match what_to_do(&notice, &queue.region, config, snapshot, now) {
        Verdict::Foreign => return (receipt, Answer::Foreign),
        Verdict::Later => return (receipt, Answer::Later),
        Verdict::Do(steps) => steps,
    };
    let mut results = Vec::new();
    for step in steps {
        let result = perform(&step, clouds).await;
        results.push((step, result));
    }
    (receipt, Answer::Done(results))
}

async fn perform(step: &Step, clouds: &Clouds<'_>) -> Result<Done, AwsError> {
    let deadline = Instant::now() + CALL;
    match step {
        Step::Drain { cluster, instance } => drain(cluster, instance, clouds, deadline).await,
        Step::Replace { group, instance } => {
            let groups = AutoScaling::new(clouds.calls(&group.region)?);
            let detached = groups.detach(&group.name, instance, deadline).await;
            unless_gone(detached)
        }
    }
}

async fn drain(
    cluster: &ClusterId,
    instance: &Arc<str>,
    clouds: &Clouds<'_>,
    deadline: Instant,
) -> Result<Done, AwsError> {
    let region: &Region = &cluster.region;
    let ecs = Ecs::new(clouds.calls(region)?);
    let ids = [&**instance];
    let found = ecs
        .container_instances(&cluster.name, Some(&ids), deadline)
        .await?;
    // It may never have registered, or be gone.
    let active = found
        .iter()
        .find(|one| text(one, "status") == Some("ACTIVE"));
    let Some(arn) = active.and_then(|one| text(one, "containerInstanceArn")) else {
        return Ok(Done::Already);
    };
    let request = json!({
        "cluster": &*cluster.name, "containerInstances": [arn], "status": "DRAINING",
    });
    let Value::Object(request) = request else {
        return Ok(Done::Already);
    };
    let update = Write::UpdateContainerInstancesState;
    let reply = ecs.write(update, instance, &request, deadline).await?;
    state_of(&Value::Object(reply), arn)
}
