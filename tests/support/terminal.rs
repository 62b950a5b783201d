//! A pseudo-terminal with a session of its own, and somebody who types.

use super::guard::Guard;
use super::lines::Lines;
use nix::pty::openpty;
use std::fs::File;
use std::io::Write;
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
        let pair = openpty(None, None).unwrap();
        let slave = || Stdio::from(pair.slave.try_clone().unwrap());
        // setsid becomes the command itself, since it leads no process group.
        let mut session = Command::new("setsid");
        session
            .arg("--ctty")
            .arg(command.get_program())
            .args(command.get_args())
            .stdin(slave())
            .stdout(slave())
            .stderr(slave());
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
        let keyboard = File::from(pair.master);
        let screen = Lines::of(keyboard.try_clone().unwrap());
        (process, Terminal { keyboard, screen })
    }

    pub fn type_in(&self, keys: &str) {
        (&self.keyboard).write_all(keys.as_bytes()).unwrap();
    }
}
