//! Waiting for one child with a deadline, while signals are held.

use super::process::{Waited, wait_for as waited};
use super::signal::Sig;
use nix::unistd::Pid;
use std::time::Instant;

/// What came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Came {
    Ended(Waited),
    Signal(Sig),
    Deadline,
}

/// Waits for the child's end, one of `signals` or the deadline. SIGCHLD and `signals` must be held.
pub fn wait_for(child: Pid, signals: &[Sig], deadline: Option<Instant>) -> Came {
    loop {
        match waited(child) {
            Waited::Nothing | Waited::Stopped { .. } => {}
            ended => return Came::Ended(ended),
        }
        match wait_signal(signals, deadline) {
            Some(signal) if signals.contains(&signal) => return Came::Signal(signal),
            Some(_) => {}
            None => return Came::Deadline,
        }
    }
}

/// Waits for one of `signals`, or until the deadline.
pub fn pause(signals: &[Sig], deadline: Instant) -> Option<Sig> {
    loop {
        match wait_signal(signals, Some(deadline)) {
            Some(signal) if signals.contains(&signal) => return Some(signal),
            Some(_) => {}
            None => return None,
        }
    }
}

/// One of `signals` or SIGCHLD; `None` at the deadline.
fn wait_signal(signals: &[Sig], deadline: Option<Instant>) -> Option<Sig> {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set before `sigaddset` and `assume_init` see it.
    let set = unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        libc::sigaddset(set.as_mut_ptr(), libc::SIGCHLD);
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal.number());
        }
        set.assume_init()
    };
    loop {
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let left = left.map(|left| libc::timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: i64::from(left.subsec_nanos()),
        });
        let timeout = left.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
        // SAFETY: the set and the time, if any, live on this stack; no siginfo is asked for.
        let number = unsafe { libc::sigtimedwait(&raw const set, std::ptr::null_mut(), timeout) };
        if let Some(signal) = Sig::from_number(number) {
            return Some(signal);
        }
        // EINTR of a stop and continue is not the deadline.
        if deadline.is_some_and(|at| Instant::now() >= at) {
            return None;
        }
    }
}
