//! Who gets a signal: the app, its group, orphans, or all that descends from us.

use super::event::Who;
use crate::sys::process::{kill, kill_group};
use crate::sys::procfs::descendants;
use crate::sys::signal::Sig;
use nix::unistd::{Pid, getpgid, getpgrp};
use std::collections::BTreeSet;

/// The processes that signals go to.
pub struct Targets {
    us: Pid,
    main: Pid,
    /// Which orphans have had which step's signal.
    told: Vec<(usize, Sig, i32)>,
}

impl Targets {
    /// The app's process, which leads its own group.
    pub fn new(main: Pid) -> Targets {
        Targets {
            us: Pid::this(),
            main,
            told: Vec::new(),
        }
    }

    /// Another process has taken the app's place.
    pub fn follow(&mut self, main: Pid) {
        self.main = main;
    }

    /// Sends. What is gone already is no error.
    pub fn send(&mut self, who: Who, signal: Sig) -> nix::Result<()> {
        match who {
            Who::Main => kill(self.main, signal),
            Who::Group => kill_group_of(self.main, signal),
            Who::Orphans {
                step,
                outside_group,
            } => self.kill_orphans(step, outside_group, signal),
            Who::All => self.kill_all(signal),
        }
    }

    fn kill_orphans(&mut self, step: usize, outside_group: bool, signal: Sig) -> nix::Result<()> {
        let (us, group) = (self.us.as_raw(), self.main.as_raw());
        let mut result = Ok(());
        for one in descendants(self.us) {
            let told = (step, signal, one.pid);
            let skipped = one.parent != us
                || (outside_group && one.group == group)
                || self.told.contains(&told);
            if !skipped {
                self.told.push(told);
                result = result.and(kill(Pid::from_raw(one.pid), signal));
            }
        }
        result
    }

    fn kill_all(&self, signal: Sig) -> nix::Result<()> {
        send_to_all(signal, || all_below(self.us)).unwrap_or_else(|| {
            // Without a /proc the group is all we know.
            kill_group_of(self.main, signal)
        })
    }
}

/// Whoever descends from this process.
pub fn all_below(us: Pid) -> Vec<Pid> {
    let all = descendants(us).into_iter();
    all.map(|one| Pid::from_raw(one.pid)).collect()
}

/// How often it is looked for processes that were born while KILL was on its way to their parents.
const LOOKS: usize = 16;

/// Sends to all that are found, `None` if there is nobody. What KILL has not reached yet may have a child
/// meanwhile, which nobody would end later if we are no PID 1: it is looked for until there is no new one.
pub fn send_to_all(signal: Sig, find: impl Fn() -> Vec<Pid>) -> Option<nix::Result<()>> {
    let mut told = BTreeSet::new();
    let mut result = None;
    for _ in 0..LOOKS {
        let mut news = find();
        news.retain(|pid| told.insert(*pid));
        if news.is_empty() {
            break;
        }
        for pid in news {
            result = Some(result.unwrap_or(Ok(())).and(kill(pid, signal)));
        }
        if signal != Sig::KILL {
            break;
        }
    }
    result
}

/// Sends to the group that the process is in, or was.
pub fn kill_group_of(main: Pid, signal: Sig) -> nix::Result<()> {
    match getpgid(Some(main)) {
        // A server that went back into our own group: only itself, or we would signal us.
        Ok(group) if group == getpgrp() => kill(main, signal),
        Ok(group) if group != main => kill_group(group, signal),
        _ => kill_group(main, signal),
    }
}
