//! What is told of a task that runs once: on standard output what it writes, on standard error what becomes of it.

use super::interrupt::INTERRUPTED;
use super::lines::{Out, time};
use crate::aws::one_line;
use crate::cli::{Failure, say};
use crate::deploy::oneoff::{Ended, Error, Job, Start, Stopped, Told};
use crate::deploy::plan::short;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::Duration;

/// What docker gives where not the container, but the tool failed.
pub(super) const OURS: u8 = 125;
/// What timeout(1) gives.
const TIMEOUT: u8 = 124;

/// Tells what becomes of the task.
pub(super) struct Teller {
    out: Out,
    json: bool,
    what: String,
    container: String,
    task: Option<String>,
}

impl Teller {
    pub(super) fn new(job: &Job, json: bool) -> Teller {
        Teller {
            out: Out::new(),
            json,
            what: short(job.arn()).to_owned(),
            container: job.container.clone(),
            task: None,
        }
    }

    pub(super) fn tell(&mut self, told: Told<'_>) {
        if let Told::Task { arn, .. } = told {
            self.task = Some(arn.to_owned());
        }
        if self.json {
            let value = as_json(told);
            self.out.json(&value);
            return;
        }
        match told {
            Told::Line { text, .. } => self.out.line("", text),
            Told::Note(note) => say(note),
            Told::Status(status) => say(&format!("task {}: {status}", self.id())),
            Told::Task { start, .. } => say(&self.started(start)),
        }
    }

    fn id(&self) -> &str {
        short(self.task.as_deref().unwrap_or_default())
    }

    fn started(&self, start: Start) -> String {
        let id = self.id();
        match start {
            Start::New => format!("task {id} of {} is started", self.what),
            Start::Joined => format!("task {id} of {} runs already: joining it", self.what),
            Start::Counted => format!(
                "task {id} of {} did this already under the same key: not run again",
                self.what
            ),
        }
    }

    pub(super) fn detached(&mut self, task: &str, start: Start, json: bool) -> Result<(), Failure> {
        self.task = Some(task.to_owned());
        if start != Start::New {
            say(&self.started(start));
        }
        if json {
            self.out.json(&json!({"task": task, "start": word(start)}));
        } else {
            self.out.line("", task);
        }
        match self.out.ended.take() {
            Some(error) => {
                let line = format!("cannot write standard output: {error}; the task is {task}");
                Err(Failure::line(line))
            }
            None => Ok(()),
        }
    }

    /// `None`: somebody left it.
    pub(super) fn finish(
        &mut self,
        done: Option<Result<Ended, Error>>,
        timeout: Option<Duration>,
    ) -> Result<(), Failure> {
        let Some(done) = done else {
            let line = match &self.task {
                Some(task) => format!("left alone: {task}"),
                None => "left before it was known whether a task was started".to_owned(),
            };
            return Err(Failure::Code(INTERRUPTED, vec![line]));
        };
        let ended = done.map_err(|error| Failure::new(&error))?;
        if self.json {
            self.out.json(&json!({
                "event": "ended", "task": ended.task, "exitCode": ended.code, "reason": ended.reason,
                "stopped": ended.stopped.map(|stopped| match stopped {
                    Stopped::Asked => "interrupted",
                    Stopped::Timeout => "timeout",
                }),
            }));
        }
        let unwritten = self.out.ended.take();
        let unwritten = unwritten.filter(|error| error.kind() != ErrorKind::BrokenPipe);
        if let Some(error) = unwritten {
            say(&format!("cannot write standard output: {error}"));
        }
        match outcome(&ended, &self.container, timeout) {
            (0, _) => Ok(()),
            (code, line) => Err(Failure::Code(code, vec![line])),
        }
    }
}

/// Exit code and last line.
fn outcome(ended: &Ended, container: &str, timeout: Option<Duration>) -> (u8, String) {
    let id = short(&ended.task);
    let reason = one_line(&ended.reason);
    let how = match ended.code {
        Some(code) => format!("{container} exited with {code}: {reason}"),
        None => format!("{container} has no exit code: {reason}"),
    };
    match (ended.stopped, ended.code) {
        (Some(Stopped::Timeout), _) => {
            let timeout = humantime::format_duration(timeout.unwrap_or_default());
            (
                TIMEOUT,
                format!("task {id} was stopped after {timeout}: {how}"),
            )
        }
        (Some(Stopped::Asked), _) => (INTERRUPTED, format!("task {id} was stopped: {how}")),
        // ECS has what wait(2) gives; a number that is none is a failure all the same.
        (None, Some(code)) => (u8::try_from(code).unwrap_or(1), format!("task {id}: {how}")),
        (None, None) => (OURS, format!("task {id} did not run to its end: {how}")),
    }
}

fn word(start: Start) -> &'static str {
    match start {
        Start::New => "new",
        Start::Joined => "joined",
        Start::Counted => "counted",
    }
}

fn as_json(told: Told<'_>) -> Value {
    match told {
        Told::Task { arn, start } => json!({"event": "task", "task": arn, "start": word(start)}),
        Told::Status(status) => json!({"event": "status", "status": status}),
        Told::Line { at, text } => json!({"event": "line", "at": time(at), "message": text}),
        Told::Note(note) => json!({"event": "note", "message": note}),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_the_container_s_or_says_why_there_is_none() {
        let ended = |code, stopped| Ended {
            task: "arn:x/abc".to_owned(),
            code,
            reason: "because".to_owned(),
            stopped,
        };
        let minute = Some(Duration::from_mins(1));
        let table = [
            (
                ended(Some(0), None),
                0,
                "task abc: app exited with 0: because",
            ),
            (
                ended(Some(7), None),
                7,
                "task abc: app exited with 7: because",
            ),
            (
                ended(Some(-1), None),
                1,
                "task abc: app exited with -1: because",
            ),
            (
                ended(None, None),
                125,
                "task abc did not run to its end: app has no exit code: because",
            ),
            (
                ended(Some(0), Some(Stopped::Timeout)),
                124,
                "task abc was stopped after 1m: app exited with 0: because",
            ),
            (
                ended(Some(143), Some(Stopped::Asked)),
                130,
                "task abc was stopped: app exited with 143: because",
            ),
        ];
        for (ended, code, line) in table {
            assert_eq!(outcome(&ended, "app", minute), (code, line.to_owned()));
        }
    }
}
