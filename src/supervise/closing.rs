//! The last stage: the output reaches its end, then the hooks after the app run, each within its time.

use super::event::{AfterPlan, Supervision};
use super::host::Host;
use super::lines;
use super::machine::BOOT_ENDERS;
use super::relay::Relay;
use super::stopping::{Sender, TOLD_REPEATS};
use super::targets::{all_below, send_to_all};
use crate::exit::Outcome;
use crate::report::{Line, Value, millis};
use crate::sys::process::{Waited, kill_group};
use crate::sys::signal::Sig;
use nix::unistd::Pid;
use std::ffi::CString;
use std::ops::ControlFlow;
use std::time::Duration;

/// How long the reader of the log may take for what the pipes hold. After a stop that needed all of its
/// time, only as long as the kernel for a KILL.
const DRAIN: Duration = Duration::from_secs(5);
/// How long the kernel may take to carry out a KILL.
const AFTER_KILL: Duration = Duration::from_secs(1);

/// What is left to do before entry exits with its code.
pub struct Closing {
    code: u8,
    mode: String,
    relay: Option<Relay>,
    hooks: Vec<AfterPlan>,
    /// The place of the first hook in the table, and of the one that runs or comes next.
    first: usize,
    next: usize,
    running: Option<Running>,
    until: Duration,
    /// That came meanwhile.
    signals: u32,
}

struct Running {
    pid: Pid,
    began: Duration,
    killed: bool,
}

impl Closing {
    /// Begins; `stops_by`: when the stop that ended all must be over. Ends at once where there is nothing
    /// to do.
    pub fn begin(
        code: u8,
        supervision: &Supervision,
        relay: Option<Relay>,
        stops_by: Option<Duration>,
        first: usize,
        host: &Host,
    ) -> ControlFlow<u8, Closing> {
        let now = host.now();
        let drained = stops_by.map_or(now + DRAIN, |by| by.clamp(now + AFTER_KILL, now + DRAIN));
        let mut closing = Closing {
            code,
            mode: supervision.mode.clone(),
            relay,
            hooks: supervision.after.clone(),
            first,
            next: 0,
            running: None,
            until: drained,
            signals: 0,
        };
        if let Some(relay) = &mut closing.relay {
            relay.close();
            if relay.pid().is_some() {
                return ControlFlow::Continue(closing);
            }
        }
        match closing.advance(host) {
            ControlFlow::Continue(()) => ControlFlow::Continue(closing),
            ControlFlow::Break(code) => ControlFlow::Break(code),
        }
    }

    /// When `time` is due.
    pub fn deadline(&self) -> Duration {
        self.until
    }

    /// Starts the next hook that can be started.
    fn advance(&mut self, host: &Host) -> ControlFlow<u8> {
        while let Some(hook) = self.hooks.get(self.next) {
            let called = format!("{}: after: `{}`", self.mode, hook.command);
            let code = CString::new(format!("ENTRY_EXIT_CODE={}", self.code)).ok();
            match host.start(self.first + self.next, &called, None, code) {
                Ok(pid) => {
                    let began = host.now();
                    self.until = began + hook.timeout;
                    self.running = Some(Running {
                        pid,
                        began,
                        killed: false,
                    });
                    return ControlFlow::Continue(());
                }
                Err(errno) => {
                    host.say(&Line::error(format!("{called}: fork: {}", errno.desc())));
                    self.next += 1;
                }
            }
        }
        // What left its group goes, too, where no kernel ends a container's processes with us.
        if self.next > 0 && host.us.as_raw() != 1 {
            let _ = send_to_all(Sig::KILL, || all_below(host.us));
        }
        ControlFlow::Break(self.code)
    }

    /// It ends as soon as it can, whatever comes.
    pub fn signal(&mut self, signal: Sig, sender: Sender, host: &Host) {
        self.signals = self.signals.saturating_add(1);
        if BOOT_ENDERS.contains(&signal) && self.signals <= TOLD_REPEATS {
            host.say(&lines::swallowed(&self.mode, signal, sender));
        }
    }

    pub fn reaped(&mut self, changes: &[Waited], host: &Host) -> ControlFlow<u8> {
        for (pid, outcome) in changes.iter().copied().filter_map(Outcome::of) {
            if self.relay.as_ref().and_then(Relay::pid) == Some(pid) {
                self.relay = None;
                self.advance(host)?;
            } else if self
                .running
                .as_ref()
                .is_some_and(|running| running.pid == pid)
            {
                self.ended(outcome, host)?;
            }
        }
        ControlFlow::Continue(())
    }

    fn ended(&mut self, outcome: Outcome, host: &Host) -> ControlFlow<u8> {
        let running = self.running.take();
        if let (Some(running), Some(hook)) = (running, self.hooks.get(self.next)) {
            // What it left behind ends with it.
            let _ = kill_group(running.pid, Sig::KILL);
            let took = host.now().saturating_sub(running.began);
            host.say(&self.line(hook, outcome, took, running.killed));
        }
        self.next += 1;
        self.advance(host)
    }

    fn line(&self, hook: &AfterPlan, outcome: Outcome, took: Duration, killed: bool) -> Line {
        let AfterPlan { command, timeout } = hook;
        let mode = &self.mode;
        if killed {
            let limit = humantime::format_duration(*timeout);
            return Line::error(format!(
                "{mode}: after: `{command}` did not end within {limit}"
            ));
        }
        if outcome != Outcome::Exited(0) {
            let how = lines::reason(outcome, 0);
            return Line::error(format!("{mode}: after: `{command}` {how}"));
        }
        let members = vec![
            ("mode", Value::Text(mode.clone())),
            ("command", Value::Text(command.clone())),
            ("ms", millis(took)),
        ];
        let said = format!("{mode}: after: `{command}` took {} ms", took.as_millis());
        lines::info("after", said, members)
    }

    /// The deadline came: of the output, of the hook, or of the kernel.
    pub fn time(&mut self, host: &Host) -> ControlFlow<u8> {
        if host.now() < self.until {
            return ControlFlow::Continue(());
        }
        let Some(running) = &mut self.running else {
            host.say(&Line::warning(
                "nobody reads the output: the rest of it is lost",
            ));
            if let Some(relay) = self.relay.take() {
                relay.kill();
            }
            return self.advance(host);
        };
        if running.killed {
            // In uninterruptible sleep; nobody waits for it.
            return self.ended(Outcome::Killed(Sig::KILL), host);
        }
        let _ = kill_group(running.pid, Sig::KILL);
        running.killed = true;
        self.until = host.now() + AFTER_KILL;
        ControlFlow::Continue(())
    }
}
