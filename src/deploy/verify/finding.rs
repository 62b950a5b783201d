//! What was found, and how bad it is.

use serde_json::{Value, json};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The deploy would fail, or what it deploys.
    Error,
    /// It may not be what is meant.
    Warning,
    /// Something to know, such as what could not be asked.
    Note,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub level: Level,
    /// `task web: container app`; empty for the whole file.
    pub place: String,
    pub message: String,
}

impl Finding {
    pub(super) fn error(place: &str, message: impl Into<String>) -> Finding {
        Finding::new(Level::Error, place, message)
    }

    pub(super) fn warning(place: &str, message: impl Into<String>) -> Finding {
        Finding::new(Level::Warning, place, message)
    }

    pub(super) fn note(place: &str, message: impl Into<String>) -> Finding {
        Finding::new(Level::Note, place, message)
    }

    fn new(level: Level, place: &str, message: impl Into<String>) -> Finding {
        Finding {
            level,
            place: place.to_owned(),
            message: message.into(),
        }
    }

    #[must_use]
    pub fn json(&self) -> Value {
        json!({
            "level": self.level.to_string(),
            "place": self.place,
            "message": self.message,
        })
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        })
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.level)?;
        if !self.place.is_empty() {
            write!(f, "{}: ", self.place)?;
        }
        f.write_str(&self.message)
    }
}
