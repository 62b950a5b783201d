//! What `/proc` tells of other processes. Every answer may be missing: a container may have no `/proc`.

use super::signal::Sig;
use nix::unistd::Pid;

/// A process and what decides whether a signal is for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
}

/// Whether the process has a handler for the signal, if that can be known (`SigCgt`, `proc_pid_status(5)`).
pub fn catches(pid: Pid, signal: Sig) -> Option<bool> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some((caught(&status)? >> (signal.number() - 1)) & 1 == 1)
}

fn caught(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("SigCgt:"))?;
    u64::from_str_radix(line.trim(), 16).ok()
}

/// The words of a process, each ended by a NUL; a server may have written its title over them.
pub fn command_line(pid: i32) -> Option<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/cmdline")).ok()
}

/// The numbers of all processes.
pub fn processes() -> Vec<i32> {
    let Ok(entries) = std::fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .collect()
}

/// Everything that descends from `ancestor`, children first met before their own.
pub fn descendants(ancestor: Pid) -> Vec<Relative> {
    let all: Vec<Relative> = processes()
        .into_iter()
        .filter_map(|pid| stat(pid, &std::fs::read(format!("/proc/{pid}/stat")).ok()?))
        .collect();
    below(ancestor.as_raw(), &all)
}

fn below(ancestor: i32, all: &[Relative]) -> Vec<Relative> {
    let mut found: Vec<Relative> = all
        .iter()
        .copied()
        .filter(|one| one.parent == ancestor)
        .collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).map(|one| one.pid) {
        found.extend(all.iter().filter(|one| one.parent == parent));
        next += 1;
    }
    found
}

/// Reads `/proc/PID/stat`; the name in it may hold anything, so what follows the last `)` counts.
fn stat(pid: i32, bytes: &[u8]) -> Option<Relative> {
    let after = bytes.iter().rposition(|byte| *byte == b')')? + 1;
    let text = std::str::from_utf8(bytes.get(after..)?).ok()?;
    let mut fields = text.split_ascii_whitespace();
    let state = fields.next()?;
    let (parent, group) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    // A zombie is gone already; only its parent can collect it.
    (state != "Z").then_some(Relative { pid, parent, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_parentheses_do_not_confuse() {
        let expected = Relative {
            pid: 7,
            parent: 3,
            group: 5,
        };
        assert_eq!(stat(7, b"7 (a) R 9 (b) S 3 5 1 0"), Some(expected));
        assert_eq!(stat(7, b"7 (\xff\xfe) S 3 5 1 0"), Some(expected));
        assert_eq!(stat(7, b"7 (gone) Z 3 5 1 0"), None);
        assert_eq!(stat(7, b"7 cut"), None);
    }

    #[test]
    fn descendants_are_found_through_any_order() {
        let one = |pid, parent| Relative {
            pid,
            parent,
            group: pid,
        };
        let all = [one(9, 8), one(8, 2), one(2, 1), one(3, 0), one(4, 3)];
        let pids: Vec<i32> = below(1, &all).iter().map(|found| found.pid).collect();
        assert_eq!(pids, [2, 8, 9]);
    }

    #[test]
    fn caught_signals() {
        assert_eq!(
            caught("Name:\tx\nSigCgt:\t0000000000200002\n"),
            Some(0x20_0002)
        );
        assert_eq!(caught("Name:\tx\n"), None);
    }
}
