//! A command that calls AWS: clients, one deadline, one runtime.

use super::Failure;
use crate::aws::{self, Clients, Settings};
use std::time::{Duration, Instant};

/// Runs `work` with clients, all of it until one deadline.
pub(super) fn with_clients<T>(
    settings: &Settings,
    limit: Duration,
    work: impl AsyncFnOnce(&Clients, Instant) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let deadline = Instant::now() + limit;
    let runtime = aws::runtime().map_err(|error| Failure::new(&error))?;
    runtime.block_on(async {
        let clients = Clients::load(settings, deadline).await;
        let clients = clients.map_err(|error| Failure::new(&error))?;
        work(&clients, deadline).await
    })
}
