//! Levels: a count grows past a maximum only when that was reached for long enough.

use super::memory::{elapsed, left};
use crate::autoscale::config::Levels;
use jiff::Timestamp;
use std::time::Duration;

/// The levels of this moment.
pub struct Stairs {
    maxima: Vec<u32>,
    cooldown: Duration,
}

/// Where a step leads.
#[derive(Debug, PartialEq, Eq)]
pub struct Landing {
    pub count: u32,
    /// Since when a maximum is reached, from now on.
    pub reached: Option<Timestamp>,
    /// A level that was opened by this step.
    pub opened: Option<u32>,
}

impl Stairs {
    /// `most` is the largest maximum of this moment; levels below it stay.
    pub fn new(levels: &Levels, most: u32) -> Stairs {
        let mut maxima = levels.maxima.clone();
        maxima.pop();
        maxima.retain(|level| *level < most);
        maxima.push(most);
        Stairs {
            maxima,
            cooldown: levels.cooldown,
        }
    }

    pub fn last(&self) -> u32 {
        self.maxima.last().copied().unwrap_or(0)
    }

    /// The index of a count's level, and its maximum.
    fn level(&self, count: u32) -> (usize, u32) {
        let mut levels = self.maxima.iter().copied().enumerate();
        let found = levels.find(|(_, max)| count <= *max);
        found.unwrap_or((self.maxima.len().saturating_sub(1), self.last()))
    }

    /// How long until the next level opens; zero if it is open.
    pub fn wait(&self, reached: Option<Timestamp>, now: Timestamp) -> Duration {
        let reached = reached.unwrap_or(now);
        left(Some(reached), self.cooldown, now).unwrap_or(Duration::ZERO)
    }

    /// From `count` to `next`, as far as the levels allow.
    pub fn step(
        &self,
        count: u32,
        next: u32,
        reached: Option<Timestamp>,
        now: Timestamp,
    ) -> Landing {
        let (current, current_max) = self.level(count);
        let (wanted, wanted_max) = self.level(next);
        let hot = reached.is_some_and(|reached| elapsed(reached, now) > self.cooldown);
        let (max, reached, opened) = if current < wanted && hot {
            (wanted_max, None, Some(wanted_max))
        } else if current < wanted || (current == wanted && next >= current_max) {
            (current_max, reached.or(Some(now)), None)
        } else {
            (wanted_max, None, None)
        };
        Landing {
            count: next.min(max),
            reached,
            opened,
        }
    }
}
