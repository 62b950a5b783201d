//! Who took over from a server that ended: after USR2, unicorn's new master is a child of the old one, and
//! ours once that has gone.

use crate::sys::procfs::{command_line, descendants};
use nix::unistd::Pid;

/// The new master of the app whose master has ended and was collected.
pub fn of(old: Pid, us: Pid) -> Option<Pid> {
    let mut masters = descendants(us)
        .into_iter()
        .filter(|one| one.parent == us.as_raw() && one.group == old.as_raw())
        .filter(|one| is_master(&command_line(one.pid).unwrap_or_default()));
    let first = masters.next()?;
    // With two there is no telling which is the one.
    masters.next().is_none().then(|| Pid::from_raw(first.pid))
}

/// unicorn titles its master `unicorn master …` and a worker `unicorn worker[0] …`
/// (`proc_name` in `unicorn/http_server.rb`); an orphaned worker ends by itself.
fn is_master(command_line: &[u8]) -> bool {
    let title = String::from_utf8_lossy(command_line);
    let mut words = title.split([' ', '\0']);
    words.any(|word| word == "master")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        assert!(is_master(b"unicorn master -c unicorn.rb\0"));
        assert!(is_master(b"unicorn_rails\0master\0-c\0unicorn.rb"));
        assert!(!is_master(b"unicorn worker[0] -c unicorn.rb\0"));
        assert!(!is_master(b"ruby\0/usr/bin/unicorn\0-c\0unicorn.rb\0"));
        assert!(!is_master(b"sleep\0master.log"));
    }
}
