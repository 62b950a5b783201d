//! Codependent processes: what PID 1 does next for a mode with `processes`, as a pure function of the
//! plan, what happened, and the time.
//!
//! A process starts when those it comes after are ready. One that ends ends all, unless it is optional or
//! is started again. A stop goes the other way round: a process gets its own plan when those that came
//! after it have ended, and one deadline holds for all.

pub mod event;
pub mod lines;
mod member;
pub mod plan;
mod time;

use crate::exit::{self, ENTRY_FAILED, Outcome};
use crate::supervise::event::{Supervision, Who};
use crate::supervise::stopping::{Cause, Sender, TOLD_REPEATS};
use crate::sys::signal::Sig;
use event::{Action, Event, Say, Then};
use member::{Member, State};
use plan::GroupPlan;
use std::time::Duration;

/// How long what is left may take after processes that ended by themselves.
const LEFTOVERS: Duration = Duration::from_secs(1);
/// How long the kernel may take to carry out a KILL before PID 1 goes on all the same.
const AFTER_KILL: Duration = Duration::from_secs(1);
/// How often a stop looks whether a booting server has set its traps. Only while a stop waits.
const READY_CHECK: Duration = Duration::from_millis(20);

/// A stop of all.
#[derive(Clone, Copy, Debug)]
struct Stop {
    cause: Cause,
    began: Duration,
    deadline: Duration,
    killed: bool,
}

/// Every process has ended; what they left behind is ending.
#[derive(Clone, Copy, Debug)]
struct Sweep {
    until: Duration,
    killed: bool,
}

/// What brought all to an end by itself.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Ended(Outcome),
    NotReady,
}

/// Where we are.
pub struct Group {
    supervision: Supervision,
    plan: GroupPlan,
    members: Vec<Member>,
    started: Duration,
    stop: Option<Stop>,
    fault: Option<Fault>,
    sweep: Option<Sweep>,
    repeats: u32,
}

impl Group {
    pub fn new(supervision: Supervision, plan: GroupPlan) -> Group {
        Group {
            supervision,
            members: plan.members.iter().map(|_| Member::default()).collect(),
            plan,
            started: Duration::ZERO,
            stop: None,
            fault: None,
            sweep: None,
            repeats: 0,
        }
    }

    pub fn supervision(&self) -> &Supervision {
        &self.supervision
    }

    pub fn plan(&self) -> &GroupPlan {
        &self.plan
    }

    /// Whether it runs, and was not told to stop.
    pub fn runs(&self, member: usize) -> bool {
        self.members.get(member).is_some_and(Member::runs)
    }

    /// Whether the loop is to tell when nothing of this process's group is left.
    pub fn sweeps(&self, member: usize) -> bool {
        let state = self.members.get(member).map(|member| &member.state);
        matches!(state, Some(State::Sweeping { .. }))
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.is_some() || self.sweep.is_some()
    }

    /// When the stop of all must be over, if one was begun.
    pub fn stops_by(&self) -> Option<Duration> {
        self.stop.map(|stop| stop.deadline)
    }

    /// Whether the loop is to tell when none of our descendants is left.
    pub fn is_sweeping(&self) -> bool {
        self.sweep.is_some()
    }

    /// Takes one event and says what to do about it.
    pub fn step(&mut self, event: Event, now: Duration) -> Vec<Action> {
        let mut actions = Vec::new();
        match event {
            Event::Begin => self.started = now,
            Event::Signal { signal, sender } => self.signal(signal, sender, now, &mut actions),
            Event::Ended { member, outcome } => self.ended(member, outcome, now, &mut actions),
            Event::Gone(member) => self.gone(member, now, &mut actions),
            Event::Ready(member) => self.ready(member, now, &mut actions),
            Event::Caught { member, ready } => self.caught(member, ready, now, &mut actions),
            Event::Alone => self.alone(now, &mut actions),
            Event::Time => self.time(now, &mut actions),
        }
        self.progress(now, &mut actions);
        actions
    }

    /// What has become possible: starts, or the next stops, or the end.
    fn progress(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.sweep.is_some() {
            return;
        }
        match self.stop {
            None => self.start_next(now, actions),
            Some(stop) => self.stop_next(stop, now, actions),
        }
        if self.members.iter().all(Member::is_over) {
            let until = match self.stop {
                Some(stop) => stop.deadline.max(now),
                None => now + LEFTOVERS,
            };
            self.sweep = Some(Sweep {
                until,
                killed: false,
            });
            actions.push(Action::KillAll(Sig::TERM));
            actions.push(Action::KillAll(Sig::CONT));
        }
    }

