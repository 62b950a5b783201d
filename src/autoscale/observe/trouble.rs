//! What could not be seen, and when to say so.

use crate::aws::{AwsError, Kind};
use std::collections::BTreeMap;
use std::fmt;

/// Something that is not in the snapshot, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// `service main/web`.
    pub about: String,
    pub cause: Cause,
}

/// Why it is not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    Failed(AwsError),
    /// AWS answered, and it is not there or not of use.
    Unusable(String),
}

impl Cause {
    /// Whether nothing has changed: the words of one failure may differ from call to call.
    fn is_same(&self, other: &Cause) -> bool {
        let kind = |error: &AwsError| -> Kind { error.kind };
        match (self, other) {
            (Cause::Failed(one), Cause::Failed(other)) => kind(one) == kind(other),
            (one, other) => one == other,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Failed(error) => write!(f, "{} unknown: {error}", self.about),
            Cause::Unusable(why) => write!(f, "{}: {why}", self.about),
        }
    }
}

/// Tells each trouble when it begins, when its cause changes, and when it is over.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeMap<String, Cause>);

/// What is new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct News {
    pub begun: Vec<Trouble>,
    /// What it was about.
    pub over: Vec<String>,
}

impl Told {
    /// Compares the troubles of this poll with those of the last.
    pub fn news(&mut self, troubles: Vec<Trouble>) -> News {
        let mut news = News::default();
        let mut before = std::mem::take(&mut self.0);
        for trouble in troubles {
            let known = before.remove(&trouble.about);
            let told = known.is_some_and(|known| known.is_same(&trouble.cause));
            let twice = self
                .0
                .insert(trouble.about.clone(), trouble.cause.clone())
                .is_some();
            if !told && !twice {
                news.begun.push(trouble);
            }
        }
        news.over.extend(before.into_keys());
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(kind: Kind, detail: &str) -> Trouble {
        Trouble {
            about: "group g".to_owned(),
            cause: Cause::Failed(AwsError::new(kind, "a:B", "g", detail)),
        }
    }

    #[test]
    fn a_trouble_is_told_once_a_change() {
        let mut told = Told::default();
        let first = failed(Kind::Throttled, "1");
        assert_eq!(told.news(vec![first.clone()]).begun, [first]);
        let again = failed(Kind::Throttled, "2");
        assert_eq!(told.news(vec![again.clone(), again]), News::default());
        let other = failed(Kind::Denied, "2");
        assert_eq!(told.news(vec![other.clone()]).begun, [other]);
        assert_eq!(told.news(Vec::new()).over, ["group g"]);
        assert_eq!(told.news(Vec::new()), News::default());
    }
}
