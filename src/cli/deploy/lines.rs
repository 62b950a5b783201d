//! Lines of tasks on standard output: as they are for a program, with colors only for a terminal.

use crate::deploy::logs::for_terminal;
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::time::{Duration, UNIX_EPOCH};

/// Standard output, while there is somebody who reads it.
pub(super) struct Out {
    is_terminal: bool,
    /// Why nothing is written any more.
    pub ended: Option<io::Error>,
}

impl Out {
    pub(super) fn new() -> Out {
        Out {
            is_terminal: io::stdout().is_terminal(),
            ended: None,
        }
    }

    /// What a task wrote, behind whose it is.
    pub(super) fn line(&mut self, whose: &str, text: &str) {
        let text = text.strip_suffix('\n').unwrap_or(text);
        let mut lines = String::with_capacity(whose.len() + text.len() + 1);
        if whose.is_empty() {
            lines.push_str(text);
            lines = self.shown(lines);
            lines.push('\n');
        } else {
            for line in text.split('\n') {
                lines.push_str(whose);
                lines.push_str(&self.shown(line.to_owned()));
                lines.push('\n');
            }
        }
        self.write(&lines);
    }

    fn shown(&self, text: String) -> String {
        if self.is_terminal {
            for_terminal(&text)
        } else {
            text
        }
    }

    pub(super) fn json(&mut self, value: &Value) {
        self.write(&format!("{value}\n"));
    }

    fn write(&mut self, text: &str) {
        if self.ended.is_none() {
            let mut out = io::stdout().lock();
            let written = out.write_all(text.as_bytes());
            self.ended = written.and_then(|()| out.flush()).err();
        }
    }
}

/// A time in milliseconds of the epoch.
pub(super) fn time(milliseconds: i64) -> String {
    let since = Duration::from_millis(u64::try_from(milliseconds).unwrap_or_default());
    let time = UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_millis(time).to_string()
}
