//! `execve` without a shell, and the system calls that go with it.

use nix::errno::Errno;
use std::ffi::{CStr, CString};

/// Becomes the program; returns only the errno of a failure. Neither PATH nor a shell is consulted.
pub fn execve(path: &CStr, argv: &[CString], envp: &[CString]) -> Errno {
    match nix::unistd::execve(path, argv, envp) {
        Err(errno) => errno,
        Ok(never) => match never {},
    }
}

/// Opens `/dev/null` for those of 0, 1 and 2 that are closed: a file opened later would become the
/// app's standard output.
pub fn fill_standard_streams() {
    for fd in 0..=2 {
        // SAFETY: asks for flags; the descriptor need not be open.
        if unsafe { libc::fcntl(fd, libc::F_GETFD) } == -1 {
            // SAFETY: a NUL-terminated path; the lowest free number is `fd`, for those below are open.
            unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR) };
        }
    }
}

/// Puts `/dev/null` in place of standard input.
pub fn empty_input() -> nix::Result<()> {
    let null = std::fs::File::open("/dev/null")
        .map_err(|cause| cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw))?;
    nix::unistd::dup2_stdin(null)
}
