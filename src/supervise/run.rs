//! PID 1's loop: waits for a signal, a child, the boot's pipe or the next deadline. It blocks nowhere
//! else and never polls.

use super::event::{Action, Event, Say, Who};
use super::lines;
use super::machine::Machine;
use super::message::{Message, Phases};
use super::stopping::Sender;
use super::targets::Targets;
use crate::exit::{ENTRY_FAILED, Outcome};
use crate::report::{Line, Report};
use crate::sys::environment::scrub;
use crate::sys::memory::release_program_pages;
use crate::sys::process::{Waited, kill, kill_group, wait_any};
use crate::sys::procfs::catches;
use crate::sys::signal::Sig;
use crate::sys::terminal::Terminal;
use crate::sys::{cgroup, lock, terminal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::{Pid, getpgrp};
use std::collections::VecDeque;
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Supervises the boot process and the app that it becomes; returns entry's exit code.
pub fn run(
    main: Pid,
    pipe: OwnedFd,
    started: Instant,
    report: Report,
    terminal: Option<Terminal>,
) -> u8 {
    // Deaf to signals we could neither stop the app nor reap: better not to run at all.
    let Ok(signals) = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC) else {
        report.say(&Line::error(
            "signalfd failed: raise the open files limit (ulimit -n)",
        ));
        let _ = kill(main, Sig::KILL);
        return ENTRY_FAILED;
    };
    let job_control = terminal.is_some_and(|_| terminal::parent_is_a_shell());
    let mut supervisor = Supervisor {
        us: Pid::this(),
        main,
        signals,
        pipe: Some(File::from(pipe)),
        buffer: Vec::new(),
        machine: Machine::new(job_control),
        terminal,
        started,
        report,
        phases: None,
        made: Vec::new(),
        held: Vec::new(),
        targets: Targets::new(main),
    };
    loop {
        let signalled = supervisor.wait();
        if let ControlFlow::Break(code) = supervisor.turn(signalled) {
            return code;
        }
    }
}

struct Supervisor {
    us: Pid,
    main: Pid,
    signals: SignalFd,
    /// The boot's pipe, until it closes.
    pipe: Option<File>,
    buffer: Vec<u8>,
    machine: Machine,
    terminal: Option<Terminal>,
    started: Instant,
    report: Report,
    /// Set by the boot's last message before `execve`, taken when that succeeded.
    phases: Option<Phases>,
    /// What must not be left, in the order of its making.
    made: Vec<Vec<u8>>,
    /// Folders and files of ours, with the locks that tell another entry that this one lives.
    held: Vec<(Vec<u8>, File)>,
    targets: Targets,
}

impl Supervisor {
    fn now(&self) -> Duration {
        self.started.elapsed()
    }

