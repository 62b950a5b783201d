//! `entryctl rollback --deregister`: what was left goes, if nothing refers to it.

use super::DEADLINE;
use crate::aws::{AwsError, Ecs, Write};
use crate::cli::Failure;
use crate::deploy::apply::Deploy;
use crate::deploy::config::Config;
use crate::deploy::plan::short;
use crate::deploy::report::Event;
use crate::deploy::rollback::{self, Back, Ended};
use crate::deploy::verdict::Outcome;
use serde_json::Map;
use std::collections::BTreeSet;
use std::time::Instant;

/// Deregisters what was left, and nothing refers to.
pub(super) async fn deregister(
    deploy: &Deploy<'_>,
    backs: &[Back],
    outcomes: &[(String, Outcome)],
    config: &Config,
    ecs: &Ecs<'_>,
) -> Result<(), Failure> {
    let deadline = Instant::now() + DEADLINE;
    let families: BTreeSet<String> = backs
        .iter()
        .filter_map(|back| short(&back.from).split(':').next().map(str::to_owned))
        .collect();
    let failed = |error: AwsError| Failure::new(&error);
    let cluster = &config.cluster;
    let arn = ecs.cluster_arn(cluster, deadline).await.map_err(failed)?;
    let arn = arn.unwrap_or_else(|| cluster.clone());
    let referred = rollback::referred(cluster, &arn, &families, ecs, deadline).await;
    let referred = referred.map_err(failed)?;
    let ended = |service: &str| {
        let mut outcomes = outcomes.iter();
        match outcomes.find(|(name, _)| name == service) {
            Some((_, Outcome::Success)) => Ended::Good,
            _ => Ended::Bad,
        }
    };
    let writer = deploy.writer();
    let retired = rollback::retired(backs, &ended, &referred);
    for left in backs.iter().map(|back| &back.from).collect::<BTreeSet<_>>() {
        if !retired.contains(left) {
            let line = format!(
                "{} is not deregistered: not all services have come back, or something refers to it",
                short(left)
            );
            deploy.report.tell(&Event::Warning(line));
            continue;
        }
        let mut request = Map::new();
        request.insert("taskDefinition".to_owned(), left.as_str().into());
        let write = writer.write(Write::DeregisterTaskDefinition, short(left), &request);
        let done = write.await;
        done.map_err(|stop| Failure::line(stop.to_string()))?;
        deploy.report.tell(&Event::Deregistered {
            definition: left.clone(),
        });
    }
    Ok(())
}
