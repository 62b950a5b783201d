//! The user's editor. While it runs, a signal to us is passed on to it, so that we outlive it and can
//! remove what it edited.

use crate::cli::Failure;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SigSet, SigmaskHow, Signal, kill, pthread_sigmask};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::unistd::Pid;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};

/// What ends a program from outside. INT and QUIT come from the keyboard, and the editor has its own use
/// for them.
const ENDING: [Signal; 2] = [Signal::SIGTERM, Signal::SIGHUP];
const KEYBOARD: [Signal; 2] = [Signal::SIGINT, Signal::SIGQUIT];

/// An editor's words, from `$VISUAL`, else `$EDITOR`.
pub(super) struct Editor(Vec<String>);

impl Editor {
    pub fn find() -> Result<Editor, Failure> {
        let set = ["VISUAL", "EDITOR"].into_iter().find_map(|name| {
            let value = std::env::var(name).ok()?;
            (!value.trim().is_empty()).then_some((name, value))
        });
        let Some((name, value)) = set else {
            return Err(Failure::line(
                "no editor: set EDITOR, for example to nano".to_owned(),
            ));
        };
        match shell_words::split(&value) {
            Ok(words) if !words.is_empty() => Ok(Editor(words)),
            _ => Err(Failure::line(format!("{name} is no command line: {value}"))),
        }
    }

    fn start(&self, path: &Path) -> Result<Child, Failure> {
        let Some((program, arguments)) = self.0.split_first() else {
            return Err(Failure::line("no editor: set EDITOR".to_owned()));
        };
        let mut command = Command::new(program);
        let child = command.args(arguments).arg(path).spawn();
        child.map_err(|error| Failure::line(format!("cannot start the editor {program}: {error}")))
    }

    /// Runs to its end.
    pub fn run(&self, path: &Path, held: &Held) -> Result<Edited, Failure> {
        let mut child = self.start(path)?;
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
        let mut ended_by = None;
        loop {
            if let Ok(Some(status)) = child.try_wait() {
                return match ended_by {
                    Some(signal) => Ok(Edited::Ended(signal)),
                    None => self.judge(status),
                };
            }
            match held.signals.wait() {
                Ok(signal) if ENDING.contains(&signal) => {
                    // An editor that asks before it goes would keep the text in clear for ever.
                    let deadly = ended_by.map_or(signal, |_| Signal::SIGKILL);
                    ended_by = Some(ended_by.unwrap_or(signal));
                    let _ = kill(pid, deadly);
                }
                _ => {}
            }
        }
    }

    fn judge(&self, status: ExitStatus) -> Result<Edited, Failure> {
        if status.success() {
            return Ok(Edited::Done);
        }
        let program = self.0.first().map_or("", String::as_str);
        Err(Failure::line(format!(
            "the editor {program} ended with {status}: nothing is changed"
        )))
    }
}

/// How an editor's run ended.
pub(super) enum Edited {
    Done,
    /// We were asked to end.
    Ended(Signal),
}

/// Signals that wait for us instead of ending us at once. This program has one thread, and children begin
/// with an empty mask (the standard library's).
pub(super) struct Held {
    signals: SigSet,
    before: SigSet,
}

impl Held {
    pub fn hold() -> Result<Held, Failure> {
        let mut signals = SigSet::empty();
        for signal in ENDING.into_iter().chain(KEYBOARD).chain([Signal::SIGCHLD]) {
            signals.add(signal);
        }
        let mut before = SigSet::empty();
        let done = pthread_sigmask(SigmaskHow::SIG_BLOCK, Some(&signals), Some(&mut before));
        done.map_err(|error| Failure::line(format!("cannot hold signals: {error}")))?;
        Ok(Held { signals, before })
    }

    /// Waits until there is something to read, or a signal wants our end; whether it is the former.
    #[expect(clippy::unused_self, reason = "only while they are held")]
    pub fn wait_for(&self, input: BorrowedFd<'_>) -> bool {
        let mut ending = SigSet::empty();
        for signal in ENDING {
            ending.add(signal);
        }
        let Ok(ending) = SignalFd::with_flags(&ending, SfdFlags::SFD_CLOEXEC) else {
            return true;
        };
        let mut both = [ending.as_fd(), input].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        loop {
            match poll(&mut both, PollTimeout::NONE) {
                Err(Errno::EINTR) => {}
                _ => return !both.first().and_then(PollFd::any).unwrap_or(false),
            }
        }
    }
}

impl Drop for Held {
    /// What came in between takes effect now.
    fn drop(&mut self) {
        let _ = pthread_sigmask(SigmaskHow::SIG_SETMASK, Some(&self.before), None);
    }
}
