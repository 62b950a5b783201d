//! The boot's end of the pipe to PID 1.

use super::staging::Journal;
use crate::supervise::message::Message;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Tells PID 1. It closes by itself at `execve`, which is how PID 1 knows that the app runs.
pub struct Pipe(OwnedFd);

impl Pipe {
    /// Wraps the write end, which has close-on-exec set.
    pub fn new(fd: OwnedFd) -> Pipe {
        Pipe(fd)
    }

    /// Tells. Without a PID 1 that listens nobody can be told that telling failed.
    pub fn tell(&self, message: &Message) {
        let _ = message.write_to(&self.0);
    }
}

impl Journal for Pipe {
    fn made(&self, path: &Path) {
        self.tell(&Message::Made(path.as_os_str().as_bytes().to_vec()));
    }

    fn kept(&self, path: &Path) {
        self.tell(&Message::Kept(path.as_os_str().as_bytes().to_vec()));
    }

    fn held(&self, path: &Path) {
        self.tell(&Message::Hold(path.as_os_str().as_bytes().to_vec()));
    }
}
