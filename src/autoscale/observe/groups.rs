//! Auto Scaling groups with their instances, a hundred a call.

use super::members::{count, flag, list, text};
use super::sight::{Sight, batch};
use super::{Eye, Job};
use crate::autoscale::decide::{Group, Instance, InstanceState};
use crate::autoscale::{GroupId, GroupKind, Region};
use crate::aws::AutoScaling;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

pub fn jobs(eye: Eye<'_>) -> Vec<Job<'_>> {
    let mut jobs: Vec<Job> = Vec::new();
    for (region, names) in names(eye, GroupKind::AutoScaling) {
        for some in names.chunks(AutoScaling::GROUPS) {
            jobs.push(Box::pin(look(eye, region, some.to_vec())));
        }
    }
    jobs
}

/// The groups of a kind by region.
pub(super) fn names(eye: Eye<'_>, kind: GroupKind) -> BTreeMap<&Region, Vec<&str>> {
    let mut names: BTreeMap<&Region, BTreeSet<&str>> = BTreeMap::new();
    for group in &eye.config.groups {
        if group.id.kind == kind {
            let GroupId { region, name, .. } = &group.id;
            names.entry(region).or_default().insert(name);
        }
    }
    let lists = names.into_iter();
    lists
        .map(|(region, names)| (region, names.into_iter().collect()))
        .collect()
}

async fn look<'a>(eye: Eye<'a>, region: &'a Region, names: Vec<&'a str>) -> Sight {
    let mut sight = Sight::default();
    let reply = match eye.clouds.calls(region) {
        Ok(calls) => {
            let auto_scaling = AutoScaling::new(calls);
            auto_scaling.groups(&names, eye.clouds.deadline).await
        }
        Err(error) => Err(error),
    };
    let seen = match reply {
        Ok(seen) => seen,
        Err(error) => {
            sight.failed(batch("groups", &names), error);
            return sight;
        }
    };
    for name in names {
        let id = GroupId {
            kind: GroupKind::AutoScaling,
            region: region.clone(),
            name: name.into(),
        };
        let called = |one: &&Value| text(one, "AutoScalingGroupName") == Some(name);
        match seen.iter().find(called) {
            None => sight.unusable(&id, "there is no such Auto Scaling group"),
            Some(value) => match group(value, eye.now) {
                Some(group) => drop(sight.snapshot.groups.insert(id, group)),
                None => sight.unusable(&id, "its sizes were not told"),
            },
        }
    }
    sight
}

fn group(value: &Value, now: Timestamp) -> Option<Group> {
    let instances = list(value, "Instances").iter();
    Some(Group {
        desired: count(value, "DesiredCapacity")?,
        min: count(value, "MinSize")?,
        max: count(value, "MaxSize")?,
        instances: instances.filter_map(|value| instance(value, now)).collect(),
    })
}

fn instance(value: &Value, now: Timestamp) -> Option<Instance> {
    Some(Instance {
        id: text(value, "InstanceId")?.into(),
        zone: text(value, "AvailabilityZone").unwrap_or_default().into(),
        state: state(text(value, "LifecycleState").unwrap_or_default()),
        // The group does not tell: its node does, or EC2.
        launched: now,
        units: count(value, "WeightedCapacity").map_or(1, |weight| weight.max(1)),
        protected: flag(value, "ProtectedFromScaleIn"),
    })
}

/// <https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-lifecycle.html>
fn state(lifecycle: &str) -> InstanceState {
    match lifecycle.split(':').next().unwrap_or_default() {
        "InService" => InstanceState::InService,
        // With a new root volume it comes back.
        "Pending" | "ReplacingRootVolume" | "RootVolumeReplaced" => InstanceState::Launching,
        _ => InstanceState::Leaving,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_group_is_what_its_reply_says() {
        let reply = json!({
            "DesiredCapacity": "6", "MinSize": "1", "MaxSize": "9",
            "Instances": [
                {"InstanceId": "i-1", "AvailabilityZone": "a", "LifecycleState": "InService",
                 "ProtectedFromScaleIn": "false"},
                {"InstanceId": "i-2", "AvailabilityZone": "b", "LifecycleState": "Pending:Wait",
                 "WeightedCapacity": "4", "ProtectedFromScaleIn": "true"},
                {"InstanceId": "i-3", "AvailabilityZone": "b", "LifecycleState": "Terminating:Proceed"},
            ],
        });
        let now = Timestamp::UNIX_EPOCH;
        let seen = group(&reply, now).unwrap();
        assert_eq!((seen.desired, seen.min, seen.max), (6, 1, 9));
        let told: Vec<_> = seen
            .instances
            .iter()
            .map(|one| (&*one.id, &*one.zone, one.state, one.units, one.protected))
            .collect();
        assert_eq!(
            told,
            [
                ("i-1", "a", InstanceState::InService, 1, false),
                ("i-2", "b", InstanceState::Launching, 4, true),
                ("i-3", "b", InstanceState::Leaving, 1, false),
            ]
        );
        let empty =
            json!({"DesiredCapacity": "0", "MinSize": "0", "MaxSize": "0", "Instances": null});
        assert_eq!(group(&empty, now).unwrap().instances, []);
        assert_eq!(group(&json!({"DesiredCapacity": "1"}), now), None);
    }

    #[test]
    fn only_those_in_service_or_on_their_way_are_counted_on() {
        for (lifecycle, expected) in [
            ("Pending", InstanceState::Launching),
            ("Pending:Proceed", InstanceState::Launching),
            ("InService", InstanceState::InService),
            ("Standby", InstanceState::Leaving),
            ("EnteringStandby", InstanceState::Leaving),
            ("Detaching", InstanceState::Leaving),
            ("Terminating:Retained", InstanceState::Leaving),
            ("Warmed:Running", InstanceState::Leaving),
            ("", InstanceState::Leaving),
        ] {
            assert_eq!(state(lifecycle), expected, "{lifecycle}");
        }
    }
}
