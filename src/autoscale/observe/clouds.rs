//! Who answers, by region.

use crate::autoscale::Region;
use crate::autoscale::config::Config;
use crate::aws::{AwsError, Call, Clients, Kind, S3};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::time::Instant;

/// AWS in every region that a file names, or what answers in its place.
pub struct Clouds<'c> {
    pub regions: BTreeMap<Region, &'c dyn Call>,
    /// Where deploys keep their locks.
    pub s3: Option<&'c dyn S3>,
    /// Until when each call of this poll must have been answered.
    pub deadline: Instant,
}

impl<'c> Clouds<'c> {
    pub(in crate::autoscale) fn calls(&self, region: &Region) -> Result<&'c dyn Call, AwsError> {
        let calls = self.regions.get(region).copied();
        calls.ok_or_else(|| {
            let name = region.as_deref().unwrap_or("the SDK's own");
            AwsError::new(Kind::Region, "region", name, "it was not foreseen")
        })
    }
}

/// AWS itself, in every region that a file names: made once, for all polls.
pub struct Regions(BTreeMap<Region, Rc<dyn Call>>);

impl Regions {
    pub fn of(config: &Config, clients: &Clients) -> Regions {
        let all = regions(config).into_iter();
        let calls = |region: Region| {
            let calls = clients.calls_of(region.as_deref().unwrap_or_default());
            (region, calls)
        };
        Regions(all.map(calls).collect())
    }

    pub fn clouds<'c>(&'c self, s3: &'c dyn S3, deadline: Instant) -> Clouds<'c> {
        let regions = self.0.iter();
        let regions = regions.map(|(region, calls)| (region.clone(), &**calls));
        Clouds {
            regions: regions.collect(),
            s3: Some(s3),
            deadline,
        }
    }
}

/// Every region that a file names, the SDK's own among them if something names none.
#[must_use]
pub fn regions(config: &Config) -> BTreeSet<Region> {
    let mut regions: BTreeSet<Region> = BTreeSet::new();
    for group in &config.groups {
        regions.insert(group.id.region.clone());
        regions.insert(group.cluster.region.clone());
        for service in &group.services {
            let triggers = service.upscale.iter().chain(&service.downscale);
            regions.extend(triggers.map(|trigger| trigger.alarm.region.clone()));
        }
    }
    let queues = config.interruption_queues.iter();
    regions.extend(queues.map(|queue| queue.region.clone()));
    regions
}
