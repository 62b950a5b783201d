//! Alarms: each name once, however many triggers have it, a hundred a call.

use super::members::{text, time};
use super::sight::{Sight, batch};
use super::{Eye, Job};
use crate::autoscale::decide::Alarm;
use crate::autoscale::{AlarmId, AlarmState, Region};
use crate::aws::CloudWatch;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub fn jobs(eye: Eye<'_>) -> Vec<Job<'_>> {
    let mut names: BTreeMap<&Region, BTreeSet<&str>> = BTreeMap::new();
    let services = eye.config.groups.iter().flat_map(|group| &group.services);
    for trigger in services.flat_map(|service| service.upscale.iter().chain(&service.downscale)) {
        let AlarmId { region, name } = &trigger.alarm;
        names.entry(region).or_default().insert(name);
    }
    let mut jobs: Vec<Job> = Vec::new();
    for (region, names) in names {
        let names: Vec<&str> = names.into_iter().collect();
        for some in names.chunks(CloudWatch::NAMES) {
            jobs.push(Box::pin(look(eye, region, some.to_vec())));
        }
    }
    jobs
}

async fn look<'a>(eye: Eye<'a>, region: &'a Region, names: Vec<&'a str>) -> Sight {
    let mut sight = Sight::default();
    let reply = match eye.clouds.calls(region) {
        Ok(calls) => {
            let cloud_watch = CloudWatch::new(calls);
            cloud_watch.alarms(&names, eye.clouds.deadline).await
        }
        Err(error) => Err(error),
    };
    let seen = match reply {
        Ok(seen) => seen,
        Err(error) => {
            sight.failed(batch("alarms", &names), error);
            return sight;
        }
    };
    let seen: BTreeMap<&str, &Value> = seen
        .iter()
        .filter_map(|one| Some((text(one, "AlarmName")?, one)))
        .collect();
    for name in names {
        let id = AlarmId {
            region: region.clone(),
            name: name.into(),
        };
        match seen.get(name) {
            None => sight.unusable(&id, "there is no alarm of this name"),
            Some(value) => match alarm(value, eye.now) {
                Some(alarm) => drop(sight.snapshot.alarms.insert(id, alarm)),
                None => sight.unusable(&id, "it is in no state that is known"),
            },
        }
    }
    sight
}

fn alarm(value: &Value, now: jiff::Timestamp) -> Option<Alarm> {
    let state = text(value, "StateValue")?;
    let known = AlarmState::ALL.iter().find(|(name, _)| *name == state);
    Some(Alarm {
        state: known?.1,
        since: time(value, "StateUpdatedTimestamp").unwrap_or(now),
    })
}
