//! What the loop tells: a line for each action, and one for what is held whenever the reason changes.

use crate::autoscale::decide::{Action, Decision, Subject, Why};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How lines are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// Sentences
    Text,
    /// One JSON object a line
    Json,
}

/// Whether somebody should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    Warning,
    Error,
}

/// Where lines go, and what was told already.
pub struct Log<'a> {
    format: Format,
    out: &'a mut dyn FnMut(&str),
    held: BTreeMap<Subject, Vec<Why>>,
    troubles: BTreeSet<String>,
}

impl<'a> Log<'a> {
    /// `out` takes a line without its end.
    pub fn new(format: Format, out: &'a mut dyn FnMut(&str)) -> Log<'a> {
        Log {
            format,
            out,
            held: BTreeMap::new(),
            troubles: BTreeSet::new(),
        }
    }

    /// Something odd about the file.
    pub fn configuration(&mut self, now: Timestamp, text: &str) {
        self.say(now, Level::Warning, "configuration", text);
    }

    /// `event` is what a log search looks for.
    pub(super) fn say(&mut self, now: Timestamp, level: Level, event: &str, text: &str) {
        self.line(now, level, event, text, Map::new());
    }

    fn line(
        &mut self,
        now: Timestamp,
        level: Level,
        event: &str,
        text: &str,
        members: Map<String, Value>,
    ) {
        let level_name = match level {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let line = match (self.format, level) {
            (Format::Text, Level::Warning) => format!("warning: {text}"),
            (Format::Text, _) => text.to_owned(),
            (Format::Json, _) => {
                let mut line = json!({"time": format!("{now:.3}"), "level": level_name, "event": event, "message": text});
                if let Value::Object(line) = &mut line {
                    line.extend(members);
                }
                line.to_string()
            }
        };
        (self.out)(&line);
    }

    /// What is about to be done, and what is held for another reason than in the last poll.
    pub(super) fn decision(&mut self, now: Timestamp, decision: &Decision) {
        self.actions(now, &decision.actions);
        let mut held: BTreeMap<Subject, Vec<Why>> = BTreeMap::new();
        for reason in &decision.reasons {
            let subject = reason.subject.clone();
            let before = self.held.get(&subject);
            let why = constant(reason.why.clone());
            if !before.is_some_and(|before| before.contains(&why)) {
                let text = reason.why.to_string();
                let mut members = Map::new();
                members.insert("subject".to_owned(), subject.to_string().into());
                members.insert("why".to_owned(), text.clone().into());
                let line = format!("{subject}: {text}");
                self.line(now, Level::Info, "held", &line, members);
            }
            held.entry(subject).or_default().push(why);
        }
        self.held = held;
    }

    pub(super) fn actions(&mut self, now: Timestamp, actions: &[Action]) {
        for action in actions {
            self.action(now, Level::Info, "action", action, &action.why.to_string());
        }
    }

    pub(super) fn failure(&mut self, now: Timestamp, action: &Action, error: &str) {
        self.action(now, Level::Error, "failed", action, error);
    }

    fn action(&mut self, now: Timestamp, level: Level, event: &str, action: &Action, why: &str) {
        let subject = Subject::of(&action.act).to_string();
        let act = action.act.to_string();
        let text = format!("{subject}: {act}: {why}");
        let mut members = Map::new();
        members.insert("subject".to_owned(), subject.into());
        members.insert("action".to_owned(), act.into());
        members.insert("why".to_owned(), why.into());
        self.line(now, level, event, &text, members);
    }

    /// Each is told when it comes, and again only after it was gone.
    pub(super) fn troubles(&mut self, now: Timestamp, troubles: Vec<String>) {
        let troubles: BTreeSet<String> = troubles.into_iter().collect();
        let new: Vec<String> = troubles.difference(&self.troubles).cloned().collect();
        for trouble in new {
            self.say(now, Level::Warning, "trouble", &trouble);
        }
        self.troubles = troubles;
    }
}

/// A reason without what changes by itself from poll to poll.
fn constant(mut why: Why) -> Why {
    match &mut why {
        Why::Idle { left } | Why::LevelWait { left, .. } => *left = Duration::ZERO,
        Why::Lease { until, .. } => *until = Timestamp::UNIX_EPOCH,
        Why::Draining { tasks, .. } => *tasks = 0,
        _ => {}
    }
    why
}
