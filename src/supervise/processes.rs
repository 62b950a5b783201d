//! The stage where codependent processes run: the group's actions, carried out.

use super::app::cannot_send;
use super::event::Who;
use super::group::event::{Action, Event};
use super::group::{Group, lines};
use super::host::{Host, aside, oom_kills_since};
use super::relay::Relay;
use super::successor;
use super::targets::{all_below, kill_group_of, send_to_all};
use crate::config::Sign;
use crate::exit::{ENTRY_FAILED, Outcome};
use crate::probe;
use crate::report::Line;
use crate::sys::memory::release_program_pages;
use crate::sys::process::{Waited, group_is_gone, kill, kill_group};
use crate::sys::procfs::catches;
use crate::sys::signal::Sig;
use nix::unistd::Pid;
use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::os::fd::BorrowedFd;

/// The processes of a group, and what helps them.
pub struct Processes {
    pub group: Group,
    running: Vec<Running>,
    relay: Option<Relay>,
}

#[derive(Default)]
struct Running {
    main: Option<Pid>,
    /// Its process group, which may outlive it.
    group: Option<Pid>,
    /// Who looks whether it is ready.
    watcher: Option<Pid>,
}

impl Processes {
    /// Starts what can be started.
    pub fn begin(group: Group, host: &mut Host) -> ControlFlow<u8, Processes> {
        let plan = group.plan();
        let relay = Relay::is_needed(plan)
            .then(|| Relay::begin(plan))
            .transpose();
        let relay = match relay {
            Ok(relay) => relay,
            Err(errno) => {
                let text = format!(
                    "pipes for the output: {}: raise the open files limit (ulimit -n)",
                    errno.desc()
                );
                host.say(&Line::error(text));
                return ControlFlow::Break(ENTRY_FAILED);
            }
        };
        let mut processes = Processes {
            running: plan.members.iter().map(|_| Running::default()).collect(),
            relay,
            group,
        };
        match processes.happen(Event::Begin, host) {
            ControlFlow::Continue(()) => {
                release_program_pages();
                ControlFlow::Continue(processes)
            }
            ControlFlow::Break(code) => ControlFlow::Break(code),
        }
    }

    /// Feeds one event and carries out what follows; an exit code ends everything.
    pub fn happen(&mut self, event: Event, host: &mut Host) -> ControlFlow<u8> {
        let mut events = VecDeque::from([event]);
        loop {
            while let Some(event) = events.pop_front() {
                for action in self.group.step(event, host.now()) {
                    self.carry_out(action, &mut events, host)?;
                }
            }
            for member in 0..self.running.len() {
                if self.group.sweeps(member) && self.running[member].group.is_none_or(group_is_gone)
                {
                    // Its number may be another's from now on.
                    self.running[member].group = None;
                    events.push_back(Event::Gone(member));
                }
            }
            if events.is_empty() && self.group.is_sweeping() && self.is_alone(host) {
                events.push_back(Event::Alone);
            }
            if events.is_empty() {
                return ControlFlow::Continue(());
            }
        }
    }

    fn carry_out(
        &mut self,
        action: Action,
        events: &mut VecDeque<Event>,
        host: &mut Host,
    ) -> ControlFlow<u8> {
        match action {
            Action::Start(member) => events.extend(self.start(member, host)),
            Action::Watch(member) => self.watch(member, host),
            Action::Unwatch(member) => self.unwatch(member),
            Action::Kill {
                member,
                who,
                signal,
            } => self.kill(member, who, signal, host),
            Action::KillAll(signal) => self.kill_all(signal, host),
            Action::Probe { member, marker } => {
                let main = self.running[member].main;
                let ready = main.and_then(|main| catches(main, marker)).unwrap_or(true);
                events.push_back(Event::Caught { member, ready });
            }
            Action::Say(say) => {
                let supervision = self.group.supervision();
                let oom_kills = oom_kills_since(supervision.oom_kills);
                host.say(&lines::line(
                    &supervision.mode,
                    self.group.plan(),
                    &say,
                    oom_kills,
                ));
            }
            Action::Finish(code) => return ControlFlow::Break(code),
        }
        ControlFlow::Continue(())
    }

    fn start(&mut self, member: usize, host: &Host) -> Option<Event> {
        let mode = &self.group.supervision().mode;
        let name = &self.group.plan().members[member].name;
        let streams = self.relay.as_ref().and_then(|relay| relay.streams(member));
        match host.start(member, &format!("{mode}: {name}"), streams, None) {
            Ok(pid) => {
                host.say(&lines::started(mode, name, pid.as_raw()));
                self.running[member].main = Some(pid);
                self.running[member].group = Some(pid);
                None
            }
            Err(errno) => {
                let text = format!("{mode}: {name}: fork: {}", errno.desc());
                host.say(&Line::error(text));
                let outcome = Outcome::Exited(ENTRY_FAILED);
                Some(Event::Ended { member, outcome })
            }
        }
    }

