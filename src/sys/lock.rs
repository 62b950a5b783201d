//! Locks that tell other processes of a life, and questions about them that take nothing.
//!
//! Open file description locks (fcntl(2), `F_OFD_GETLK)`: asking does not collide with holding, and a
//! lock goes with its descriptor.

use nix::fcntl::{FcntlArg, OFlag, fcntl, open};
use nix::sys::stat::Mode;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

/// Holds a shared lock on a folder or a regular file for as long as the result lives.
pub fn hold(path: &Path) -> Option<File> {
    // Whatever else stands there now must not keep us waiting.
    let flags = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC;
    let file = File::from(open(path, flags, Mode::empty()).ok()?);
    fcntl(&file, FcntlArg::F_OFD_SETLK(&whole(libc::F_RDLCK))).ok()?;
    Some(file)
}

/// Whether somebody else holds a lock on what is open here.
pub fn is_held(open: impl AsFd) -> bool {
    let mut lock = whole(libc::F_WRLCK);
    let asked = fcntl(open, FcntlArg::F_OFD_GETLK(&mut lock));
    asked.is_ok() && i32::from(lock.l_type) != libc::F_UNLCK
}

fn whole(kind: i32) -> libc::flock {
    // The kinds are 0 to 2, and SEEK_SET is 0.
    let small = |number: i32| i16::try_from(number).unwrap_or_default();
    libc::flock {
        l_type: small(kind),
        l_whence: small(libc::SEEK_SET),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_seen_while_it_is_held() {
        let folder = tempfile::tempdir().unwrap();
        let asking = File::open(folder.path()).unwrap();
        assert!(!is_held(&asking));
        let held = hold(folder.path()).unwrap();
        let second = hold(folder.path()).unwrap();
        assert!(is_held(&asking));
        drop(held);
        assert!(is_held(&asking));
        drop(second);
        assert!(!is_held(&asking));
    }
}
