//! What AWS answers, as one snapshot a poll, in the fewest calls.
//!
//! ```text
//! every poll    alarms (100 names a call), services (10), groups (100), fleets (100, and one for each), leases
//!   wanted      decide, without nodes: which clusters' nodes matter?
//! those only    container instances (two calls for 100)
//!   closer      decide again: which nodes would it touch?
//! those only    their tasks; instances that are in no cluster
//! ```
//!
//! Whatever could not be read is not in the snapshot, and a `Trouble` says why: nothing here fails.

mod alarms;
mod closer;
mod clouds;
mod fleets;
mod groups;
mod leases;
pub(super) mod members;
mod nodes;
mod services;
mod sight;
mod tasks;
mod trouble;
mod wanted;

pub use clouds::{Clouds, Regions, regions};
pub use trouble::{Cause, News, Told, Trouble};
pub use wanted::wanted;

use super::config::Config;
use super::decide::{Memory, Snapshot};
use futures_util::StreamExt;
use futures_util::stream;
use jiff::Timestamp;
use sight::Sight;
use std::pin::Pin;

/// Calls under way at once.
const IN_FLIGHT: usize = 5;

/// How closely to look.
#[derive(Clone, Copy, Debug)]
pub struct Look<'m> {
    /// What the next decision will remember: it tells which nodes matter.
    pub memory: &'m Memory,
    /// Look at every cluster's nodes, whether they matter or not: every so often, since instances that never
    /// came and nodes that somebody else drains are seen in no other way.
    pub every_node: bool,
}

/// What an observation works with.
#[derive(Clone, Copy)]
struct Eye<'a> {
    config: &'a Config,
    look: Look<'a>,
    clouds: &'a Clouds<'a>,
    now: Timestamp,
}

/// A call or a few that need nothing of each other.
type Job<'a> = Pin<Box<dyn Future<Output = Sight> + 'a>>;

/// Looks once. `now` is when what is answered is true.
pub async fn snapshot(
    config: &Config,
    look: Look<'_>,
    clouds: &Clouds<'_>,
    now: Timestamp,
) -> (Snapshot, Vec<Trouble>) {
    let eye = Eye {
        config,
        look,
        clouds,
        now,
    };
    let mut jobs = alarms::jobs(eye);
    jobs.extend(services::jobs(eye));
    jobs.extend(groups::jobs(eye));
    jobs.extend(fleets::jobs(eye));
    jobs.extend(leases::jobs(eye));
    let mut sight = all(jobs).await;
    leases::apply(&mut sight);
    let clusters = wanted(config, &sight.snapshot, look, now);
    sight.merge(all(nodes::jobs(eye, &clusters)).await);
    nodes::complete(&mut sight);
    closer::instances(eye, &mut sight).await;
    closer::tasks(eye, &mut sight).await;
    // Answers come in any order.
    sight
        .troubles
        .sort_by(|one, other| one.about.cmp(&other.about));
    (sight.snapshot, sight.troubles)
}

/// Groups and their instances alone, for what cannot wait for a poll.
pub(super) async fn groups_alone(config: &Config, clouds: &Clouds<'_>, now: Timestamp) -> Snapshot {
    let memory = Memory::default();
    let look = Look {
        memory: &memory,
        every_node: false,
    };
    let eye = Eye {
        config,
        look,
        clouds,
        now,
    };
    let mut jobs = groups::jobs(eye);
    jobs.extend(fleets::jobs(eye));
    all(jobs).await.snapshot
}

async fn all(jobs: Vec<Job<'_>>) -> Sight {
    let seen = stream::iter(jobs).buffer_unordered(IN_FLIGHT);
    seen.fold(Sight::default(), async |mut sum, sight| {
        sum.merge(sight);
        sum
    })
    .await
}
