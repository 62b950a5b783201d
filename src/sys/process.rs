//! Fork, wait and kill, with signal numbers that nix's enum does not know.

use super::signal::Sig;
use nix::errno::Errno;
use nix::unistd::Pid;

/// Which side of the fork this is.
pub enum Fork {
    Parent { child: Pid },
    Child,
}

/// Forks. Both sides put the child into its own process group: whoever is first, it is there before
/// anything is signalled.
pub fn fork() -> nix::Result<Fork> {
    // SAFETY: the process has one thread, so the child may do what it likes.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => {
            let _ = nix::unistd::setpgid(Pid::from_raw(0), Pid::from_raw(0));
            Ok(Fork::Child)
        }
        nix::unistd::ForkResult::Parent { child } => {
            // EACCES once the child has called execve: then it did this itself.
            let _ = nix::unistd::setpgid(child, child);
            Ok(Fork::Parent { child })
        }
    }
}

/// Sends to one process. A process that is gone is no error: that is what we wanted to know anyway.
pub fn kill(pid: Pid, signal: Sig) -> nix::Result<()> {
    raw_kill(pid.as_raw(), signal)
}

/// Sends to a process group.
pub fn kill_group(group: Pid, signal: Sig) -> nix::Result<()> {
    raw_kill(-group.as_raw(), signal)
}

/// Whether a process group has nobody in it.
pub fn group_is_gone(group: Pid) -> bool {
    // SAFETY: plain system call with signal 0, which is sent to nobody.
    Errno::result(unsafe { libc::kill(-group.as_raw(), 0) }) == Err(Errno::ESRCH)
}

fn raw_kill(target: i32, signal: Sig) -> nix::Result<()> {
    // SAFETY: plain system call, no memory is involved.
    match Errno::result(unsafe { libc::kill(target, signal.number()) }) {
        Ok(_) | Err(Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno),
    }
}

/// What `waitpid(-1)` told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waited {
    Exited {
        pid: Pid,
        code: u8,
    },
    Killed {
        pid: Pid,
        signal: Sig,
    },
    Stopped {
        pid: Pid,
        signal: Sig,
    },
    /// Children are left, none has changed.
    Nothing,
    /// No child is left.
    Alone,
}

/// Takes one change of any child, without blocking.
pub fn wait_any() -> Waited {
    wait_for(Pid::from_raw(-1))
}

/// Takes one change of this child, without blocking.
pub fn wait_for(child: Pid) -> Waited {
    let mut status = 0;
    let flags = libc::WNOHANG | libc::WUNTRACED;
    // SAFETY: `status` is a valid place to write to.
    let pid = unsafe { libc::waitpid(child.as_raw(), &raw mut status, flags) };
    match pid {
        0 => Waited::Nothing,
        // ECHILD; EINTR cannot be, for no handler is installed.
        ..0 => Waited::Alone,
        _ => decode(Pid::from_raw(pid), status),
    }
}

fn decode(pid: Pid, status: i32) -> Waited {
    // Status words hold 7-bit signals and 8-bit codes.
    let signal = |number| Sig::from_number(number).unwrap_or(Sig::KILL);
    if libc::WIFSIGNALED(status) {
        return Waited::Killed {
            pid,
            signal: signal(libc::WTERMSIG(status)),
        };
    }
    if libc::WIFSTOPPED(status) {
        return Waited::Stopped {
            pid,
            signal: signal(libc::WSTOPSIG(status)),
        };
    }
    Waited::Exited {
        pid,
        code: u8::try_from(libc::WEXITSTATUS(status)).unwrap_or(u8::MAX),
    }
}

/// Leaves at once, without destructors or exit handlers: nothing of this process needs them.
pub fn exit(code: u8) -> ! {
    // SAFETY: ends the process.
    unsafe { libc::_exit(i32::from(code)) }
}
