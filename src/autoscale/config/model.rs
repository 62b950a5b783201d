//! What the file means.

use crate::autoscale::schedule::Schedule;
use crate::autoscale::{AlarmId, AlarmState, ClusterId, GroupId, Region, ServiceId};
use crate::state::Place;
use jiff::Timestamp;
use std::fmt;
use std::ops::{Add, Mul};
use std::time::Duration;

/// Everything that is scaled.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub polling_interval: Duration,
    /// Where copies agree on which of them acts.
    pub state: Option<Place>,
    pub interruption_queues: Vec<Queue>,
    /// While one is held, the services that it names are left alone.
    pub deploys: Vec<DeployLock>,
    pub groups: Vec<Group>,
}

/// An SQS queue of spot interruption warnings.
#[derive(Clone, Debug, PartialEq)]
pub struct Queue {
    pub url: String,
    /// As its host name tells.
    pub region: Region,
}

/// Where deploys keep a lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeployLock {
    pub place: Place,
    pub name: String,
}

/// Services that share nodes.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub id: GroupId,
    pub cluster: ClusterId,
    /// Capacity beyond what the tasks need.
    pub buffer: Capacity,
    pub disable_draining: bool,
    pub removal: Removal,
    pub services: Vec<Service>,
}

/// How nodes may go.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Removal {
    /// The most nodes chosen in one poll.
    pub per_poll: u32,
    /// The most nodes chosen in any hour.
    pub per_hour: u32,
    /// How long a chosen node may take to become empty.
    pub wait: Duration,
    pub busy: Busy,
    /// With more orphans than this part of the group, the answers are not believed.
    pub orphan_percent: u32,
}

/// What becomes of nodes that run a service's tasks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Busy {
    /// They stay, as with ecs_auto_scaler.
    Keep,
    /// They may be drained: ECS starts their tasks elsewhere first.
    Drain,
}

/// A service and how it is scaled.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub id: ServiceId,
    pub min: u32,
    pub levels: Levels,
    /// No decision for that long after a change was finished.
    pub idle: Duration,
    pub required_capacity: Capacity,
    pub upscale: Vec<Trigger>,
    pub downscale: Vec<Trigger>,
    pub schedules: Schedules,
    pub scale_out: Direction,
    pub scale_in: Direction,
    pub doubt: Doubt,
}

impl fmt::Display for DeployLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} in {}", self.name, self.place)
    }
}

impl Service {
    /// The minimum of this moment.
    #[must_use]
    pub fn min_at(&self, now: Timestamp) -> u32 {
        self.schedules.min.count(now).unwrap_or(self.min)
    }

    /// The largest maximum of this moment.
    #[must_use]
    pub fn max_at(&self, now: Timestamp) -> u32 {
        let scheduled = self.schedules.max.count(now);
        scheduled.unwrap_or_else(|| self.levels.last())
    }
}

/// Counts that depend on the time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedules {
    pub min: Schedule,
    pub max: Schedule,
    /// What the minimum asks for waits neither for a level nor for the idle time.
    pub bypasses_levels: bool,
}

/// What to do when alarms tell nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Doubt {
    pub insufficient_data: InsufficientData,
    pub fallback: Option<Fallback>,
}

/// The maxima of a service, ascending, and how long each but the last must have been reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Levels {
    pub maxima: Vec<u32>,
    pub cooldown: Duration,
    pub timer: LevelTimer,
}

impl Levels {
    /// The largest maximum.
    #[must_use]
    pub fn last(&self) -> u32 {
        self.maxima.last().copied().unwrap_or(0)
    }
}

/// Whether the wait for the next level survives polls without an upscale trigger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LevelTimer {
    /// It does, as with ecs_auto_scaler.
    Sticky,
    /// It begins again.
    Sustained,
}

/// An alarm and what it does.
#[derive(Clone, Debug, PartialEq)]
pub struct Trigger {
    pub alarm: AlarmId,
    pub state: AlarmState,
    pub step: u32,
    /// A downscale trigger that counts although an upscale trigger does.
    pub prioritized: bool,
}

