//! A trace: when it begins and ends, how it is then, and what the alarms did in between.

use super::world::Pace;
use crate::autoscale::AlarmState;
use crate::autoscale::config::{Config, Reader, schema};
use crate::autoscale::schedule::{Clock, Edge, moment};
use crate::config::decode::{Decoder, Fields, Item};
use crate::config::problems::{Problems, suggestion};
use crate::config::{Lookup, Text};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

/// Nobody looks at more.
const LONGEST: Duration = Duration::from_hours(366 * 24);

/// What happened.
#[derive(Clone, Debug)]
pub struct Trace {
    pub from: Timestamp,
    pub to: Timestamp,
    pub zone: TimeZone,
    pub pace: Pace,
    /// Counts at the beginning, by name; the minimum of those that are not in it.
    pub services: BTreeMap<String, u32>,
    pub groups: BTreeMap<String, GroupStart>,
    /// In order.
    pub changes: Vec<Change>,
}

/// A group at the beginning.
#[derive(Clone, Debug)]
pub struct GroupStart {
    /// As many as are needed, if it does not say.
    pub nodes: Option<u32>,
    pub min: u32,
    pub max: u32,
    pub zones: Vec<Arc<str>>,
    pub units: Option<u32>,
}

/// An alarm's new state; `None` if it cannot be read from then on.
#[derive(Clone, Debug)]
pub struct Change {
    pub at: Timestamp,
    pub alarm: String,
    pub state: Option<AlarmState>,
}

const STATES: [(&str, Option<AlarmState>); 4] = [
    ("OK", Some(AlarmState::Ok)),
    ("ALARM", Some(AlarmState::Alarm)),
    ("INSUFFICIENT_DATA", Some(AlarmState::InsufficientData)),
    ("UNKNOWN", None),
];

/// Far from both ends of what can be counted.
const YEARS: RangeInclusive<i16> = 1970..=2999;

/// The days of a trace.
struct Span {
    from: Timestamp,
    to: Timestamp,
    zone: TimeZone,
}

/// The trace for this file, or every problem of it.
pub fn load(text: &Text, config: &Config, lookup: Lookup) -> Result<Trace, Problems> {
    let mut problems = Problems::default();
    let Some((root, mut reader)) = Reader::open(text, lookup, &mut problems) else {
        return Err(problems);
    };
    let trace = reader.trace(&Item::root(&root), config);
    problems.extend(reader.decoder.problems);
    match trace {
        Some(trace) => problems.or(trace),
        None => Err(problems),
    }
}

