//! Tasks of services, and tasks by the ids that people have of them.

use super::oneoff::Task;
use super::plan::short;
use crate::aws::{AwsError, Ecs};
use serde_json::json;
use std::time::Instant;

/// What `group` of a service's tasks begins with.
const SERVICE: &str = "service:";

/// So much of an id tells a task from others.
const SHORT: usize = 8;

/// The least of an id that is taken for one.
const LEAST: usize = 4;

/// Which tasks, by what ECS wants of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    Running,
    /// Those that ended in the last hour, too.
    All,
}

impl Which {
    fn statuses(self) -> &'static [&'static str] {
        match self {
            Which::Running => &["RUNNING"],
            Which::All => &["RUNNING", "STOPPED"],
        }
    }
}

/// The service that a task is of.
pub fn service(task: &Task) -> Option<&str> {
    task.group.strip_prefix(SERVICE)
}

/// The beginning of a task's id.
pub fn short_id(id: &str) -> &str {
    let id = short(id);
    id.get(..SHORT).unwrap_or(id)
}

/// Whether a word can be a task's id, or the beginning of one, or its ARN.
pub fn is_id(word: &str) -> bool {
    let is_hex = || {
        word.bytes()
            .all(|byte| byte.is_ascii_hexdigit() || byte == b'-')
    };
    word.contains(":task/") || (word.len() >= LEAST && is_hex())
}

/// Tasks of services, the oldest first.
pub async fn of_services(
    ecs: &Ecs<'_>,
    cluster: &str,
    services: &[String],
    which: Which,
    deadline: Instant,
) -> Result<Vec<Task>, AwsError> {
    let mut arns = Vec::new();
    for service in services {
        for status in which.statuses() {
            let filter = json!({"serviceName": service, "desiredStatus": status});
            match ecs.list_tasks(cluster, &filter, deadline).await {
                Ok(found) => arns.extend(found),
                // One that there is not has no tasks.
                Err(error) if error.is("ServiceNotFoundException") => {}
                Err(error) => return Err(error),
            }
        }
    }
    described(ecs, cluster, arns, deadline).await
}

/// All tasks of a cluster, the oldest first.
pub async fn of_cluster(
    ecs: &Ecs<'_>,
    cluster: &str,
    which: Which,
    deadline: Instant,
) -> Result<Vec<Task>, AwsError> {
    let arns = arns(ecs, cluster, which, deadline).await?;
    described(ecs, cluster, arns, deadline).await
}

async fn arns(
    ecs: &Ecs<'_>,
    cluster: &str,
    which: Which,
    deadline: Instant,
) -> Result<Vec<String>, AwsError> {
    let mut arns = Vec::new();
    for status in which.statuses() {
        let filter = json!({"desiredStatus": status});
        arns.extend(ecs.list_tasks(cluster, &filter, deadline).await?);
    }
    // One may end in between.
    arns.sort_unstable();
    arns.dedup();
    Ok(arns)
}

async fn described(
    ecs: &Ecs<'_>,
    cluster: &str,
    mut arns: Vec<String>,
    deadline: Instant,
) -> Result<Vec<Task>, AwsError> {
    arns.sort_unstable();
    arns.dedup();
    let tasks = ecs.tasks(cluster, &arns, deadline).await?;
    let mut tasks: Vec<Task> = tasks.into_iter().map(Task::read).collect();
    tasks.sort_by(|one, other| {
        let by_time = one.created_at.total_cmp(&other.created_at);
        by_time.then_with(|| one.task_arn.cmp(&other.task_arn))
    });
    Ok(tasks)
}

/// Tasks by their ids, the beginnings of them, or their ARNs; and what is wrong with those that are none.
pub async fn by_ids(
    ecs: &Ecs<'_>,
    cluster: &str,
    ids: &[String],
    deadline: Instant,
) -> Result<(Vec<Task>, Vec<String>), AwsError> {
    if ids.is_empty() {
        return Ok((Vec::new(), Vec::new()));
    }
    let known = arns(ecs, cluster, Which::All, deadline).await?;
    let mut found = Vec::new();
    let mut problems = Vec::new();
    for id in ids {
        match matching(&known, id) {
            Ok(arn) => found.push(arn.to_owned()),
            Err(problem) => problems.push(format!("{problem} in the cluster {}", short(cluster))),
        }
    }
    Ok((described(ecs, cluster, found, deadline).await?, problems))
}

/// The one ARN that an id is of.
fn matching<'a>(arns: &'a [String], id: &str) -> Result<&'a str, String> {
    let wanted = short(id);
    let fits = |arn: &&String| short(arn).starts_with(wanted);
    let exact = arns.iter().find(|arn| short(arn) == wanted);
    let mut fitting = arns.iter().filter(fits);
    match (exact, fitting.next(), fitting.next()) {
        (Some(arn), ..) | (None, Some(arn), None) => Ok(arn),
        (None, Some(_), Some(_)) => Err(format!(
            "several tasks begin with {wanted}: write more of the id"
        )),
        (None, None, _) => Err(format!(
            "there is no task {wanted}, or it ended more than an hour ago,"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_may_be_the_beginning_of_one() {
        let arns: Vec<String> = ["abcd1", "abcd2", "abcd", "ffff0"]
            .iter()
            .map(|id| format!("arn:aws:ecs:x:1:task/main/{id}"))
            .collect();
        assert_eq!(matching(&arns, "ffff"), Ok(arns[3].as_str()));
        assert_eq!(matching(&arns, &arns[1]), Ok(arns[1].as_str()));
        // The whole id goes before others that begin with it.
        assert_eq!(matching(&arns, "abcd"), Ok(arns[2].as_str()));
        assert!(
            matching(&arns, "abc")
                .unwrap_err()
                .starts_with("several tasks")
        );
        assert!(
            matching(&arns, "0000")
                .unwrap_err()
                .starts_with("there is no task 0000")
        );
    }

    #[test]
    fn services_are_not_taken_for_ids() {
        for (word, id) in [
            ("arn:aws:ecs:x:1:task/main/abcd1", true),
            ("0123456789abcdef0123456789abcdef", true),
            ("c5d2", true),
            ("abc", false),
            ("web", false),
            ("worker", false),
        ] {
            assert_eq!(is_id(word), id, "{word}");
        }
    }
}
