//! What containers run: which mode `entry` would take, what it needs, and how long its stop may take. The only
//! part that reads the modes folder.

use super::facts::Permission;
use super::{Finding, containers_of, text};
use crate::boot::cli::{self, Wanted};
use crate::config::{ArgsPolicy, Mode, Output, Request, SecretItem, Source};
use crate::deploy::config::{Config, Run, Task};
use crate::iam::{Needs, Place};
use crate::sops;
use crate::stop::{Plan, StopTimeout};
use crate::supervise::group::plan::schedule;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// What prefixed output may need at the end.
const OUTPUT: Duration = Duration::from_secs(1);

/// What stands for a value that is not known here.
const UNKNOWN: &str = "***";

/// All command lines of the file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Commands {
    pub all: Vec<Command>,
    /// Without one nothing is known of modes.
    pub has_folder: bool,
}

/// A container's command line, its own or another one for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Command {
    pub task: String,
    pub container: String,
    /// `task web: container app`, `before: task rake`
    pub place: String,
    /// Whether it is what the definition itself says.
    pub own: bool,
    /// The definition does not say that the image's entry point is `entry`.
    pub assumed: bool,
    pub runs: Runs,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Runs {
    /// Something else than `entry`.
    Other,
    /// What the image says, which is not seen here.
    Image,
    OneOff {
        word: String,
        /// The mode that may have been meant.
        closest: Option<String>,
    },
    Mode {
        name: String,
        /// The longest that its stop takes.
        stop: Duration,
        needs: BTreeSet<Permission>,
    },
    /// What `entry` would say.
    Broken(Vec<String>),
}

/// What all this depends on besides the files.
pub struct Sources<'s> {
    pub source: &'s Source,
    pub region: &'s str,
    /// Variables that the image sets.
    pub image: &'s BTreeMap<String, String>,
    /// The file of an item, read and parsed.
    pub sops: &'s dyn Fn(&Mode, &SecretItem) -> Option<sops::File>,
}

impl Commands {
    /// What the modes of a task's containers need.
    #[must_use]
    pub fn needs(&self, task: &str) -> BTreeSet<Permission> {
        let of_task = self.all.iter().filter(|command| command.task == task);
        of_task
            .filter_map(|command| match &command.runs {
                Runs::Mode { needs, .. } => Some(needs.clone()),
                _ => None,
            })
            .flatten()
            .collect()
    }

    /// The mode of a container's own command, and how long its stop takes.
    #[must_use]
    pub fn stop(&self, task: &str, container: &str) -> Option<(&str, Duration)> {
        let mut own = self.all.iter().filter(|command| command.own);
        let command = own.find(|command| command.task == task && command.container == container)?;
        match &command.runs {
            Runs::Mode { name, stop, .. } => Some((name, *stop)),
            _ => None,
        }
    }
}

/// Reads what every command line of the file runs.
#[must_use]
pub fn commands(config: &Config, sources: &Sources) -> Commands {
    let mut commands = Commands {
        has_folder: sources.source.folder().is_some(),
        all: Vec::new(),
    };
    if !commands.has_folder {
        return commands;
    }
    for task in &config.tasks {
        for container in containers_of(task) {
            let name = text(container, "name").unwrap_or_default();
            let place = format!("task {}: container {name}", task.name);
            commands
                .all
                .push(command(task, container, None, place, sources));
        }
    }
    let scheduled = config.scheduled_tasks.iter();
    let scheduled = scheduled.map(|one| (format!("scheduled task {}", one.name), &one.run));
    let before = config.before.iter().map(|one| ("before", &one.run));
    let after = config.after.iter().map(|one| ("after", &one.run));
    let one_offs = before.chain(after);
    let one_offs = one_offs.map(|(when, run)| (format!("{when}: task {}", run.task), run));
    for (place, run) in one_offs.chain(scheduled) {
        commands.all.extend(of_run(config, run, place, sources));
    }
    commands
}

