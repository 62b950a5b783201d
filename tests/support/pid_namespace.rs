//! entry in a PID namespace that `unshare` made, found from outside.

use super::wait;
use nix::unistd::Pid;

/// The first process below `unshare` that is entry: its child, or a child of the init that is.
pub fn entry_below(unshare: Pid) -> Pid {
    wait::until("entry runs below unshare", || {
        let mut pid = unshare;
        loop {
            pid = wait::children(pid).first().copied()?;
            if wait::status(pid, "Name")? == "entry" {
                return Some(pid);
            }
        }
    })
}
