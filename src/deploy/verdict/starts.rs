//! Tasks that did not start, or did not stay: which of them count, and what they died of, each reason once.

use super::{Memory, Stopped};
use std::collections::BTreeMap;
use std::fmt;

/// Words of a reason that speaks of room, which comes with new nodes, and not of the task.
const NO_ROOM: [&str; 3] = [
    "Capacity is unavailable",
    "RESOURCE:",
    "unable to place a task",
];

/// ECS makes room for another number of tasks.
const SCALED: &str = "Scaling activity initiated";

/// Why tasks ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    pub tasks: usize,
    pub reason: String,
    /// One of them, to look at.
    pub task: String,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = if self.tasks == 1 { "" } else { "s" };
        let id = self.task.rsplit('/').next().unwrap_or_default();
        write!(f, "{} task{s}: {} ({id})", self.tasks, self.reason)
    }
}

/// Whether a stopped task tells against the deployment.
pub fn is_failure(task: &Stopped) -> bool {
    let told = NO_ROOM
        .iter()
        .any(|word| task.stopped_reason.contains(word));
    match task.stop_code.as_str() {
        "TaskFailedToStart" => !told,
        "EssentialContainerExited" => true,
        // So are tasks stopped that a load balancer finds ill.
        "ServiceSchedulerInitiated" => !task.stopped_reason.starts_with(SCALED),
        _ => false,
    }
}

/// Whether a service's event says that there is no room.
pub fn is_no_room(message: &str) -> bool {
    NO_ROOM.iter().any(|word| message.contains(word))
}

/// The reasons of all failed starts, the most frequent first.
pub fn causes(memory: &Memory) -> Vec<Cause> {
    let mut groups: BTreeMap<String, Cause> = BTreeMap::new();
    for task in memory.failed.values() {
        let reason = reason(task);
        let cause = groups.entry(without_ids(&reason)).or_insert(Cause {
            tasks: 0,
            reason,
            task: task.task_arn.clone(),
        });
        cause.tasks += 1;
    }
    let mut causes: Vec<Cause> = groups.into_values().collect();
    causes.sort_by_key(|cause| std::cmp::Reverse(cause.tasks));
    causes
}

fn reason(task: &Stopped) -> String {
    let failed = task.containers.iter().filter(|container| {
        container.exit_code.is_some_and(|code| code != 0) || container.reason.is_some()
    });
    let parts: Vec<String> = failed
        .map(|container| {
            let code = container.exit_code;
            let exited = code.map_or_else(String::new, |code| format!(" exited with {code}"));
            let reason = container.reason.as_deref();
            let reason = reason.map_or_else(String::new, |reason| format!(": {reason}"));
            format!("{}{exited}{reason}", container.name)
        })
        .collect();
    match parts.as_slice() {
        [] => task.stopped_reason.clone(),
        parts => format!("{}; {}", task.stopped_reason, parts.join(", ")),
    }
}

/// For comparing: without what differs from task to task, such as ids and addresses.
fn without_ids(reason: &str) -> String {
    let is_id = |word: &str| word.len() >= 7 && word.bytes().any(|byte| byte.is_ascii_digit());
    let breaks = |letter: char| !(letter.is_ascii_alphanumeric() || matches!(letter, '-' | '.'));
    let words = reason.split(breaks);
    words
        .map(|word| if is_id(word) { "…" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}
