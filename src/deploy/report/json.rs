//! Events for programs: one JSON object a line, each with its time and its kind.

use super::{Event, Report};
use crate::deploy::verdict::Cause;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::io::Write;

/// Writes events as JSON, all of them to one stream.
pub struct Json<'w> {
    out: RefCell<Box<dyn Write + 'w>>,
    now: &'w dyn Fn() -> Timestamp,
}

impl<'w> Json<'w> {
    pub fn new(out: impl Write + 'w, now: &'w dyn Fn() -> Timestamp) -> Json<'w> {
        Json {
            out: RefCell::new(Box::new(out)),
            now,
        }
    }

    /// The last line: with the exit code, and why it stopped if it did.
    pub fn done(&self, code: u8, error: Option<&str>) {
        self.write(json!({"event": "done", "code": code, "error": error}));
    }

    fn write(&self, mut value: Value) {
        value["at"] = (self.now)().to_string().into();
        let mut out = self.out.borrow_mut();
        // Without a reader the deploy goes on all the same.
        let _ = writeln!(out, "{value}").and_then(|()| out.flush());
    }
}

impl Report for Json<'_> {
    fn tell(&self, event: &Event) {
        self.write(value(event));
    }
}

fn value(event: &Event) -> Value {
    match event {
        Event::Warning(message) => json!({"event": "warning", "message": message}),
        Event::LockHeld {
            name,
            holder,
            message,
            until,
        } => json!({
            "event": "lockHeld", "name": name, "holder": holder, "message": message,
            "until": until.to_string(),
        }),
        Event::Locked { name } => json!({"event": "locked", "name": name}),
        Event::Planned(plan) => json!({"event": "planned", "plan": plan.json()}),
        Event::Registered { task, definition } => {
            json!({"event": "registered", "task": task, "taskDefinition": definition})
        }
        Event::OneOff {
            when,
            task,
            command,
        } => json!({
            "event": "oneOff", "when": when.to_string(), "task": task, "command": command,
        }),
        Event::Output { task, line } => json!({"event": "output", "task": task, "line": line}),
        Event::OneOffEnded {
            when,
            task,
            code,
            earlier,
        } => json!({
            "event": "oneOffEnded", "when": when.to_string(), "task": task, "exitCode": code,
            "earlier": earlier,
        }),
        Event::Deregistered { definition } => {
            json!({"event": "deregistered", "taskDefinition": definition})
        }
        Event::Scheduled { name, operation } => {
            json!({"event": "scheduled", "name": name, "operation": operation})
        }
        event => of_service(event),
    }
}

fn of_service(event: &Event) -> Value {
    match event {
        Event::Changed {
            service,
            change,
            definition,
            deployment,
        } => json!({
            "event": "changed", "service": service, "change": change.to_string(),
            "taskDefinition": definition, "deployment": deployment,
        }),
        Event::Progress { service, waiting } => {
            json!({"event": "progress", "service": service, "waiting": waiting})
        }
        Event::Told {
            service,
            at,
            message,
        } => json!({
            "event": "serviceEvent", "service": service, "createdAt": at, "message": message,
        }),
        Event::Failing { service, causes } => {
            json!({"event": "failing", "service": service, "causes": all(causes)})
        }
        Event::Log {
            service,
            task,
            container,
            lines,
        } => json!({
            "event": "log", "service": service, "task": task, "container": container,
            "lines": lines,
        }),
        Event::Ended { service, outcome } => json!({
            "event": "ended", "service": service, "code": outcome.code(),
            "outcome": outcome.to_string(), "causes": all(outcome.causes()),
        }),
        _ => Value::Null,
    }
}

fn all(causes: &[Cause]) -> Vec<Value> {
    let one =
        |cause: &Cause| json!({"tasks": cause.tasks, "reason": cause.reason, "task": cause.task});
    causes.iter().map(one).collect()
}
