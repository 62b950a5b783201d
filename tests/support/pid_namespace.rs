//! entry in a PID namespace that `unshare` made, found from outside.

use super::wait;
use nix::unistd::Pid;

/// The first process below `unshare` that is entry: its child, or a child of the init that is.
pub fn entry_below(unshare: Pid) -> Pid {
    wait::until("entry runs below unshare", || {
        let mut parent = unshare;
        loop {
            let pid = wait::children(parent).first().copied()?;
            if is_entry(pid)? {
                // The parent may have become entry meanwhile: then this is only its boot process.
                return (!is_entry(parent)?).then_some(pid);
            }
            parent = pid;
        }
    })
}

/// PID 1 shows its stage in its name.
pub fn is_entry(pid: Pid) -> Option<bool> {
    let name = wait::status(pid, "Name")?;
    Some(name == "entry" || name.starts_with("entry:"))
}