    /// Round after round, for what starts may let others start, wherever they stand in the file.
    fn start_next(&mut self, now: Duration, actions: &mut Vec<Action>) {
        loop {
            let ready = |&before: &usize| self.members[before].lets_others_start();
            let can_start = |&index: &usize| {
                matches!(self.members[index].state, State::Waiting)
                    && self.plan.members[index].after.iter().all(ready)
            };
            let Some(index) = (0..self.members.len()).find(can_start) else {
                return;
            };
            let planned = self.plan.members[index].ready.as_ref();
            let watched = planned.map(|ready| ready.timeout);
            self.members[index].start(watched, now);
            actions.push(Action::Start(index));
            if watched.is_some() {
                actions.push(Action::Watch(index));
            }
        }
    }

    /// Begins the stop of those that nobody runs after any more.
    fn stop_next(&mut self, stop: Stop, now: Duration, actions: &mut Vec<Action>) {
        for index in 0..self.members.len() {
            let runs_after = |other: usize| {
                self.plan.members[other].after.contains(&index) && !self.members[other].is_over()
            };
            if self.members[index].runs() && !(0..self.members.len()).any(runs_after) {
                let mut plan = self.plan.members[index].plan.clone();
                // Its load balancer has turned away since the stop of all began.
                plan.drain = plan.drain.saturating_sub(now.saturating_sub(stop.began));
                // A signal that this one's plan does not know, such as nginx's QUIT, may mean anything to it.
                let known = stop
                    .cause
                    .signal
                    .is_none_or(|signal| plan.on.contains(&signal));
                let cause = Cause {
                    signal: stop.cause.signal.filter(|_| known),
                    ..stop.cause
                };
                let begun = self.members[index].begin_stop(plan, cause, now);
                actions.extend(of_member(index, begun));
            }
        }
    }

    fn begin_stop(&mut self, cause: Cause, now: Duration, actions: &mut Vec<Action>) {
        if self.stop.is_some() {
            return;
        }
        let stop = Stop {
            cause,
            began: now,
            deadline: now + self.plan.total,
            killed: false,
        };
        self.stop = Some(stop);
        for (index, member) in self.members.iter_mut().enumerate() {
            if member.give_up_start() {
                actions.push(Action::Unwatch(index));
            }
        }
        // The signals first: they must not wait for a line.
        self.stop_next(stop, now, actions);
        actions.push(Action::Say(Say::Stopping(cause)));
    }

    fn signal(&mut self, signal: Sig, sender: Sender, now: Duration, actions: &mut Vec<Action>) {
        let stops = |index: usize| self.plan.members[index].plan.on.contains(&signal);
        if (0..self.members.len()).any(stops) {
            if self.stop.is_none() && self.sweep.is_none() {
                let cause = Cause {
                    signal: Some(signal),
                    sender,
                };
                return self.begin_stop(cause, now, actions);
            }
            self.repeats = self.repeats.saturating_add(1);
            if self.repeats <= TOLD_REPEATS {
                actions.push(Action::Say(Say::Swallowed { signal, sender }));
            }
            return;
        }
        let who = match (signal, sender) {
            (Sig::CONT, _) => Who::Group,
            // The terminal speaks of our own group, not of theirs.
            (Sig::TSTP | Sig::TTIN | Sig::TTOU | Sig::WINCH, Sender::Terminal) => return,
            _ => Who::Main,
        };
        let running = (0..self.members.len()).filter(|&index| self.members[index].has_process());
        actions.extend(running.map(|member| Action::Kill {
            member,
            who,
            signal,
        }));
    }

    fn ready(&mut self, index: usize, now: Duration, actions: &mut Vec<Action>) {
        if let Some(took) = self.members[index].became_ready(now) {
            actions.push(Action::Say(Say::Ready {
                member: index,
                took,
            }));
        }
    }

    fn caught(&mut self, index: usize, ready: bool, now: Duration, actions: &mut Vec<Action>) {
        if let State::Stopping { stopping, plan } = &mut self.members[index].state {
            let answered = stopping.ready(ready, plan, now, READY_CHECK);
            actions.extend(of_member(index, answered));
        }
    }

