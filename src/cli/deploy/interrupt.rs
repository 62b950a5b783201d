//! Ctrl-C, TERM and HUP of a command that takes its time: the first asks it to end, the second ends it or leaves it.

use crate::cli::{Failure, say};
use crate::deploy::guard::Guard;
use crate::deploy::oneoff::StopAsked;
use futures_util::future::{Either, select};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tokio::net::UnixStream;
use tokio::sync::watch;

/// As a shell has it for a command that Ctrl-C ended.
pub(super) const INTERRUPTED: u8 = 130;

/// Runs `work`, and lets the guard know of the first signal; the second ends the process at once.
pub(super) async fn guarded<T>(guard: &Guard, work: impl Future<Output = T>) -> Result<T, Failure> {
    let signals = ending(&[SIGINT, SIGTERM, SIGHUP]).map_err(unheard)?;
    let first = async {
        received(&signals).await;
        say("interrupted: ending; once more ends at once, and leaves the lock to end by itself");
        guard.interrupt();
    };
    let (work, first) = (pin!(work), pin!(first));
    Ok(match select(work, first).await {
        Either::Left((done, _)) => done,
        Either::Right(((), work)) => work.await,
    })
}

/// Does `work`, which is told of the first signal; `None` after the second.
pub(super) async fn interruptible<T>(
    work: impl AsyncFnOnce(StopAsked) -> T,
) -> Result<Option<T>, Failure> {
    let signals = pipe(&[SIGINT, SIGTERM]).map_err(unheard)?;
    let (ask, asked) = watch::channel(false);
    let leave = async {
        received(&signals).await;
        // Whoever is not there any more needs not be asked.
        let _ = ask.send(true);
        received(&signals).await;
    };
    let done = match select(pin!(work(asked)), pin!(leave)).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(((), _)) => None,
    };
    Ok(done)
}

#[expect(clippy::needless_pass_by_value, reason = "map_err gives it away")]
fn unheard(error: io::Error) -> Failure {
    Failure::line(format!("cannot wait for signals: {error}"))
}

/// As `pipe`, and the second signal ends the process, whatever it does just then.
fn ending(signals: &[i32]) -> io::Result<UnixStream> {
    let again = Arc::new(AtomicBool::new(false));
    for &signal in signals {
        // In this order: the first signal arms it for the second.
        flag::register_conditional_shutdown(signal, INTERRUPTED.into(), again.clone())?;
        flag::register(signal, again.clone())?;
    }
    pipe(signals)
}

/// A byte comes for each signal.
fn pipe(signals: &[i32]) -> io::Result<UnixStream> {
    let (read, write) = StdStream::pair()?;
    read.set_nonblocking(true)?;
    for &signal in signals {
        low_level::pipe::register(signal, write.try_clone()?)?;
    }
    UnixStream::from_std(read)
}

async fn received(signals: &UnixStream) {
    loop {
        let mut byte = [0];
        match signals.try_read(&mut byte) {
            Ok(1) => return,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            // No signal can come any more.
            _ => std::future::pending::<()>().await,
        }
        if signals.readable().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
