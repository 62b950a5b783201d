//! The words of PID 1: what it says of signals, stops and ends.

use super::event::Supervision;
use super::stopping::{Sender, StopSummary, Summary};
use crate::exit::Outcome;
use crate::report::{Level, Line, Value, millis};
use crate::stop::Plan;
use crate::sys::signal::Sig;
use nix::unistd::Pid;
use std::fmt::{Display, Write};
use std::time::Duration;

pub(super) fn info(event: &'static str, text: String, members: Vec<(&'static str, Value)>) -> Line {
    Line {
        level: Level::Info,
        event,
        text,
        members,
    }
}

pub(super) fn text(value: impl Display) -> Value {
    Value::Text(value.to_string())
}

/// Who sent it, in words.
pub fn sender(sender: Sender) -> String {
    match sender {
        Sender::Terminal => "the terminal".to_owned(),
        Sender::Outside => "outside the container".to_owned(),
        Sender::Process { pid, uid } => format!("pid {pid} of user {uid}"),
        Sender::MaxRuntime => "max_runtime".to_owned(),
        Sender::Codependent => "a process that ended".to_owned(),
    }
}

pub(super) fn cause(signal: Option<Sig>, from: Sender) -> String {
    match (signal, from) {
        (Some(signal), from) => format!("{signal} from {}", sender(from)),
        (None, Sender::Codependent) => "one of its processes ended".to_owned(),
        (None, _) => "max_runtime ran out".to_owned(),
    }
}

/// A stop begins.
pub fn stopping(supervision: &Supervision, signal: Option<Sig>, from: Sender) -> Line {
    let Supervision { mode, plan, .. } = supervision;
    let members = vec![
        ("mode", text(mode)),
        ("cause", text(cause(signal, from))),
        ("plan", text(describe(plan, signal, from))),
        ("max_ms", millis(plan.total())),
    ];
    let text = format!(
        "{mode}: stopping, for {}: {}",
        cause(signal, from),
        describe(plan, signal, from)
    );
    info("stopping", text, members)
}

/// The plan in one phrase, such as `drain 5s, SIGQUIT, wait 20s, KILL at 25s`.
fn describe(plan: &Plan, cause: Option<Sig>, from: Sender) -> String {
    let drains = !matches!(from, Sender::MaxRuntime | Sender::Terminal);
    let waits = [
        ("defer", plan.defer, from != Sender::MaxRuntime),
        ("drain", plan.drain, drains),
    ];
    let mut total = plan.grace();
    let mut parts = Vec::new();
    for (name, wait, _) in waits
        .into_iter()
        .filter(|(_, wait, applies)| *applies && !wait.is_zero())
    {
        total += wait;
        parts.push(format!("{name} {wait:?}"));
    }
    for send in &plan.sends {
        let signal = send.signal.or(cause).unwrap_or(Sig::TERM);
        parts.push(format!("{signal}, wait {:?}", send.wait));
    }
    parts.push(format!("KILL at {total:?}"));
    parts.join(", ")
}

/// A repeat of a stop signal.
pub fn swallowed(mode: &str, signal: Sig, from: Sender) -> Line {
    let members = vec![
        ("mode", text(mode)),
        ("signal", text(signal)),
        ("sender", text(sender(from))),
    ];
    let said = format!(
        "{mode}: {signal} from {} again: the stop is under way",
        sender(from)
    );
    info("stop_repeated", said, members)
}

/// The app was stopped, and no shell is there to continue it.
pub fn app_stopped(mode: &str, signal: Sig) -> Line {
    let said = format!("{mode}: the app was stopped by {signal}; SIGCONT to entry continues it");
    info(
        "app_stopped",
        said,
        vec![("mode", text(mode)), ("signal", text(signal))],
    )
}

/// A signal that only an app could take came before there is one.
pub fn too_early(signal: Sig, from: Sender) -> Line {
    let said = format!(
        "{signal} from {} during the boot is dropped: there is no app yet",
        sender(from)
    );
    info(
        "signal_dropped",
        said,
        vec![("signal", text(signal)), ("sender", text(sender(from)))],
    )
}

/// A signal ended the boot.
pub fn boot_stopped(signal: Sig, from: Sender) -> Line {
    let said = format!(
        "{signal} from {} during the boot: nothing is started",
        sender(from)
    );
    info(
        "boot_stopped",
        said,
        vec![("signal", text(signal)), ("sender", text(sender(from)))],
    )
}

