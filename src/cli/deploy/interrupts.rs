//! Ctrl-C and TERM while something runs: the first one asks it to end, the second one leaves it.

use crate::cli::Failure;
use crate::deploy::oneoff::StopAsked;
use futures_util::future::{Either, select};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::pin::pin;
use tokio::net::UnixStream;
use tokio::sync::watch;

/// Does `work`, which is told of the first signal; `None` after the second.
pub(super) async fn interruptible<T>(
    work: impl AsyncFnOnce(StopAsked) -> T,
) -> Result<Option<T>, Failure> {
    let signals = signals().map_err(|error| {
        let line = format!("cannot wait for signals: {error}");
        Failure::line(line)
    })?;
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

/// A byte comes for each signal.
fn signals() -> io::Result<UnixStream> {
    let (read, write) = StdStream::pair()?;
    read.set_nonblocking(true)?;
    for signal in [SIGINT, SIGTERM] {
        signal_hook::low_level::pipe::register(signal, write.try_clone()?)?;
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
