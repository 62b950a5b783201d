//! Holding signals from the first instruction on, and giving them back to the app at the last.
//!
//! PID 1 ignores a signal that it has no handler for, but never one that is blocked
//! (`sig_ignored` in kernel/signal.c): blocked signals wait until signalfd reads them.

use nix::sys::signal::{SigSet, SigmaskHow, Signal, sigprocmask};

/// The signal mask that entry was started with, which the app gets back.
#[derive(Clone, Copy, Debug)]
pub struct InheritedMask(SigSet);

/// Blocks every signal, the seven synchronous ones too: the kernel unblocks those for a real fault,
/// and one that somebody sent can be passed on.
pub fn hold_signals() -> InheritedMask {
    let mut inherited = SigSet::empty();
    // Cannot fail: `how` is valid and both sets are ours.
    let _ = sigprocmask(
        SigmaskHow::SIG_SETMASK,
        Some(&SigSet::all()),
        Some(&mut inherited),
    );
    default_child_signal();
    InheritedMask(inherited)
}

impl InheritedMask {
    /// Puts the mask back, just before `execve`: what came in between takes effect now, but not what
    /// our own writes brought about.
    pub fn restore(self) {
        drop_own_signals();
        let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&self.0), None);
    }
}

/// What writing to a closed pipe, a full disk's limit or a terminal brings about. The boot gets an
/// errno instead, or it would die or stop before it has said what is wrong.
fn own_signals() -> SigSet {
    [
        Signal::SIGPIPE,
        Signal::SIGXFSZ,
        Signal::SIGTTOU,
        Signal::SIGTTIN,
    ]
    .into_iter()
    .collect()
}

/// Lets signals end this process as they end any other, while it boots.
pub fn release_signals() {
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&own_signals()), None);
}

/// Holds them again, around what must not be cut in half.
pub fn hold_again() {
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::all()), None);
}

fn drop_own_signals() {
    let none = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    let own = own_signals();
    // SAFETY: both structs live on this stack; no siginfo is asked for. Ends when none is pending.
    while unsafe { libc::sigtimedwait(own.as_ref(), std::ptr::null_mut(), &raw const none) } > 0 {}
}

/// With an inherited "ignore", the kernel would throw away our children's statuses.
fn default_child_signal() {
    // SAFETY: sets a default disposition, no handler; `old` is written before it is read.
    unsafe {
        let mut old = std::mem::MaybeUninit::<libc::sigaction>::uninit();
        if libc::sigaction(libc::SIGCHLD, std::ptr::null(), old.as_mut_ptr()) == 0
            && old.assume_init_ref().sa_sigaction == libc::SIG_IGN
        {
            libc::signal(libc::SIGCHLD, libc::SIG_DFL);
        }
    }
}

/// Defines `main` for a PID 1: signals are held in its first instruction, and the standard library's
/// own start, which would change SIGPIPE's disposition, does not run.
#[macro_export]
macro_rules! pid1_main {
    ($run:path) => {
        /// The C runtime's entry point.
        #[unsafe(no_mangle)]
        pub extern "C" fn main(_argc: i32, _argv: *const *const u8) -> i32 {
            let inherited = $crate::sys::hold::hold_signals();
            i32::from($run(inherited))
        }
    };
}
