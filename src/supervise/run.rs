//! PID 1's loop: waits for a signal, a child, the boot's pipe or the next deadline. It blocks nowhere
//! else and never polls.
//!
//! It goes through stages: the boot and the app that it becomes (`app`), or codependent processes once the
//! boot has ended (`processes`), then what follows the app's end (`closing`).

use super::app::App;
use super::closing::Closing;
use super::event::Event;
use super::group::Group;
use super::group::event::Event as GroupEvent;
use super::group::plan::GroupPlan;
use super::host::Host;
use super::message::{Message, Phases};
use super::processes::Processes;
use super::stopping::Sender;
use crate::exit::{ENTRY_FAILED, Outcome};
use crate::program::{Inherited, Table};
use crate::report::{Line, Report};
use crate::sys::environment::scrub;
use crate::sys::process::{Waited, kill, wait_any};
use crate::sys::signal::Sig;
use crate::sys::{lock, name, terminal};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::SigSet;
use nix::sys::signalfd::{SfdFlags, SignalFd, siginfo};
use nix::unistd::{Pid, getpgrp};
use std::ffi::OsStr;
use std::fs::File;
use std::io::Read;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// What PID 1 takes over from before the fork.
pub struct Start {
    pub main: Pid,
    pub pipe: OwnedFd,
    pub started: Instant,
    pub inherited: Inherited,
    /// The terminal that entry was started on, whoever holds it.
    pub terminal: Option<terminal::Terminal>,
    pub table: Option<Table>,
}

/// Supervises the boot process and the app that it becomes; returns entry's exit code.
pub fn run(start: Start, report: Report) -> u8 {
    // Deaf to signals we could neither stop the app nor reap: better not to run at all.
    let Ok(signals) = SignalFd::with_flags(&SigSet::all(), SfdFlags::SFD_CLOEXEC) else {
        report.say(&Line::error(
            "signalfd failed: raise the open files limit (ulimit -n)",
        ));
        let _ = kill(start.main, Sig::KILL);
        return ENTRY_FAILED;
    };
    let job_control = start
        .terminal
        .is_some_and(|_| terminal::parent_is_a_shell());
    let mut supervisor = Supervisor {
        signals,
        pipe: Some(File::from(start.pipe)),
        buffer: Vec::new(),
        host: Host {
            us: Pid::this(),
            started: start.started,
            report,
            inherited: start.inherited,
            terminal: start.terminal,
            table: start.table,
        },
        stage: Stage::App(App::new(start.main, job_control)),
        planned: None,
        shown: None,
        made: Vec::new(),
        held: Vec::new(),
    };
    loop {
        supervisor.show_stage();
        let signalled = supervisor.wait();
        if let ControlFlow::Break(code) = supervisor.turn(signalled)
            && let ControlFlow::Break(code) = supervisor.close(code)
        {
            return code;
        }
    }
}

#[expect(
    clippy::large_enum_variant,
    reason = "there is one, for all of PID 1's life"
)]
enum Stage {
    App(App),
    Processes(Processes),
    Closing(Closing),
}

struct Supervisor {
    signals: SignalFd,
    /// The boot's pipe, until it closes.
    pipe: Option<File>,
    buffer: Vec<u8>,
    host: Host,
    stage: Stage,
    /// What is to be started when the boot has ended.
    planned: Option<(GroupPlan, Phases)>,
    /// The stage that our name tells.
    shown: Option<name::Stage>,
    /// What must not be left, in the order of its making.
    made: Vec<Vec<u8>>,
    /// Folders and files of ours, with the locks that tell another entry that this one lives.
    held: Vec<(Vec<u8>, File)>,
}