impl Reader<'_> {
    fn trace(&mut self, root: &Item, config: &Config) -> Option<Trace> {
        let fields = self.decoder.table(root, &schema::TRACE)?;
        let span = self.span(&fields);
        let pace = self.pace(&fields);
        let services = config.groups.iter().flat_map(|group| &group.services);
        let services: BTreeSet<&str> = services.map(|service| &*service.id.name).collect();
        let groups: BTreeSet<&str> = config.groups.iter().map(|group| &*group.id.name).collect();
        let services = self.named(&fields, "services", &services, |reader, item| {
            reader.decoder.tasks(item, 0)
        });
        let groups = self.named(&fields, "groups", &groups, Self::group_start);
        let changes = self.changes(&fields, span.as_ref(), config);
        let span = span?;
        Some(Trace {
            from: span.from,
            to: span.to,
            zone: span.zone,
            pace: pace?,
            services: services?,
            groups: groups?,
            changes: changes?,
        })
    }

    fn span(&mut self, fields: &Fields) -> Option<Span> {
        let zone = self.optional(fields, "time_zone", TimeZone::UTC, Decoder::zone);
        let within = zone.clone().unwrap_or(TimeZone::UTC);
        let remedy = "write it like 2026-03-28 0:00";
        let from = self.needed(fields, "from", remedy, |decoder, item| {
            date_time(decoder, item, &within)
        });
        let to = self.needed(fields, "to", remedy, |decoder, item| {
            date_time(decoder, item, &within)
        });
        let (from, to, zone) = (from?, to?, zone?);
        if from >= to || to.duration_since(from).unsigned_abs() > LONGEST {
            let message = "from and to are not a period of at most a year";
            self.decoder
                .problem(&fields.item, message, "write the earlier first");
            return None;
        }
        Some(Span { from, to, zone })
    }

    fn pace(&mut self, fields: &Fields) -> Option<Pace> {
        let wait = |decoder: &mut Decoder, item: &Item| decoder.seconds(item, true);
        let boot = self.optional(fields, "boot", Duration::from_mins(3), wait);
        let start = self.optional(fields, "start", Duration::from_secs(30), wait);
        let stop = self.optional(fields, "stop", Duration::from_secs(30), wait);
        Some(Pace {
            boot: boot?,
            start: start?,
            stop: stop?,
        })
    }

    /// A map from names that the file has.
    fn named<T>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        known: &BTreeSet<&str>,
        read: impl Fn(&mut Self, &Item) -> Option<T>,
    ) -> Option<BTreeMap<String, T>> {
        let Some(item) = fields.get(name) else {
            return Some(BTreeMap::new());
        };
        let entries = self.decoder.map(&item, "a map of names");
        let mut values = Vec::new();
        for (key, item) in &entries {
            if !known.contains(&*key.text) {
                let known: Vec<&str> = known.iter().copied().collect();
                let remedy = suggestion(&key.text, &format!("{name} of the file"), &known);
                self.decoder
                    .problem_at(&key.at, &item.path, "not in the file", remedy);
            }
            values.push(read(self, item).map(|value| (key.text.clone(), value)));
        }
        values.into_iter().collect()
    }

    fn group_start(&mut self, item: &Item) -> Option<GroupStart> {
        let fields = self.decoder.table(item, &schema::TRACE_GROUP)?;
        let number = |decoder: &mut Decoder, item: &Item| decoder.tasks(item, 0);
        let one = |decoder: &mut Decoder, item: &Item| decoder.tasks(item, 1);
        let nodes = self.optional(&fields, "nodes", None, |decoder, item| {
            number(decoder, item).map(Some)
        });
        let min = self.optional(&fields, "min", 0, number);
        let max = self.optional(&fields, "max", 100_000, number);
        let units = self.optional(&fields, "units", None, |decoder, item| {
            one(decoder, item).map(Some)
        });
        let zones = self.optional(&fields, "zones", Vec::new(), |decoder, item| {
            let items = decoder.one_or_more(item, "a zone");
            items.iter().map(|item| decoder.name(item)).collect()
        });
        Some(GroupStart {
            nodes: nodes?,
            min: min?,
            max: max?,
            zones: zones?,
            units: units?,
        })
    }

    fn changes(
        &mut self,
        fields: &Fields,
        span: Option<&Span>,
        config: &Config,
    ) -> Option<Vec<Change>> {
        let Some(item) = fields.get("alarms") else {
            return Some(Vec::new());
        };
        let services = config.groups.iter().flat_map(|group| &group.services);
        let triggers = services.flat_map(|one| one.upscale.iter().chain(&one.downscale));
        let known: BTreeSet<&str> = triggers.map(|trigger| &*trigger.alarm.name).collect();
        let items = self.decoder.list(&item, "a list of maps");
        let changes: Vec<_> = items
            .iter()
            .map(|item| self.change(item, span, &known))
            .collect();
        let changes = changes.into_iter().collect::<Option<Vec<_>>>()?;
        let mut changes = changes.concat();
        // Of several at one moment the last one counts.
        changes.sort_by_key(|change| change.at);
        Some(changes)
    }

    /// A change, or one for each day.
    fn change(
        &mut self,
        item: &Item,
        span: Option<&Span>,
        known: &BTreeSet<&str>,
    ) -> Option<Vec<Change>> {
        let fields = self.decoder.table(item, &schema::CHANGE)?;
        let remedy = "write a time, such as 2026-03-28 9:00, or 9:00 for every day";
        let at = self.needed(&fields, "at", remedy, |decoder, item| {
            moments(decoder, item, span)
        });
        let alarm = self.needed(
            &fields,
            "alarm",
            "write the alarm's name",
            |decoder, item| {
                let text = decoder.word(item)?;
                if !known.contains(&*text.value) {
                    let known: Vec<&str> = known.iter().copied().collect();
                    let message = format!("no trigger has the alarm {}", text.shown());
                    let word = if text.is_literal() { &*text.value } else { "" };
                    decoder.problem(
                        item,
                        message,
                        suggestion(word, "alarms of the file", &known),
                    );
                    return None;
                }
                Some(text.value)
            },
        );
        let state = self.needed(&fields, "state", "write ALARM, say", |decoder, item| {
            decoder.choice(item, "state of an alarm", &STATES)
        });
        let (at, alarm, state) = (at?, alarm?, state?);
        let change = |at| Change {
            at,
            alarm: alarm.clone(),
            state,
        };
        Some(at.into_iter().map(change).collect())
    }
}

/// `2026-03-28 9:30`, or a date alone for its midnight.
fn date_time(decoder: &mut Decoder, item: &Item, zone: &TimeZone) -> Option<Timestamp> {
    let text = decoder.word(item)?;
    let (date, clock) = text
        .value
        .split_once([' ', 'T'])
        .unwrap_or((&text.value, "0:00"));
    let date = date.parse::<Date>().ok();
    let date = date.filter(|date| YEARS.contains(&date.year()));
    let date = date.zip(Clock::parse(clock));
    let time = date.and_then(|(date, clock)| moment(zone, date, clock, Edge::First));
    if time.is_none() {
        let message = format!("{} is no time", text.shown());
        decoder.problem(item, message, "write it like 2026-03-28 9:00");
    }
    time
}

/// A time, or a time of day on every day of the trace.
fn moments(decoder: &mut Decoder, item: &Item, span: Option<&Span>) -> Option<Vec<Timestamp>> {
    let text = decoder.word(item)?;
    let Some(clock) = Clock::parse(&text.value) else {
        let utc = TimeZone::UTC;
        let zone = span.map_or(&utc, |span| &span.zone);
        return date_time(decoder, item, zone).map(|time| vec![time]);
    };
    let Some(span) = span else {
        return Some(Vec::new());
    };
    let first = span.zone.to_datetime(span.from).date();
    let last = span.zone.to_datetime(span.to).date();
    let days = std::iter::successors(Some(first), |day: &Date| day.tomorrow().ok());
    let days = days.take_while(|day| *day <= last);
    let times = days.filter_map(|day| moment(&span.zone, day, clock, Edge::First));
    Some(
        times
            .filter(|time| span.from <= *time && *time <= span.to)
            .collect(),
    )
}
