//! Events as lines for eyes and for a CI job's log. Warnings are the caller's: they go elsewhere.

use super::{Change, Event, Report};
use crate::aws::one_line;
use crate::deploy::plan::{Paint, short};
use std::cell::RefCell;
use std::io::Write;

/// Writes lines, and warnings by a function of their own.
pub struct Lines<'w> {
    out: RefCell<Box<dyn Write + 'w>>,
    warn: fn(&str),
    paint: Paint,
}

impl<'w> Lines<'w> {
    pub fn new(out: impl Write + 'w, warn: fn(&str), paint: Paint) -> Lines<'w> {
        Lines {
            out: RefCell::new(Box::new(out)),
            warn,
            paint,
        }
    }
}

impl Report for Lines<'_> {
    fn tell(&self, event: &Event) {
        match event {
            Event::Warning(warning) => (self.warn)(warning),
            event => {
                let mut out = self.out.borrow_mut();
                let text = line(event, self.paint);
                // Without a reader the deploy goes on all the same.
                let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
            }
        }
    }
}

/// The line of an event with its end, or its lines.
pub fn line(event: &Event, paint: Paint) -> String {
    match event {
        Event::Planned(plan) => plan.lines(paint),
        // A program's own output stays as it wrote it.
        Event::Output { line, .. } => format!("{line}\n"),
        Event::Failing { service, causes } => causes
            .iter()
            .map(|cause| format!("service {service}: {}\n", one_line(&cause.to_string())))
            .collect(),
        Event::Log {
            container, lines, ..
        } => lines
            .iter()
            .map(|line| format!("  {container} | {}\n", one_line(line)))
            .collect(),
        event => one_line(&sentence(event)) + "\n",
    }
}

fn sentence(event: &Event) -> String {
    match event {
        Event::Warning(warning) => format!("warning: {warning}"),
        Event::LockHeld {
            name,
            holder,
            message,
            until,
        } => {
            let why = if message.is_empty() {
                String::new()
            } else {
                format!(": {message}")
            };
            format!("lock {name}: held by {holder} until {until:.0}{why}")
        }
        Event::Locked { name } => format!("lock {name}: taken"),
        Event::Registered { task, definition } => {
            format!("task {task}: registered {}", short(definition))
        }
        Event::OneOff {
            when,
            task,
            command,
        } => {
            let command = match command.as_slice() {
                [] => "its own command".to_owned(),
                words => shell_words::join(words),
            };
            format!("{when}: task {task}: {command}")
        }
        Event::OneOffEnded {
            when,
            task,
            code,
            earlier,
        } => {
            let earlier = if *earlier {
                ", in a deploy before this one"
            } else {
                ""
            };
            format!("{when}: task {task}: ended with {code}{earlier}")
        }
        Event::Changed {
            service,
            change,
            definition,
            deployment,
        } => changed(
            service,
            *change,
            definition.as_deref(),
            deployment.as_deref(),
        ),
        Event::Deregistered { definition } => format!("deregistered {}", short(definition)),
        Event::Scheduled { name, operation } => format!("schedule {name}: {operation}"),
        Event::Progress { service, waiting } => format!("service {service}: {waiting}"),
        Event::Told {
            service, message, ..
        } => format!("service {service}: ECS: {message}"),
        Event::Ended { service, outcome } => format!("service {service}: {outcome}"),
        // They have lines of their own.
        Event::Planned(_) | Event::Output { .. } | Event::Failing { .. } | Event::Log { .. } => {
            String::new()
        }
    }
}

fn changed(
    service: &str,
    change: Change,
    definition: Option<&str>,
    deployment: Option<&str>,
) -> String {
    let to = definition.map_or_else(String::new, |arn| format!(" to {}", short(arn)));
    let to = match change {
        Change::Created | Change::Resumed => to.replacen(" to ", " with ", 1),
        _ => to,
    };
    let id = deployment.map_or_else(String::new, |id| format!(", deployment {id}"));
    format!("service {service}: {change}{to}{id}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::report::When;
    use crate::deploy::verdict::{Cause, Outcome};

    fn said(event: &Event) -> String {
        line(event, Paint::Plain)
    }

    #[test]
    fn each_event_is_a_line() {
        let service = || "web".to_owned();
        let changed = |change| Event::Changed {
            service: service(),
            change,
            definition: Some("arn:aws:ecs:r:1:task-definition/web:8".to_owned()),
            deployment: Some("ecs-svc/1".to_owned()),
        };
        let table = [
            (
                changed(Change::Updated),
                "service web: updated to web:8, deployment ecs-svc/1\n",
            ),
            (
                changed(Change::Created),
                "service web: created with web:8, deployment ecs-svc/1\n",
            ),
            (
                Event::OneOff {
                    when: When::Before,
                    task: "rake".to_owned(),
                    command: vec!["rake".to_owned(), "a b".to_owned()],
                },
                "before: task rake: rake 'a b'\n",
            ),
            (
                Event::LockHeld {
                    name: "main".to_owned(),
                    holder: "ann@ci".to_owned(),
                    message: "v2".to_owned(),
                    until: Timestamp::from_second(0).unwrap(),
                },
                "lock main: held by ann@ci until 1970-01-01T00:00:00Z: v2\n",
            ),
            (
                Event::Ended {
                    service: service(),
                    outcome: Outcome::Success,
                },
                "service web: deployed\n",
            ),
        ];
        for (event, text) in table {
            assert_eq!(said(&event), text);
        }
    }

    use jiff::Timestamp;

    /// What AWS and containers say may command a terminal; what a one-off task prints is the reader's own.
    #[test]
    fn only_a_program_s_own_output_keeps_control_characters() {
        let causes = vec![Cause {
            tasks: 1,
            reason: "bad\u{1b}[2J".to_owned(),
            task: "arn/t1".to_owned(),
        }];
        let service = "web".to_owned();
        let failing = Event::Failing { service, causes };
        assert_eq!(said(&failing), "service web: 1 task: bad [2J (t1)\n");
        let output = Event::Output {
            task: "rake".to_owned(),
            line: "\u{1b}[1mok".to_owned(),
        };
        assert_eq!(said(&output), "\u{1b}[1mok\n");
    }
}
