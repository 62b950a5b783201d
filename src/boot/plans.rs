//! What PID 1 is told of a mode: how its app, or its processes, are to be supervised and stopped.

use super::Failure;
use crate::config::{Mode, Output, TtyOwner};
use crate::stop::{Plan, Spec, StopTimeout};
use crate::supervise::event::{AfterPlan, Supervision};
use crate::supervise::group::plan::{self, GroupPlan, MemberPlan};
use crate::sys::cgroup;
use std::time::Duration;

/// What prefixed output may need at the end.
const OUTPUT: Duration = Duration::from_secs(1);

/// How PID 1 is to supervise the app.
pub fn supervision(mode: &Mode, cap: Option<StopTimeout>) -> Result<Supervision, Failure> {
    let after: Vec<AfterPlan> = mode
        .after
        .iter()
        .map(|hook| AfterPlan {
            command: hook.command.written.clone(),
            timeout: hook.timeout,
        })
        .collect();
    let plan = Plan::new(&mode.stop, app_cap(mode, cap)?);
    let app_has_terminal = match mode.tty {
        TtyOwner::App => true,
        TtyOwner::Entry => false,
        // Ctrl-C on a server's own group would reach its workers, past the plan.
        TtyOwner::Auto => !plan.translates,
    };
    Ok(Supervision {
        mode: mode.name.clone(),
        plan,
        exit: mode.exit.clone(),
        max_runtime: mode.max_runtime,
        app_has_terminal: app_has_terminal && mode.processes.is_empty(),
        oom_kills: cgroup::oom_kills(),
        after,
    })
}

/// What of `ENTRY_STOP_TIMEOUT` the hooks after the app leave for the app.
pub fn app_cap(mode: &Mode, cap: Option<StopTimeout>) -> Result<Option<StopTimeout>, Failure> {
    let Some(cap) = cap else { return Ok(None) };
    let hooks: Duration = mode.after.iter().map(|hook| hook.timeout).sum();
    let Some(left) = cap.less(hooks) else {
        return Err(Failure::one(format!(
            "mode {}: ENTRY_STOP_TIMEOUT is {}, and the hooks under after may take {}: nothing is left for the app; shorten their timeout",
            mode.name,
            humantime::format_duration(cap.limit()),
            humantime::format_duration(hooks)
        )));
    };
    // A slow reader of the log has some time after the last process ended, too.
    let output = match mode.output {
        Output::Prefixed => OUTPUT.min(left.limit() / 4),
        Output::Plain => Duration::ZERO,
    };
    Ok(left.less(output))
}

/// The plan of codependent processes.
pub fn group(mode: &Mode, cap: Option<StopTimeout>) -> Result<GroupPlan, Failure> {
    let specs: Vec<(Spec, &[usize])> = mode
        .processes
        .iter()
        .map(|one| {
            let spec = one.stop.as_ref().unwrap_or(&mode.stop);
            (spec.clone(), one.after.as_slice())
        })
        .collect();
    let (plans, total) = plan::schedule(&specs, app_cap(mode, cap)?);
    let members = mode
        .processes
        .iter()
        .zip(plans)
        .map(|(one, plan)| MemberPlan {
            name: one.name.clone(),
            plan,
            after: one.after.clone(),
            ready: one.ready.clone(),
            restart: one.restart,
            optional: one.optional,
        });
    Ok(GroupPlan {
        members: members.collect(),
        total,
        output: mode.output,
    })
}
