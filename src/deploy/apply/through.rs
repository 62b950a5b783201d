//! Calls as others have them, of which those that change something go through the writer.

use super::writer::{Changes, Writer};
use crate::aws::{Api, AwsError, Call, Kind, Pending, Write};
use crate::deploy::guard::Stop;
use serde_json::Value;
use std::cell::RefCell;
use std::time::Instant;

/// What is called so.
const WRITES: [Write; 3] = [Write::RunTask, Write::StopTask, Write::UpdateService];

/// ECS, with what changes something going through a writer.
pub struct Through<'t> {
    calls: &'t dyn Call,
    writer: &'t Writer<'t>,
    /// Why a change was not made.
    stop: RefCell<Option<Stop>>,
}

impl<'t> Through<'t> {
    pub fn new(calls: &'t dyn Call, writer: &'t Writer<'t>) -> Through<'t> {
        Through {
            calls,
            writer,
            stop: RefCell::default(),
        }
    }

    /// Why the last change that was not made was not.
    pub(super) fn stopped(&self) -> Option<Stop> {
        self.stop.take()
    }
}

impl Call for Through<'_> {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        deadline: Instant,
    ) -> Pending<'a, Value> {
        if !WRITES.iter().any(|write| write.operation() == operation) {
            return self.calls.call(api, operation, resource, input, deadline);
        }
        Box::pin(async move {
            let request = input.as_object().cloned().unwrap_or_default();
            let action = format!("{}:{operation}", api.name());
            let changes = Changes {
                action: &action,
                resource,
                request: &request,
            };
            let call = self.calls.call(api, operation, resource, input, deadline);
            match self.writer.recorded(&changes, call).await {
                Ok(reply) => Ok(reply),
                Err(Stop::Aws(error)) => Err(error),
                Err(stop) => {
                    let error = AwsError::new(Kind::NotTried, &action, resource, stop.to_string());
                    *self.stop.borrow_mut() = Some(stop);
                    Err(error)
                }
            }
        })
    }
}
