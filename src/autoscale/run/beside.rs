//! What goes on beside the polls: spot interruptions, for as long as this copy leads.

use super::cloud::Cloud;
use super::lead::Clock;
use super::log::Log;
use crate::autoscale::config::Config;
use futures_util::future::{Either, select};
use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::pin::pin;
use std::rc::Rc;
use tokio::sync::Notify;

/// What the loop of the polls tells this one.
pub(super) struct Shared {
    leads: Cell<bool>,
    config: RefCell<Rc<Config>>,
    changed: Notify,
}

impl Shared {
    pub fn new(config: Rc<Config>) -> Shared {
        Shared {
            leads: Cell::new(false),
            config: RefCell::new(config),
            changed: Notify::new(),
        }
    }

    pub fn lead(&self, leads: bool) {
        if self.leads.replace(leads) != leads {
            self.changed.notify_one();
        }
    }

    pub fn configure(&self, config: Rc<Config>) {
        self.config.replace(config);
        self.changed.notify_one();
    }
}

/// A change drops what is waited for: a message that is not deleted comes again.
pub(super) async fn listen(
    cloud: &dyn Cloud,
    shared: &Shared,
    log: &RefCell<Log<'_>>,
    clock: Clock<'_>,
) -> Infallible {
    loop {
        let changed = pin!(shared.changed.notified());
        if !shared.leads.get() {
            changed.await;
            continue;
        }
        let config = shared.config.borrow().clone();
        if let Either::Left((lines, _)) = select(cloud.interruptions(config), changed).await {
            for (level, line) in lines {
                let mut log = log.borrow_mut();
                log.say(clock(), level, "interruption", &line);
            }
        }
    }
}
