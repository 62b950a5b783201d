//! What a notice asks for: pure.

use super::message::{Notice, Warned};
use crate::autoscale::config::{Config, Group};
use crate::autoscale::decide::Snapshot;
use crate::autoscale::{ClusterId, GroupId, GroupKind, Region};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// After that long the instance is gone, and nothing can be done for it.
const TOO_LATE: SignedDuration = SignedDuration::from_mins(2);

/// What becomes of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Done in this order, each whatever became of the other; none if nothing is to be done.
    Do(Vec<Step>),
    /// It is of no group of the file: other queues and other people may have it, too.
    Foreign,
    /// It may be of a group that could not be seen: to be looked at again.
    Later,
}

/// Something to do at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    Drain {
        cluster: ClusterId,
        instance: Arc<str>,
    },
    /// It leaves its group, which launches another; it goes on until AWS ends it, so that what runs on it
    /// can end in order.
    Replace { group: GroupId, instance: Arc<str> },
}

/// What to do about an instance. A fleet replaces what is interrupted by itself; an instance that may never be
/// interrupted only drains, and the next polls replace and end it as any that drains.
#[must_use]
pub fn what_to_do(
    notice: &Notice,
    region: &Region,
    config: &Config,
    snapshot: &Snapshot,
    now: Timestamp,
) -> Verdict {
    // Where the file names no region it is the SDK's own, which may well be the queue's.
    let near = |group: &Group| match (&group.id.region, region) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    };
    let groups = config.groups.iter();
    let groups = groups.filter(|group| group.id.kind != GroupKind::Simple && near(group));
    let mut unseen = false;
    for group in groups {
        let Some(seen) = snapshot.groups.get(&group.id) else {
            unseen = true;
            continue;
        };
        if !seen.instances.iter().any(|one| one.id == notice.instance) {
            continue;
        }
        let mut steps = Vec::new();
        if !group.disable_draining {
            steps.push(Step::Drain {
                cluster: group.cluster.clone(),
                instance: notice.instance.clone(),
            });
        }
        if notice.warned == Warned::Termination && group.id.kind == GroupKind::AutoScaling {
            steps.push(Step::Replace {
                group: group.id.clone(),
                instance: notice.instance.clone(),
            });
        }
        return Verdict::Do(steps);
    }
    if unseen && now.duration_since(notice.at) < TOO_LATE {
        Verdict::Later
    } else {
        Verdict::Foreign
    }
}
