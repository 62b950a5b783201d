//! From what was decided to calls, several at once: one that fails stops no other, and what is so already
//! is no failure.
//!
//! Nothing here waits for an effect: the next snapshot shows it.

mod batch;
mod call;

pub use call::Done;
pub(super) use call::{state_of, unless_gone};

use super::config::Config;
use super::decide::{Action, Snapshot};
use super::observe::Clouds;
use crate::aws::{AwsError, Kind};
use batch::Order;
use futures_util::{StreamExt, stream};

/// Calls under way at once.
const IN_FLIGHT: usize = 5;

/// What became of an action.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub action: Action,
    pub result: Result<Done, AwsError>,
}

/// Carries out actions that were decided on this snapshot; the outcomes are in the order of the actions.
pub async fn carry_out(
    actions: &[Action],
    config: &Config,
    snapshot: &Snapshot,
    clouds: &Clouds<'_>,
) -> Vec<Outcome> {
    let orders = batch::orders(actions, config, snapshot);
    let results = stream::iter(orders).map(|order| perform(order, clouds));
    let mut results: Vec<(usize, Result<Done, AwsError>)> = results
        .buffer_unordered(IN_FLIGHT)
        .flat_map(stream::iter)
        .collect()
        .await;
    results.sort_by_key(|(index, _)| *index);
    let outcomes = results.into_iter().filter_map(|(index, result)| {
        let action = actions.get(index)?.clone();
        Some(Outcome { action, result })
    });
    outcomes.collect()
}

async fn perform(order: Order<'_>, clouds: &Clouds<'_>) -> Vec<(usize, Result<Done, AwsError>)> {
    let over = tokio::time::Instant::now().into_std() >= clouds.deadline;
    let results = match order.batch {
        // By then somebody else may act.
        Ok(_) if over => {
            let error = AwsError::new(Kind::NotTried, "autoscale", "", "the time for it is over");
            vec![Err(error); order.of.len()]
        }
        Ok(batch) => call::perform(&batch, clouds).await,
        Err(error) => vec![Err(error); order.of.len()],
    };
    order.of.into_iter().zip(results).collect()
}
