//! The words between PID 1's loop and the machine of a group.

use crate::exit::Outcome;
use crate::supervise::event::Who;
use crate::supervise::stopping::{Cause, Sender, Stopping};
use crate::sys::signal::Sig;
use std::time::Duration;

/// What happened. A number is a process's place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    Begin,
    Signal {
        signal: Sig,
        sender: Sender,
    },
    Ended {
        member: usize,
        outcome: Outcome,
    },
    /// Nothing of its process group is left.
    Gone(usize),
    Ready(usize),
    /// The answer to `Action::Probe`.
    Caught {
        member: usize,
        ready: bool,
    },
    /// None of our descendants is left.
    Alone,
    Time,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Start(usize),
    /// Tell with `Event::Ready` when it is ready.
    Watch(usize),
    Unwatch(usize),
    Kill {
        member: usize,
        who: Who,
        signal: Sig,
    },
    /// Everything that descends from us.
    KillAll(Sig),
    /// Does it catch this signal? Answered by `Event::Caught`.
    Probe {
        member: usize,
        marker: Sig,
    },
    Say(Say),
    Finish(u8),
}

/// What there is to say; the words are chosen elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    Ready {
        member: usize,
        took: Duration,
    },
    NotReady(usize),
    /// It ended by itself, and this is what follows.
    Ended {
        member: usize,
        outcome: Outcome,
        ran: Duration,
        then: Then,
    },
    Stopping(Cause),
    Swallowed {
        signal: Sig,
        sender: Sender,
    },
    /// It ended as it was told to.
    Stopped {
        member: usize,
        outcome: Outcome,
        stopping: Box<Stopping>,
        at: Duration,
    },
    /// All is over.
    Over {
        code: u8,
        stop: Option<(Cause, Duration)>,
        ran: Duration,
        forced: bool,
    },
}

/// What follows from the end of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    AllStop,
    /// It is optional.
    OthersRun,
    Restart(Duration),
}
