//! What runs around and beside a mode's command: hooks, codependent processes, and how health is asked.

use crate::probe::{Address, HttpTarget};
use crate::stop;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// A command as words, and as it stands in the file with its variables not filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Command {
    pub words: Vec<String>,
    pub written: String,
}

/// One item of `before:`.
#[derive(Clone, Debug)]
pub struct BeforeHook {
    /// `modes/web.yml:7`, for messages.
    pub declared_at: String,
    pub command: Command,
    /// For one attempt.
    pub timeout: Option<Duration>,
    /// Attempts after the first.
    pub retry: u32,
    /// Between two attempts.
    pub wait: Duration,
    /// How long it may take to end once it was told to.
    pub grace: Duration,
    /// In place of the mode's.
    pub user: Option<String>,
    pub group: Option<String>,
    /// If it fails, entry ends with its exit code, else with its own.
    pub gives_code: bool,
}

/// One item of `after:`.
#[derive(Clone, Debug)]
pub struct AfterHook {
    pub declared_at: String,
    pub command: Command,
    pub timeout: Duration,
}

/// One entry of `processes:`.
#[derive(Clone, Debug)]
pub struct Process {
    pub name: String,
    pub declared_at: String,
    pub command: Command,
    /// Those that must be ready first, as places in the list.
    pub after: Vec<usize>,
    pub ready: Option<Ready>,
    pub restart: Option<Restart>,
    /// Its end ends nothing else.
    pub optional: bool,
    /// The mode's, where it has none of its own.
    pub stop: Option<stop::Spec>,
}

/// When a process counts as started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    pub sign: Sign,
    pub timeout: Duration,
}

/// By what a process shows that it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Sign {
    /// Something accepts connections.
    Tcp(Address),
    /// An answer that is no error.
    Http(HttpTarget),
    /// A file came into being.
    File(PathBuf),
    /// A line of its output holds this text.
    Line(String),
}

/// How a process that ended is started again. Each delay is twice the one before it, until the process has
/// run for `max_delay`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Restart {
    pub delay: Duration,
    pub max_delay: Duration,
    /// So many times in a row, then its end counts.
    pub times: Option<u32>,
}

/// Whether output goes through entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Output {
    #[default]
    Plain,
    /// Every line begins with its process's name.
    Prefixed,
}

/// What `entry --health` asks, besides whether the app lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    pub checks: Vec<HealthCheck>,
    /// For all of it.
    pub timeout: Duration,
}

/// One question of a health check.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HealthCheck {
    Tcp(Address),
    Http(HttpTarget),
    /// A file that was changed no longer ago than this.
    Heartbeat {
        path: PathBuf,
        max_age: Duration,
    },
}
