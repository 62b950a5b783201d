//! When what is seen of a cluster is not believed: a wrong name or a half answer must cost no node.

use super::memory::elapsed;
use super::nodes::Member;
use super::snapshot::{Instance, InstanceState};
use super::why::Why;
use jiff::Timestamp;
use std::time::Duration;

/// ecs_auto_scaler's: by then an instance has started its agent, or never will.
const REGISTERED_AFTER: Duration = Duration::from_mins(10);

/// Instances that should long have been in the cluster.
pub fn orphans<'a>(members: &[Member<'a>], now: Timestamp) -> Vec<&'a Instance> {
    let old = |member: &&Member| {
        member.node.is_none()
            && member.instance.state == InstanceState::InService
            && elapsed(member.instance.launched, now) > REGISTERED_AFTER
    };
    members
        .iter()
        .filter(old)
        .map(|member| member.instance)
        .collect()
}

/// Why no node is removed, if what is seen cannot be.
pub fn suspicion(
    members: &[Member],
    nodes_of_cluster: usize,
    orphans: usize,
    percent: u32,
) -> Option<Why> {
    let instances = members.len();
    if orphans == 0 {
        return None;
    }
    if nodes_of_cluster == 0 {
        return Some(Why::EmptyCluster);
    }
    if members.iter().all(|member| member.node.is_none()) {
        return Some(Why::NoneRegistered { instances });
    }
    let most = usize::try_from(percent).unwrap_or(0) * instances / 100;
    (orphans > most.max(1)).then_some(Why::ManyOrphans { orphans, instances })
}
