//! Who took over from a server that ended: after USR2, unicorn's new master is a child of the old one, and
//! ours once that has gone.

use crate::sys::procfs::{command_line, descendants};
use nix::unistd::Pid;

/// The new master of the app whose master has ended and was collected.
pub fn of(old: Pid, us: Pid) -> Option<Pid> {
    let all = descendants(us);
    let has_workers = |pid: i32| all.iter().any(|one| one.parent == pid);
    let (mut masters, mut starting) = (Vec::new(), Vec::new());
    for one in &all {
        if one.parent != us.as_raw() || one.group != old.as_raw() {
            continue;
        }
        match Role::of(&command_line(one.pid).unwrap_or_default()) {
            Some(Role::Master) => masters.push(one.pid),
            // What an app forked while it was loaded looks the same, but forks nobody.
            Some(Role::Starting) if has_workers(one.pid) => starting.push(one.pid),
            Some(Role::Starting) | None => {}
        }
    }
    // With two there is no telling which is the one.
    match (&masters[..], &starting[..]) {
        ([one], _) | ([], [one]) => Some(Pid::from_raw(*one)),
        _ => None,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Role {
    Master,
    /// A master without its title: it forks its workers, of which one has the old master ended, before it has one.
    Starting,
}

impl Role {
    /// unicorn titles its master `unicorn master …` and a worker `unicorn worker[0] …`
    /// (`proc_name` in `unicorn/http_server.rb`); an orphaned worker ends by itself.
    fn of(command_line: &[u8]) -> Option<Role> {
        let title = String::from_utf8_lossy(command_line);
        let words: Vec<&str> = title.split([' ', '\0']).collect();
        let file = |word: &str| word.rsplit('/').next().unwrap_or_default().to_owned();
        let is_unicorn = |word: &&str| matches!(&*file(word), "unicorn" | "unicorn_rails");
        let runs_it = words
            .first()
            .is_some_and(|first| file(first).starts_with("ruby"));
        if words.contains(&"master") {
            Some(Role::Master)
        } else {
            (runs_it && words.iter().any(is_unicorn)).then_some(Role::Starting)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles() {
        let table: [(&[u8], _); 9] = [
            (b"unicorn master -c unicorn.rb\0", Some(Role::Master)),
            (b"unicorn_rails\0master\0-c\0unicorn.rb", Some(Role::Master)),
            (b"unicorn worker[0] -c unicorn.rb\0", None),
            (
                b"/usr/bin/ruby3.1\0/usr/bin/unicorn\0-c\0unicorn.rb\0",
                Some(Role::Starting),
            ),
            (
                b"ruby\0bin/bundle\0exec\0unicorn_rails\0",
                Some(Role::Starting),
            ),
            (b"tail\0-F\0log/unicorn\0", None),
            (b"ruby\0/usr/bin/puma\0", None),
            (b"sleep\0master.log", None),
            (b"", None),
        ];
        for (line, role) in table {
            assert_eq!(Role::of(line), role, "{}", String::from_utf8_lossy(line));
        }
    }
}