    /// Waits until a signal can be read, or there is something else to see to. Without a pipe and a
    /// deadline the read itself does the waiting, which spares a call on the way to the app.
    fn wait(&self) -> bool {
        let timeout = match (self.machine.deadline(), &self.pipe) {
            (None, None) => return true,
            (None, Some(_)) => PollTimeout::NONE,
            // Rounded up: a wait that ends early would come round again and again.
            (Some(deadline), _) => {
                let left = deadline.saturating_sub(self.now()) + Duration::from_micros(999);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        };
        let signals = PollFd::new(self.signals.as_fd(), PollFlags::POLLIN);
        let readable = |fd: &PollFd| {
            fd.revents()
                .is_some_and(|events| events.contains(PollFlags::POLLIN))
        };
        let heard = if let Some(pipe) = &self.pipe {
            let mut fds = [signals, PollFd::new(pipe.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, timeout).map(|_| readable(&fds[0]))
        } else {
            let mut fds = [signals];
            poll(&mut fds, timeout).map(|_| readable(&fds[0]))
        };
        // A failed poll is one more look at the pipe and the time.
        heard.unwrap_or(false)
    }

    /// Takes in what happened, and acts. The pipe comes first, so that an end is known to be the boot's
    /// or the app's. One signal a turn: a flood keeps neither children nor deadlines waiting.
    fn turn(&mut self, signalled: bool) -> ControlFlow<u8> {
        self.read_pipe()?;
        if signalled && let Ok(Some(info)) = self.signals.read_signal() {
            match self.received(&info) {
                Received::Child => self.reap()?,
                Received::Own => {}
                Received::Signal { signal, sender } => {
                    self.happen(Event::Signal { signal, sender })?;
                }
            }
        }
        self.happen(Event::Time)
    }

    fn received(&self, info: &siginfo) -> Received {
        let Some(signal) = i32::try_from(info.ssi_signo)
            .ok()
            .and_then(Sig::from_number)
        else {
            return Received::Own;
        };
        let sender = match (info.ssi_code, i32::try_from(info.ssi_pid)) {
            _ if signal == Sig::CHLD => return Received::Child,
            (libc::SI_KERNEL, _) => Sender::Terminal,
            (_, Ok(pid)) if pid == self.us.as_raw() => return Received::Own,
            (_, Ok(pid)) if pid > 0 => Sender::Process {
                pid,
                uid: info.ssi_uid,
            },
            _ => Sender::Outside,
        };
        Received::Signal { signal, sender }
    }

    /// Feeds one event and carries out what follows; an exit code ends everything.
    fn happen(&mut self, event: Event) -> ControlFlow<u8> {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.machine.step(event, self.now()) {
                match action {
                    Action::Kill { who, signal } => self.kill(who, signal),
                    // Where nothing can be known of it, the server counts as ready: most stops are late.
                    Action::Probe(marker) => {
                        events.push_back(Event::Ready(catches(self.main, marker).unwrap_or(true)));
                    }
                    Action::Say(say) => self.say(&say),
                    Action::Suspend => {
                        // The whole job: a script or a pipeline that we are part of stops with us.
                        let _ = kill_group(getpgrp(), Sig::STOP);
                    }
                    Action::Resume => self.resume(),
                    Action::Exit(code) => {
                        self.clean_up();
                        self.take_terminal_back();
                        return ControlFlow::Break(code);
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Reads what the boot has written so far. The pipe does not block.
    fn read_pipe(&mut self) -> ControlFlow<u8> {
        let mut chunk = [0; 4096];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut chunk) {
                Ok(0) => {
                    self.pipe = None;
                    self.buffer = Vec::new();
                    if self.phases.is_some() {
                        self.happen(Event::Executed)?;
                        self.settle();
                    }
                }
                Ok(length) => self.buffer.extend(chunk.get(..length).unwrap_or_default()),
                Err(_) => break,
            }
            while let Some(message) = Message::take(&mut self.buffer) {
                self.take(message)?;
            }
        }
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
        for event in [Event::Planned(supervision), Event::Executed, stop] {
            std::hint::black_box(thought.step(event, Duration::ZERO));
        }
        let _ = std::hint::black_box(Sig::from_number(std::hint::black_box(libc::SIGTERM)));
        let _ = nix::sys::signal::kill(self.main, None);
    }

    fn take(&mut self, message: Message) -> ControlFlow<u8> {
        match message {
            Message::Plan(supervision) => return self.happen(Event::Planned(supervision)),
            Message::Made(path) => self.made.push(path),
            Message::Kept(path) => self.made.retain(|made| *made != path),
            // Without the lock, an exec session only knows less.
            Message::Hold(path) => {
                let held = lock::hold(Path::new(OsStr::from_bytes(&path)));
                self.held.extend(held.map(|lock| (path, lock)));
            }
            Message::Scrub(name) => scrub(&name),
            Message::Exec(phases) => self.phases = Some(phases),
            Message::Failed => self.phases = None,
        }
        ControlFlow::Continue(())
    }

    /// Collects every status there is, so that none coalesced away with its signal is lost.
    fn reap(&mut self) -> ControlFlow<u8> {
        let mut ended = None;
        let mut orphans = false;
        let alone = loop {
            match wait_any() {
                Waited::Nothing => break false,
                Waited::Alone => break true,
                Waited::Exited { pid, code } if pid == self.main => {
                    ended = Some(Outcome::Exited(code));
                }
                Waited::Killed { pid, signal } if pid == self.main => {
                    ended = Some(Outcome::Killed(signal));
                }
                Waited::Stopped { pid, signal } if pid == self.main => {
                    self.happen(Event::MainStopped(signal))?;
                }
                Waited::Stopped { .. } => {}
                Waited::Exited { .. } | Waited::Killed { .. } => orphans = true,
            }
        };
        if let Some(outcome) = ended {
            // The boot wrote all it had to say before it ended.
            self.read_pipe()?;
            self.happen(Event::MainEnded { outcome, alone })?;
        }
        match (alone, orphans) {
            (true, _) => self.happen(Event::Alone),
            (false, true) => self.happen(Event::OrphanEnded),
            (false, false) => ControlFlow::Continue(()),
        }
    }

    fn kill(&mut self, who: Who, signal: Sig) {
        if let Err(errno) = self.targets.send(who, signal) {
            let text = format!(
                "cannot send {signal} to the app: {}: give the container CAP_KILL",
                errno.desc()
            );
            self.report.say(&Line::error(text));
        }
    }

    /// After a CONT: the app gets the terminal back where the shell gave it to us, and goes on.
    fn resume(&mut self) {
        let app_has_terminal = self
            .machine
            .supervision()
            .is_some_and(|supervision| supervision.app_has_terminal);
        if let Some(terminal) = self
            .terminal
            .filter(|terminal| app_has_terminal && terminal.is_held_by(getpgrp()))
        {
            terminal.give_to(self.main);
        }
        self.kill(Who::Group, Sig::CONT);
    }

    /// Whoever runs next on the terminal, a shell's script for one, must not find it with a dead group.
    fn take_terminal_back(&self) {
        if let Some(terminal) = self
            .terminal
            .filter(|terminal| terminal.is_held_by(self.main))
        {
            terminal.give_to(getpgrp());
        }
    }

    /// Takes away what we made, last things first, but for what another entry that lives uses, too.
    fn clean_up(&mut self) {
        let shared = self.held.iter().filter(|(_, lock)| lock::is_held(lock));
        let shared: Vec<_> = shared.map(|(path, _)| path.as_slice()).collect();
        for path in self
            .made
            .drain(..)
            .rev()
            .filter(|path| !shared.contains(&path.as_slice()))
        {
            let path = Path::new(OsStr::from_bytes(&path));
            if std::fs::remove_file(path).is_err() {
                let _ = std::fs::remove_dir(path);
            }
        }
    }

    fn say(&mut self, say: &Say) {
        let supervision = self.machine.supervision();
        let mode = supervision.map_or("boot", |supervision| supervision.mode.as_str());
        let line = match (say, supervision) {
            (Say::Started, Some(supervision)) => self
                .phases
                .as_ref()
                .map(|phases| phases.line(supervision, self.main.as_raw(), self.now())),
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
            (Say::BootDied(outcome), _) => Some(lines::boot_died(*outcome, self.oom_kills())),
            (Say::Ended(summary), _) => Some(lines::ended(mode, summary, self.oom_kills())),
        };
        if let Some(line) = line {
            self.report.say(&line);
        }
    }

    /// OOM kills in our cgroup since the boot.
    fn oom_kills(&self) -> u64 {
        let before = self
            .machine
            .supervision()
            .and_then(|supervision| supervision.oom_kills);
        match (cgroup::oom_kills(), before) {
            (Some(now), Some(before)) => now.saturating_sub(before),
            _ => 0,
        }
    }
}

enum Received {
    /// SIGCHLD, which stands for any number of children.
    Child,
    /// The kernel's SIGPIPE for a line that nobody reads, and its kind: not for the app.
    Own,
    Signal {
        signal: Sig,
        sender: Sender,
    },
}
