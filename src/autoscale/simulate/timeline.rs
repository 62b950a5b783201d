//! What came of a trace: lines that change in steps, and what was decided when.

use crate::autoscale::AlarmState;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use std::collections::BTreeMap;

/// The whole of it.
#[derive(Clone, Debug, Serialize)]
pub struct Timeline {
    #[serde(serialize_with = "text")]
    pub from: Timestamp,
    #[serde(serialize_with = "text")]
    pub to: Timestamp,
    /// For people; what is serialized is UTC.
    #[serde(skip)]
    pub zone: TimeZone,
    pub polls: u32,
    pub services: BTreeMap<String, ServiceLine>,
    pub groups: BTreeMap<String, GroupLine>,
    pub alarms: BTreeMap<String, Line<String>>,
    pub events: Vec<Event>,
}

/// A service's counts.
#[derive(Clone, Debug, Default, Serialize)]
pub struct ServiceLine {
    pub desired: Line<u32>,
    pub running: Line<u32>,
    pub min: Line<u32>,
    pub max: Line<u32>,
}

/// A group's units of capacity.
#[derive(Clone, Debug, Default, Serialize)]
pub struct GroupLine {
    pub desired: Line<u32>,
    /// Of nodes that take tasks.
    pub active: Line<u32>,
    pub draining: Line<u32>,
}

/// Values from a moment on, each until the next.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Line<T>(pub Vec<Value<T>>);

/// A value from a moment on.
#[derive(Clone, Debug, Serialize)]
pub struct Value<T> {
    #[serde(serialize_with = "text")]
    pub from: Timestamp,
    pub value: T,
}

/// Something that was done, or not done for a new reason.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    #[serde(serialize_with = "text")]
    pub at: Timestamp,
    pub subject: String,
    /// None if it was held.
    pub action: Option<String>,
    pub why: String,
}

fn text<S: serde::Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(time)
}

impl<T> Default for Line<T> {
    fn default() -> Line<T> {
        Line(Vec::new())
    }
}

impl<T: PartialEq> Line<T> {
    /// Notes a value, if it is another one.
    pub fn push(&mut self, from: Timestamp, value: T) {
        if self.0.last().is_none_or(|last| last.value != value) {
            self.0.push(Value { from, value });
        }
    }
}

/// As CloudWatch has it, or that nobody knows.
pub fn shown(state: Option<AlarmState>) -> String {
    state.map_or_else(|| "UNKNOWN".to_owned(), |state| state.to_string())
}