/// A new master took over.
pub fn succeeded(mode: &str, old: Pid, new: Pid) -> Line {
    let said = format!("{mode}: pid {new} took over from pid {old}, which ended");
    let number = |pid: Pid| Value::Number(u64::from(pid.as_raw().unsigned_abs()));
    let members = vec![
        ("mode", text(mode)),
        ("old_pid", number(old)),
        ("pid", number(new)),
    ];
    info("upgraded", said, members)
}

/// The boot died, which is our failure.
pub fn boot_died(outcome: Outcome, oom_kills: u64) -> Line {
    let how = match outcome {
        Outcome::Killed(signal) if oom_kills > 0 => {
            format!("was killed by {signal}, out of memory: raise the container's memory limit")
        }
        Outcome::Killed(signal) => format!("was killed by {signal}"),
        Outcome::Exited(code) => format!("exited {code}"),
    };
    Line::error(format!("the boot process {how}; nothing was started"))
}

/// The last line.
pub fn ended(mode: &str, summary: &Summary, oom_kills: u64) -> Line {
    // Our own KILL is not the kernel's, whatever else it killed.
    let ours = summary.forced
        || summary
            .stop
            .iter()
            .any(|stop| stop.sent.iter().any(|sent| sent.signal == Sig::KILL));
    let blamed = if ours { 0 } else { oom_kills };
    let mut said = format!("{mode}: {}", outcome(summary, blamed));
    let mut members = vec![
        ("mode", text(mode)),
        ("code", Value::Number(summary.code.into())),
        ("reason", text(reason(summary.outcome, blamed))),
        ("ran_ms", millis(summary.ran)),
    ];
    match &summary.stop {
        Some(stop) => {
            let _ = write!(said, "; {}", stop_text(stop));
            members.extend(stop_members(stop));
        }
        None => {
            let _ = write!(said, " by itself after {}", shown(summary.ran));
        }
    }
    said += if summary.forced {
        "; forced by KILL"
    } else {
        ""
    };
    members.push(("forced", Value::Flag(summary.forced)));
    if oom_kills > 0 {
        members.push(("oom_kills", Value::Number(oom_kills)));
    }
    info("stop", said, members)
}

fn outcome(summary: &Summary, oom_kills: u64) -> String {
    let how = reason(summary.outcome, oom_kills);
    if summary.outcome.code() == summary.code {
        how
    } else {
        format!("{how}, entry exits {}", summary.code)
    }
}

pub(super) fn reason(outcome: Outcome, oom_kills: u64) -> String {
    match outcome {
        Outcome::Exited(code) if oom_kills > 0 => {
            format!(
                "exited {code} ({oom_kills} of its processes killed by the kernel's OOM killer)"
            )
        }
        Outcome::Exited(code) => format!("exited {code}"),
        Outcome::Killed(Sig::KILL) if oom_kills > 0 => {
            "killed by the kernel's OOM killer (SIGKILL)".to_owned()
        }
        Outcome::Killed(signal) => format!("killed by {signal}"),
    }
}

pub(super) fn stop_text(stop: &StopSummary) -> String {
    let sent: Vec<String> = stop
        .sent
        .iter()
        .map(|sent| format!("{} at {}", sent.signal, shown(sent.after)))
        .collect();
    let sent = if sent.is_empty() {
        "nothing sent".to_owned()
    } else {
        sent.join(", ")
    };
    let asked = cause(stop.cause.signal, stop.cause.sender);
    format!("stopped in {} for {asked}: {sent}", shown(stop.took))
}

pub(super) fn stop_members(stop: &StopSummary) -> Vec<(&'static str, Value)> {
    let sent = stop
        .sent
        .iter()
        .map(|sent| vec![("signal", text(sent.signal)), ("at_ms", millis(sent.after))])
        .collect();
    let mut members = vec![("sender", text(sender(stop.cause.sender)))];
    members.extend(stop.cause.signal.map(|signal| ("signal", text(signal))));
    members.push(("sent", Value::List(sent)));
    members.push(("stop_ms", millis(stop.took)));
    members.extend(stop.server_took.map(|took| ("server_ms", millis(took))));
    members
}

pub(super) fn shown(duration: Duration) -> String {
    match duration.as_millis() {
        millis @ ..1000 => format!("{millis} ms"),
        _ => format!("{:.2} s", duration.as_secs_f64()),
    }
}
