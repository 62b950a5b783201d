//! The terminal and its foreground process group.

use nix::unistd::{Pid, getpgrp, isatty, tcgetpgrp, tcsetpgrp};
use std::os::fd::BorrowedFd;

/// Standard input, where it is our controlling terminal.
#[derive(Clone, Copy, Debug)]
pub struct Terminal(BorrowedFd<'static>);

impl Terminal {
    /// The terminal on standard input, if there is one that is ours.
    pub fn ours() -> Option<Terminal> {
        // SAFETY: 0 stays open for the life of the process.
        let stdin = unsafe { BorrowedFd::borrow_raw(0) };
        (isatty(stdin).unwrap_or(false) && tcgetpgrp(stdin).is_ok()).then_some(Terminal(stdin))
    }

    /// Whether our process group is in the foreground.
    pub fn is_foreground(self) -> bool {
        tcgetpgrp(self.0).is_ok_and(|group| group == getpgrp())
    }

    /// Makes a group the foreground one. The caller has SIGTTOU blocked, or would be stopped by it.
    /// A terminal that went away in between is no error.
    pub fn give_to(self, group: Pid) {
        let _ = tcsetpgrp(self.0, group);
    }
}
