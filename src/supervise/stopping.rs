//! A stop in progress: the plan's steps against the clock, and what to say of it at the end.

use super::event::{Action, Say, Who};
use crate::exit::Outcome;
use crate::stop::{Plan, Target};
use crate::sys::signal::Sig;
use std::time::Duration;

/// Who sent a signal, as far as the kernel tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The terminal driver, for Ctrl-C and its kind.
    Terminal,
    /// A process that this PID namespace does not show: the container's runtime.
    Outside,
    Process {
        pid: i32,
        uid: u32,
    },
    /// No signal: the mode's `max_runtime` ran out.
    MaxRuntime,
    /// No signal: a process that this one depends on has ended.
    Codependent,
}

/// What asked for the stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    pub signal: Option<Sig>,
    pub sender: Sender,
}

/// Where a stop stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The command may still end by itself.
    Deferred,
    /// Waits for the answer to a probe.
    Probing {
        again: bool,
    },
    /// The server still boots: TERM was sent, and its own signal follows if it gets ready.
    NotReady,
    Draining,
    /// This send of the plan is at work.
    Sent(usize),
    /// KILL was sent; only the kernel can be waited for.
    Killed,
}

/// A signal that went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sent {
    pub signal: Sig,
    /// Since the stop began.
    pub after: Duration,
}

/// A stop in progress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopping {
    pub cause: Cause,
    pub stage: Stage,
    pub began: Duration,
    pub deadline: Duration,
    pub main_ended: Option<Duration>,
    pub sent: Vec<Sent>,
    until: Duration,
    repeats: u32,
    /// The signal of this stage went to the whole group.
    told_group: bool,
}

/// So many repeats are told; a flood of them would only fill the log.
pub const TOLD_REPEATS: u32 = 10;

impl Stopping {
    /// Starts a stop.
    pub fn begin(plan: &Plan, cause: Cause, now: Duration) -> (Stopping, Vec<Action>) {
        // An app that has run too long gets no more time to serve or to end by itself.
        let waits = cause.sender != Sender::MaxRuntime;
        let defer = if waits { plan.defer } else { Duration::ZERO };
        let drain = if waits { plan.drain } else { Duration::ZERO };
        let mut stopping = Stopping {
            cause,
            stage: Stage::Deferred,
            began: now,
            deadline: now + defer + drain + plan.grace(),
            main_ended: None,
            sent: Vec::new(),
            until: now + defer,
            repeats: 0,
            told_group: false,
        };
        let actions = if defer.is_zero() {
            stopping.after_defer(plan, now)
        } else {
            Vec::new()
        };
        (stopping, actions)
    }

    /// When the next thing is due.
    pub fn wake(&self) -> Duration {
        match self.stage {
            Stage::Killed => self.until,
            _ => self.until.min(self.deadline),
        }
    }

    /// Whether the app has been signalled.
    pub fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    /// Another signal that asks for the stop under way.
    pub fn repeated(&mut self, signal: Sig, sender: Sender) -> Vec<Action> {
        self.repeats = self.repeats.saturating_add(1);
        let told = self.repeats <= TOLD_REPEATS;
        if told {
            vec![Action::Say(Say::Swallowed { signal, sender })]
        } else {
            Vec::new()
        }
    }

    /// Takes the answer to a probe.
    pub fn ready(
        &mut self,
        ready: bool,
        plan: &Plan,
        now: Duration,
        check: Duration,
    ) -> Vec<Action> {
        let Stage::Probing { again } = self.stage else {
            return Vec::new();
        };
        match (ready, again) {
            (true, false) => self.drain(plan, now),
            (true, true) => self.send(0, plan, now),
            (false, again) => {
                self.stage = Stage::NotReady;
                self.until = now + check;
                if again {
                    Vec::new()
                } else {
                    self.emit(Who::Main, Sig::TERM, now)
                }
            }
        }
    }

    /// A deadline came.
    pub fn time(&mut self, plan: &Plan, now: Duration, after_kill: Duration) -> Vec<Action> {
        if now >= self.deadline {
            return self.kill(now, after_kill);
        }
        match self.stage {
            Stage::Deferred => self.after_defer(plan, now),
            Stage::NotReady => self.probe(plan, true, now),
            Stage::Draining => self.send(0, plan, now),
            Stage::Sent(index) if index + 1 < plan.sends.len() => self.send(index + 1, plan, now),
            _ => self.kill(now, after_kill),
        }
    }

    /// The server itself has ended: the plan's signals go on, to what it left behind.
    pub fn turn_to_survivors(&mut self, plan: &Plan, now: Duration) -> Vec<Action> {
        self.main_ended = Some(now);
        match self.stage {
            Stage::Killed => {
                self.until = self.until.max(now);
                return Vec::new();
            }
            Stage::Sent(_) => {}
            _ => {
                self.stage = Stage::Sent(0);
                self.until = now + plan.sends.first().map_or(Duration::ZERO, |send| send.wait);
                // The group has not had it: only a signalled stage counts as told.
                self.told_group = false;
            }
        }
        self.survivors(plan)
    }