    fn ended(&mut self, index: usize, outcome: Outcome, now: Duration, actions: &mut Vec<Action>) {
        let planned = &self.plan.members[index];
        let member = &mut self.members[index];
        if !member.has_process() {
            return;
        }
        if member.give_up_start() {
            actions.push(Action::Unwatch(index));
        }
        let ran = now.saturating_sub(member.started);
        if let State::Stopping { .. } = member.state {
            let begun = member.sweep_stopped(outcome, now);
            actions.extend(of_member(index, begun));
            return;
        }
        let then = match planned
            .restart
            .and_then(|restart| member.next_delay(restart, ran))
        {
            _ if self.stop.is_some() => Then::AllStop,
            Some(delay) => Then::Restart(delay),
            None if planned.optional => Then::OthersRun,
            None => Then::AllStop,
        };
        member.sweep(outcome, now + LEFTOVERS, then);
        for signal in [Sig::TERM, Sig::CONT] {
            actions.push(Action::Kill {
                member: index,
                who: Who::Group,
                signal,
            });
        }
        actions.push(Action::Say(Say::Ended {
            member: index,
            outcome,
            ran,
            then,
        }));
        if then == Then::AllStop && self.stop.is_none() {
            self.fault = self.fault.or(Some(Fault::Ended(outcome)));
            let cause = Cause {
                signal: None,
                sender: Sender::Codependent,
            };
            self.begin_stop(cause, now, actions);
        }
    }

    /// Nothing of it is left: it is over, or waits to be started again.
    fn gone(&mut self, index: usize, now: Duration, actions: &mut Vec<Action>) {
        let stopping = self.stop.is_some();
        let member = &mut self.members[index];
        if let Some((outcome, stop)) = member.finish_sweep(now, stopping)
            && let Some(stop) = stop
        {
            actions.push(Action::Say(Say::Stopped {
                member: index,
                outcome,
                stopping: Box::new(stop),
                at: now,
            }));
        }
    }

    fn alone(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let Some(sweep) = self.sweep else {
            return;
        };
        let code = self.code();
        let forced = sweep.killed || self.stop.is_some_and(|stop| stop.killed);
        let forced = forced || self.members.iter().any(|member| member.forced);
        actions.push(Action::Say(Say::Over {
            code,
            stop: self
                .stop
                .map(|stop| (stop.cause, now.saturating_sub(stop.began))),
            ran: now.saturating_sub(self.started),
            forced,
        }));
        actions.push(Action::Finish(code));
    }

    /// The code of the process that ended all; after a stop, the first one in the file's order that is not
    /// zero.
    fn code(&self) -> u8 {
        let cause = self.stop.map(|stop| stop.cause.sender);
        let ran_too_long = cause == Some(Sender::MaxRuntime);
        let code = |outcome| exit::code(outcome, ran_too_long, &self.supervision.exit);
        match self.fault {
            Some(Fault::Ended(outcome)) => code(outcome),
            Some(Fault::NotReady) => ENTRY_FAILED,
            None => {
                let planned = self.members.iter().zip(&self.plan.members);
                let outcomes = planned
                    .filter(|(_, planned)| !planned.optional)
                    .filter_map(|(member, _)| member.outcome);
                let failed = outcomes.map(code).find(|code| *code != 0);
                failed.unwrap_or_else(|| code(Outcome::Exited(0)))
            }
        }
    }
}

/// What a process's own stop asks for, with the process's number.
fn of_member(
    member: usize,
    asked: Vec<crate::supervise::event::Action>,
) -> impl Iterator<Item = Action> {
    use crate::supervise::event::Action as One;
    asked.into_iter().filter_map(move |action| match action {
        // Its group has had this step's signal with it; who left the group is swept at the end.
        One::Kill {
            who:
                Who::Orphans {
                    outside_group: true,
                    ..
                },
            ..
        }
        | One::Say(_)
        | One::Suspend
        | One::Resume
        | One::Exit(_) => None,
        // KILL for all that descends from us is, here, for the process's own group.
        One::Kill {
            who: Who::All | Who::Orphans { .. },
            signal,
        } => Some(Action::Kill {
            member,
            who: Who::Group,
            signal,
        }),
        One::Kill { who, signal } => Some(Action::Kill {
            member,
            who,
            signal,
        }),
        One::Probe(marker) => Some(Action::Probe { member, marker }),
    })
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
