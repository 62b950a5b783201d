//! A plan for eyes, as lines, and for programs, as JSON. Neither holds a value that was filled in from the
//! environment.

use super::canonical::short;
use super::{
    Change, Definition, DefinitionAction, DefinitionStep, Plan, ServiceAction, ServiceStep,
};
use crate::deploy::config::OneOff;
use crate::deploy::schedules::ScheduleStep;
use serde_json::{Map, Value, json};
use std::fmt::Write;

/// In place of a value.
const HIDDEN: &str = "***";

/// Whether lines are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Paint {
    Plain,
    Colors,
}

impl Paint {
    fn line(self, out: &mut String, sign: char, text: &str) {
        let color = match sign {
            '+' => 32,
            '-' => 31,
            _ => 33,
        };
        // Names in a path are as AWS has them.
        let tame = |letter: char| if letter.is_control() { ' ' } else { letter };
        let text: String = text.chars().map(tame).collect();
        // Writing to a String cannot fail.
        let _ = match self {
            Paint::Plain => writeln!(out, "  {sign} {text}"),
            Paint::Colors => writeln!(out, "\x1b[{color}m  {sign} {text}\x1b[0m"),
        };
    }
}

impl Plan {
    /// Lines, one change each.
    #[must_use]
    pub fn lines(&self, paint: Paint) -> String {
        let mut out = String::new();
        for step in &self.definitions {
            step.lines(&mut out, paint);
        }
        one_offs(&mut out, "before", &self.before);
        for step in &self.services {
            step.lines(&mut out, paint);
        }
        for step in &self.scheduled {
            step.lines(&mut out, paint);
        }
        one_offs(&mut out, "after", &self.after);
        let _ = writeln!(out, "{}", self.sum());
        out
    }

    /// `1 definition to register, 2 services to update`
    fn sum(&self) -> String {
        let registered = self.definitions.iter().filter(|step| step.registers());
        let services = |kind: &str| {
            let same = |step: &&ServiceStep| step.action.word() == kind;
            self.services.iter().filter(same).count()
        };
        let schedules = |kind: &str| {
            let same = |step: &&ScheduleStep| step.word() == kind;
            self.scheduled.iter().filter(same).count()
        };
        let parts = [
            (registered.count(), "task definition", "register"),
            (services("create"), "service", "create"),
            (services("update"), "service", "update"),
            (services("delete"), "service", "delete"),
            (schedules("create"), "schedule", "create"),
            (schedules("update"), "schedule", "update"),
            (schedules("delete"), "schedule", "delete"),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(count, _, _)| *count > 0)
            .map(|(count, what, verb)| {
                let s = if *count == 1 { "" } else { "s" };
                format!("{count} {what}{s} to {verb}")
            })
            .collect();
        if parts.is_empty() {
            return "nothing to change".to_owned();
        }
        parts.join(", ")
    }

    /// The plan with the requests that it stands for.
    #[must_use]
    pub fn json(&self) -> Value {
        let definitions: Vec<Value> = self.definitions.iter().map(DefinitionStep::json).collect();
        let services: Vec<Value> = self.services.iter().map(ServiceStep::json).collect();
        let one_offs = |all: &[OneOff]| -> Vec<Value> {
            let one = |one: &OneOff| {
                json!({
                    "task": one.run.task,
                    "container": one.run.container,
                    "command": one.run.command,
                    "timeoutSeconds": one.timeout.as_secs(),
                })
            };
            all.iter().map(one).collect()
        };
        json!({
            "cluster": self.cluster,
            "changes": !self.is_empty(),
            "taskDefinitions": definitions,
            "before": one_offs(&self.before),
            "services": services,
            "scheduledTasks": self.scheduled.iter().map(ScheduleStep::json).collect::<Vec<Value>>(),
            "after": one_offs(&self.after),
            "warnings": self.warnings,
            "refusals": self.refusals,
        })
    }
}

fn one_offs(out: &mut String, when: &str, all: &[OneOff]) {
    for one in all {
        let command = match one.run.command.as_slice() {
            [] => "its own command".to_owned(),
            words => shell_words::join(words),
        };
        let _ = writeln!(out, "run {when}: task {}: {command}", one.run.task);
    }
}

impl DefinitionStep {
    fn lines(&self, out: &mut String, paint: Paint) {
        let name = &self.name;
        let _ = match &self.action {
            DefinitionAction::Unchanged { arn } => {
                writeln!(out, "task {name}: no change, {}", short(arn))
            }
            DefinitionAction::Register { against: None, .. } => {
                writeln!(out, "task {name}: register the first of {}", self.family)
            }
            DefinitionAction::Register {
                against: Some(arn), ..
            } => writeln!(out, "task {name}: register, changed since {}", short(arn)),
        };
        if let DefinitionAction::Register { changes, .. } = &self.action {
            for change in changes {
                self.veiled(change).line(out, paint);
            }
        }
    }

    fn json(&self) -> Value {
        let mut step = json!({"name": self.name, "family": self.family});
        match &self.action {
            DefinitionAction::Unchanged { arn } => {
                step["action"] = "unchanged".into();
                step["arn"] = arn.clone().into();
            }
            DefinitionAction::Register {
                request,
                against,
                changes,
            } => {
                step["action"] = "register".into();
                step["against"] = json!(against);
                step["changes"] = changes
                    .iter()
                    .map(|change| self.veiled(change).json())
                    .collect();
                step["request"] = self.veiled_request(request);
            }
        }
        step
    }

