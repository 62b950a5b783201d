//! What operators and ECS ask of the running loop.

use super::cloud::Later;
use futures_util::future::{Either, select};
use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

/// A signal, in the words of what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// TERM, INT.
    Stop,
    /// TSTP.
    Pause,
    /// CONT.
    Resume,
    /// HUP.
    Reload,
}

/// Where they come from.
pub trait Orders {
    /// Waits for the next one. It may be dropped before.
    fn next(&mut self) -> Later<'_, Order>;
}

/// Orders that came while something was done.
pub(super) struct Inbox<'a> {
    orders: &'a mut dyn Orders,
    waiting: VecDeque<Order>,
    /// Nothing new is begun.
    pub stopping: bool,
}

impl<'a> Inbox<'a> {
    pub fn new(orders: &'a mut dyn Orders) -> Inbox<'a> {
        Inbox {
            orders,
            waiting: VecDeque::new(),
            stopping: false,
        }
    }

    /// Does something, and keeps the orders that come meanwhile. After a stop it gets so much time; `None`: that
    /// was not enough.
    pub async fn during<T>(
        &mut self,
        work: impl Future<Output = T>,
        after_stop: Duration,
    ) -> Option<T> {
        let mut work = pin!(work);
        while !self.stopping {
            if let Some(done) = self.or_order(work.as_mut()).await {
                return Some(done);
            }
        }
        if after_stop.is_zero() {
            return None;
        }
        tokio::time::timeout(after_stop, work).await.ok()
    }

    /// Waits for something, or for an order: `None`, and it is kept.
    pub async fn or_order<T>(&mut self, work: impl Future<Output = T>) -> Option<T> {
        let order = match select(pin!(work), self.orders.next()).await {
            Either::Left((done, _)) => return Some(done),
            Either::Right((order, _)) => order,
        };
        self.note(order);
        None
    }

    fn note(&mut self, order: Order) {
        match order {
            Order::Stop => self.stopping = true,
            other => self.waiting.push_back(other),
        }
    }

    /// One that waits.
    pub fn waiting(&mut self) -> Option<Order> {
        self.waiting.pop_front()
    }
}
