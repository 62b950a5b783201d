//! What one call or several brought, to be put together.

use super::nodes::Registered;
use super::trouble::{Cause, Trouble};
use crate::autoscale::ClusterId;
use crate::autoscale::decide::{Lease, Snapshot};
use crate::aws::AwsError;
use std::collections::{BTreeMap, BTreeSet};

/// A part of what there is to see.
#[derive(Default)]
pub struct Sight {
    pub snapshot: Snapshot,
    /// More about the nodes than decisions need.
    pub registered: BTreeMap<ClusterId, Vec<Registered>>,
    /// ARNs of each cluster's daemon services, once they were asked for.
    pub daemons: BTreeMap<ClusterId, BTreeSet<String>>,
    pub claims: Vec<Claim>,
    /// A deploy's lock could not be read.
    pub claims_unknown: bool,
    pub troubles: Vec<Trouble>,
}

/// A deploy's word for some services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// `None`: services of these names in any cluster.
    pub cluster: Option<String>,
    pub services: BTreeSet<String>,
    pub lease: Lease,
}

impl Sight {
    pub fn merge(&mut self, other: Sight) {
        let Sight {
            snapshot,
            registered,
            daemons,
            claims,
            claims_unknown,
            troubles,
        } = other;
        self.snapshot.services.extend(snapshot.services);
        self.snapshot.alarms.extend(snapshot.alarms);
        self.snapshot.clusters.extend(snapshot.clusters);
        self.snapshot.groups.extend(snapshot.groups);
        self.registered.extend(registered);
        self.daemons.extend(daemons);
        self.claims.extend(claims);
        self.claims_unknown |= claims_unknown;
        self.troubles.extend(troubles);
    }

    pub fn failed(&mut self, about: String, error: AwsError) {
        let cause = Cause::Failed(error);
        self.troubles.push(Trouble { about, cause });
    }

    pub fn unusable(&mut self, about: &impl ToString, why: impl Into<String>) {
        self.troubles.push(Trouble {
            about: about.to_string(),
            cause: Cause::Unusable(why.into()),
        });
    }
}

/// `alarms a and 2 more`: a batch, by the first of it.
pub fn batch(what: &str, names: &[&str]) -> String {
    match names {
        [] => what.to_owned(),
        [one] => format!("{what} {one}"),
        [one, rest @ ..] => format!("{what} {one} and {} more", rest.len()),
    }
}
