//! The one way by which a deploy changes something: allowed by the guard, and recorded in the audit.

use crate::aws::{AwsError, Ecs, Kind, Write};
use crate::deploy::guard::{Guard, Stop};
use crate::deploy::report::{Event, Report};
use crate::state::Audit;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// For one call, with its retries.
const CALL: Duration = Duration::from_mins(2);

/// A definition that was just registered may not be known everywhere at once.
const UNKNOWN: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_secs(1);

/// Makes changes.
pub struct Writer<'w> {
    pub ecs: Ecs<'w>,
    pub audit: Option<Audit<'w>>,
    pub guard: &'w Guard,
    pub report: &'w dyn Report,
    pub now: &'w dyn Fn() -> Timestamp,
    /// ARNs of what this deploy registered.
    fresh: RefCell<BTreeSet<String>>,
}

/// What a change is, for guard and audit.
pub struct Changes<'c> {
    /// `ecs:UpdateService`.
    pub action: &'c str,
    pub resource: &'c str,
    pub request: &'c Map<String, Value>,
}

impl<'w> Writer<'w> {
    pub fn new(
        ecs: Ecs<'w>,
        audit: Option<Audit<'w>>,
        guard: &'w Guard,
        report: &'w dyn Report,
        now: &'w dyn Fn() -> Timestamp,
    ) -> Writer<'w> {
        Writer {
            ecs,
            audit,
            guard,
            report,
            now,
            fresh: RefCell::default(),
        }
    }

    /// Calls what changes something at ECS.
    pub async fn write(
        &self,
        write: Write,
        resource: &str,
        request: &Map<String, Value>,
    ) -> Result<Map<String, Value>, Stop> {
        let changes = Changes {
            action: &format!("ecs:{}", write.operation()),
            resource,
            request,
        };
        self.recorded(&changes, self.sent(write, resource, request))
            .await
    }

    /// Makes any call that changes something, if it may be made, with a record of it before and after.
    pub async fn recorded<T>(
        &self,
        changes: &Changes<'_>,
        call: impl Future<Output = Result<T, AwsError>>,
    ) -> Result<T, Stop> {
        self.guard.check((self.now)())?;
        let Some(audit) = &self.audit else {
            return Ok(call.await?);
        };
        let begun = audit.begin(
            changes.action,
            changes.resource,
            changes.request,
            (self.now)(),
        );
        let begun = begun.await.map_err(Stop::Audit)?;
        // Writing the record may have taken what was left of the lock.
        let allowed = self.guard.check((self.now)());
        let (done, outcome) = match allowed {
            Err(stop) => (Err(stop), "not made".to_owned()),
            Ok(()) => match call.await {
                Ok(reply) => (Ok(reply), "done".to_owned()),
                Err(error) => {
                    let outcome = error.to_string();
                    (Err(Stop::Aws(error)), outcome)
                }
            },
        };
        if let Err(error) = audit.end(begun, &outcome).await {
            let line = format!(
                "the audit does not tell how {} ended: {error}",
                changes.action
            );
            self.report.tell(&Event::Warning(line));
        }
        done
    }

    /// Its ARN was answered just now.
    pub fn registered(&self, arn: &str) {
        self.fresh.borrow_mut().insert(arn.to_owned());
    }

    /// One call, but for a definition of ours that is not known there yet.
    async fn sent(
        &self,
        write: Write,
        resource: &str,
        request: &Map<String, Value>,
    ) -> Result<Map<String, Value>, AwsError> {
        let began = tokio::time::Instant::now();
        loop {
            let deadline = Instant::now() + CALL;
            let sent = self.ecs.write(write, resource, request, deadline).await;
            match sent {
                Err(error) if self.is_too_early(&error, request) && began.elapsed() < UNKNOWN => {
                    tokio::time::sleep(PAUSE).await;
                }
                sent => return sent,
            }
        }
    }

    fn is_too_early(&self, error: &AwsError, request: &Map<String, Value>) -> bool {
        let definition = request.get("taskDefinition").and_then(Value::as_str);
        let fresh = definition.is_some_and(|arn| self.fresh.borrow().contains(arn));
        // There is no code of its own for it.
        let unknown = matches!(error.kind, Kind::Other | Kind::NotFound)
            && (error.is("ClientException") || error.is("InvalidParameterException"));
        fresh
            && unknown
            && error
                .detail
                .to_lowercase()
                .replace(' ', "")
                .contains("taskdefinition")
    }
}
