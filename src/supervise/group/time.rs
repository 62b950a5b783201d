//! What is due when: ends of stops and sweeps, and what each process waits for.

use super::event::{Action, Say};
use super::member::{Member, State};
use super::{AFTER_KILL, Fault, Group, Sweep, of_member};
use crate::supervise::stopping::{Cause, Sender};
use crate::sys::signal::Sig;
use std::time::Duration;

impl Group {
    /// When `Event::Time` is due.
    pub fn deadline(&self) -> Option<Duration> {
        if let Some(sweep) = self.sweep {
            return Some(sweep.until);
        }
        let limit = match self.stop {
            Some(stop) => Some(stop.deadline),
            None => self
                .supervision
                .max_runtime
                .map(|limit| self.started + limit),
        };
        let wakes = self.members.iter().filter_map(Member::wake);
        wakes.chain(limit).min()
    }

    pub(super) fn time(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if let Some(sweep) = self.sweep {
            if now >= sweep.until {
                self.sweep_time(sweep, now, actions);
            }
            return;
        }
        match &mut self.stop {
            Some(stop) if now >= stop.deadline => {
                if stop.killed {
                    // A process in uninterruptible sleep outlives its KILL; the container must not wait for it.
                    self.members.iter_mut().for_each(Member::write_off);
                } else {
                    stop.killed = true;
                    stop.deadline = now + AFTER_KILL;
                    actions.push(Action::KillAll(Sig::KILL));
                }
                return;
            }
            None if self
                .supervision
                .max_runtime
                .is_some_and(|limit| now >= self.started + limit) =>
            {
                let cause = Cause {
                    signal: None,
                    sender: Sender::MaxRuntime,
                };
                self.begin_stop(cause, now, actions);
            }
            _ => {}
        }
        for index in 0..self.members.len() {
            if self.members[index].wake().is_some_and(|wake| now >= wake) {
                self.member_time(index, now, actions);
            }
        }
    }

    fn sweep_time(&mut self, sweep: Sweep, now: Duration, actions: &mut Vec<Action>) {
        if sweep.killed {
            return self.alone(now, actions);
        }
        self.sweep = Some(Sweep {
            until: now + AFTER_KILL,
            killed: true,
        });
        actions.push(Action::KillAll(Sig::KILL));
    }

    fn member_time(&mut self, index: usize, now: Duration, actions: &mut Vec<Action>) {
        match &mut self.members[index].state {
            State::Starting { .. } => {
                actions.push(Action::Say(Say::NotReady(index)));
                self.fault = self.fault.or(Some(Fault::NotReady));
                let cause = Cause {
                    signal: None,
                    sender: Sender::Codependent,
                };
                self.begin_stop(cause, now, actions);
            }
            State::BackOff { .. } => self.members[index].state = State::Waiting,
            State::Stopping { .. } => {
                let due = self.members[index].stop_time(now, AFTER_KILL);
                actions.extend(of_member(index, due));
            }
            State::Sweeping { .. } => match self.members[index].sweep_time(now, AFTER_KILL) {
                Some(due) => actions.extend(of_member(index, due)),
                None => self.gone(index, now, actions),
            },
            State::Waiting | State::Up | State::Over => {}
        }
    }
}
