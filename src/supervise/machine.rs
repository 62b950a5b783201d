//! What PID 1 does next: a pure function of what it knows, what happened, and the time.
//!
//! `step` takes an event and the time since entry started, and returns actions. It never touches the
//! kernel: the loop in `run` observes and acts.

use super::event::{Action, Event, Say, Supervision, Who};
use super::stopping::{self, Cause, Sender, Stage, Stopping, Summary};
use crate::exit::{self, Outcome};
use crate::stop::Plan;
use crate::sys::signal::Sig;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long what is left may take after an app that ended by itself.
const LEFTOVERS: Duration = Duration::from_secs(1);
/// How long a boot may take to die of the signal that asked for the stop, its hooks' grace aside.
const BOOT_STOP: Duration = Duration::from_secs(2);
/// What ends a boot, whatever the mode's plan says.
pub const BOOT_ENDERS: [Sig; 4] = [Sig::TERM, Sig::INT, Sig::QUIT, Sig::HUP];
/// How long the kernel may take to carry out a KILL before PID 1 leaves all the same.
const AFTER_KILL: Duration = Duration::from_secs(1);
/// How often a stop looks whether a booting server has set its traps. Only while a stop waits.
const READY_CHECK: Duration = Duration::from_millis(20);

enum Phase {
    /// The boot process runs.
    Booting,
    BootEnding {
        cause: Cause,
        until: Duration,
        killed: bool,
    },
    Running,
    Stopping(Stopping),
    /// The app ended, what it left behind is ending.
    Sweeping {
        outcome: Outcome,
        stopping: Option<Stopping>,
        until: Duration,
        killed: bool,
    },
}

/// Where we are.
pub struct Machine {
    supervision: Option<Supervision>,
    phase: Phase,
    started: Duration,
    boot_grace: Duration,
    job_control: bool,
}

impl Machine {
    /// `job_control`: a shell runs us on a terminal, and would see us stop.
    pub fn new(job_control: bool) -> Machine {
        Machine {
            supervision: None,
            phase: Phase::Booting,
            started: Duration::ZERO,
            boot_grace: Duration::ZERO,
            job_control,
        }
    }

    /// What the app's boot told, if it got so far.
    pub fn supervision(&self) -> Option<&Supervision> {
        self.supervision.as_ref()
    }

    /// Whether the boot process has become the app.
    pub fn executed(&self) -> bool {
        !matches!(self.phase, Phase::Booting | Phase::BootEnding { .. })
    }

    /// Whether the boot process is at work, and nothing asked for its end.
    pub fn is_booting(&self) -> bool {
        matches!(self.phase, Phase::Booting)
    }