fn of_run(config: &Config, run: &Run, place: String, sources: &Sources) -> Option<Command> {
    let task = config.tasks.iter().find(|task| task.name == run.task)?;
    let named = |one: &&Map<String, Value>| text(one, "name") == Some(&run.container);
    let container = containers_of(task).find(named)?;
    let words = Some(run.command.as_slice()).filter(|words| !words.is_empty())?;
    Some(command(task, container, Some(words), place, sources))
}

fn command(
    task: &Task,
    container: &Map<String, Value>,
    instead: Option<&[String]>,
    place: String,
    sources: &Sources,
) -> Command {
    let list = |key: &str| {
        let items = container.get(key).and_then(Value::as_array)?.iter();
        Some(
            items
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect::<Vec<_>>(),
        )
    };
    let entry_point = list("entryPoint").filter(|words| !words.is_empty());
    let command = instead.map(<[String]>::to_vec).or_else(|| list("command"));
    let runs = match (&entry_point, command) {
        (Some(words), command) => match words.split_first() {
            Some((first, rest)) if is_entry(first) => {
                let words = [rest, &command.unwrap_or_default()].concat();
                runs(&words, task, container, sources)
            }
            _ => Runs::Other,
        },
        (None, Some(words)) if !words.is_empty() => runs(&words, task, container, sources),
        (None, _) => Runs::Image,
    };
    Command {
        task: task.name.clone(),
        container: text(container, "name").unwrap_or_default().to_owned(),
        place,
        own: instead.is_none(),
        assumed: entry_point.is_none(),
        runs,
    }
}

fn is_entry(program: &str) -> bool {
    Path::new(program).file_name() == Some("entry".as_ref())
}

fn runs(words: &[String], task: &Task, container: &Map<String, Value>, sources: &Sources) -> Runs {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let wanted = match cli::parse(&words) {
        Ok(invocation) => match invocation.request {
            cli::Request::Run(wanted) => wanted,
            _ => return Runs::Broken(vec!["it starts no app".to_owned()]),
        },
        Err(error) => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            return Runs::Broken(vec![line.trim_start_matches("error: ").to_owned()]);
        }
    };
    let Some(word) = wanted
        .words
        .first()
        .map(|word| word.to_string_lossy().into_owned())
    else {
        return Runs::Broken(vec!["it names no mode".to_owned()]);
    };
    let like = wanted.as_mode.as_deref();
    let request = if wanted.literal {
        Ok(Request::OneOff { like })
    } else {
        sources.source.request(&word, like)
    };
    let variables = variables(container, sources.image);
    let lookup = |name: &str| variables.get(name).map(OsString::from);
    let lines = |problems: &crate::config::Problems| {
        Runs::Broken(problems.iter().map(ToString::to_string).collect())
    };
    let request = match request {
        Ok(request) => request,
        Err(problems) => return lines(&problems),
    };
    match (request, sources.source.load(request, &lookup)) {
        (_, Err(problems)) => lines(&problems),
        (Request::Mode(_), Ok(mode)) => of_mode(&mode, &wanted, &variables, task, sources),
        (Request::OneOff { .. }, Ok(_)) => Runs::OneOff {
            closest: sources
                .source
                .closest_mode(&word)
                .filter(|_| !wanted.literal)
                .map(str::to_owned),
            word,
        },
    }
}

/// What the container sees; of its secrets only that they are there.
fn variables(
    container: &Map<String, Value>,
    image: &BTreeMap<String, String>,
) -> BTreeMap<String, String> {
    let mut variables = image.clone();
    for (key, member) in [("environment", "value"), ("secrets", "valueFrom")] {
        let items = container.get(key).and_then(Value::as_array).into_iter();
        for one in items.flatten() {
            let pair = one.get("name").zip(one.get(member));
            if let Some((Value::String(name), Value::String(value))) = pair {
                let value = if key == "secrets" { UNKNOWN } else { value };
                variables.insert(name.clone(), value.to_owned());
            }
        }
    }
    variables
}

