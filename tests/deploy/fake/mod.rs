//! ECS and S3 in this process, on tokio's clock: services roll out, fail and roll back as it goes on, and any call
//! can be refused, lost, or be the last.

mod ecs;
mod one_offs;
mod s3;
pub mod stage;

pub use ecs::{Ecs, Fate};
pub use one_offs::OneOffs;
pub use s3::Bucket;
pub use stage::{Stage, run};

use entry::aws::{AwsError, Kind};
use std::cell::{Cell, RefCell};
use tokio::sync::Notify;

/// What happens to a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    None,
    /// It does nothing, and this is the answer.
    Refused(Kind),
    /// It is done, and this is the answer.
    Lost(Kind),
    /// The caller dies before it.
    DiesBefore,
    /// The caller dies after it was done.
    DiesAfter,
}

type Hook = Box<dyn FnMut(&str, usize) -> Fault>;

/// Every call of ECS and S3, counted from 1, and what is to happen to it.
#[derive(Default)]
pub struct Faults {
    count: Cell<usize>,
    hook: RefCell<Option<Hook>>,
    pub died: Notify,
}

impl Faults {
    /// From now on, with the count from 1; `hook` gets the operation and its number.
    pub fn set(&self, hook: impl FnMut(&str, usize) -> Fault + 'static) {
        self.count.set(0);
        *self.hook.borrow_mut() = Some(Box::new(hook));
    }

    pub fn clear(&self) {
        *self.hook.borrow_mut() = None;
    }

    /// Makes a call: `done` is what it does.
    async fn pass<T>(
        &self,
        operation: &str,
        done: impl FnOnce() -> Result<T, AwsError>,
    ) -> Result<T, AwsError> {
        // As on a network, everybody else may come first.
        tokio::task::yield_now().await;
        self.count.set(self.count.get() + 1);
        let number = self.count.get();
        let fault = match &mut *self.hook.borrow_mut() {
            Some(hook) => hook(operation, number),
            None => Fault::None,
        };
        let error = |kind| AwsError::new(kind, operation, "", "as the test says");
        match fault {
            Fault::None => done(),
            Fault::Refused(kind) => Err(error(kind)),
            Fault::Lost(kind) => done().and(Err(error(kind))),
            Fault::DiesBefore | Fault::DiesAfter => {
                if fault == Fault::DiesAfter {
                    let _ = done();
                }
                self.died.notify_one();
                std::future::pending().await
            }
        }
    }
}
