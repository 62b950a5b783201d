//! The stage where one app runs: the machine's actions, carried out.

use super::event::{Action, Event, Say, Who};
use super::host::{Host, oom_kills_since};
use super::lines;
use super::machine::Machine;
use super::message::Phases;
use super::stopping::Sender;
use super::successor;
use super::targets::Targets;
use crate::exit::Outcome;
use crate::report::Line;
use crate::sys::memory::release_program_pages;
use crate::sys::process::{Waited, kill_group};
use crate::sys::procfs::catches;
use crate::sys::signal::Sig;
use nix::unistd::{Pid, getpgrp};
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::time::Duration;

/// The boot process, and the app that it becomes.
pub struct App {
    pub main: Pid,
    pub machine: Machine,
    /// Set by the boot's last message before `execve`, taken when that succeeded.
    pub phases: Option<Phases>,
    targets: Targets,
}

impl App {
    pub fn new(main: Pid, job_control: bool) -> App {
        App {
            main,
            machine: Machine::new(job_control),
            phases: None,
            targets: Targets::new(main),
        }
    }

    /// Feeds one event and carries out what follows; an exit code ends everything.
    pub fn happen(&mut self, event: Event, host: &mut Host) -> ControlFlow<u8> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.machine.step(event, host.now()) {
                match action {
                    Action::Kill { who, signal } => self.kill(who, signal, host),
                    // Where nothing can be known of it, the server counts as ready: most stops are late.
                    Action::Probe(marker) => {
                        events.push_back(Event::Ready(catches(self.main, marker).unwrap_or(true)));
                    }
                    Action::Say(say) => self.say(&say, host),
                    Action::Suspend => {
                        // The whole job: a script or a pipeline that we are part of stops with us.
                        let _ = kill_group(getpgrp(), Sig::STOP);
                    }
                    Action::Resume => self.resume(host),
                    Action::Exit(code) => return ControlFlow::Break(code),
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The pipe has closed: the boot became the app, if it said so before.
    pub fn executed(&mut self, host: &mut Host) -> ControlFlow<u8> {
        if self.phases.is_none() {
            return ControlFlow::Continue(());
        }
        self.happen(Event::Executed, host)?;
        let after = self
            .machine
            .supervision()
            .map(|supervision| &supervision.after);
        if after.is_none_or(Vec::is_empty) {
            host.table = None;
        }
        self.settle();
        ControlFlow::Continue(())
    }

    /// The boot's pages go back; those that a stop needs come in again now, by a stop that is only
    /// thought, for a fault costs more than all the rest of passing a signal on.
    fn settle(&self) {
        release_program_pages();
        let Some(supervision) = self.machine.supervision().cloned() else {
            return;
        };
        let mut thought = Machine::new(false);
        let stop = Event::Signal {
            signal: Sig::TERM,
            sender: Sender::Outside,
        };
        for event in [Event::Planned(Box::new(supervision)), Event::Executed, stop] {
            std::hint::black_box(thought.step(event, Duration::ZERO));
        }
        let _ = std::hint::black_box(Sig::from_number(std::hint::black_box(libc::SIGTERM)));
        let _ = nix::sys::signal::kill(self.main, None);
    }

    /// Takes in all statuses that there were; `alone`: no child is left.
    pub fn reaped(&mut self, changes: &[Waited], alone: bool, host: &mut Host) -> ControlFlow<u8> {
        let mut ended = None;
        let mut orphans = false;
        for &change in changes {
            match (Outcome::of(change), change) {
                (Some((pid, outcome)), _) if pid == self.main => ended = Some(outcome),
                (Some(_), _) => orphans = true,
                (None, Waited::Stopped { pid, signal }) if pid == self.main => {
                    self.happen(Event::MainStopped(signal), host)?;
                }
                (None, _) => {}
            }
        }
        // Alone, there is nobody who could have taken over, and no need to look for one.
        if let Some(outcome) = ended
            && (alone || !self.succeeded(host))
        {
            self.happen(Event::MainEnded { outcome, alone }, host)?;
        }
        match (alone, orphans) {
            (true, _) => self.happen(Event::Alone, host),
            (false, true) => self.happen(Event::OrphanEnded, host),
            (false, false) => ControlFlow::Continue(()),
        }
    }

    /// Whether a new master took over from the one that ended, as after unicorn's USR2.
    fn succeeded(&mut self, host: &Host) -> bool {
        let upgrades = self.machine.is_running()
            && self
                .machine
                .supervision()
                .is_some_and(|supervision| supervision.plan.upgrades);
        let Some(successor) = upgrades
            .then(|| successor::of(self.main, host.us))
            .flatten()
        else {
            return false;
        };
        let mode = self.mode();
        host.say(&lines::succeeded(mode, self.main, successor));
        self.main = successor;
        self.targets.follow(successor);
        true
    }

    fn mode(&self) -> &str {
        let supervision = self.machine.supervision();
        supervision.map_or("boot", |supervision| supervision.mode.as_str())
    }

    fn kill(&mut self, who: Who, signal: Sig, host: &Host) {
        if let Err(errno) = self.targets.send(who, signal) {
            host.say(&cannot_send(signal, errno));
        }
    }

    /// After a CONT: the app gets the terminal back where the shell gave it to us, and goes on.
    fn resume(&mut self, host: &Host) {
        let app_has_terminal = self
            .machine
            .supervision()
            .is_some_and(|supervision| supervision.app_has_terminal);
        if let Some(terminal) = host
            .terminal
            .filter(|terminal| app_has_terminal && terminal.is_held_by(getpgrp()))
        {
            terminal.give_to(self.main);
        }
        self.kill(Who::Group, Sig::CONT, host);
    }

    fn say(&self, say: &Say, host: &Host) {
        let supervision = self.machine.supervision();
        let mode = self.mode();
        let oom_kills = || {
            let before = supervision.and_then(|supervision| supervision.oom_kills);
            oom_kills_since(before)
        };
        let line = match (say, supervision) {
            (Say::Started, Some(supervision)) => self
                .phases
                .as_ref()
                .map(|phases| phases.line(supervision, self.main.as_raw(), host.now())),
            (Say::Stopping { signal, sender }, Some(supervision)) => {
                Some(lines::stopping(supervision, *signal, *sender))
            }
            (Say::Started | Say::Stopping { .. }, None) => None,
            (Say::Swallowed { signal, sender }, _) => {
                Some(lines::swallowed(mode, *signal, *sender))
            }
            (Say::AppStopped(signal), _) => Some(lines::app_stopped(mode, *signal)),
            (Say::TooEarly { signal, sender }, _) => Some(lines::too_early(*signal, *sender)),
            (Say::BootStopped { signal, sender }, _) => Some(lines::boot_stopped(*signal, *sender)),
            (Say::BootDied(outcome), _) => Some(lines::boot_died(*outcome, oom_kills())),
            (Say::Ended(summary), _) => Some(lines::ended(mode, summary, oom_kills())),
        };
        if let Some(line) = line {
            host.say(&line);
        }
    }
}

/// A signal that did not get through.
pub fn cannot_send(signal: Sig, errno: nix::errno::Errno) -> Line {
    Line::error(format!(
        "cannot send {signal} to the app: {}: give the container CAP_KILL",
        errno.desc()
    ))
}
