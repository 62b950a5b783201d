//! One process of a group: where it stands.

use super::event::Then;
use crate::config::Restart;
use crate::exit::Outcome;
use crate::stop::Plan;
use crate::supervise::event::Action;
use crate::supervise::stopping::{Cause, Stage, Stopping};
use crate::sys::signal::Sig;
use std::time::Duration;

/// Where a process stands.
#[derive(Debug, Default)]
pub enum State {
    /// For those it comes after.
    #[default]
    Waiting,
    /// It runs, and is not ready yet.
    Starting {
        until: Duration,
    },
    Up,
    Stopping {
        stopping: Stopping,
        plan: Plan,
    },
    /// It ended; what it left behind in its group is ending.
    Sweeping {
        outcome: Outcome,
        stop: Option<(Stopping, Plan)>,
        until: Duration,
        killed: bool,
        then: Then,
    },
    /// It will be started again.
    BackOff {
        until: Duration,
    },
    Over,
}

/// One process.
#[derive(Debug, Default)]
pub struct Member {
    pub state: State,
    pub started: Duration,
    /// How it ended last.
    pub outcome: Option<Outcome>,
    /// KILL was needed.
    pub forced: bool,
    restarts: u32,
}

impl Member {
    pub fn start(&mut self, ready_within: Option<Duration>, now: Duration) {
        self.started = now;
        self.outcome = None;
        self.state = match ready_within {
            Some(limit) => State::Starting { until: now + limit },
            None => State::Up,
        };
    }

    /// How long it took, if it was waited for.
    pub fn became_ready(&mut self, now: Duration) -> Option<Duration> {
        let State::Starting { .. } = self.state else {
            return None;
        };
        self.state = State::Up;
        Some(now.saturating_sub(self.started))
    }

    pub fn has_process(&self) -> bool {
        self.runs() || matches!(self.state, State::Stopping { .. })
    }

    /// It runs and was not told to stop.
    pub fn runs(&self) -> bool {
        matches!(self.state, State::Starting { .. } | State::Up)
    }

    pub fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Ready, or ended as it may. One that is to be started again is neither.
    pub fn lets_others_start(&self) -> bool {
        match self.state {
            State::Up | State::Over => true,
            State::Sweeping { then, .. } => then == Then::OthersRun,
            State::Waiting
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::BackOff { .. } => false,
        }
    }

    /// When it is to be looked at again.
    pub fn wake(&self) -> Option<Duration> {
        match &self.state {
            State::Starting { until }
            | State::BackOff { until }
            | State::Sweeping { until, .. } => Some(*until),
            State::Stopping { stopping, .. } => Some(stopping.wake()),
            State::Waiting | State::Up | State::Over => None,
        }
    }

    /// All stop, or it ended: nobody waits for its being ready. True if somebody did.
    pub fn give_up_start(&mut self) -> bool {
        match self.state {
            State::Starting { .. } => {
                self.state = State::Up;
                true
            }
            State::Waiting | State::BackOff { .. } => {
                self.state = State::Over;
                false
            }
            _ => false,
        }
    }

    pub fn begin_stop(&mut self, plan: Plan, cause: Cause, now: Duration) -> Vec<Action> {
        let (stopping, actions) = Stopping::begin(&plan, cause, now);
        self.state = State::Stopping { stopping, plan };
        actions
    }

    /// A deadline of its stop came.
    pub fn stop_time(&mut self, now: Duration, after_kill: Duration) -> Vec<Action> {
        let State::Stopping { stopping, plan } = &mut self.state else {
            return Vec::new();
        };
        if stopping.stage == Stage::Killed {
            // The kernel cannot end it; nobody waits for it.
            self.outcome = Some(Outcome::Killed(Sig::KILL));
            self.forced = true;
            self.state = State::Over;
            return Vec::new();
        }
        stopping.time(plan, now, after_kill)
    }

    /// It ended as it was told to; the rest of its plan goes to what it left behind.
    pub fn sweep_stopped(&mut self, outcome: Outcome, now: Duration) -> Vec<Action> {
        let State::Stopping { mut stopping, plan } = std::mem::take(&mut self.state) else {
            return Vec::new();
        };
        self.outcome = Some(outcome);
        let killed = stopping.stage == Stage::Killed;
        self.forced |= killed;
        let actions = stopping.turn_to_survivors(&plan, now);
        self.state = State::Sweeping {
            outcome,
            until: stopping.wake(),
            killed,
            stop: Some((stopping, plan)),
            then: Then::AllStop,
        };
        actions
    }

    /// It ended by itself.
    pub fn sweep(&mut self, outcome: Outcome, until: Duration, then: Then) {
        self.outcome = Some(outcome);
        self.state = State::Sweeping {
            outcome,
            stop: None,
            until,
            killed: false,
            then,
        };
    }

    /// A deadline of the sweep came; `None`: nothing can be done about what is left.
    pub fn sweep_time(&mut self, now: Duration, after_kill: Duration) -> Option<Vec<Action>> {
        let State::Sweeping {
            stop,
            until,
            killed,
            ..
        } = &mut self.state
        else {
            return Some(Vec::new());
        };
        if *killed {
            return None;
        }
        if let Some((stopping, plan)) = stop
            && now < stopping.deadline
        {
            let actions = stopping.next_for_survivors(plan, now);
            *until = stopping.wake();
            return Some(actions);
        }
        *killed = true;
        *until = now + after_kill;
        self.forced = true;
        Some(vec![Action::Kill {
            who: crate::supervise::event::Who::All,
            signal: Sig::KILL,
        }])
    }

    /// Nothing is left of it: over, or to be started again. Tells how it ended, and its stop if it had one.
    pub fn finish_sweep(
        &mut self,
        now: Duration,
        all_stop: bool,
    ) -> Option<(Outcome, Option<Stopping>)> {
        if !matches!(self.state, State::Sweeping { .. }) {
            return None;
        }
        let State::Sweeping {
            outcome,
            stop,
            then,
            ..
        } = std::mem::replace(&mut self.state, State::Over)
        else {
            return None;
        };
        if let (Then::Restart(delay), false) = (then, all_stop) {
            self.state = State::BackOff { until: now + delay };
        }
        Some((outcome, stop.map(|(stopping, _)| stopping)))
    }

    /// Nobody waits for it any more.
    pub fn write_off(&mut self) {
        if !self.is_over() {
            self.outcome = self.outcome.or(Some(Outcome::Killed(Sig::KILL)));
            self.forced = true;
            self.state = State::Over;
        }
    }

    /// How long to wait before it is started again; `None` where it was often enough.
    pub fn next_delay(&mut self, restart: Restart, ran: Duration) -> Option<Duration> {
        if ran >= restart.max_delay {
            self.restarts = 0;
        }
        if restart.times.is_some_and(|times| self.restarts >= times) {
            return None;
        }
        let factor = 2u32.saturating_pow(self.restarts);
        self.restarts = self.restarts.saturating_add(1);
        Some(restart.delay.saturating_mul(factor).min(restart.max_delay))
    }
}