/// How fast a count may change in one direction.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Direction {
    /// How long the triggers must have asked for it.
    pub stabilization: Duration,
    pub rates: Vec<Rate>,
}

/// The most change in a period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub limit: RateLimit,
    pub per: Duration,
}

/// How much that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RateLimit {
    Tasks(u32),
    /// Of the count at the beginning of the period; at least one task.
    Percent(u32),
}

/// Whether an alarm without data keeps a service from being scaled in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InsufficientData {
    Ignore,
    Hold,
}

/// The count to keep when alarms cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fallback {
    pub after: Duration,
    pub count: u32,
}

/// Units of capacity, exact to a millionth: ten times 0.1 is 1, and does not need two nodes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Capacity(u64);

impl Capacity {
    const UNIT: u64 = 1_000_000;
    /// More units than any group has; the product with any count of tasks still fits.
    const MOST: u64 = 1_000_000;

    /// Whole units.
    #[must_use]
    pub fn units(units: u32) -> Capacity {
        Capacity(u64::from(units) * Capacity::UNIT)
    }

    /// `2`, `0.5`, `.25`: at most a million, and six digits behind the point.
    #[must_use]
    pub fn parse(text: &str) -> Option<Capacity> {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        if whole.len() + part.len() == 0 || part.len() > 6 || !digits(whole) || !digits(part) {
            return None;
        }
        let number = |text: &str| {
            if text.is_empty() {
                Ok(0)
            } else {
                text.parse::<u64>()
            }
        };
        let whole = number(whole)
            .ok()
            .filter(|whole| *whole <= Capacity::MOST)?;
        let part = number(&format!("{part:0<6}")).ok()?;
        Some(Capacity(whole * Capacity::UNIT + part))
    }

    /// The whole units that hold it.
    #[must_use]
    pub fn ceil(self) -> u32 {
        u32::try_from(self.0.div_ceil(Capacity::UNIT)).unwrap_or(u32::MAX)
    }

    /// How often `each` fits into what is left of it beside `used`.
    #[must_use]
    pub fn slots(self, used: Capacity, each: Capacity) -> u32 {
        let free = self.0.saturating_sub(used.0);
        let slots = free.checked_div(each.0).unwrap_or(u64::MAX);
        u32::try_from(slots).unwrap_or(u32::MAX)
    }
}

impl Add for Capacity {
    type Output = Capacity;

    fn add(self, other: Capacity) -> Capacity {
        Capacity(self.0.saturating_add(other.0))
    }
}

impl Mul<u32> for Capacity {
    type Output = Capacity;

    fn mul(self, tasks: u32) -> Capacity {
        Capacity(self.0.saturating_mul(u64::from(tasks)))
    }
}

impl fmt::Display for Capacity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{}.{:06}", self.0 / Capacity::UNIT, self.0 % Capacity::UNIT);
        f.write_str(text.trim_end_matches('0').trim_end_matches('.'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capacities_are_exact() {
        let capacity = |text| Capacity::parse(text).unwrap();
        for (text, shown, ceil) in [
            ("0", "0", 0),
            ("1", "1", 1),
            ("0.5", "0.5", 1),
            (".25", "0.25", 1),
            ("2.0", "2", 2),
            ("2.000001", "2.000001", 3),
            ("1000000", "1000000", 1_000_000),
        ] {
            assert_eq!(capacity(text).to_string(), shown, "{text}");
            assert_eq!(capacity(text).ceil(), ceil, "{text}");
        }
        for text in [
            "",
            ".",
            "-1",
            "1e3",
            "1.0000001",
            "1000001",
            "a",
            "1.a",
            "+1",
        ] {
            assert_eq!(Capacity::parse(text), None, "{text}");
        }
        // With floats, three times 0.1 and 0.7 are more than 1.
        assert_eq!((capacity("0.1") * 3 + capacity("0.7")).ceil(), 1);
        assert_eq!(
            Capacity::units(3).slots(capacity("1.5"), capacity("0.5")),
            3
        );
        assert_eq!(Capacity::units(1).slots(capacity("2"), capacity("0.5")), 0);
        assert_eq!(
            Capacity::units(1).slots(capacity("1"), capacity("0")),
            u32::MAX
        );
    }
}