    /// The next signal of the plan for survivors; without one, they have the rest of the deadline.
    pub fn next_for_survivors(&mut self, plan: &Plan, now: Duration) -> Vec<Action> {
        match self.stage {
            Stage::Sent(index) if index + 1 < plan.sends.len() => {
                self.stage = Stage::Sent(index + 1);
                self.until = now
                    + plan
                        .sends
                        .get(index + 1)
                        .map_or(Duration::ZERO, |send| send.wait);
                self.told_group = false;
                self.survivors(plan)
            }
            _ => {
                self.until = self.deadline;
                Vec::new()
            }
        }
    }

    /// The signal of this step, for those orphans that have not had it.
    pub fn survivors(&self, plan: &Plan) -> Vec<Action> {
        let Stage::Sent(step) = self.stage else {
            return Vec::new();
        };
        let planned = plan.sends.get(step).and_then(|send| send.signal);
        let signal = planned.or(self.cause.signal).unwrap_or(Sig::TERM);
        with_continue(
            Who::Orphans {
                step,
                outside_group: self.told_group,
            },
            signal,
        )
    }

    fn after_defer(&mut self, plan: &Plan, now: Duration) -> Vec<Action> {
        match plan.ready {
            Some(_) => self.probe(plan, false, now),
            None => self.drain(plan, now),
        }
    }

    fn probe(&mut self, plan: &Plan, again: bool, now: Duration) -> Vec<Action> {
        let Some(marker) = plan.ready else {
            return self.drain(plan, now);
        };
        self.stage = Stage::Probing { again };
        self.until = self.deadline;
        vec![Action::Probe(marker)]
    }

    fn drain(&mut self, plan: &Plan, now: Duration) -> Vec<Action> {
        // Ctrl-C is a person who waits; no load balancer routes to them.
        if plan.drain.is_zero()
            || matches!(self.cause.sender, Sender::Terminal | Sender::MaxRuntime)
        {
            return self.send(0, plan, now);
        }
        self.stage = Stage::Draining;
        self.until = now + plan.drain;
        Vec::new()
    }

    fn send(&mut self, index: usize, plan: &Plan, now: Duration) -> Vec<Action> {
        let Some(send) = plan.sends.get(index) else {
            return Vec::new();
        };
        self.stage = Stage::Sent(index);
        self.until = now + send.wait;
        // A second signal of the kind makes some servers hurry, so survivors in the group get none.
        self.told_group = send.to == Target::Group;
        let signal = send.signal.or(self.cause.signal).unwrap_or(Sig::TERM);
        self.emit(send.to.into(), signal, now)
    }

    /// Sends, and remembers it for the last line.
    pub fn emit(&mut self, who: Who, signal: Sig, now: Duration) -> Vec<Action> {
        self.sent.push(Sent {
            signal,
            after: now.saturating_sub(self.began),
        });
        with_continue(who, signal)
    }

    fn kill(&mut self, now: Duration, after_kill: Duration) -> Vec<Action> {
        self.stage = Stage::Killed;
        self.until = now + after_kill;
        self.sent.push(Sent {
            signal: Sig::KILL,
            after: now.saturating_sub(self.began),
        });
        vec![Action::Kill {
            who: Who::All,
            signal: Sig::KILL,
        }]
    }
}

/// A signal and the CONT without which a stopped process would not act on it. Before a signal that
/// stops, for a CONT after it takes a pending one away, handler or not (`prepare_signal`,
/// kernel/signal.c).
pub fn with_continue(who: Who, signal: Sig) -> Vec<Action> {
    let (signal, go_on) = (
        Action::Kill { who, signal },
        Action::Kill {
            who,
            signal: Sig::CONT,
        },
    );
    match &signal {
        Action::Kill {
            signal: Sig::CONT, ..
        } => vec![signal],
        Action::Kill {
            signal: Sig::TSTP | Sig::TTIN | Sig::TTOU,
            ..
        } => vec![go_on, signal],
        _ => vec![signal, go_on],
    }
}

/// What the last line tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    pub outcome: Outcome,
    pub code: u8,
    /// How long the app ran.
    pub ran: Duration,
    pub stop: Option<StopSummary>,
    /// KILL was needed.
    pub forced: bool,
}

/// How the stop went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StopSummary {
    pub cause: Cause,
    pub sent: Vec<Sent>,
    pub took: Duration,
    /// How long the server itself took; the rest went to what it left behind.
    pub server_took: Option<Duration>,
}

impl Summary {
    /// Sums up at the end.
    pub fn new(
        outcome: Outcome,
        code: u8,
        stopping: Option<&Stopping>,
        killed: bool,
        started: Duration,
        now: Duration,
    ) -> Summary {
        let stop = stopping.map(|stopping| StopSummary {
            cause: stopping.cause,
            sent: stopping.sent.clone(),
            took: now.saturating_sub(stopping.began),
            server_took: stopping
                .main_ended
                .map(|at| at.saturating_sub(stopping.began)),
        });
        Summary {
            outcome,
            code,
            ran: now.saturating_sub(started),
            stop,
            forced: killed,
        }
    }
}
