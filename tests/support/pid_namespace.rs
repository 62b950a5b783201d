//! PID 1 of a namespace that `unshare` made, found from outside.

use super::wait;
use nix::unistd::Pid;

/// `unshare`'s only child, once it has become entry.
pub fn first_process(unshare: Pid) -> Pid {
    wait::until("unshare has a child that is entry", || {
        let child = wait::children(unshare).first().copied()?;
        (wait::status(child, "Name")? == "entry").then_some(child)
    })
}
