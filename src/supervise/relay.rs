//! The relay: a child of PID 1 through which output goes, for prefixes and for lines that tell that a
//! process is ready. It may block as long as the reader of the log does; PID 1 never does.
//!
//! PID 1 keeps both ends of every pipe, so that a relay that died can be replaced and no process notices.

use super::group::plan::{GroupPlan, MemberPlan};
use super::host::{Host, Streams, aside, pipe};
use super::prefix::{Lines, Look};
use crate::config::{Output, Ready, Sign};
use crate::report::Line;
use crate::sys::process::kill;
use crate::sys::signal::Sig;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::unistd::{Pid, read, write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

/// Between two notices of one process's line.
const BETWEEN_NOTICES: Duration = Duration::from_millis(100);
/// As much as a pipe holds.
const CHUNK: usize = 64 * 1024;

pub struct Relay {
    pid: Option<Pid>,
    pipes: Vec<Pipe>,
    /// What the relay tells: the places of processes that are ready.
    notices: OwnedFd,
    notify: OwnedFd,
    /// Those whose line is waited for.
    watched: Vec<bool>,
}

struct Pipe {
    member: usize,
    stream: Stream,
    read: OwnedFd,
    /// None once nobody is to write any more.
    write: Option<OwnedFd>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stream {
    Out,
    Error,
}

/// Whether a process's output goes through the relay.
fn relayed(plan: &GroupPlan, member: &MemberPlan) -> bool {
    let by_line = |ready: &Ready| matches!(ready.sign, Sign::Line(_));
    plan.output == Output::Prefixed || member.ready.as_ref().is_some_and(by_line)
}

impl Relay {
    /// Whether there is any output to pass on.
    pub fn is_needed(plan: &GroupPlan) -> bool {
        plan.members.iter().any(|member| relayed(plan, member))
    }

    pub fn begin(plan: &GroupPlan) -> nix::Result<Relay> {
        let (notices, notify) = pipe()?;
        fcntl(&notices, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        let mut pipes = Vec::new();
        for (member, planned) in plan.members.iter().enumerate() {
            let streams: &[Stream] = if relayed(plan, planned) {
                &[Stream::Out, Stream::Error]
            } else {
                &[]
            };
            for &stream in streams {
                let (read, write) = pipe()?;
                pipes.push(Pipe {
                    member,
                    stream,
                    read,
                    write: Some(write),
                });
            }
        }
        let mut relay = Relay {
            pid: None,
            pipes,
            notices,
            notify,
            watched: plan.members.iter().map(|_| false).collect(),
        };
        relay.fork(plan)?;
        Ok(relay)
    }

    pub fn pid(&self) -> Option<Pid> {
        self.pid
    }

    /// Where a process's output goes.
    pub fn streams(&self, member: usize) -> Option<Streams<'_>> {
        let end = |stream| {
            let mut pipes = self.pipes.iter();
            let pipe = pipes.find(|pipe| pipe.member == member && pipe.stream == stream)?;
            pipe.write.as_ref().map(AsFd::as_fd)
        };
        Some(Streams {
            stdout: end(Stream::Out)?,
            stderr: end(Stream::Error)?,
        })
    }

    pub fn notices(&self) -> BorrowedFd<'_> {
        self.notices.as_fd()
    }

    /// From now on the process's line counts. The relay tells of every one; most are told too early.
    pub fn watch(&mut self, member: usize) {
        if let Some(watched) = self.watched.get_mut(member) {
            *watched = true;
        }
    }

    pub fn unwatch(&mut self, member: usize) {
        if let Some(watched) = self.watched.get_mut(member) {
            *watched = false;
        }
    }

    /// The watched processes whose line came.
    pub fn ready(&mut self) -> Vec<usize> {
        let mut bytes = [0; 512];
        let mut ready = Vec::new();
        while let Ok(length @ 1..) = read(&self.notices, &mut bytes) {
            // Two bytes at a time are written, which a pipe never tears (pipe(7), PIPE_BUF).
            for place in bytes.get(..length).unwrap_or_default().chunks_exact(2) {
                let place = usize::from(u16::from_le_bytes([place[0], place[1]]));
                if self.watched.get(place) == Some(&true) {
                    ready.push(place);
                }
            }
        }
        ready
    }

    /// It died, which only a KILL from outside or the kernel's can do: another takes its place, unless all
    /// its work is done.
    pub fn died(&mut self, plan: &GroupPlan, host: &Host) {
        self.pid = None;
        if self.pipes.iter().all(|pipe| pipe.write.is_none()) {
            return;
        }
        host.say(&Line::warning(
            "the process that passes the output on was killed; what it held is lost, another takes over",
        ));
        if let Err(errno) = self.fork(plan) {
            // Its pipes would fill up and block the processes: an end of reading is an error to them.
            self.pipes.clear();
            host.say(&Line::error(format!(
                "fork: {}: the output is lost",
                errno.desc()
            )));
        }
    }

    /// Nobody is to write any more: the relay ends when it has passed on what there is.
    pub fn close(&mut self) {
        for pipe in &mut self.pipes {
            pipe.write = None;
        }
    }

    /// Nobody reads what it holds.
    pub fn kill(&self) {
        if let Some(pid) = self.pid {
            let _ = kill(pid, Sig::KILL);
        }
    }

    fn fork(&mut self, plan: &GroupPlan) -> nix::Result<()> {
        let pid = aside(false, || {
            for pipe in &mut self.pipes {
                pipe.write = None;
            }
            pass_on(&self.pipes, &self.notify, plan);
            0
        })?;
        self.pid = Some(pid);
        Ok(())
    }
}

/// What the relay does, until every pipe has come to its end.
fn pass_on(pipes: &[Pipe], notify: &OwnedFd, plan: &GroupPlan) {
    let width = plan.members.iter().map(|one| one.name.len()).max();
    let prefixed = plan.output == Output::Prefixed;
    let terminal = [std::io::stdout().as_fd(), std::io::stderr().as_fd()]
        .map(|stream| nix::unistd::isatty(stream).unwrap_or(false));
    let mut told: Vec<Option<Instant>> = vec![None; plan.members.len()];
    let mut streams: Vec<Option<Lines>> = pipes
        .iter()
        .map(|pipe| {
            let member = plan.members.get(pipe.member)?;
            let sought = member.ready.as_ref().and_then(|ready| match &ready.sign {
                Sign::Line(text) => Some(text.as_str()),
                _ => None,
            });
            let colored = match pipe.stream {
                Stream::Out => terminal[0],
                Stream::Error => terminal[1],
            };
            let look = prefixed.then(|| Look {
                name: &member.name,
                width: width.unwrap_or_default(),
                color: colored.then_some(pipe.member),
            });
            Some(Lines::new(look, sought))
        })
        .collect();
    let mut chunk = vec![0; CHUNK];
    let mut out = Vec::with_capacity(2 * CHUNK);
    while let Some(readable) = wait(pipes, &streams) {
        for place in readable {
            let (Some(pipe), Some(slot)) = (pipes.get(place), streams.get_mut(place)) else {
                continue;
            };
            let Some(lines) = slot else { continue };
            out.clear();
            let found = match read(&pipe.read, &mut chunk) {
                Ok(0) | Err(_) => {
                    lines.end(&mut out);
                    *slot = None;
                    false
                }
                Ok(length) => lines.feed(chunk.get(..length).unwrap_or_default(), &mut out),
            };
            match pipe.stream {
                Stream::Out => write_all(std::io::stdout().as_fd(), &out),
                Stream::Error => write_all(std::io::stderr().as_fd(), &out),
            }
            if found && is_due(told.get_mut(pipe.member)) {
                let member = u16::try_from(pipe.member).unwrap_or(u16::MAX);
                let _ = write(notify, &member.to_le_bytes());
            }
        }
    }
}

/// A line that comes again and again wakes PID 1 now and then only.
fn is_due(told: Option<&mut Option<Instant>>) -> bool {
    let Some(told) = told else { return false };
    let due = told.is_none_or(|last| last.elapsed() >= BETWEEN_NOTICES);
    if due {
        *told = Some(Instant::now());
    }
    due
}

/// The places that can be read; none once all have ended.
fn wait(pipes: &[Pipe], streams: &[Option<Lines>]) -> Option<Vec<usize>> {
    let open: Vec<usize> = (0..pipes.len())
        .filter(|&place| streams.get(place).is_some_and(Option::is_some))
        .collect();
    if open.is_empty() {
        return None;
    }
    let mut fds: Vec<PollFd> = open
        .iter()
        .filter_map(|&place| pipes.get(place))
        .map(|pipe| PollFd::new(pipe.read.as_fd(), PollFlags::POLLIN))
        .collect();
    let _ = poll(&mut fds, PollTimeout::NONE);
    let readable = |fd: &PollFd| fd.any().unwrap_or(false);
    let places = open.iter().zip(&fds).filter(|(_, fd)| readable(fd));
    Some(places.map(|(place, _)| *place).collect())
}

/// Waits as long as the reader of the log makes it wait. What nobody can read any more is dropped, so that
/// the processes go on.
fn write_all(fd: BorrowedFd, mut bytes: &[u8]) {
    while !bytes.is_empty() {
        match write(fd, bytes) {
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(Errno::EAGAIN) => {
                let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
                let _ = poll(&mut fds, PollTimeout::NONE);
            }
            Err(Errno::EINTR) => {}
            Err(_) => return,
        }
    }
}
