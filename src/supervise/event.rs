//! The words between PID 1's loop and its machine: what happened, what to do, what to say.

use super::stopping::{Sender, Summary};
use crate::exit::Outcome;
use crate::stop::{Plan, Target};
use crate::sys::signal::Sig;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the boot process tells PID 1 about the app before it becomes the app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Supervision {
    pub mode: String,
    pub plan: Plan,
    pub exit: BTreeMap<u8, u8>,
    pub max_runtime: Option<Duration>,
    /// The app gets the terminal; else entry keeps it.
    pub app_has_terminal: bool,
    /// The kernel's count of OOM kills in this cgroup before the app started.
    pub oom_kills: Option<u64>,
    /// What runs after the app, each within its time.
    pub after: Vec<AfterPlan>,
}

/// A hook after the app, as PID 1 knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AfterPlan {
    /// As the mode's file writes it.
    pub command: String,
    pub timeout: Duration,
}

impl Supervision {
    /// How long a stop takes at most, hooks and all.
    pub fn longest_stop(&self) -> Duration {
        self.plan.total() + self.after_total()
    }

    pub fn after_total(&self) -> Duration {
        self.after.iter().map(|hook| hook.timeout).sum()
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Signal {
        signal: Sig,
        sender: Sender,
    },
    /// The boot process told its plan.
    Planned(Box<Supervision>),
    /// The boot may take so long to end once it was told to.
    BootGrace(Duration),
    /// The boot process became the app.
    Executed,
    /// `alone`: no child of ours is left.
    MainEnded {
        outcome: Outcome,
        alone: bool,
    },
    MainStopped(Sig),
    /// A child of ours ended that is not the app, so its own children may be ours now.
    OrphanEnded,
    /// The last child was reaped.
    Alone,
    /// The answer to `Action::Probe`.
    Ready(bool),
    /// A deadline came.
    Time,
}

/// Who gets a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    Main,
    Group,
    /// Processes whose parents died, and so are ours now, each once a step; those of the app's group
    /// may be left out.
    Orphans {
        step: usize,
        outside_group: bool,
    },
    /// Everything that descends from us. Never `kill(-1)`: exec sessions live in the same namespace.
    All,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    Kill {
        who: Who,
        signal: Sig,
    },
    /// Does the app catch this signal? Answered by `Event::Ready`.
    Probe(Sig),
    Say(Say),
    /// Stop ourselves, as the shell that runs us expects of a job whose process stopped.
    Suspend,
    /// Give the terminal back to the app where it had it, and continue its group.
    Resume,
    Exit(u8),
}

/// What there is to say; the words are chosen elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Say {
    Started,
    Stopping {
        signal: Option<Sig>,
        sender: Sender,
    },
    Swallowed {
        signal: Sig,
        sender: Sender,
    },
    AppStopped(Sig),
    BootDied(Outcome),
    BootStopped {
        signal: Sig,
        sender: Sender,
    },
    /// No app is there yet that could take it.
    TooEarly {
        signal: Sig,
        sender: Sender,
    },
    Ended(Summary),
}

impl From<Target> for Who {
    fn from(target: Target) -> Who {
        match target {
            Target::Main => Who::Main,
            Target::Group => Who::Group,
        }
    }
}
