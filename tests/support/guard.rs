//! A process that does not outlive its test.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command};

/// Killed, with all its descendants, if it is dropped while it runs.
pub struct Guard(Child);

impl Guard {
    pub fn spawn(command: &mut Command) -> Guard {
        match command.spawn() {
            Ok(child) => Guard(child),
            Err(error) => panic!("{command:?}: {error}"),
        }
    }

    pub fn pid(&self) -> Pid {
        Pid::from_raw(i32::try_from(self.0.id()).unwrap())
    }
}

impl Deref for Guard {
    type Target = Child;

    fn deref(&self) -> &Child {
        &self.0
    }
}

impl DerefMut for Guard {
    fn deref_mut(&mut self) -> &mut Child {
        &mut self.0
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !matches!(self.0.try_wait(), Ok(None)) {
            return;
        }
        let below = super::wait::descendants(self.pid());
        let _ = self.0.kill();
        let _ = self.0.wait();
        for pid in below {
            let _ = kill(pid, Signal::SIGKILL);
        }
    }
}
