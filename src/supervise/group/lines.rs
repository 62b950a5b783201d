//! The words of PID 1 about codependent processes.

use super::event::{Say, Then};
use super::plan::GroupPlan;
use crate::exit::Outcome;
use crate::report::{Level, Line, Value, millis};
use crate::supervise::lines::{
    cause, info, reason, sender, shown, stop_members, stop_text, swallowed, text,
};
use crate::supervise::stopping::{Cause, StopSummary};
use std::fmt::Write as _;
use std::time::Duration;

/// One line, or none where there is nothing to tell.
pub fn line(mode: &str, plan: &GroupPlan, say: &Say, oom_kills: u64) -> Line {
    let name = |member: usize| {
        let member = plan.members.get(member);
        member.map_or("", |member| member.name.as_str())
    };
    match say {
        Say::Ready { member, took } => {
            let name = name(*member);
            let said = format!("{mode}: {name} is ready after {}", shown(*took));
            let members = vec![
                ("mode", text(mode)),
                ("process", text(name)),
                ("ms", millis(*took)),
            ];
            info("process_ready", said, members)
        }
        Say::NotReady(member) => {
            let within = plan.members.get(*member).and_then(|one| one.ready.as_ref());
            let within = within.map_or_else(Default::default, |ready| ready.timeout);
            Line::error(format!(
                "{mode}: {} is not ready within {}: see its output, or raise ready: {{timeout}}",
                name(*member),
                humantime::format_duration(within)
            ))
        }
        Say::Ended {
            member,
            outcome,
            ran,
            then,
        } => {
            let name = name(*member);
            let how = reason(*outcome, if outcome.code() == 0 { 0 } else { oom_kills });
            let (level, follows) = match then {
                Then::AllStop => (Level::Info, "the others stop".to_owned()),
                Then::OthersRun => (Level::Info, "the others run on".to_owned()),
                Then::Restart(delay) => (Level::Warning, format!("again in {}", shown(*delay))),
            };
            let said = format!("{mode}: {name} {how} after {}; {follows}", shown(*ran));
            Line {
                level,
                ..info("process_ended", said, ended(mode, name, *outcome, &how))
            }
        }
        Say::Stopping(why) => {
            let why = cause(why.signal, why.sender);
            let said = format!("{mode}: stopping all, for {why}; at most {:?}", plan.total);
            let members = vec![
                ("mode", text(mode)),
                ("cause", text(why)),
                ("max_ms", millis(plan.total)),
            ];
            info("stopping", said, members)
        }
        Say::Swallowed {
            signal,
            sender: from,
        } => swallowed(mode, *signal, *from),
        Say::Stopped {
            member,
            outcome,
            stopping,
            at,
        } => {
            let name = name(*member);
            let stop = StopSummary {
                cause: stopping.cause,
                sent: stopping.sent.clone(),
                took: at.saturating_sub(stopping.began),
                server_took: stopping
                    .main_ended
                    .map(|ended| ended.saturating_sub(stopping.began)),
            };
            let how = reason(*outcome, 0);
            let said = format!("{mode}: {name} {how}; {}", stop_text(&stop));
            let mut members = ended(mode, name, *outcome, &how);
            members.extend(stop_members(&stop));
            info("process_ended", said, members)
        }
        Say::Over {
            code,
            stop,
            ran,
            forced,
        } => over(mode, *code, *stop, *ran, *forced),
    }
}

fn over(
    mode: &str,
    code: u8,
    stop: Option<(Cause, Duration)>,
    ran: Duration,
    forced: bool,
) -> Line {
    let mut said = format!("{mode}: all ended, entry exits {code}");
    let mut members = vec![
        ("mode", text(mode)),
        ("code", Value::Number(code.into())),
        ("ran_ms", millis(ran)),
    ];
    if let Some((why, took)) = stop {
        let asked = cause(why.signal, why.sender);
        let _ = write!(said, "; stopped in {} for {asked}", shown(took));
        members.push(("sender", text(sender(why.sender))));
        members.extend(why.signal.map(|signal| ("signal", text(signal))));
        members.push(("stop_ms", millis(took)));
    } else {
        let _ = write!(said, " by themselves after {}", shown(ran));
    }
    said += if forced { "; forced by KILL" } else { "" };
    members.push(("forced", Value::Flag(forced)));
    info("stop", said, members)
}

/// A process was started.
pub fn started(mode: &str, name: &str, pid: i32) -> Line {
    let members = vec![
        ("mode", text(mode)),
        ("process", text(name)),
        ("pid", Value::Number(u64::from(pid.unsigned_abs()))),
    ];
    info(
        "process_started",
        format!("{mode}: {name} started as pid {pid}"),
        members,
    )
}

fn ended(mode: &str, name: &str, outcome: Outcome, how: &str) -> Vec<(&'static str, Value)> {
    vec![
        ("mode", text(mode)),
        ("process", text(name)),
        ("code", Value::Number(outcome.code().into())),
        ("reason", text(how)),
    ]
}
