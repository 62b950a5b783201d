//! Which calls actions need: pure.

use crate::autoscale::config::Config;
use crate::autoscale::decide::{Act, Action, Snapshot};
use crate::autoscale::{ClusterId, GroupId, GroupKind, ServiceId};
use crate::aws::{AwsError, Kind};
use std::collections::BTreeMap;

/// The most container instances of one call.
const INSTANCES: usize = 10;

/// What one call does, or two that belong together.
#[derive(Debug, PartialEq)]
pub enum Batch<'a> {
    Count {
        service: &'a ServiceId,
        to: u32,
    },
    Capacity {
        group: &'a GroupId,
        to: u32,
    },
    /// Of container instances by ARN.
    State {
        cluster: &'a ClusterId,
        arns: Vec<&'a str>,
        status: &'static str,
    },
    End {
        group: &'a GroupId,
        instance: &'a str,
        lowers: bool,
    },
    /// A fleet replaces what is ended unless its target was lowered before.
    EndOfFleet {
        group: &'a GroupId,
        target: Option<u32>,
        instances: Vec<&'a str>,
    },
}

/// A call, and the actions that it is for: as many results are expected of it.
#[derive(Debug)]
pub struct Order<'a> {
    pub batch: Result<Batch<'a>, AwsError>,
    pub of: Vec<usize>,
}

pub fn orders<'a>(
    actions: &'a [Action],
    config: &'a Config,
    snapshot: &'a Snapshot,
) -> Vec<Order<'a>> {
    let mut orders = Vec::new();
    let mut states = States::new();
    let mut fleets: BTreeMap<&GroupId, Vec<(usize, &str, bool)>> = BTreeMap::new();
    for (index, action) in actions.iter().enumerate() {
        let mut order = |batch| {
            let of = vec![index];
            orders.push(Order { batch, of });
        };
        match &action.act {
            Act::SetCount { service, to, .. } => order(Ok(Batch::Count { service, to: *to })),
            Act::SetNodes { group, to, .. } => order(Ok(Batch::Capacity { group, to: *to })),
            Act::Drain { group, instance } | Act::Activate { group, instance } => {
                let status = match action.act {
                    Act::Drain { .. } => "DRAINING",
                    _ => "ACTIVE",
                };
                match node(group, instance, config, snapshot) {
                    Some((cluster, arn)) => {
                        let list = states.entry((cluster, status)).or_default();
                        list.push((index, arn));
                    }
                    None => order(Err(unknown(instance))),
                }
            }
            Act::Terminate {
                group,
                instance,
                lowers,
            } => match group.kind {
                GroupKind::SpotFleet => {
                    let list = fleets.entry(group).or_default();
                    list.push((index, instance, *lowers));
                }
                _ => order(Ok(Batch::End {
                    group,
                    instance,
                    lowers: *lowers,
                })),
            },
        }
    }
    for ((cluster, status), nodes) in states {
        orders.extend(nodes.chunks(INSTANCES).map(|some| Order {
            batch: Ok(Batch::State {
                cluster,
                arns: some.iter().map(|(_, arn)| *arn).collect(),
                status,
            }),
            of: some.iter().map(|(index, _)| *index).collect(),
        }));
    }
    let fleets = fleets.into_iter();
    orders.extend(fleets.map(|(group, ended)| end_of_fleet(group, &ended, snapshot)));
    orders
}

type States<'a> = BTreeMap<(&'a ClusterId, &'static str), Vec<(usize, &'a str)>>;

/// The cluster and the ARN of a node.
fn node<'a>(
    group: &GroupId,
    instance: &str,
    config: &'a Config,
    snapshot: &'a Snapshot,
) -> Option<(&'a ClusterId, &'a str)> {
    let group = config.groups.iter().find(|one| one.id == *group)?;
    let nodes = snapshot.container_instances.get(&group.cluster)?;
    Some((&group.cluster, nodes.get(instance)?))
}

fn unknown(instance: &str) -> AwsError {
    let action = "ecs:UpdateContainerInstancesState";
    let detail = "no container instance of it was seen";
    AwsError::new(Kind::NotFound, action, instance, detail)
}

fn end_of_fleet<'a>(
    group: &'a GroupId,
    ended: &[(usize, &'a str, bool)],
    snapshot: &Snapshot,
) -> Order<'a> {
    let lowered = ended.iter().filter(|(_, _, lowers)| *lowers);
    let lowered: Vec<&str> = lowered.map(|(_, instance, _)| *instance).collect();
    let target = snapshot.groups.get(group).map(|seen| {
        let gone = seen.instances.iter();
        let gone = gone.filter(|one| lowered.contains(&&*one.id));
        seen.total_units()
            .saturating_sub(gone.map(|one| one.units).sum::<u32>())
    });
    Order {
        batch: Ok(Batch::EndOfFleet {
            group,
            target: target.filter(|_| !lowered.is_empty()),
            instances: ended.iter().map(|(_, instance, _)| *instance).collect(),
        }),
        of: ended.iter().map(|(index, ..)| *index).collect(),
    }
}
