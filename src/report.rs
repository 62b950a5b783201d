//! entry's own lines: short text on a terminal, one JSON object a line elsewhere, on stderr only.

use crate::sys::stderr::Stderr;
use std::fmt::Write;
use std::time::{Duration, SystemTime};

/// How lines are written (`ENTRY_LOG`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
    /// Errors only, as text on a terminal and as JSON elsewhere.
    Quiet,
}

/// Whether a line is said in quiet, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Info,
    /// It starts, but hardly as it is meant.
    Warning,
    Error,
}

/// A value of a JSON member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    Number(u64),
    Flag(bool),
    /// Objects of a list, each a list of members.
    List(Vec<Vec<(&'static str, Value)>>),
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub level: Level,
    /// `start`, `stop`, `error`, …: what a log search looks for.
    pub event: &'static str,
    /// The text form, without the program's name.
    pub text: String,
    /// The JSON form's members besides time, level, event and message.
    pub members: Vec<(&'static str, Value)>,
}

impl Line {
    /// A warning with nothing but its text.
    pub fn warning(text: impl Into<String>) -> Line {
        Line {
            level: Level::Warning,
            event: "warning",
            ..Line::error(text)
        }
    }

    /// An error with nothing but its text.
    pub fn error(text: impl Into<String>) -> Line {
        Line {
            level: Level::Error,
            event: "error",
            text: text.into(),
            members: Vec::new(),
        }
    }
}

/// Milliseconds, as every duration in a line is given.
pub fn millis(duration: Duration) -> Value {
    Value::Number(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Where the lines go.
pub struct Report {
    stderr: Stderr,
    format: Format,
    patience: Duration,
}

impl Report {
    /// Reads `ENTRY_LOG`. An unknown value is told by `unknown_format`, and means the default.
    pub fn open(patience: Duration) -> Report {
        let stderr = Stderr::open();
        let default = if stderr.is_terminal() {
            Format::Text
        } else {
            Format::Json
        };
        let format = match std::env::var_os("ENTRY_LOG")
            .as_ref()
            .and_then(|value| value.to_str())
        {
            Some("text") => Format::Text,
            Some("json") => Format::Json,
            Some("quiet") => Format::Quiet,
            _ => default,
        };
        Report {
            stderr,
            format,
            patience,
        }
    }

    /// Says a line, if the format lets it.
    pub fn say(&self, line: &Line) {
        let rendered = match (self.format, line.level) {
            (Format::Quiet, Level::Info | Level::Warning) => return,
            (Format::Text, _) => text(line),
            (Format::Quiet, Level::Error) if self.stderr.is_terminal() => text(line),
            (Format::Json | Format::Quiet, _) => json(line, SystemTime::now()),
        };
        self.stderr.write(rendered.as_bytes(), self.patience);
    }
}

/// What is wrong with `ENTRY_LOG`, if something is.
pub fn unknown_format() -> Option<String> {
    let value = std::env::var_os("ENTRY_LOG")?;
    let known = ["text", "json", "quiet", ""];
    (!known.iter().any(|known| value == *known))
        .then(|| format!("ENTRY_LOG is {}: give text, json or quiet", value.display()))
}

fn text(line: &Line) -> String {
    let mut out = String::new();
    for part in line.text.lines() {
        let _ = writeln!(out, "entry: {part}");
    }
    out
}

fn json(line: &Line, now: SystemTime) -> String {
    let level = match line.level {
        Level::Info => "info",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let mut out = format!(
        "{{\"time\":\"{}\",\"level\":\"{level}\",\"event\":\"{}\",\"message\":{}",
        humantime::format_rfc3339_millis(now),
        line.event,
        quoted(&line.text),
    );
    for (name, value) in &line.members {
        let _ = write!(out, ",\"{name}\":");
        push(&mut out, value);
    }
    out.push_str("}\n");
    out
}

fn push(out: &mut String, value: &Value) {
    let _ = match value {
        Value::Text(text) => write!(out, "{}", quoted(text)),
        Value::Number(number) => write!(out, "{number}"),
        Value::Flag(flag) => write!(out, "{flag}"),
        Value::List(objects) => {
            out.push('[');
            for (index, members) in objects.iter().enumerate() {
                out.push_str(if index == 0 { "{" } else { ",{" });
                for (index, (name, value)) in members.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    let _ = write!(out, "{comma}\"{name}\":");
                    push(out, value);
                }
                out.push('}');
            }
            out.push(']');
            Ok(())
        }
    };
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_lines_are_json() {
        let sent = vec![
            vec![
                ("signal", Value::Text("SIGQUIT".into())),
                ("ms", Value::Number(5))
            ];
            2
        ];
        let line = Line {
            level: Level::Info,
            event: "stop",
            text: "a \"b\"\n\u{1b}c".into(),
            members: vec![
                ("mode", Value::Text("web".into())),
                ("forced", Value::Flag(false)),
                ("sent", Value::List(sent)),
            ],
        };
        let rendered = json(&line, SystemTime::UNIX_EPOCH);
        assert!(rendered.ends_with("}\n") && !rendered.trim_end().contains('\n'));
        let value: serde_json::Value = serde_json::from_str(&rendered).unwrap();
        assert_eq!(value["time"], "1970-01-01T00:00:00.000Z");
        assert_eq!(value["message"], "a \"b\"\n\u{1b}c");
        assert_eq!(value["sent"][1]["ms"], 5);
        assert_eq!(value["forced"], false);
    }

    #[test]
    fn every_line_of_a_text_carries_the_name() {
        assert_eq!(text(&Line::error("one\ntwo")), "entry: one\nentry: two\n");
    }
}
