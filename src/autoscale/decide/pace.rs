//! How fast a count may follow its triggers: stabilization and rates.

use super::memory::{ServiceMemory, elapsed};
use super::why::Why;
use crate::autoscale::config::{Direction, Rate, RateLimit, Service};
use jiff::Timestamp;

/// Notes what the triggers ask for in this poll.
pub fn remember(service: &Service, memory: &mut ServiceMemory, step: i64, now: Timestamp) {
    let directions = [&service.scale_out, &service.scale_in];
    let rates = directions
        .into_iter()
        .flat_map(|direction| &direction.rates);
    let longest = rates.map(|rate| rate.per).max().unwrap_or_default();
    memory
        .changes
        .retain(|(time, _)| elapsed(*time, now) < longest);
    let window = directions
        .map(|direction| direction.stabilization)
        .into_iter()
        .max();
    let window = window.unwrap_or_default();
    if window.is_zero() {
        memory.steps.clear();
        return;
    }
    // What happened while nothing was seen for a whole window is not known.
    if memory
        .steps
        .back()
        .is_some_and(|(last, _)| elapsed(*last, now) > window)
    {
        memory.steps.clear();
    }
    memory.steps.push_back((now, step));
    let old = |entry: Option<&(Timestamp, i64)>| {
        entry.is_some_and(|(time, _)| elapsed(*time, now) >= window)
    };
    while old(memory.steps.get(1)) {
        memory.steps.pop_front();
    }
}

/// What is left of a step, and what held the rest of it.
pub fn step(
    service: &Service,
    memory: &ServiceMemory,
    count: u32,
    step: i64,
    now: Timestamp,
) -> (i64, Option<Why>) {
    let direction = if step > 0 {
        &service.scale_out
    } else {
        &service.scale_in
    };
    let steady = stabilized(direction, memory, step, now);
    if steady == 0 {
        return (0, (step != 0).then_some(Why::Stabilizing { step }));
    }
    let most = direction
        .rates
        .iter()
        .map(|rate| allowed(rate, memory, count, steady, now));
    let most = most.min().unwrap_or(i64::MAX);
    let kept = steady.signum() * steady.abs().min(most);
    (kept, (kept != steady).then_some(Why::Rate { step: steady }))
}

/// The least that was asked for during the whole window.
fn stabilized(direction: &Direction, memory: &ServiceMemory, step: i64, now: Timestamp) -> i64 {
    let window = direction.stabilization;
    if window.is_zero() {
        return step;
    }
    let whole = memory
        .steps
        .front()
        .is_some_and(|(time, _)| elapsed(*time, now) >= window);
    if !whole {
        return 0;
    }
    // The state at the window's beginning is that of the last poll before it.
    let begins = memory
        .steps
        .iter()
        .rposition(|(time, _)| elapsed(*time, now) >= window);
    let within = memory
        .steps
        .iter()
        .skip(begins.unwrap_or(0))
        .map(|(_, step)| *step);
    let least = if step > 0 { within.min() } else { within.max() };
    least
        .filter(|least| least.signum() == step.signum())
        .unwrap_or(0)
}

/// How many tasks more may change.
fn allowed(rate: &Rate, memory: &ServiceMemory, count: u32, step: i64, now: Timestamp) -> i64 {
    let within = memory
        .changes
        .iter()
        .filter(|(time, _)| elapsed(*time, now) < rate.per);
    let changes = within.map(|(_, change)| *change);
    let most = match rate.limit {
        RateLimit::Tasks(tasks) => i64::from(tasks),
        RateLimit::Percent(percent) => {
            let before = i64::from(count) - changes.clone().sum::<i64>();
            (before.max(0) * i64::from(percent) / 100).max(1)
        }
    };
    let same = changes.filter(|change| change.signum() == step.signum());
    (most - same.map(i64::abs).sum::<i64>()).max(0)
}