    /// A child of ours looks, for looking may block. A line of output is the relay's to see.
    fn watch(&mut self, member: usize, host: &Host) {
        let Some(ready) = &self.group.plan().members[member].ready else {
            return;
        };
        let watcher = match &ready.sign {
            Sign::Line(_) => {
                if let Some(relay) = &mut self.relay {
                    relay.watch(member);
                }
                return;
            }
            Sign::Tcp(address) => aside(true, || probe::wait(&probe::Sought::Tcp(address))),
            Sign::Http(page) => aside(true, || probe::wait(&probe::Sought::Http(page))),
            Sign::File(path) => aside(true, || probe::wait(&probe::Sought::File(path))),
        };
        match watcher {
            Ok(pid) => self.running[member].watcher = Some(pid),
            // Without one it never gets ready, which its deadline tells.
            Err(errno) => host.say(&Line::error(format!("fork: {}", errno.desc()))),
        }
    }

    fn unwatch(&mut self, member: usize) {
        if let Some(watcher) = self.running[member].watcher {
            let _ = kill(watcher, Sig::KILL);
        }
        if let Some(relay) = &mut self.relay {
            relay.unwatch(member);
        }
    }

    fn kill(&self, member: usize, who: Who, signal: Sig, host: &Host) {
        let running = &self.running[member];
        let sent = match (who, running.main, running.group) {
            (Who::Main, Some(main), _) => kill(main, signal),
            (Who::Group, Some(main), Some(_)) => kill_group_of(main, signal),
            (Who::Group, None, Some(group)) => kill_group(group, signal),
            _ => Ok(()),
        };
        if let Err(errno) = sent {
            host.say(&cannot_send(signal, errno));
        }
    }

    /// Everything that descends from us, but for our own helpers.
    fn kill_all(&self, signal: Sig, host: &Host) {
        let mut sent = send_to_all(signal, || self.rest(host)).unwrap_or(Ok(()));
        // Without a /proc the groups are all we know.
        for group in self.running.iter().filter_map(|one| one.group) {
            sent = sent.and(kill_group(group, signal));
        }
        if let Err(errno) = sent {
            host.say(&cannot_send(signal, errno));
        }
    }

    fn rest(&self, host: &Host) -> Vec<Pid> {
        let relay = self.relay.as_ref().and_then(Relay::pid);
        let helpers: Vec<Pid> = self
            .running
            .iter()
            .filter_map(|one| one.watcher)
            .chain(relay)
            .collect();
        let mut all = all_below(host.us);
        all.retain(|pid| !helpers.contains(pid));
        all
    }

    fn is_alone(&self, host: &Host) -> bool {
        let groups = self.running.iter().filter_map(|one| one.group);
        self.rest(host).is_empty() && groups.into_iter().all(group_is_gone)
    }

    /// Takes in all statuses that there were.
    pub fn reaped(&mut self, changes: &[Waited], host: &mut Host) -> ControlFlow<u8> {
        let mut events = Vec::new();
        for (pid, outcome) in changes.iter().copied().filter_map(Outcome::of) {
            if let Some(relay) = self.relay.as_mut().filter(|relay| relay.pid() == Some(pid)) {
                relay.died(self.group.plan(), host);
                continue;
            }
            for member in 0..self.running.len() {
                if self.running[member].watcher == Some(pid) {
                    self.running[member].watcher = None;
                    if outcome == Outcome::Exited(0) {
                        events.push(Event::Ready(member));
                    }
                } else if self.running[member].main == Some(pid)
                    && !self.succeeded(member, pid, host)
                {
                    self.running[member].main = None;
                    events.push(Event::Ended { member, outcome });
                }
            }
        }
        for event in events {
            self.happen(event, host)?;
        }
        ControlFlow::Continue(())
    }

    fn succeeded(&mut self, member: usize, old: Pid, host: &Host) -> bool {
        let upgrades = self.group.runs(member) && self.group.plan().members[member].plan.upgrades;
        let Some(new) = upgrades.then(|| successor::of(old, host.us)).flatten() else {
            return false;
        };
        let mode = &self.group.supervision().mode;
        host.say(&super::lines::succeeded(mode, old, new));
        self.running[member].main = Some(new);
        true
    }

    /// What the relay has to tell, if there is one that may.
    pub fn notices(&self) -> Option<BorrowedFd<'_>> {
        self.relay.as_ref().map(Relay::notices)
    }

    pub fn read_notices(&mut self, host: &mut Host) -> ControlFlow<u8> {
        let ready = self.relay.as_mut().map(Relay::ready).unwrap_or_default();
        for member in ready {
            self.happen(Event::Ready(member), host)?;
        }
        ControlFlow::Continue(())
    }

    /// Its output is to reach its end before entry does.
    pub fn into_relay(self) -> Option<Relay> {
        self.relay
    }
}
