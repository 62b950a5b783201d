//! A question that the wait can do without: a role may not ask it, an emulator may not know it.

use crate::aws::AwsError;
use crate::deploy::report::{Event, Report};
use std::cell::Cell;

/// So many failures that should pass, without one answer, mean that there will be none.
const MOST_FAILURES: u32 = 3;

/// Whether it can be asked.
#[derive(Default)]
pub struct Optional {
    off: Cell<bool>,
    answered: Cell<bool>,
    failures: Cell<u32>,
}

impl Optional {
    /// The answer; `None` if there will be none, which is told once, and then no call is made. What should pass is
    /// an error.
    pub async fn ask<T>(
        &self,
        call: impl Future<Output = Result<T, AwsError>>,
        report: &dyn Report,
    ) -> Result<Option<T>, AwsError> {
        if self.off.get() {
            return Ok(None);
        }
        match call.await {
            Ok(answer) => {
                self.answered.set(true);
                self.failures.set(0);
                Ok(Some(answer))
            }
            Err(error) if self.passes(&error) => Err(error),
            Err(error) => {
                self.off.set(true);
                let line = format!("{error}: the wait goes on without it");
                report.tell(&Event::Warning(line));
                Ok(None)
            }
        }
    }

    fn passes(&self, error: &AwsError) -> bool {
        self.failures.set(self.failures.get() + 1);
        error.kind.passes() && (self.answered.get() || self.failures.get() < MOST_FAILURES)
    }
}