    /// Without a value that is not shown.
    fn veiled(&self, change: &Change) -> Change {
        let hides = |name: &String| change.path.ends_with(&format!(".environment[{name}]"));
        let hide = |value: &Option<Value>| value.as_ref().map(|_| Value::from(HIDDEN));
        // What only runs may have been filled in when it was deployed.
        let is_gone = change.to.is_none() && change.path.contains(".environment[");
        if is_gone || self.hidden.iter().any(hides) {
            return Change {
                path: change.path.clone(),
                from: hide(&change.from),
                to: hide(&change.to),
            };
        }
        // A container that is new or gone comes whole, and so does a list with a name twice.
        let is_list = change.path.ends_with(".environment");
        let veiled = |value: &Option<Value>, runs: bool| {
            let hides = |name: &str| runs || self.hides(name);
            let mut value = value.clone();
            match &mut value {
                Some(Value::Object(container)) => veil(container, &hides),
                Some(Value::Array(variables)) if is_list => veil_all(variables, &hides),
                _ => {}
            }
            value
        };
        Change {
            path: change.path.clone(),
            from: veiled(&change.from, true),
            to: veiled(&change.to, false),
        }
    }

    fn veiled_request(&self, request: &Map<String, Value>) -> Value {
        let mut request = request.clone();
        let containers = request.get_mut("containerDefinitions");
        let containers = containers.and_then(Value::as_array_mut).into_iter();
        for container in containers.flatten().filter_map(Value::as_object_mut) {
            veil(container, &|name| self.hides(name));
        }
        Value::Object(request)
    }

    fn hides(&self, variable: &str) -> bool {
        self.hidden.iter().any(|name| name == variable)
    }
}

/// Without the values of those of a container's variables that are not shown.
fn veil(container: &mut Map<String, Value>, hides: &dyn Fn(&str) -> bool) {
    let variables = container.get_mut("environment");
    if let Some(variables) = variables.and_then(Value::as_array_mut) {
        veil_all(variables, hides);
    }
}

fn veil_all(variables: &mut [Value], hides: &dyn Fn(&str) -> bool) {
    for variable in variables {
        let name = variable.get("name").and_then(Value::as_str);
        if hides(name.unwrap_or_default()) {
            variable["value"] = HIDDEN.into();
        }
    }
}

impl ServiceAction {
    fn word(&self) -> &'static str {
        match self {
            ServiceAction::Unchanged => "unchanged",
            ServiceAction::Create { .. } => "create",
            ServiceAction::Update { .. } => "update",
            ServiceAction::Delete => "delete",
        }
    }
}

impl Definition {
    pub(in crate::deploy) fn json(&self) -> Value {
        match self {
            Definition::Arn(arn) => arn.clone().into(),
            Definition::New(name) => json!({"newOf": name}),
        }
    }
}

impl ServiceStep {
    fn lines(&self, out: &mut String, paint: Paint) {
        let name = &self.name;
        let _ = match &self.action {
            ServiceAction::Unchanged => writeln!(out, "service {name}: no change"),
            action => writeln!(out, "service {name}: {}", action.word()),
        };
        match &self.action {
            ServiceAction::Create {
                request,
                definition,
            } => {
                let to = match definition {
                    Definition::Arn(arn) => short(arn).to_owned(),
                    Definition::New(name) => format!("the new one of {name}"),
                };
                paint.line(out, '+', &format!("taskDefinition: {}", shown(&to.into())));
                let fields = request
                    .iter()
                    .filter(|(key, _)| !matches!(key.as_str(), "cluster" | "serviceName"));
                for (key, value) in fields {
                    paint.line(out, '+', &format!("{key}: {}", shown(value)));
                }
            }
            ServiceAction::Update { changes, .. } => {
                for change in changes {
                    change.line(out, paint);
                }
            }
            ServiceAction::Unchanged | ServiceAction::Delete => {}
        }
    }

    fn json(&self) -> Value {
        let mut step = json!({"name": self.name, "wave": self.wave, "action": self.action.word()});
        match &self.action {
            ServiceAction::Create {
                request,
                definition,
            } => {
                step["request"] = Value::Object(request.clone());
                step["taskDefinition"] = definition.json();
            }
            ServiceAction::Update {
                request,
                definition,
                tags,
                changes,
            } => {
                step["request"] = Value::Object(request.clone());
                step["taskDefinition"] = json!(definition.as_ref().map(Definition::json));
                step["tags"] = Value::Object(tags.clone());
                step["changes"] = changes.iter().map(Change::json).collect();
            }
            ServiceAction::Unchanged | ServiceAction::Delete => {}
        }
        step
    }
}

impl Change {
    pub(in crate::deploy) fn line(&self, out: &mut String, paint: Paint) {
        let path = &self.path;
        match (&self.from, &self.to) {
            (None, Some(to)) => paint.line(out, '+', &format!("{path}: {}", shown(to))),
            (Some(from), None) => paint.line(out, '-', &format!("{path}: {}", shown(from))),
            (from, to) => {
                let shown = |value: &Option<Value>| value.as_ref().map(shown).unwrap_or_default();
                let text = format!("{path}: {} -> {}", shown(from), shown(to));
                paint.line(out, '~', &text);
            }
        }
    }

    pub(in crate::deploy) fn json(&self) -> Value {
        json!({"path": self.path, "from": self.from, "to": self.to})
    }
}

/// As JSON, in which a terminal finds nothing to act on.
fn shown(value: &Value) -> String {
    value.to_string()
}
