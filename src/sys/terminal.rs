//! The terminal and its foreground process group.

use nix::unistd::{Pid, getpgrp, getppid, getsid, isatty, tcgetpgrp, tcsetpgrp};
use std::os::fd::BorrowedFd;

/// Our controlling terminal, on one of the standard streams.
#[derive(Clone, Copy, Debug)]
pub struct Terminal(BorrowedFd<'static>);

impl Terminal {
    /// The terminal, where there is one and our process group holds it: what runs in the background
    /// must not take it.
    pub fn held() -> Option<Terminal> {
        (0..=2).find_map(|number| {
            // SAFETY: the standard streams stay open for the life of the process.
            let fd = unsafe { BorrowedFd::borrow_raw(number) };
            let terminal = Terminal(fd);
            (isatty(fd).unwrap_or(false) && terminal.is_held_by(getpgrp())).then_some(terminal)
        })
    }

    /// Whether this group is in the foreground.
    pub fn is_held_by(self, group: Pid) -> bool {
        tcgetpgrp(self.0).is_ok_and(|holder| holder == group)
    }

    /// Makes a group the foreground one. The caller has SIGTTOU blocked, or would be stopped by it.
    /// A terminal that went away in between is no error.
    pub fn give_to(self, group: Pid) {
        let _ = tcsetpgrp(self.0, group);
    }
}

/// Whether somebody would see us stop, and continue us: a parent in our session, which as PID 1 must be
/// a shell, for an init has no job control.
pub fn parent_is_a_shell() -> bool {
    let parent = getppid();
    if std::process::id() == 1 || getsid(Some(parent)) != getsid(None) {
        return false;
    }
    parent.as_raw() != 1
        || std::fs::read_to_string("/proc/1/comm")
            .is_ok_and(|name| SHELLS.contains(&name.trim_end()))
}

const SHELLS: [&str; 7] = ["sh", "bash", "dash", "ash", "zsh", "fish", "busybox"];
