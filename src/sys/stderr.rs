//! Standard error without ever blocking, and without changing the flags of the open file that the
//! app shares.
//!
//! A full awslogs pipe must not delay a stop. `O_NONBLOCK` belongs to the open file, not to the
//! descriptor, so a pipe or a terminal is opened anew through `/proc`; a socket takes a flag per send.

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, send};
use nix::sys::stat::{Mode, SFlag, fstat};
use nix::unistd::write;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

/// How bytes get out.
enum Way {
    /// Our own open file of the same pipe or terminal, non-blocking.
    Reopened(OwnedFd),
    Socket,
    /// A file: it never makes a writer wait.
    Plain,
    /// Could not be opened anew (another user's pipe): ask first, and write what surely fits.
    Asking,
}

/// Where entry's own lines go.
pub struct Stderr {
    way: Way,
    terminal: bool,
}

/// A write of this size to a pipe that polls as writable does not block (pipe(7)).
const PIPE_BUF: usize = 4096;

impl Stderr {
    /// Looks what standard error is.
    pub fn open() -> Stderr {
        let stderr = borrowed();
        let kind = fstat(stderr).map_or(SFlag::empty(), |stat| {
            SFlag::from_bits_truncate(stat.st_mode) & SFlag::S_IFMT
        });
        let terminal = kind == SFlag::S_IFCHR && nix::unistd::isatty(stderr).unwrap_or(false);
        let way = match kind {
            SFlag::S_IFSOCK => Way::Socket,
            SFlag::S_IFIFO => reopen(),
            SFlag::S_IFCHR if terminal => reopen(),
            _ => Way::Plain,
        };
        Stderr { way, terminal }
    }

    /// Whether a person may be reading.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Writes as much as can be written within `patience`; the rest is dropped.
    pub fn write(&self, mut bytes: &[u8], patience: Duration) {
        let timeout = PollTimeout::try_from(patience).unwrap_or(PollTimeout::ZERO);
        while !bytes.is_empty() {
            match self.write_once(bytes) {
                Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) if self.wait(timeout) => {}
                Err(_) => return,
            }
        }
    }

    fn write_once(&self, bytes: &[u8]) -> nix::Result<usize> {
        match &self.way {
            Way::Reopened(fd) => write(fd, bytes),
            Way::Socket => send(
                borrowed().as_raw_fd(),
                bytes,
                MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL,
            ),
            Way::Plain => write(borrowed(), bytes),
            Way::Asking => self.write_asking(bytes.get(..PIPE_BUF).unwrap_or(bytes)),
        }
    }

    /// `RWF_NOWAIT` where the kernel has it for this kind of file; else only what polling promises.
    fn write_asking(&self, bytes: &[u8]) -> nix::Result<usize> {
        let part = libc::iovec {
            iov_base: bytes.as_ptr().cast_mut().cast(),
            iov_len: bytes.len(),
        };
        // SAFETY: one iovec over `bytes`, which the kernel only reads; -1 is "no offset".
        let written = unsafe { libc::pwritev2(2, &raw const part, 1, -1, libc::RWF_NOWAIT) };
        match Errno::result(written) {
            Ok(written) => Ok(usize::try_from(written).unwrap_or_default()),
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) if self.wait(PollTimeout::ZERO) => {
                write(borrowed(), bytes)
            }
            Err(Errno::EOPNOTSUPP | Errno::ENOSYS) => Err(Errno::EAGAIN),
            Err(errno) => Err(errno),
        }
    }

    /// Whether there is room within the timeout.
    fn wait(&self, timeout: PollTimeout) -> bool {
        let fd = match &self.way {
            Way::Reopened(fd) => fd.as_fd(),
            _ => borrowed(),
        };
        let mut fds = [PollFd::new(fd, PollFlags::POLLOUT)];
        poll(&mut fds, timeout).is_ok_and(|ready| ready > 0)
            && fds[0]
                .revents()
                .is_some_and(|events| events.contains(PollFlags::POLLOUT))
    }
}

fn borrowed() -> BorrowedFd<'static> {
    // SAFETY: `fill_standard_streams` saw to it that 2 is open, and nothing closes it.
    unsafe { BorrowedFd::borrow_raw(2) }
}

fn reopen() -> Way {
    let flags = OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    nix::fcntl::open("/proc/self/fd/2", flags, Mode::empty()).map_or(Way::Asking, Way::Reopened)
}
