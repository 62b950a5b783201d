//! What every stage of PID 1 has at hand: the clock, the way to say something, and what programs get.

use crate::program::{CommandError, Contents, Inherited, Program, Table, TableError};
use crate::report::{Line, Report};
use crate::sys::cgroup;
use crate::sys::exec::empty_input;
use crate::sys::process::{Fork, exit, fork};
use crate::sys::terminal::Terminal;
use nix::sys::stat::{Mode as Bits, umask};
use nix::unistd::{Pid, chdir};
use std::ffi::CString;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// How long an error of a program that cannot start may take to get through a full pipe.
const PATIENCE: Duration = Duration::from_secs(1);

pub struct Host {
    pub us: Pid,
    pub started: Instant,
    pub report: Report,
    pub inherited: Inherited,
    /// The terminal that entry was started on, whoever holds it.
    pub terminal: Option<Terminal>,
    /// What starts after the boot; nobody needs it once the app runs alone.
    pub table: Option<Table>,
}

/// Where a program's output goes, if not to entry's own.
#[derive(Clone, Copy)]
pub struct Streams<'a> {
    pub stdout: BorrowedFd<'a>,
    pub stderr: BorrowedFd<'a>,
}

impl Host {
    pub fn now(&self) -> Duration {
        self.started.elapsed()
    }

    pub fn say(&self, line: &Line) {
        self.report.say(line);
    }

    /// Starts a program of the table in a process group of its own. `also` joins its environment.
    pub fn start(
        &self,
        place: usize,
        called: &str,
        streams: Option<Streams>,
        also: Option<CString>,
    ) -> nix::Result<Pid> {
        match fork()? {
            Fork::Parent { child } => Ok(child),
            Fork::Child => {
                let error = self.become_program(place, streams, also);
                let line = Line::error(format!("{called}: {error}"));
                Report::open(PATIENCE).say(&line);
                exit(error.code)
            }
        }
    }

    fn become_program(
        &self,
        place: usize,
        streams: Option<Streams>,
        also: Option<CString>,
    ) -> CommandError {
        let prepared = self.prepare(place, streams);
        let (program, mut contents) = match prepared {
            Ok(prepared) => prepared,
            Err(text) => {
                return CommandError {
                    text,
                    code: crate::exit::ENTRY_FAILED,
                };
            }
        };
        contents.environment.extend(also);
        program.execute(&contents.setting, &contents.environment, self.inherited)
    }

    fn prepare(
        &self,
        place: usize,
        streams: Option<Streams>,
    ) -> Result<(Program, Contents), String> {
        let table = self.table.as_ref().ok_or("the processes' table is gone")?;
        let contents = table
            .read()
            .map_err(|error: TableError| error.to_string())?;
        let program = contents.programs.get(place).cloned();
        let program = program.ok_or("it is not in the processes' table")?;
        let system = |errno: nix::errno::Errno| errno.desc().to_owned();
        if let Some(workdir) = &contents.setting.workdir {
            chdir(workdir)
                .map_err(|errno| format!("workdir {}: {}", workdir.display(), errno.desc()))?;
        }
        umask(Bits::from_bits_truncate(contents.umask));
        empty_input().map_err(system)?;
        if let Some(streams) = streams {
            nix::unistd::dup2_stdout(streams.stdout).map_err(system)?;
            nix::unistd::dup2_stderr(streams.stderr).map_err(system)?;
        }
        Ok((program, contents))
    }
}

/// OOM kills in our cgroup since the boot counted `before`.
pub fn oom_kills_since(before: Option<u64>) -> u64 {
    match (cgroup::oom_kills(), before) {
        (Some(now), Some(before)) => now.saturating_sub(before),
        _ => 0,
    }
}

/// Runs `work` in a child, which ends with its code. It is no app: its signals stay held, and it ends
/// with us.
pub fn aside(ends_with_us: bool, work: impl FnOnce() -> u8) -> nix::Result<Pid> {
    match fork()? {
        Fork::Parent { child } => Ok(child),
        Fork::Child => {
            if ends_with_us {
                let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
            }
            exit(work())
        }
    }
}

/// A pipe whose ends no program inherits by itself.
pub fn pipe() -> nix::Result<(OwnedFd, OwnedFd)> {
    nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)
}
