//! Single values of this file: seconds, capacities, times of day, days, zones, and Ruby's booleans.

use super::model::Capacity;
use crate::autoscale::schedule::Clock;
use crate::config::decode::{Decoder, Item, whole_number};
use crate::config::problems::suggestion;
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use std::sync::Arc;
use std::time::Duration;

/// A year, as for other durations: whatever is longer was not meant in seconds.
const LONGEST: Duration = Duration::from_hours(365 * 24);
/// ECS runs 5,000 tasks of a service at most; the room above is for a raised quota.
pub const MOST_TASKS: u32 = 100_000;

const WEEKDAYS: [(&str, Weekday); 7] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
];

impl Decoder<'_> {
    /// A name that others will repeat.
    pub(in crate::autoscale) fn name(&mut self, item: &Item) -> Option<Arc<str>> {
        self.word(item).map(|text| Arc::from(text.value))
    }

    /// Whole seconds without a unit, as ecs_auto_scaler has them, or a duration with one.
    pub(in crate::autoscale) fn seconds(&mut self, item: &Item, zero: bool) -> Option<Duration> {
        let text = self.word(item)?;
        match whole_number(&text.value).map(|whole| Duration::from_secs(whole.into())) {
            Some(seconds) if seconds <= LONGEST && (zero || !seconds.is_zero()) => Some(seconds),
            Some(Duration::ZERO) => {
                self.problem(item, "must be more than zero", "");
                None
            }
            Some(_) => {
                self.problem(item, format!("{} is longer than a year", text.shown()), "");
                None
            }
            None => self.duration(item, zero, LONGEST),
        }
    }

    /// A count of tasks.
    pub(in crate::autoscale) fn tasks(&mut self, item: &Item, least: u32) -> Option<u32> {
        self.number(item, least..=MOST_TASKS)
    }

    pub(super) fn capacity(&mut self, item: &Item) -> Option<Capacity> {
        let text = self.word(item)?;
        let capacity = Capacity::parse(&text.value);
        if capacity.is_none() {
            let message = format!("{} is no capacity", text.shown());
            let remedy = "write units, up to a million, with at most six digits behind the point";
            self.problem(item, message, remedy);
        }
        capacity
    }

    /// What Ruby's YAML takes for a boolean: its files may say `yes`.
    pub(super) fn ruby_boolean(&mut self, item: &Item) -> Option<bool> {
        let text = self.word(item)?;
        match text.value.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" => Some(true),
            "false" | "no" | "off" => Some(false),
            _ => self.boolean(item),
        }
    }

    /// `9:30`, quoted or not.
    pub(super) fn clock(&mut self, item: &Item) -> Option<Clock> {
        let text = self.word(item)?;
        let clock = Clock::parse(&text.value);
        if clock.is_none() {
            let message = format!("{} is no time of day", text.shown());
            self.problem(item, message, "write it like 9:30, at most 24:00");
        }
        clock
    }

    pub(in crate::autoscale) fn zone(&mut self, item: &Item) -> Option<TimeZone> {
        let text = self.word(item)?;
        let zone = TimeZone::get(&text.value).ok();
        if zone.is_none() {
            let message = format!("{} is no time zone", text.shown());
            self.problem(item, message, "write its IANA name, such as Europe/Berlin");
        }
        zone
    }

    /// `mon`, or `mon-fri`.
    pub(super) fn weekdays(&mut self, item: &Item) -> Option<Vec<Weekday>> {
        let text = self.word(item)?;
        let lower = text.value.to_ascii_lowercase();
        let known = |name: &str| {
            let short = name.get(..3)?;
            let (_, day) = WEEKDAYS.iter().find(|(known, _)| *known == short)?;
            let long = format!("{day:?}").to_ascii_lowercase();
            (name.len() == 3 || name == long).then_some(*day)
        };
        let days = match lower.split_once('-') {
            None => known(lower.trim()).map(|day| vec![day]),
            Some((first, last)) => known(first.trim())
                .zip(known(last.trim()))
                .map(|(first, last)| from_to(first, last)),
        };
        if days.is_none() {
            let names = WEEKDAYS.map(|(name, _)| name);
            let message = format!("{} is no weekday", text.shown());
            let word = if text.is_literal() { &*lower } else { "" };
            let remedy = suggestion(word, "write them like mon or mon-fri; known", &names);
            self.problem(item, message, remedy);
        }
        days
    }

    /// `2026-12-24`, or `2026-12-24..2026-12-26`.
    pub(super) fn dates(&mut self, item: &Item) -> Option<(Date, Date)> {
        let text = self.word(item)?;
        let (first, last) = text
            .value
            .split_once("..")
            .unwrap_or((&text.value, &text.value));
        let date = |text: &str| {
            let text = text.trim();
            (text.len() == 10)
                .then(|| text.parse::<Date>().ok())
                .flatten()
        };
        let dates = date(first)
            .zip(date(last))
            .filter(|(first, last)| first <= last);
        if dates.is_none() {
            let message = format!("{} is no date", text.shown());
            let remedy = "write it like 2026-12-24, or 2026-12-24..2026-12-26";
            self.problem(item, message, remedy);
        }
        dates
    }
}

/// The days of a week from one to another, over its end if need be.
fn from_to(first: Weekday, last: Weekday) -> Vec<Weekday> {
    let mut days = vec![first];
    let mut day = first;
    while day != last {
        day = day.next();
        days.push(day);
    }
    days
}
