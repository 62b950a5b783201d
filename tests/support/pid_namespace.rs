//! entry in a PID namespace that `unshare` made, found from outside.

use super::wait;
use nix::unistd::Pid;

/// The first process below `unshare` that is entry: its child, or a child of the init that is.
pub fn entry_below(unshare: Pid) -> Pid {
    wait::until("entry runs below unshare", || {
        let mut parent = unshare;
        loop {
            let pid = wait::children(parent).first().copied()?;
            if wait::status(pid, "Name")? == "entry" {
                // The parent may have become entry meanwhile: then this is only its boot process.
                return (wait::status(parent, "Name")? != "entry").then_some(pid);
            }
            parent = pid;
        }
    })
}
