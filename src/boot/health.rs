//! `entry --health`: what a HEALTHCHECK asks, in an image without curl. It runs beside the container's
//! entry, which it knows by the name that shows its stage.

use super::cli::{self, Invocation, Request};
use super::{Failure, lookup, resolve};
use crate::config::{self, Health, HealthCheck, Source};
use crate::probe;
use crate::sys::name::{Stage, shown_by};
use crate::sys::procfs::{command_line, processes};
use nix::unistd::{Pid, getppid};
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

/// The container's app is not well, or that cannot be told (HEALTHCHECK of Docker and ECS).
const UNHEALTHY: u8 = 1;

/// The line to print, and the exit code.
pub fn ask(invocation: &Invocation, mode: Option<&str>) -> (String, u8) {
    match check(invocation, mode) {
        Ok(line) => (format!("healthy: {line}"), 0),
        Err(why) => (format!("unhealthy: {why}"), UNHEALTHY),
    }
}

fn check(invocation: &Invocation, mode: Option<&str>) -> Result<String, String> {
    let (pid, stage) = container_entry().ok_or(
        "no entry runs in this container: make it the entrypoint, and let both see the same /proc",
    )?;
    match stage {
        Stage::Booting => return Err("it still boots".to_owned()),
        // A load balancer turns away by itself; a task that drains must not be replaced for that.
        Stage::Stopping => return Ok("it is stopping".to_owned()),
        Stage::Running => {}
    }
    let all = |failure: Failure| failure.messages.join("; ");
    let mode = match mode {
        Some(name) => {
            let source = Source::find(invocation.modes.as_deref(), &lookup)
                .map_err(|problems| all(problems.into()))?;
            let loaded = source.load(config::Request::Mode(name), &lookup);
            Some(loaded.map_err(|problems| all(problems.into()))?)
        }
        None => running_mode(pid, invocation).transpose().map_err(all)?,
    };
    let Some(health) = mode.and_then(|mode| mode.health) else {
        return Ok("it runs".to_owned());
    };
    health.ask()
}

/// PID 1, or where another process has that number (`--init`, a shared namespace) the first entry of this
/// container: the others are exec sessions.
fn container_entry() -> Option<(Pid, Stage)> {
    let first = Pid::from_raw(1);
    if let Some(stage) = shown_by(first) {
        return Some((first, stage));
    }
    let own = cgroup_of("self");
    let mut others = processes();
    others.sort_unstable();
    // Our own parent is an entry that boots: this very check.
    let others = others.into_iter().filter(|pid| *pid != getppid().as_raw());
    let mut ours = others
        .filter(|pid| cgroup_of(&pid.to_string()) == own)
        .map(Pid::from_raw);
    ours.find_map(|pid| Some((pid, shown_by(pid)?)))
}

/// With `pidMode: task`, it tells one container's processes from another's.
fn cgroup_of(pid: &str) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/cgroup")).ok()
}

/// The mode that the container's entry was started with; none for a one-off.
fn running_mode(pid: Pid, asked: &Invocation) -> Option<Result<config::Mode, Failure>> {
    let words = command_line(pid.as_raw())?;
    let words: Vec<OsString> = words
        .strip_suffix(b"\0")
        .unwrap_or(&words)
        .split(|byte| *byte == 0)
        .skip(1)
        .map(|word| OsString::from_vec(word.to_vec()))
        .collect();
    let Invocation { modes, request } = cli::parse(&words).ok()?;
    let Request::Run(wanted) = &request else {
        return None;
    };
    let modes = asked.modes.as_deref().or(modes.as_deref());
    Some(resolve(modes, wanted).map(|(mode, _)| mode))
}

impl Health {
    /// Asks everything, within the timeout; the first that is not well decides.
    fn ask(&self) -> Result<String, String> {
        let deadline = Instant::now() + self.timeout;
        let answers: Result<Vec<String>, String> = self
            .checks
            .iter()
            .map(|check| {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    let limit = humantime::format_duration(self.timeout);
                    return Err(format!("not all was answered within {limit}"));
                }
                check.ask(left)
            })
            .collect();
        answers.map(|answers| answers.join(", "))
    }
}

impl HealthCheck {
    fn ask(&self, within: Duration) -> Result<String, String> {
        match self {
            HealthCheck::Tcp(address) => probe::accepts(address, within)
                .map(|()| format!("{address} accepts connections"))
                .map_err(|unwell| unwell.to_string()),
            HealthCheck::Http(page) => probe::answers(page, within)
                .map(|()| format!("{page} answers"))
                .map_err(|unwell| unwell.to_string()),
            HealthCheck::Heartbeat { path, max_age } => heartbeat(path, *max_age),
        }
    }
}

fn heartbeat(path: &Path, max_age: Duration) -> Result<String, String> {
    let shown = path.display();
    let changed = std::fs::metadata(path)
        .and_then(|found| found.modified())
        .map_err(|cause| format!("{shown}: {cause}"))?;
    // One from the future is as fresh as can be: clocks are set back.
    let age = SystemTime::now()
        .duration_since(changed)
        .unwrap_or_default();
    let age = Duration::from_secs(age.as_secs());
    let said = format!(
        "{shown} was changed {} ago",
        humantime::format_duration(age)
    );
    if age > max_age {
        let limit = humantime::format_duration(max_age);
        return Err(format!("{said}, more than {limit}"));
    }
    Ok(said)
}
