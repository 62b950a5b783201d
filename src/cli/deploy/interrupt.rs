//! Ctrl-C of a command that takes its time: the first asks it to end, the second ends it.

use crate::cli::{Failure, say};
use crate::deploy::guard::Guard;
use futures_util::future::{Either, select};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io;
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// As a shell has it for a command that Ctrl-C ended.
pub(super) const INTERRUPTED: u8 = 130;

/// Runs `work`, and lets the guard know of the first signal.
pub(super) async fn guarded<T>(guard: &Guard, work: impl Future<Output = T>) -> Result<T, Failure> {
    let signals =
        signals().map_err(|error| Failure::line(format!("cannot wait for signals: {error}")))?;
    let first = async {
        // An error would only mean that nothing is heard of it.
        if signals.readable().await.is_ok() {
            say(
                "interrupted: ending; once more ends at once, and leaves the lock to end by itself",
            );
            guard.interrupt();
        }
    };
    let (work, first) = (pin!(work), pin!(first));
    Ok(match select(work, first).await {
        Either::Left((done, _)) => done,
        Either::Right(((), work)) => work.await,
    })
}

/// Readable after the first signal.
fn signals() -> io::Result<tokio::net::UnixStream> {
    let (read, write) = UnixStream::pair()?;
    read.set_nonblocking(true)?;
    let again = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        // In this order: the first signal arms it for the second.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), again.clone())?;
        flag::register(signal, again.clone())?;
        low_level::pipe::register(signal, write.try_clone()?)?;
    }
    tokio::net::UnixStream::from_std(read)
}
