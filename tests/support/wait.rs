//! Conditions with deadlines.

use super::lines::Lines;
use nix::unistd::Pid;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Long enough for a loaded machine; a test that passes never waits for it.
pub const DEADLINE: Duration = Duration::from_mins(3);

/// How often a condition that nothing announces is looked at.
const LOOK: Duration = Duration::from_millis(2);

/// Waits until the condition holds, and returns what it found.
#[track_caller]
pub fn until<T>(what: &str, condition: impl FnMut() -> Option<T>) -> T {
    until_within(DEADLINE, LOOK, what, condition)
}

/// The same with a deadline of its own, for what is slow to look at.
#[track_caller]
pub fn until_within<T>(
    deadline: Duration,
    look: Duration,
    what: &str,
    mut condition: impl FnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + deadline;
    loop {
        if let Some(found) = condition() {
            return found;
        }
        assert!(Instant::now() < end, "waited in vain: {what}");
        std::thread::park_timeout(look);
    }
}

/// Waits for a process to end.
#[track_caller]
pub fn exit(process: &mut Child, stderr: &Lines) -> ExitStatus {
    let end = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = process.try_wait().unwrap() {
            return status;
        }
        if Instant::now() >= end {
            let _ = process.kill();
            panic!("it did not end; stderr:\n{}", stderr.so_far());
        }
        std::thread::park_timeout(LOOK);
    }
}

/// The living children of a process, oldest first.
pub fn children(pid: Pid) -> Vec<Pid> {
    let text =
        std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    text.split_whitespace()
        .map(|one| Pid::from_raw(one.parse().unwrap()))
        .collect()
}

/// All living descendants of a process.
pub fn descendants(pid: Pid) -> Vec<Pid> {
    let mut found = children(pid);
    let mut next = 0;
    while let Some(one) = found.get(next).copied() {
        found.extend(children(one));
        next += 1;
    }
    found
}

/// Every process that was started with this variable, wherever it is now.
pub fn started_with(variable: &str) -> Vec<Pid> {
    let has_it = |pid: &Pid| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment
            .split(|byte| *byte == 0)
            .any(|one| one == variable.as_bytes())
    };
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .map(Pid::from_raw)
        .filter(has_it)
        .collect()
}

/// A line of `/proc/PID/status`, without its name.
pub fn status(pid: Pid, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(':').map(str::trim))?;
    Some(line.to_owned())
}

/// Whether the process blocks TERM. Before entry does, as PID 1 it is deaf by the kernel's rule.
pub fn holds_signals(pid: Pid) -> bool {
    let mask = status(pid, "SigBlk").and_then(|mask| u64::from_str_radix(&mask, 16).ok());
    mask.is_some_and(|mask| mask & (1 << (libc::SIGTERM - 1)) != 0)
}

/// Whether the process is gone, or only its status is left.
pub fn gone(pid: Pid) -> bool {
    status(pid, "State").is_none_or(|state| state.starts_with('Z'))
}
