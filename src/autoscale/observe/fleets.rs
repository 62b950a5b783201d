//! Spot fleets, a hundred a call, and the instances of each, which no other call tells.

use super::members::{count, list, text};
use super::sight::{Sight, batch};
use super::{Eye, IN_FLIGHT, Job, groups};
use crate::autoscale::decide::{Group, Instance, InstanceState};
use crate::autoscale::{GroupId, GroupKind, Region};
use crate::aws::{AwsError, Ec2};
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;

/// A fleet that is being changed answers as one that is not.
const ALIVE: [&str; 3] = ["active", "modifying", "submitted"];

pub fn jobs(eye: Eye<'_>) -> Vec<Job<'_>> {
    let mut jobs: Vec<Job> = Vec::new();
    for (region, ids) in groups::names(eye, GroupKind::SpotFleet) {
        for some in ids.chunks(Ec2::FLEETS) {
            jobs.push(Box::pin(look(eye, region, some.to_vec())));
        }
    }
    jobs
}

async fn look<'a>(eye: Eye<'a>, region: &'a Region, ids: Vec<&'a str>) -> Sight {
    let mut sight = Sight::default();
    let seen = async {
        let ec2 = Ec2::new(eye.clouds.calls(region)?);
        Ok((ec2, ec2.fleets(&ids, eye.clouds.deadline).await?))
    };
    let (ec2, seen) = match seen.await {
        Ok(seen) => seen,
        Err(error) => {
            sight.failed(batch("spot fleets", &ids), error);
            return sight;
        }
    };
    let fleets = ids.iter().map(|id| {
        let called = |one: &&Value| text(one, "spotFleetRequestId") == Some(id);
        let found = seen.iter().find(called);
        async move { (*id, fleet(eye, ec2, id, found).await) }
    });
    let mut fleets = stream::iter(fleets).buffered(IN_FLIGHT);
    while let Some((name, found)) = fleets.next().await {
        let id = GroupId {
            kind: GroupKind::SpotFleet,
            region: region.clone(),
            name: name.into(),
        };
        match found {
            Ok(Ok(group)) => drop(sight.snapshot.groups.insert(id, group)),
            Ok(Err(why)) => sight.unusable(&id, why),
            Err(error) => sight.failed(id.to_string(), error),
        }
    }
    sight
}

async fn fleet(
    eye: Eye<'_>,
    ec2: Ec2<'_>,
    id: &str,
    found: Option<&Value>,
) -> Result<Result<Group, String>, AwsError> {
    let Some(found) = found else {
        return Ok(Err("there is no such spot fleet request".to_owned()));
    };
    let state = text(found, "spotFleetRequestState").unwrap_or_default();
    if !ALIVE.contains(&state) {
        return Ok(Err(format!("it is {state}")));
    }
    let instances = ec2.fleet_instances(id, eye.clouds.deadline).await?;
    let group = group(found, &instances, eye.now);
    Ok(group.ok_or_else(|| "its target was not told".to_owned()))
}

fn group(fleet: &Value, instances: &[Value], now: Timestamp) -> Option<Group> {
    let config = fleet.get("spotFleetRequestConfig")?;
    let weights = weights(config);
    let instance = |value: &Value| {
        let weight = text(value, "instanceType").and_then(|kind| weights.get(kind));
        Some(Instance {
            id: text(value, "instanceId")?.into(),
            // Its node tells, or EC2.
            zone: "".into(),
            state: InstanceState::InService,
            launched: now,
            units: weight.copied().unwrap_or(1),
            protected: false,
        })
    };
    Some(Group {
        desired: count(config, "targetCapacity")?,
        min: 0,
        max: u32::MAX,
        instances: instances.iter().filter_map(instance).collect(),
    })
}

/// What an instance of each type counts for: 1 where nothing is written.
fn weights(config: &Value) -> BTreeMap<&str, u32> {
    let specifications = list(config, "launchSpecifications").iter();
    let templates = list(config, "launchTemplateConfigs").iter();
    let overrides = templates.flat_map(|template| list(template, "overrides"));
    let all = specifications.chain(overrides);
    all.filter_map(|one| {
        let weight = count(one, "weightedCapacity").unwrap_or(1);
        Some((text(one, "instanceType")?, weight.max(1)))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn instances_count_for_their_types_weight() {
        let fleet = json!({"spotFleetRequestConfig": {
            "targetCapacity": "12",
            "launchSpecifications": [{"instanceType": "m5.large", "weightedCapacity": "2.0"}],
            "launchTemplateConfigs": [{"overrides": [
                {"instanceType": "m5.xlarge", "weightedCapacity": "4.0"}, {"instanceType": "t3.nano"},
            ]}],
        }});
        let types = ["m5.large", "m5.xlarge", "t3.nano", "c5.large"];
        let instances = types.map(|kind| json!({"instanceId": kind, "instanceType": kind}));
        let group = group(&fleet, &instances, Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!((group.desired, group.min, group.max), (12, 0, u32::MAX));
        let units: Vec<u32> = group.instances.iter().map(|one| one.units).collect();
        assert_eq!(units, [2, 4, 1, 1]);
    }
}