fn of_mode(
    mode: &Mode,
    wanted: &Wanted,
    variables: &BTreeMap<String, String>,
    task: &Task,
    sources: &Sources,
) -> Runs {
    let name = &mode.name;
    match (mode.args, wanted.words.len()) {
        (ArgsPolicy::None, 2..) => {
            let line = format!("mode {name} takes no arguments: write args: append in it");
            return Runs::Broken(vec![line]);
        }
        (ArgsPolicy::Required, 1) => {
            return Runs::Broken(vec![format!("mode {name} needs an argument")]);
        }
        _ => {}
    }
    let cap = variables
        .get("ENTRY_STOP_TIMEOUT")
        .map(|text| StopTimeout::parse(text));
    let cap = match cap.transpose() {
        Ok(cap) => cap,
        Err(error) => return Runs::Broken(vec![error]),
    };
    Runs::Mode {
        name: name.clone(),
        stop: stop(mode, cap),
        needs: needs(mode, task, sources),
    }
}

/// The longest that a stop of the mode takes, to the end of its hooks.
fn stop(mode: &Mode, cap: Option<StopTimeout>) -> Duration {
    let own = if mode.processes.is_empty() {
        Plan::new(&mode.stop, None).total()
    } else {
        let members = mode.processes.iter().map(|one| {
            let spec = one.stop.as_ref().unwrap_or(&mode.stop);
            (spec.clone(), one.after.as_slice())
        });
        schedule(&members.collect::<Vec<_>>(), None).1
    };
    let hooks: Duration = mode.after.iter().map(|hook| hook.timeout).sum();
    let output = match mode.output {
        Output::Prefixed => OUTPUT,
        Output::Plain => Duration::ZERO,
    };
    let total = own + hooks + output;
    cap.map_or(total, |cap| total.min(cap.limit()))
}

fn needs(mode: &Mode, task: &Task, sources: &Sources) -> BTreeSet<Permission> {
    let role = text(&task.request, "taskRoleArn").unwrap_or_default();
    // arn:aws:iam::123456789012:role/app
    let parts: Vec<&str> = role.split(':').collect();
    let part = |place: usize, other: &str| parts.get(place).copied().unwrap_or(other).to_owned();
    let place = Place {
        partition: part(1, "aws"),
        region: sources.region.to_owned(),
        account: part(4, "*"),
    };
    let mut needs = Needs::default();
    needs.add(mode, &place, &|item| (sources.sops)(mode, item));
    let policy = needs.policy();
    let statements = super::policy::statements(&policy).flat_map(|statement| {
        let action = statement
            .get("Action")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let conditions = statement
            .get("Condition")
            .and_then(|one| one.get("StringEquals"));
        let context: BTreeMap<String, String> = conditions
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        let resources = super::policy::texts(statement.get("Resource")).into_iter();
        resources.map(move |resource| Permission {
            action: action.to_owned(),
            resource: resource.to_owned(),
            context: context.clone(),
        })
    });
    statements.collect()
}

/// What is wrong with the command lines themselves.
pub(super) fn findings(commands: &Commands) -> Vec<Finding> {
    if !commands.has_folder {
        let message = "there is no modes folder here, so what containers run is not checked: name it with --modes DIR";
        return vec![Finding::note("", message)];
    }
    let mut findings = Vec::new();
    for command in &commands.all {
        let place = &command.place;
        match &command.runs {
            Runs::Image => {
                let message =
                    "it runs what the image says: write command, so that its mode can be checked";
                findings.push(Finding::note(place, message));
            }
            Runs::OneOff {
                word,
                closest: Some(closest),
            } => {
                let message =
                    format!("{word} is no mode and runs as a one-off: did you mean {closest}?");
                findings.push(Finding::warning(place, message));
            }
            Runs::OneOff { word, .. } if !command.assumed => {
                let message = format!("{word} is no mode and runs as a one-off");
                findings.push(Finding::note(place, message));
            }
            Runs::Other | Runs::Mode { .. } | Runs::OneOff { .. } => {}
            Runs::Broken(lines) if command.assumed => {
                let found = lines.iter().map(|line| {
                    let message = format!("if the image's entry point is entry: {line}");
                    Finding::warning(place, message)
                });
                findings.extend(found);
            }
            Runs::Broken(lines) => {
                findings.extend(lines.iter().map(|line| Finding::error(place, line.clone())));
            }
        }
    }
    findings
}
