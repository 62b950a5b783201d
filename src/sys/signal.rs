//! Signal numbers and their names, real-time signals included (nix's enum leaves those out).

use serde::{Deserialize, Serialize};
use std::fmt;

/// A signal number that the kernel knows: 1 to 64.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Sig(u8);

/// The kernel's lowest and highest real-time signals; glibc keeps 32 and 33 for itself.
const RT_MIN: u8 = 34;
const RT_MAX: u8 = 64;

const NAMES: [(u8, &str); 31] = [
    (1, "HUP"),
    (2, "INT"),
    (3, "QUIT"),
    (4, "ILL"),
    (5, "TRAP"),
    (6, "ABRT"),
    (7, "BUS"),
    (8, "FPE"),
    (9, "KILL"),
    (10, "USR1"),
    (11, "SEGV"),
    (12, "USR2"),
    (13, "PIPE"),
    (14, "ALRM"),
    (15, "TERM"),
    (16, "STKFLT"),
    (17, "CHLD"),
    (18, "CONT"),
    (19, "STOP"),
    (20, "TSTP"),
    (21, "TTIN"),
    (22, "TTOU"),
    (23, "URG"),
    (24, "XCPU"),
    (25, "XFSZ"),
    (26, "VTALRM"),
    (27, "PROF"),
    (28, "WINCH"),
    (29, "IO"),
    (30, "PWR"),
    (31, "SYS"),
];

impl Sig {
    pub const HUP: Sig = Sig(1);
    pub const INT: Sig = Sig(2);
    pub const QUIT: Sig = Sig(3);
    pub const KILL: Sig = Sig(9);
    pub const USR1: Sig = Sig(10);
    pub const USR2: Sig = Sig(12);
    pub const TERM: Sig = Sig(15);
    pub const CHLD: Sig = Sig(17);
    pub const CONT: Sig = Sig(18);
    pub const STOP: Sig = Sig(19);
    pub const TSTP: Sig = Sig(20);
    pub const TTIN: Sig = Sig(21);
    pub const TTOU: Sig = Sig(22);
    pub const URG: Sig = Sig(23);
    pub const WINCH: Sig = Sig(28);

    /// The signal of this number, if there is one.
    pub fn from_number(number: i32) -> Option<Sig> {
        u8::try_from(number)
            .ok()
            .filter(|n| (1..=RT_MAX).contains(n))
            .map(Sig)
    }

    /// Reads `TERM`, `SIGTERM`, `15`, `RTMIN+3` or `RTMAX-1`, in any case.
    pub fn parse(text: &str) -> Option<Sig> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        if let Ok(number) = name.parse::<i32>() {
            return Sig::from_number(number);
        }
        if let Some(rest) = name.strip_prefix("RTMIN") {
            return real_time(rest, '+', |n| RT_MIN.checked_add(n));
        }
        if let Some(rest) = name.strip_prefix("RTMAX") {
            return real_time(rest, '-', |n| RT_MAX.checked_sub(n));
        }
        NAMES
            .iter()
            .find(|(_, known)| *known == name)
            .map(|(number, _)| Sig(*number))
    }

    /// The number that `kill(2)` takes.
    pub fn number(self) -> i32 {
        i32::from(self.0)
    }
}

fn real_time(rest: &str, sign: char, at: impl Fn(u8) -> Option<u8>) -> Option<Sig> {
    let offset = if rest.is_empty() {
        0
    } else {
        rest.strip_prefix(sign)?.parse().ok()?
    };
    at(offset)
        .filter(|n| (RT_MIN..=RT_MAX).contains(n))
        .map(Sig)
}

impl fmt::Display for Sig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match NAMES.iter().find(|(number, _)| *number == self.0) {
            Some((_, name)) => write!(f, "SIG{name}"),
            None if self.0 >= RT_MIN => write!(f, "SIGRTMIN+{}", self.0 - RT_MIN),
            None => write!(f, "signal {}", self.0),
        }
    }
}

impl fmt::Debug for Sig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_kernels() {
        for (number, name) in NAMES {
            assert_eq!(
                nix::sys::signal::Signal::try_from(i32::from(number))
                    .unwrap()
                    .as_str(),
                format!("SIG{name}")
            );
            assert_eq!(Sig::parse(name), Some(Sig(number)));
            assert_eq!(
                Sig::parse(&format!("sig{}", name.to_lowercase())),
                Some(Sig(number))
            );
        }
    }

    #[test]
    fn real_time_signals() {
        assert_eq!(Sig::parse("RTMIN"), Sig::from_number(libc::SIGRTMIN()));
        assert_eq!(Sig::parse("SIGRTMAX"), Sig::from_number(libc::SIGRTMAX()));
        assert_eq!(Sig::parse("RTMIN+3"), Sig::from_number(37));
        assert_eq!(Sig::parse("RTMAX-30"), Sig::from_number(34));
        for bad in [
            "RTMIN+31",
            "RTMAX-31",
            "RTMIN-1",
            "RTMIN+",
            "0",
            "65",
            "-1",
            "",
            "SIG",
            "TERMINATE",
        ] {
            assert_eq!(Sig::parse(bad), None, "{bad}");
        }
        assert_eq!(Sig::parse("40").unwrap().to_string(), "SIGRTMIN+6");
    }
}
