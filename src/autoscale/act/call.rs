//! The calls themselves, and what they say if what they ask for is so already.

use super::batch::Batch;
use crate::autoscale::observe::Clouds;
use crate::autoscale::observe::members::{list, text};
use crate::autoscale::{ClusterId, GroupId, GroupKind, ServiceId};
use crate::aws::{AutoScaling, AwsError, Ec2, Ecs, Kind, Write};
use serde_json::{Map, Value, json};

/// How an action came true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    Now,
    /// It was so already: an earlier call's reply was lost, or somebody else did it.
    Already,
}

type Answer = Result<Done, AwsError>;

/// Makes a batch's calls: a result for each of its parts, in their order.
pub async fn perform(batch: &Batch<'_>, clouds: &Clouds<'_>) -> Vec<Answer> {
    match batch {
        Batch::Count { service, to } => vec![count(service, *to, clouds).await],
        Batch::Capacity { group, to } => vec![capacity(group, *to, clouds).await],
        Batch::State {
            cluster,
            arns,
            status,
        } => state(cluster, arns, status, clouds).await,
        Batch::End {
            group,
            instance,
            lowers,
        } => vec![end(group, instance, *lowers, clouds).await],
        Batch::EndOfFleet {
            group,
            target,
            instances,
        } => end_of_fleet(group, *target, instances, clouds).await,
    }
}

async fn count(service: &ServiceId, to: u32, clouds: &Clouds<'_>) -> Answer {
    let ServiceId { cluster, name } = service;
    let ecs = Ecs::new(clouds.calls(&cluster.region)?);
    let request = json!({"cluster": &*cluster.name, "service": &**name, "desiredCount": to});
    write(ecs, Write::UpdateService, name, request, clouds).await?;
    Ok(Done::Now)
}

async fn write(
    ecs: Ecs<'_>,
    write: Write,
    resource: &str,
    request: Value,
    clouds: &Clouds<'_>,
) -> Result<Map<String, Value>, AwsError> {
    let Value::Object(request) = request else {
        return Ok(Map::new());
    };
    ecs.write(write, resource, &request, clouds.deadline).await
}

async fn capacity(group: &GroupId, to: u32, clouds: &Clouds<'_>) -> Answer {
    let calls = clouds.calls(&group.region)?;
    let deadline = clouds.deadline;
    if group.kind == GroupKind::SpotFleet {
        let ec2 = Ec2::new(calls);
        ec2.set_target(&group.name, to, false, deadline).await?;
    } else {
        let groups = AutoScaling::new(calls);
        groups
            .set_desired_capacity(&group.name, to, deadline)
            .await?;
    }
    Ok(Done::Now)
}

/// If one of them spoils the call for all, each gets a call of its own.
async fn state(
    cluster: &ClusterId,
    arns: &[&str],
    status: &str,
    clouds: &Clouds<'_>,
) -> Vec<Answer> {
    let together = set_state(cluster, arns, status, clouds).await;
    let error = match together {
        Ok(answers) => return answers,
        Err(error) => error,
    };
    if arns.len() == 1 || error.kind != Kind::Other {
        return vec![Err(error); arns.len()];
    }
    let mut answers = Vec::new();
    for arn in arns {
        let alone = set_state(cluster, &[arn], status, clouds).await;
        answers.extend(alone.unwrap_or_else(|error| vec![Err(error)]));
    }
    answers
}

async fn set_state(
    cluster: &ClusterId,
    arns: &[&str],
    status: &str,
    clouds: &Clouds<'_>,
) -> Result<Vec<Answer>, AwsError> {
    let ecs = Ecs::new(clouds.calls(&cluster.region)?);
    let request = json!({
        "cluster": &*cluster.name, "containerInstances": arns, "status": status,
    });
    let update = Write::UpdateContainerInstancesState;
    let reply = Value::Object(write(ecs, update, &cluster.name, request, clouds).await?);
    Ok(arns.iter().map(|arn| state_of(&reply, arn)).collect())
}

/// What a reply says of one container instance: a call that succeeds may have failed for it.
pub(in crate::autoscale) fn state_of(reply: &Value, arn: &str) -> Answer {
    let failures = list(reply, "failures").iter();
    let mut failed = failures.filter(|one| text(one, "arn") == Some(arn));
    failed.next().map_or(Ok(Done::Now), |failure| {
        let reason = text(failure, "reason").unwrap_or_default();
        let action = "ecs:UpdateContainerInstancesState";
        Err(AwsError::new(Kind::NotFound, action, arn, reason))
    })
}

async fn end(group: &GroupId, instance: &str, lowers: bool, clouds: &Clouds<'_>) -> Answer {
    let groups = AutoScaling::new(clouds.calls(&group.region)?);
    let ended = groups.terminate(instance, lowers, clouds.deadline).await;
    unless_gone(ended)
}

/// An instance that has left its group. There are no codes of their own for it.
pub(in crate::autoscale) fn unless_gone(answer: Result<(), AwsError>) -> Answer {
    const GONE: [&str; 3] = [
        "No managed instance found",
        "is not part of Auto Scaling group",
        "is not in InService or Standby",
    ];
    match answer {
        Ok(()) => Ok(Done::Now),
        Err(error) if GONE.iter().any(|words| error.detail.contains(words)) => Ok(Done::Already),
        Err(error) => Err(error),
    }
}

/// First the target, or the fleet would replace what is ended.
async fn end_of_fleet(
    group: &GroupId,
    target: Option<u32>,
    instances: &[&str],
    clouds: &Clouds<'_>,
) -> Vec<Answer> {
    let lowered = async {
        let ec2 = Ec2::new(clouds.calls(&group.region)?);
        if let Some(target) = target {
            ec2.set_target(&group.name, target, true, clouds.deadline)
                .await?;
        }
        Ok::<_, AwsError>(ec2)
    };
    let ec2 = match lowered.await {
        Ok(ec2) => ec2,
        Err(error) => return vec![Err(error); instances.len()],
    };
    let together = ec2.terminate(instances, clouds.deadline).await;
    let spoiled = |error: &AwsError| error.is("InvalidInstanceID.NotFound");
    match together {
        // One that is gone keeps all others from being ended.
        Err(error) if spoiled(&error) && instances.len() > 1 => {
            let mut answers = Vec::new();
            for instance in instances {
                let alone = ec2.terminate(&[instance], clouds.deadline).await;
                answers.push(once(alone));
            }
            answers
        }
        together => vec![once(together); instances.len()],
    }
}

fn once(ended: Result<(), AwsError>) -> Answer {
    match ended {
        Ok(()) => Ok(Done::Now),
        Err(error) if error.is("InvalidInstanceID.NotFound") => Ok(Done::Already),
        Err(error) => Err(error),
    }
}
