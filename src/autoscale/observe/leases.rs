//! Leases of deploys: while one holds its lock, it alone changes the services that the lock names.

use super::sight::{Claim, Sight};
use super::{Eye, Job};
use crate::autoscale::config::DeployLock;
use crate::autoscale::decide::Lease;
use crate::autoscale::observe::members::{last_part, list, text};
use crate::aws::{AwsError, Kind};
use crate::state::{self, Record, SKEW};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub fn jobs(eye: Eye<'_>) -> Vec<Job<'_>> {
    let locks = eye.config.deploys.iter();
    locks
        .map(|lock| -> Job<'_> { Box::pin(look(eye, lock)) })
        .collect()
}

async fn look<'a>(eye: Eye<'a>, lock: &'a DeployLock) -> Sight {
    let mut sight = Sight::default();
    let read = async {
        let none = || AwsError::new(Kind::Other, "s3:GetObject", "", "S3 was not foreseen");
        let s3 = eye.clouds.s3.ok_or_else(none)?;
        state::read(s3, &lock.place, &lock.name).await
    };
    match read.await {
        Ok(Some((record, _))) => sight.claims.extend(claim(&record, eye.now)),
        Ok(None) => {}
        Err(error) => {
            sight.failed(format!("lock of deploys {lock}"), error);
            sight.claims_unknown = true;
        }
    }
    sight
}

/// A deploy keeps `{"services": […]}` in its lock, and its cluster if it likes.
fn claim(record: &Record, now: Timestamp) -> Option<Claim> {
    let services = list(&record.kept, "services").iter();
    let skew = SignedDuration::try_from(SKEW).unwrap_or(SignedDuration::ZERO);
    record.is_held(now).then(|| Claim {
        cluster: text(&record.kept, "cluster").map(str::to_owned),
        services: services
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        lease: Lease {
            holder: record.holder.as_str().into(),
            until: record.until.saturating_add(skew).unwrap_or(Timestamp::MAX),
        },
    })
}

/// Puts the leases where decisions look for them.
pub fn apply(sight: &mut Sight) {
    for (id, service) in &mut sight.snapshot.services {
        let claim = sight.claims.iter().find(|claim| {
            let cluster = claim.cluster.as_deref();
            // Either may be an ARN where the other is a name.
            let named = |name: &String| last_part(name) == last_part(&id.name);
            claim.services.iter().any(named)
                && cluster.is_none_or(|cluster| last_part(cluster) == last_part(&id.cluster.name))
        });
        service.lease = claim.map(|claim| claim.lease.clone());
        service.lease_unknown = sight.claims_unknown;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_lock_claims_its_services_until_it_ends() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut record = Record {
            holder: "ci".to_owned(),
            id: "1".to_owned(),
            message: String::new(),
            since: at(0),
            until: at(60),
            released: false,
            kept: json!({"services": ["web", "api"]}),
        };
        let found = claim(&record, at(70)).unwrap();
        // Clocks differ: who waits for a lock waits longer.
        assert_eq!(found.lease.until, at(70));
        assert!(found.services.contains("web") && found.services.len() == 2);
        assert_eq!(claim(&record, at(71)), None);
        record.released = true;
        assert_eq!(claim(&record, at(1)), None);
    }
}
