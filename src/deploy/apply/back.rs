//! `--rollback`: a service whose deployment does not come to what it should goes back to what served before it.

use super::run::Run;
use super::services::{begun, odd};
use crate::aws::Write;
use crate::deploy::guard::Stop;
use crate::deploy::report::{Change, Event};
use crate::deploy::verdict::{Expected, Outcome};
use crate::deploy::wait::{Proof, Target, Wait};
use serde_json::json;
use std::collections::BTreeSet;

/// Sends back what failed, and waits for it; the proofs with what became of them.
pub(super) async fn all(
    run: &Run<'_>,
    wait: &Wait<'_>,
    mut proofs: Vec<Proof>,
) -> Result<Vec<Proof>, Stop> {
    let (mut targets, mut sent) = (Vec::new(), Vec::new());
    for (place, proof) in proofs.iter().enumerate() {
        if let Some(before) = goes_back(proof) {
            targets.push(send(run, proof, before).await?);
            sent.push(place);
        }
    }
    let back = wait.proven(targets).await?;
    for (place, returned) in sent.into_iter().zip(back) {
        if let Some(proof) = proofs.get_mut(place)
            && returned.outcome == Outcome::Success
        {
            proof.outcome = Outcome::RolledBack {
                reason: proof.outcome.to_string(),
                causes: proof.outcome.causes().to_vec(),
            };
        }
    }
    Ok(proofs)
}

/// The definition to go back to, if there is one.
fn goes_back(proof: &Proof) -> Option<&str> {
    let expected = &proof.target.expected;
    let before = expected.before.as_deref()?;
    let bad = matches!(
        proof.outcome,
        Outcome::FailedStarts { .. } | Outcome::Timeout { .. }
    );
    (bad && before != expected.definition).then_some(before)
}

async fn send(run: &Run<'_>, proof: &Proof, before: &str) -> Result<Target, Stop> {
    let service = &proof.target.service;
    let request = json!({
        "cluster": run.plan.cluster, "service": service, "taskDefinition": before,
    });
    let request = request.as_object().cloned().unwrap_or_default();
    let write = Write::UpdateService;
    let reply = run.writer.write(write, service, &request).await?;
    let deployment = begun(&reply, Some(before)).ok_or_else(|| odd(write, service))?;
    run.deploy.report.tell(&Event::Changed {
        service: service.clone(),
        change: Change::Back,
        definition: Some(before.to_owned()),
        deployment: Some(deployment.id.clone()),
    });
    Ok(Target {
        service: service.clone(),
        expected: Expected {
            deployment: deployment.id,
            definition: before.to_owned(),
            before: Some(proof.target.expected.definition.clone()),
            tasks: 0,
            ..proof.target.expected.clone()
        },
        new: false,
        told: BTreeSet::new(),
    })
}
