//! A pseudo-terminal with a session of its own, and somebody who types.

use super::guard::Guard;
use super::lines::Lines;
use nix::fcntl::OFlag;
use nix::pty::{grantpt, posix_openpt, ptsname_r, unlockpt};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::OpenOptionsExt;
use std::process::{Command, Stdio};

pub const CTRL_C: &str = "\x03";
pub const CTRL_D: &str = "\x04";
pub const CTRL_Z: &str = "\x1a";

/// The side of the person in front of it.
pub struct Terminal {
    keyboard: File,
    /// All that was shown, what was typed and echoed too.
    pub screen: Lines,
}

impl Terminal {
    /// Starts a command as the leader of a session on a new terminal.
    pub fn spawn(command: &Command) -> (Guard, Terminal) {
        // What another test starts at the same time must hold no end of it.
        let master = posix_openpt(OFlag::O_RDWR | OFlag::O_NOCTTY | OFlag::O_CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let slave = File::options()
            .read(true)
            .write(true)
            .custom_flags(OFlag::O_NOCTTY.bits())
            .open(ptsname_r(&master).unwrap())
            .unwrap();
        let stdio = || Stdio::from(slave.try_clone().unwrap());
        // setsid becomes the command itself, since it leads no process group.
        let mut session = Command::new("setsid");
        session
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(stdio())
            .stdout(stdio())
            .stderr(stdio());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => session.env(name, value),
                None => session.env_remove(name),
            };
        }
        if let Some(folder) = command.get_current_dir() {
            session.current_dir(folder);
        }
        let process = Guard::spawn(&mut session);
        let keyboard = File::from(OwnedFd::from(master));
        let screen = Lines::of(keyboard.try_clone().unwrap());
        (process, Terminal { keyboard, screen })
    }

    pub fn type_in(&self, keys: &str) {
        (&self.keyboard).write_all(keys.as_bytes()).unwrap();
    }
}
