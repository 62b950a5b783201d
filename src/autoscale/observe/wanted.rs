//! Whose nodes matter: pure, and asked of the decisions themselves.

use super::Look;
use crate::autoscale::config::{Config, Group};
use crate::autoscale::decide::{Act, Decision, Snapshot, Subject, Why, decide};
use crate::autoscale::{ClusterId, GroupKind};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// The clusters whose container instances are to be read, if `snapshot` is all that is known but these:
/// a rise needs to know the capacity there is, and a node on its way out what still runs on it.
#[must_use]
pub fn wanted(
    config: &Config,
    snapshot: &Snapshot,
    look: Look<'_>,
    now: Timestamp,
) -> BTreeSet<ClusterId> {
    let has_nodes = |group: &&Group| {
        group.id.kind != GroupKind::Simple && snapshot.groups.contains_key(&group.id)
    };
    let groups = config.groups.iter().filter(has_nodes);
    if look.every_node {
        return groups.map(|group| group.cluster.clone()).collect();
    }
    let decision = decide(config, snapshot, look.memory.clone(), now);
    let matter = groups.filter(|group| matters(group, look, &decision));
    matter.map(|group| group.cluster.clone()).collect()
}

fn matters(group: &Group, look: Look<'_>, decision: &Decision) -> bool {
    let ours = |subject: &Subject| *subject == Subject::Group(group.id.clone());
    let lacking = decision
        .reasons
        .iter()
        .any(|reason| reason.why == Why::NoNodes && ours(&reason.subject));
    let leaving = || {
        let memory = look.memory.groups.get(&group.id);
        memory.is_some_and(|memory| !memory.leaving.is_empty())
    };
    let rises = || {
        group.services.iter().any(|service| {
            let memory = decision.memory.services.get(&service.id);
            let waits = memory.is_some_and(|memory| memory.wanted.is_some());
            waits
                || decision.actions.iter().any(|action| {
                    matches!(&action.act, Act::SetCount { service: id, from, to }
                        if *id == service.id && to > from)
                })
        })
    };
    lacking || leaving() || rises()
}
