//! A step for eyes, and for programs.

use super::{ScheduleAction, ScheduleStep, Target};
use crate::deploy::plan::{Change, Paint};
use serde_json::{Value, json};
use std::fmt::Write;

impl ScheduleStep {
    /// `create`, `update`, …
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self.action {
            ScheduleAction::Unchanged => "unchanged",
            ScheduleAction::Put { is_new: true, .. } => "create",
            ScheduleAction::Put { .. } => "update",
            ScheduleAction::Delete { .. } => "delete",
        }
    }

    /// One line, and one for each change.
    pub fn lines(&self, out: &mut String, paint: Paint) {
        let name = &self.name;
        // Writing to a String cannot fail.
        let _ = match &self.action {
            ScheduleAction::Unchanged => writeln!(out, "schedule {name}: no change"),
            ScheduleAction::Delete {
                with_rule: false, ..
            } => writeln!(
                out,
                "schedule {name}: delete its target, other targets of the rule stay"
            ),
            _ => writeln!(out, "schedule {name}: {}", self.word()),
        };
        if let ScheduleAction::Put { changes, .. } = &self.action {
            for change in changes {
                change.line(out, paint);
            }
        }
    }

    /// The step with the members that it sends.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut step = json!({"name": self.name, "action": self.word()});
        match &self.action {
            ScheduleAction::Unchanged => {}
            ScheduleAction::Put {
                rule,
                target,
                changes,
                ..
            } => {
                step["rule"] = json!(rule);
                step["target"] = json!(target.as_ref().map(|target| &target.members));
                step["taskDefinition"] = json!(target.as_ref().map(Target::definition_json));
                step["changes"] = changes.iter().map(Change::json).collect();
            }
            ScheduleAction::Delete { target, with_rule } => {
                step["target"] = json!(target);
                step["withRule"] = (*with_rule).into();
            }
        }
        step
    }
}

impl Target {
    fn definition_json(&self) -> Value {
        self.definition.json()
    }
}
