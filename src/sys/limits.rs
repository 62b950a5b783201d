//! No core dumps and no peeking while secrets are in memory; the app gets its own limits back.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The core size limit that entry was started with.
#[derive(Clone, Copy, Debug)]
pub struct CoreLimit {
    soft: u64,
    hard: u64,
}

/// Forbids core dumps, and hides `/proc/PID/{mem,environ,…}` from others of our user id.
/// `execve` makes the process dumpable again; the limit is the app's only if it is given back.
pub fn protect() -> CoreLimit {
    let (soft, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap_or((0, 0));
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, hard);
    let _ = nix::sys::prctl::set_dumpable(false);
    CoreLimit { soft, hard }
}

impl CoreLimit {
    /// Gives the app the limit that entry was started with.
    pub fn restore(self) {
        let _ = setrlimit(Resource::RLIMIT_CORE, self.soft, self.hard);
    }
}
