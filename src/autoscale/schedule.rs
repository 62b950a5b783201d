//! Windows of the day in which a count is another one.
//!
//! A window opens when the clock on the wall first shows `from` on its day, and closes after the last
//! moment at which it shows `to`: clocks that are put forward or back never interrupt it. One that goes
//! over midnight belongs to the day on which it opens.

use jiff::civil::{Date, Weekday};
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// The windows of a service, the first that is open counts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    pub entries: Vec<Entry>,
}

/// A window and its count.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    pub zone: TimeZone,
    pub from: Clock,
    pub to: Clock,
    pub count: u32,
    /// Empty for all.
    pub days: Vec<Weekday>,
    /// First and last days; empty for all.
    pub dates: Vec<(Date, Date)>,
}

/// A time of day, in seconds after midnight; `24:00` is the end of the day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clock(u32);

/// Seconds of a day whose clocks are left alone.
const DAY: u32 = 86_400;

impl Clock {
    /// `9:30`, `09:30`, `9:30:15`, `24:00`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Clock> {
        let mut parts = text.split(':').map(|part| {
            let digits = (1..=2).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit());
            digits.then(|| part.parse::<u32>().ok()).flatten()
        });
        let hour = parts.next()??;
        let minute = parts.next()?.filter(|minute| *minute < 60)?;
        let second = parts
            .next()
            .unwrap_or(Some(0))
            .filter(|second| *second < 60)?;
        let clock = hour * 3600 + minute * 60 + second;
        (parts.next().is_none() && clock <= DAY).then_some(Clock(clock))
    }

    /// The end of a day, which opens no window.
    #[must_use]
    pub fn is_end_of_day(self) -> bool {
        self.0 == DAY
    }
}

impl Schedule {
    /// The count of the first open window.
    #[must_use]
    pub fn count(&self, now: Timestamp) -> Option<u32> {
        let open = self.entries.iter().find(|entry| entry.is_open(now));
        open.map(|entry| entry.count)
    }
}

impl Entry {
    /// Whether `now` is between `from` and `to`, both included.
    #[must_use]
    pub fn is_open(&self, now: Timestamp) -> bool {
        let today = self.zone.to_datetime(now).date();
        // Where clocks go back at midnight, the day before comes back, and tomorrow has been seen.
        let days = [today.yesterday(), Ok(today), today.tomorrow()];
        let opens_on = |day: &Date| self.opens_on(*day) && self.covers(*day, now);
        days.iter().flatten().any(opens_on)
    }

    fn opens_on(&self, day: Date) -> bool {
        let weekday = self.days.is_empty() || self.days.contains(&day.weekday());
        let within = |(first, last): &(Date, Date)| *first <= day && day <= *last;
        weekday && (self.dates.is_empty() || self.dates.iter().any(within))
    }

    /// Whether the window that opens on this day is open.
    fn covers(&self, day: Date, now: Timestamp) -> bool {
        let last_day = if self.from <= self.to {
            Ok(day)
        } else {
            day.tomorrow()
        };
        let Ok(last_day) = last_day else {
            return false;
        };
        let opened = moment(&self.zone, day, self.from, Edge::First);
        let closes = moment(&self.zone, last_day, self.to, Edge::Last);
        opened.is_some_and(|opened| opened <= now) && closes.is_some_and(|closes| now <= closes)
    }
}

/// Which of two moments at which the clock shows the same.
#[derive(Clone, Copy, PartialEq)]
pub enum Edge {
    First,
    Last,
}

/// The first or last moment at which the clock shows this time of this day; if it never does, that at
/// which it has jumped over it, or the one before.
pub fn moment(zone: &TimeZone, day: Date, clock: Clock, edge: Edge) -> Option<Timestamp> {
    let (day, seconds) = if clock.is_end_of_day() {
        (day.tomorrow().ok()?, 0)
    } else {
        (day, clock.0)
    };
    let part = |seconds: u32| i8::try_from(seconds).ok();
    let (hour, minute, second) = (
        part(seconds / 3600)?,
        part(seconds / 60 % 60)?,
        part(seconds % 60)?,
    );
    let shown = day.at(hour, minute, second, 0);
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(shown).ok(),
        AmbiguousOffset::Fold { before, after } => {
            let offset = if edge == Edge::First { before } else { after };
            offset.to_timestamp(shown).ok()
        }
        AmbiguousOffset::Gap { after, .. } => {
            let before_the_jump = after.to_timestamp(shown).ok()?;
            let jump = zone.following(before_the_jump).next()?.timestamp();
            // At the jump itself the clock shows what is behind it.
            match edge {
                Edge::First => Some(jump),
                Edge::Last => Some(jump - SignedDuration::from_nanos(1)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_day() {
        for (text, seconds) in [
            ("0:00", Some(0)),
            ("9:30", Some(34_200)),
            ("09:30", Some(34_200)),
            ("1:45:30", Some(6330)),
            ("23:59:59", Some(86_399)),
            ("24:00", Some(86_400)),
            ("24:01", None),
            ("9", None),
            ("9:60", None),
            ("9:30:60", None),
            ("9:30:15:1", None),
            ("-1:30", None),
            ("+1:30", None),
            ("009:30", None),
            ("9:", None),
            ("6300", None),
        ] {
            assert_eq!(Clock::parse(text), seconds.map(Clock), "{text}");
        }
    }
}
