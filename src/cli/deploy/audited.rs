//! Calls of commands that change something without the lock: each is in the audit, where the file says where that is.

use super::lock::who;
use crate::aws::{Call, Clients, Ecs};
use crate::cli::{Failure, warn};
use crate::deploy::apply::{Through, Writer};
use crate::deploy::config::Config;
use crate::deploy::guard::Guard;
use crate::deploy::report::{Event, Report};
use jiff::Timestamp;

/// Warnings alone.
struct Warnings;

impl Report for Warnings {
    fn tell(&self, event: &Event) {
        if let Event::Warning(line) = event {
            warn(line);
        }
    }
}

/// Does `work` with calls that are recorded; `kind` is the command.
pub(super) async fn audited<T>(
    config: &Config,
    clients: &Clients,
    kind: &str,
    work: impl AsyncFnOnce(&dyn Call) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let who = who(kind, "")?;
    let place = config.state.as_ref();
    let audit = place.map(|place| who.audit(clients.s3(), place));
    let calls = clients.calls();
    let guard = Guard::default();
    let writer = Writer::new(Ecs::new(&calls), audit, &guard, &Warnings, &Timestamp::now);
    work(&Through::new(&calls, &writer)).await
}