    /// Whether the app runs, and nothing asked for its end.
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running)
    }

    /// When `Event::Time` is due.
    pub fn deadline(&self) -> Option<Duration> {
        match &self.phase {
            Phase::Booting => None,
            Phase::Running => Some(self.started + self.supervision.as_ref()?.max_runtime?),
            Phase::Stopping(stopping) => Some(stopping.wake()),
            Phase::BootEnding { until, .. } | Phase::Sweeping { until, .. } => Some(*until),
        }
    }

    /// Takes one event and says what to do about it.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        match event {
            Event::Planned(supervision) => {
                self.supervision = Some(*supervision);
                Vec::new()
            }
            Event::BootGrace(grace) => {
                self.boot_grace = grace;
                // It was told to end just before its hook began.
                if let Phase::BootEnding {
                    until,
                    killed: false,
                    ..
                } = &mut self.phase
                {
                    *until = (*until).max(now + BOOT_STOP + grace);
                }
                Vec::new()
            }
            Event::Executed => self.executed_at(now),
            Event::Signal { signal, sender } => self.signal(signal, sender, now),
            Event::MainEnded { outcome, alone } => self.main_ended(outcome, alone, now),
            Event::MainStopped(signal) => self.main_stopped(signal),
            Event::OrphanEnded => self.orphan_ended(),
            Event::Alone => self.alone(now),
            Event::Ready(ready) => self.ready(ready, now),
            Event::Time => self.time(now),
        }
    }

    fn plan(&self) -> Option<&Plan> {
        self.supervision
            .as_ref()
            .map(|supervision| &supervision.plan)
    }

    fn executed_at(&mut self, now: Duration) -> Vec<Action> {
        self.started = now;
        let mut actions = vec![Action::Say(Say::Started)];
        match std::mem::replace(&mut self.phase, Phase::Running) {
            Phase::Booting => {}
            // It left the boot before the signal reached it: the app's own plan takes over.
            Phase::BootEnding { cause, .. } => actions.extend(self.begin_stop(cause, now)),
            other => self.phase = other,
        }
        actions
    }

    fn signal(&mut self, signal: Sig, sender: Sender, now: Duration) -> Vec<Action> {
        let stops = self.plan().is_some_and(|plan| plan.on.contains(&signal));
        let translates = self.plan().is_some_and(|plan| plan.translates);
        let cause = Cause {
            signal: Some(signal),
            sender,
        };
        match &mut self.phase {
            Phase::Booting if stops || BOOT_ENDERS.contains(&signal) => {
                self.phase = Phase::BootEnding {
                    cause,
                    until: now + BOOT_STOP + self.boot_grace,
                    killed: false,
                };
                // The boot may become the server while it is told, and TERM is right for a server of any age.
                stopping::with_continue(Who::Main, Sig::TERM)
            }
            // What does nothing by default is missed by no app. runc passes on its own runtime's SIGURG.
            Phase::Booting if matches!(signal, Sig::URG | Sig::WINCH | Sig::CONT) => Vec::new(),
            Phase::Booting => vec![Action::Say(Say::TooEarly { signal, sender })],
            Phase::Running if stops => self.begin_stop(cause, now),
            Phase::Stopping(stopping) if stops => {
                if translates || stopping.cause.signal == Some(signal) || !stopping.has_sent() {
                    return stopping.repeated(signal, sender);
                }
                stopping.emit(Who::Group, signal, now)
            }
            Phase::Running | Phase::Stopping(_) => self.forward(signal, sender, translates),
            Phase::Sweeping {
                stopping: Some(stopping),
                ..
            } if stops => stopping.repeated(signal, sender),
            Phase::Sweeping { .. } | Phase::BootEnding { .. } => Vec::new(),
        }
    }

    /// A signal that is no part of the plan goes to the app as it is.
    fn forward(&self, signal: Sig, sender: Sender, translates: bool) -> Vec<Action> {
        match (signal, sender) {
            (Sig::CONT, _) => vec![Action::Resume],
            // Ctrl-Z reached us, so the app is not in the foreground: stop it as the shell would, for
            // TSTP has another meaning to a server that catches it.
            (Sig::TSTP, Sender::Terminal) if self.job_control => {
                vec![Action::Kill {
                    who: Who::Group,
                    signal: Sig::STOP,
                }]
            }
            // About our own group, not the app's: unicorn takes TTIN for "one more worker".
            (Sig::TSTP | Sig::TTIN | Sig::TTOU, Sender::Terminal) => Vec::new(),
            // nginx takes WINCH as "end the workers", not as a window's new size.
            (Sig::WINCH, Sender::Terminal) if translates => Vec::new(),
            _ => vec![Action::Kill {
                who: Who::Main,
                signal,
            }],
        }
    }

    fn begin_stop(&mut self, cause: Cause, now: Duration) -> Vec<Action> {
        let Some(plan) = self.plan() else {
            return Vec::new();
        };
        let (stopping, actions) = Stopping::begin(plan, cause, now);
        self.phase = Phase::Stopping(stopping);
        // The signal first: it must not wait for a line.
        let mut all = actions;
        all.push(Action::Say(Say::Stopping {
            signal: cause.signal,
            sender: cause.sender,
        }));
        all
    }

    fn ready(&mut self, ready: bool, now: Duration) -> Vec<Action> {
        match (&mut self.phase, &self.supervision) {
            (Phase::Stopping(stopping), Some(supervision)) => {
                stopping.ready(ready, &supervision.plan, now, READY_CHECK)
            }
            _ => Vec::new(),
        }
    }

    fn main_stopped(&mut self, signal: Sig) -> Vec<Action> {
        match &self.phase {
            Phase::Running if self.job_control => vec![Action::Suspend],
            Phase::Running => vec![Action::Say(Say::AppStopped(signal))],
            _ => Vec::new(),
        }
    }

    fn main_ended(&mut self, outcome: Outcome, alone: bool, now: Duration) -> Vec<Action> {
        match &self.phase {
            Phase::Booting => return boot_ended(outcome, None),
            Phase::BootEnding { cause, .. } => return boot_ended(outcome, Some(*cause)),
            _ => {}
        }
        match std::mem::replace(&mut self.phase, Phase::Running) {
            Phase::Running => self.sweep(outcome, None, alone, now),
            Phase::Stopping(stopping) => self.sweep(outcome, Some(stopping), alone, now),
            // Ended already: nothing of it can end again.
            other => {
                self.phase = other;
                Vec::new()
            }
        }
    }

    fn sweep(
        &mut self,
        outcome: Outcome,
        mut stopping: Option<Stopping>,
        alone: bool,
        now: Duration,
    ) -> Vec<Action> {
        let killed = stopping
            .as_ref()
            .is_some_and(|stopping| stopping.stage == Stage::Killed);
        let mut actions = Vec::new();
        let until = if let (Some(stopping), Some(supervision)) = (&mut stopping, &self.supervision)
        {
            actions = stopping.turn_to_survivors(&supervision.plan, now);
            stopping.wake()
        } else {
            actions.extend(stopping::with_continue(Who::All, Sig::TERM));
            now + LEFTOVERS
        };
        self.phase = Phase::Sweeping {
            outcome,
            stopping,
            until,
            killed,
        };
        if alone { self.alone(now) } else { actions }
    }

    /// New orphans get what the others have got already.
    fn orphan_ended(&mut self) -> Vec<Action> {
        match (&self.phase, self.plan()) {
            (
                Phase::Sweeping {
                    stopping: Some(stopping),
                    killed: false,
                    ..
                },
                Some(plan),
            ) => stopping.survivors(plan),
            _ => Vec::new(),
        }
    }

    fn alone(&mut self, now: Duration) -> Vec<Action> {
        let Phase::Sweeping {
            outcome,
            stopping,
            killed,
            ..
        } = &self.phase
        else {
            return Vec::new();
        };
        let empty = BTreeMap::new();
        let remap = self
            .supervision
            .as_ref()
            .map_or(&empty, |supervision| &supervision.exit);
        let ran_too_long = stopping
            .as_ref()
            .is_some_and(|stopping| stopping.cause.sender == Sender::MaxRuntime);
        let code = exit::code(*outcome, ran_too_long, remap);
        let summary = Summary::new(
            *outcome,
            code,
            stopping.as_ref(),
            *killed,
            self.started,
            now,
        );
        vec![Action::Say(Say::Ended(summary)), Action::Exit(code)]
    }

    fn time(&mut self, now: Duration) -> Vec<Action> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Vec::new();
        }
        match (&mut self.phase, &self.supervision) {
            // A process in uninterruptible sleep outlives its KILL; the container must not wait for it.
            (
                Phase::BootEnding {
                    cause,
                    killed: true,
                    ..
                },
                _,
            ) => {
                let cause = *cause;
                boot_ended(Outcome::Killed(Sig::KILL), Some(cause))
            }
            (Phase::Stopping(stopping), _) if stopping.stage == Stage::Killed => {
                self.main_ended(Outcome::Killed(Sig::KILL), true, now)
            }
            (Phase::Sweeping { killed: true, .. }, _) => self.alone(now),
            (Phase::Running, _) => self.begin_stop(
                Cause {
                    signal: None,
                    sender: Sender::MaxRuntime,
                },
                now,
            ),
            (Phase::Stopping(stopping), Some(supervision)) => {
                stopping.time(&supervision.plan, now, AFTER_KILL)
            }
            (
                Phase::Sweeping {
                    stopping: Some(stopping),
                    until,
                    ..
                },
                Some(supervision),
            ) if now < stopping.deadline => {
                let actions = stopping.next_for_survivors(&supervision.plan, now);
                *until = stopping.wake();
                actions
            }
            (
                Phase::BootEnding { until, killed, .. } | Phase::Sweeping { until, killed, .. },
                _,
            ) => {
                *killed = true;
                *until = now + AFTER_KILL;
                vec![Action::Kill {
                    who: Who::All,
                    signal: Sig::KILL,
                }]
            }
            _ => Vec::new(),
        }
    }
}

/// A boot that ended before it became the app: nothing of it may stay.
fn boot_ended(outcome: Outcome, asked: Option<Cause>) -> Vec<Action> {
    let mut actions = vec![Action::Kill {
        who: Who::All,
        signal: Sig::KILL,
    }];
    let code = match (outcome, asked) {
        (
            _,
            Some(Cause {
                signal: Some(signal),
                sender,
            }),
        ) => {
            actions.push(Action::Say(Say::BootStopped { signal, sender }));
            Outcome::Killed(signal).code()
        }
        (Outcome::Exited(code), _) => code,
        (Outcome::Killed(_), _) => {
            actions.push(Action::Say(Say::BootDied(outcome)));
            exit::ENTRY_FAILED
        }
    };
    actions.push(Action::Exit(code));
    actions
}

#[cfg(test)]
#[path = "machine_tests.rs"]
mod tests;
