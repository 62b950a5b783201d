//! Who holds a lease: pure, with the time as an argument.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::time::Duration;

/// By how much the clocks of two machines may differ: a lease ends so much later for those who wait for it.
pub const SKEW: Duration = Duration::from_secs(10);

/// What an object of `locks/` holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Who, for people: `deploy@ci-7`.
    pub holder: String,
    /// Which run of it.
    pub id: String,
    /// Why, in the holder's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    pub since: Timestamp,
    /// It is over then, unless it is renewed.
    pub until: Timestamp,
    /// It was given back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub released: bool,
    /// What the holder wants to find again, and the next holder with it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub kept: Value,
}

impl Record {
    /// Whether somebody must be believed to hold it.
    #[must_use]
    pub fn is_held(&self, now: Timestamp) -> bool {
        !self.released && now <= later(self.until, SKEW)
    }
}

/// What to do about a lease.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Write this, if nothing changed meanwhile.
    Write(Box<Record>),
    /// Somebody else holds it.
    Wait(Box<Record>),
}

/// Takes a lease, or renews it, for `length` from `now`. `seen` is what is there; `kept` replaces what it keeps.
#[must_use]
pub fn acquire(
    seen: Option<&Record>,
    wanted: &Record,
    length: Duration,
    kept: Option<Value>,
    now: Timestamp,
) -> Step {
    let ours = seen.filter(|seen| seen.id == wanted.id && !seen.released);
    if let Some(other) = seen.filter(|seen| ours.is_none() && seen.is_held(now)) {
        return Step::Wait(Box::new(other.clone()));
    }
    let before = || seen.map(|seen| seen.kept.clone()).unwrap_or_default();
    Step::Write(Box::new(Record {
        since: ours.map_or(now, |ours| ours.since),
        until: later(now, length),
        released: false,
        kept: kept.unwrap_or_else(before),
        ..wanted.clone()
    }))
}

pub(super) fn later(time: Timestamp, by: Duration) -> Timestamp {
    let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
    time.saturating_add(by).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000 + seconds).unwrap()
    }

    fn record(id: &str) -> Record {
        Record {
            holder: format!("{id}@host"),
            id: id.to_owned(),
            message: String::new(),
            since: at(0),
            until: at(60),
            released: false,
            kept: Value::Null,
        }
    }

    const MINUTE: Duration = Duration::from_mins(1);

    fn step(seen: Option<&Record>, id: &str, now: i64) -> Step {
        acquire(seen, &record(id), MINUTE, None, at(now))
    }

    #[test]
    fn one_holds_it_until_it_ends() {
        let Step::Write(first) = step(None, "a", 0) else {
            panic!("nobody holds it");
        };
        assert_eq!((first.since, first.until), (at(0), at(60)));
        for now in [0, 60, 70] {
            assert_eq!(step(Some(&first), "b", now), Step::Wait(first.clone()));
        }
        assert!(matches!(step(Some(&first), "b", 71), Step::Write(next) if next.id == "b"));
        let Step::Write(renewed) = step(Some(&first), "a", 50) else {
            panic!("it is its own");
        };
        assert_eq!((renewed.since, renewed.until), (at(0), at(110)));
        let released = Record {
            released: true,
            ..*first
        };
        assert!(matches!(step(Some(&released), "b", 1), Step::Write(_)));
    }

    #[test]
    fn what_is_kept_goes_to_the_next_holder() {
        let seen = Record {
            kept: json!({"a": 1}),
            ..record("a")
        };
        let Step::Write(next) = step(Some(&seen), "b", 100) else {
            panic!("it is over");
        };
        assert_eq!(next.kept, json!({"a": 1}));
        let step = acquire(Some(&seen), &record("a"), MINUTE, Some(json!(2)), at(1));
        assert!(matches!(step, Step::Write(own) if own.kept == json!(2)));
    }

    #[test]
    fn a_record_survives_json() {
        let record = Record {
            message: "v1.2".to_owned(),
            kept: json!([1]),
            ..record("a")
        };
        let text = serde_json::to_string(&record).unwrap();
        assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record);
    }
}
