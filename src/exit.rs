//! The one place that computes entry's exit code.

use crate::sys::process::Waited;
use crate::sys::signal::Sig;
use nix::unistd::Pid;
use std::collections::BTreeMap;

/// entry itself failed: usage, configuration, secrets, files, a boot that died.
pub const ENTRY_FAILED: u8 = 125;
/// The command was found but cannot be executed.
pub const NOT_EXECUTABLE: u8 = 126;
/// The command was not found.
pub const NOT_FOUND: u8 = 127;
/// `max_runtime` ran out, as in timeout(1).
pub const RAN_TOO_LONG: u8 = 124;

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Exited(u8),
    Killed(Sig),
}

impl Outcome {
    /// Whose end this is, and how; none where nothing ended.
    pub fn of(change: Waited) -> Option<(Pid, Outcome)> {
        match change {
            Waited::Exited { pid, code } => Some((pid, Outcome::Exited(code))),
            Waited::Killed { pid, signal } => Some((pid, Outcome::Killed(signal))),
            Waited::Stopped { .. } | Waited::Nothing | Waited::Alone => None,
        }
    }

    /// The code a shell would show: the process's own, or 128+n where signal n killed it.
    pub fn code(self) -> u8 {
        match self {
            Outcome::Exited(code) => code,
            Outcome::Killed(signal) => {
                128u8.saturating_add(u8::try_from(signal.number()).unwrap_or(u8::MAX))
            }
        }
    }
}

/// entry's exit code for an app that ran: the app's, remapped as the mode's `exit:` says.
pub fn code(outcome: Outcome, ran_too_long: bool, remap: &BTreeMap<u8, u8>) -> u8 {
    if ran_too_long {
        return RAN_TOO_LONG;
    }
    let code = outcome.code();
    remap.get(&code).copied().unwrap_or(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_code() {
        let none = BTreeMap::new();
        for exited in 0..=255 {
            assert_eq!(code(Outcome::Exited(exited), false, &none), exited);
        }
        for number in 1..=64u8 {
            let signal = Sig::from_number(i32::from(number)).unwrap();
            assert_eq!(code(Outcome::Killed(signal), false, &none), 128 + number);
        }
    }

    #[test]
    fn a_remap_sees_the_shell_code() {
        let remap = BTreeMap::from([(143, 0), (1, 3)]);
        assert_eq!(code(Outcome::Killed(Sig::TERM), false, &remap), 0);
        assert_eq!(code(Outcome::Exited(143), false, &remap), 0);
        assert_eq!(code(Outcome::Exited(1), false, &remap), 3);
        assert_eq!(code(Outcome::Exited(2), false, &remap), 2);
        assert_eq!(code(Outcome::Exited(1), true, &remap), RAN_TOO_LONG);
    }
}