impl Supervisor {
    fn deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::App(app) => app.machine.deadline(),
            Stage::Processes(processes) => processes.group.deadline(),
            Stage::Closing(closing) => Some(closing.deadline()),
        }
    }

    /// Waits until a signal can be read, or there is something else to see to. Without a pipe and a
    /// deadline the read itself does the waiting, which spares a call on the way to the app.
    fn wait(&self) -> bool {
        let notices = match &self.stage {
            Stage::Processes(processes) => processes.notices(),
            Stage::App(_) | Stage::Closing(_) => None,
        };
        let timeout = match (self.deadline(), &self.pipe, &notices) {
            (None, None, None) => return true,
            (None, _, _) => PollTimeout::NONE,
            // Rounded up: a wait that ends early would come round again and again.
            (Some(deadline), _, _) => {
                let left = deadline.saturating_sub(self.host.now()) + Duration::from_micros(999);
                PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX)
            }
        };
        let signals = self.signals.as_fd();
        // A place that is not needed stands for the signals once more, which does no harm.
        let pipe = self.pipe.as_ref().map_or(signals, AsFd::as_fd);
        let mut fds = [signals, pipe, notices.unwrap_or(signals)]
            .map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        // A failed poll is one more look at the pipe and the time.
        let _ = poll(&mut fds, timeout);
        fds[0]
            .revents()
            .is_some_and(|events| events.contains(PollFlags::POLLIN))
    }

    /// Takes in what happened, and acts. The pipe comes first, so that an end is known to be the boot's
    /// or the app's. One signal a turn, and a look at the children: a flood keeps neither them nor deadlines
    /// waiting, though the lowest number is read first.
    fn turn(&mut self, signalled: bool) -> ControlFlow<u8> {
        self.read_pipe()?;
        if signalled && let Ok(Some(info)) = self.signals.read_signal() {
            if let Received::Signal { signal, sender } = self.received(&info) {
                self.signal(signal, sender)?;
            }
            self.reap()?;
        }
        match &mut self.stage {
            Stage::App(app) => app.happen(Event::Time, &mut self.host),
            Stage::Processes(processes) => {
                processes.read_notices(&mut self.host)?;
                processes.happen(GroupEvent::Time, &mut self.host)
            }
            Stage::Closing(closing) => closing.time(&self.host),
        }
    }

    fn signal(&mut self, signal: Sig, sender: Sender) -> ControlFlow<u8> {
        match &mut self.stage {
            Stage::App(app) => app.happen(Event::Signal { signal, sender }, &mut self.host),
            Stage::Processes(processes) => {
                processes.happen(GroupEvent::Signal { signal, sender }, &mut self.host)
            }
            Stage::Closing(closing) => {
                closing.signal(signal, sender, &self.host);
                ControlFlow::Continue(())
            }
        }
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
            (_, Ok(pid)) if pid == self.host.us.as_raw() => return Received::Own,
            (_, Ok(pid)) if pid > 0 => Sender::Process {
                pid,
                uid: info.ssi_uid,
            },
            _ => Sender::Outside,
        };
        Received::Signal { signal, sender }
    }

    /// Reads what the boot has written so far. The pipe does not block.
    fn read_pipe(&mut self) -> ControlFlow<u8> {
        let mut chunk = [0; 4096];
        while let Some(pipe) = &mut self.pipe {
            match pipe.read(&mut chunk) {
                Ok(0) => {
                    self.pipe = None;
                    self.buffer = Vec::new();
                    if let Stage::App(app) = &mut self.stage {
                        app.executed(&mut self.host)?;
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

    fn take(&mut self, message: Message) -> ControlFlow<u8> {
        let Stage::App(app) = &mut self.stage else {
            return ControlFlow::Continue(());
        };
        match message {
            Message::Plan(supervision) => {
                return app.happen(Event::Planned(Box::new(supervision)), &mut self.host);
            }
            Message::Grace(grace) => return app.happen(Event::BootGrace(grace), &mut self.host),
            Message::Made(path) => self.made.push(path),
            Message::Kept(path) => self.made.retain(|made| *made != path),
            // Without the lock, an exec session only knows less.
            Message::Hold(path) => {
                let held = lock::hold(Path::new(OsStr::from_bytes(&path)));
                self.held.extend(held.map(|lock| (path, lock)));
            }
            Message::Scrub(name) => scrub(&name),
            Message::Exec(phases) => app.phases = Some(phases),
            Message::Group(plan, phases) => self.planned = Some((plan, phases)),
            Message::Failed => app.phases = None,
        }
        ControlFlow::Continue(())
    }

    /// Collects every status there is, so that none coalesced away with its signal is lost.
    fn reap(&mut self) -> ControlFlow<u8> {
        let mut changes = Vec::new();
        let alone = loop {
            match wait_any() {
                Waited::Nothing => break false,
                Waited::Alone => break true,
                change => changes.push(change),
            }
        };
        if let Stage::App(app) = &self.stage {
            let main = app.main;
            if changes
                .iter()
                .any(|change| Outcome::of(*change).is_some_and(|(pid, _)| pid == main))
            {
                // The boot wrote all it had to say before it ended.
                self.read_pipe()?;
                self.begin_processes(main, &changes)?;
            }
        }
        match &mut self.stage {
            Stage::App(app) => app.reaped(&changes, alone, &mut self.host),
            Stage::Processes(processes) => processes.reaped(&changes, &mut self.host),
            Stage::Closing(closing) => closing.reaped(&changes, &self.host),
        }
    }

    /// The boot has ended well and left a plan: it is carried out, unless the boot was told to end.
    fn begin_processes(&mut self, boot: Pid, changes: &[Waited]) -> ControlFlow<u8> {
        let Stage::App(app) = &self.stage else {
            return ControlFlow::Continue(());
        };
        let well = changes.contains(&Waited::Exited { pid: boot, code: 0 });
        if !well || !app.machine.is_booting() {
            return ControlFlow::Continue(());
        }
        let supervision = app.machine.supervision().cloned();
        let (Some((plan, phases)), Some(supervision)) = (self.planned.take(), supervision) else {
            return ControlFlow::Continue(());
        };
        self.host
            .say(&phases.group_line(&supervision, &plan, self.host.now()));
        let group = Group::new(supervision, plan);
        self.stage = Stage::Processes(Processes::begin(group, &mut self.host)?);
        ControlFlow::Continue(())
    }

    /// A stage ended with this code: what follows it, or the end.
    fn close(&mut self, code: u8) -> ControlFlow<u8> {
        let stage = std::mem::replace(&mut self.stage, Stage::App(App::new(Pid::this(), false)));
        self.take_terminal_back(&stage);
        let (supervision, relay, by, first) = match stage {
            Stage::App(app) if app.machine.executed() => {
                (app.machine.supervision().cloned(), None, None, 0)
            }
            Stage::Processes(processes) => {
                let first = processes.group.plan().members.len();
                let supervision = processes.group.supervision().clone();
                let by = processes.group.stops_by();
                (Some(supervision), processes.into_relay(), by, first)
            }
            Stage::App(_) | Stage::Closing(_) => (None, None, None, 0),
        };
        let mut end = ControlFlow::Break(code);
        if let Some(supervision) = supervision {
            match Closing::begin(code, &supervision, relay, by, first, &self.host) {
                ControlFlow::Continue(closing) => {
                    self.stage = Stage::Closing(closing);
                    return ControlFlow::Continue(());
                }
                ControlFlow::Break(code) => end = ControlFlow::Break(code),
            }
        }
        self.clean_up();
        end
    }

    /// Whoever runs next on the terminal, a shell's script for one, must not find it with a dead group.
    fn take_terminal_back(&self, stage: &Stage) {
        if let (Stage::App(app), Some(terminal)) = (stage, self.host.terminal)
            && terminal.is_held_by(app.main)
        {
            terminal.give_to(getpgrp());
        }
    }

    /// For `entry --health`, which sees our name and nothing else of us.
    fn show_stage(&mut self) {
        let stage = match &self.stage {
            Stage::App(app) if app.machine.is_booting() => name::Stage::Booting,
            Stage::App(app) if app.machine.is_running() => name::Stage::Running,
            Stage::Processes(processes) if !processes.group.is_stopping() => name::Stage::Running,
            Stage::App(_) | Stage::Processes(_) | Stage::Closing(_) => name::Stage::Stopping,
        };
        if self.shown.replace(stage) != Some(stage) {
            name::show(stage);
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
