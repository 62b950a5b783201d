//! Signals as orders: a handler writes to a pipe, and the loop reads it.

use super::cloud::Later;
use super::orders::{Order, Orders};
use signal_hook::consts::{SIGCONT, SIGHUP, SIGINT, SIGTERM, SIGTSTP};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use std::collections::VecDeque;
use std::io;
use std::os::unix::net::UnixStream as Pipe;
use tokio::net::UnixStream;

/// In the order in which they are obeyed when several came: CONT undoes TSTP.
const KNOWN: [(i32, Order); 5] = [
    (SIGTERM, Order::Stop),
    (SIGINT, Order::Stop),
    (SIGHUP, Order::Reload),
    (SIGTSTP, Order::Pause),
    (SIGCONT, Order::Resume),
];

/// The signals of this process, from now on.
pub struct Signals {
    delivery: SignalDelivery<UnixStream, SignalOnly>,
    came: VecDeque<Order>,
}

impl Signals {
    /// Catches them. It needs a runtime around it.
    pub fn catch() -> io::Result<Signals> {
        let (read, write) = Pipe::pair()?;
        read.set_nonblocking(true)?;
        let read = UnixStream::from_std(read)?;
        let signals = KNOWN.map(|(signal, _)| signal);
        let delivery = SignalDelivery::with_pipe(read, write, SignalOnly, signals)?;
        Ok(Signals {
            delivery,
            came: VecDeque::new(),
        })
    }

    async fn wait(&mut self) -> Order {
        loop {
            if let Some(order) = self.came.pop_front() {
                return order;
            }
            // It is our own pipe: an error could only be answered by looking at the signals.
            let _ = self.delivery.get_read().readable().await;
            let mut bytes = [0; 64];
            while matches!(self.delivery.get_read().try_read(&mut bytes), Ok(1..)) {}
            let pending: Vec<i32> = self.delivery.pending().collect();
            let known = KNOWN.iter().filter(|(signal, _)| pending.contains(signal));
            self.came.extend(known.map(|(_, order)| *order));
        }
    }
}

impl Orders for Signals {
    fn next(&mut self) -> Later<'_, Order> {
        Box::pin(self.wait())
    }
}
