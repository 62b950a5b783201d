//! What one link is asked for: its options, its tasks, and what follows its `--`.

use super::Given;
use super::link::Link;
use std::ffi::{OsStr, OsString};
use std::path::Path;

const OPTIONS: &str =
    "known are -e, -E, -f FILE, -p and -t DIR; a command with options of its own follows --";

/// `EntryKit`'s own prefix of the variables that `-E` reads.
const NAMESPACE: &str = "ek_";

/// A task and the name that it was given, or has from its program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    pub name: String,
    pub line: String,
    origin: Origin,
}

/// Where a task was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Origin {
    /// In the file or in a variable.
    Set,
    Argument,
    NamedArgument,
}

/// The command line of a link, up to its `--`.
#[derive(Debug, Default)]
pub struct Line<'a> {
    variables: bool,
    namespace: bool,
    pub prefixed: bool,
    file: Option<&'a OsStr>,
    /// Where templates are, in place of their targets' own folders.
    pub templates: Option<&'a OsStr>,
    pub tasks: Vec<&'a OsStr>,
    /// What follows the `--`.
    pub rest: &'a [OsString],
}

impl<'a> Line<'a> {
    /// Options may stand between tasks, too.
    pub fn read(args: &'a [OsString], problems: &mut Vec<String>) -> Line<'a> {
        let mut line = Line::default();
        let mut at = 0;
        while let Some(arg) = args.get(at) {
            at += 1;
            match arg.to_str() {
                Some("--") => {
                    line.rest = args.get(at..).unwrap_or_default();
                    break;
                }
                Some("-e") => line.variables = true,
                Some("-E") => (line.variables, line.namespace) = (true, true),
                Some("-p") => line.prefixed = true,
                Some(option @ ("-f" | "-t")) => {
                    let value = args.get(at).map(OsString::as_os_str);
                    if value.is_none_or(|value| value == "--") {
                        problems.push(format!("{option} names nothing: {OPTIONS}"));
                        continue;
                    }
                    at += 1;
                    let place = if option == "-f" {
                        &mut line.file
                    } else {
                        &mut line.templates
                    };
                    *place = value;
                }
                // Asks for nothing, as a variable of the image's user that is empty.
                Some("") => {}
                _ if arg.as_encoded_bytes().starts_with(b"-") => {
                    problems.push(format!("unknown option {}: {OPTIONS}", arg.display()));
                }
                _ => line.tasks.push(arg),
            }
        }
        line
    }

    /// The link's tasks: those of the file, of variables, and of the command line, each in its order.
    pub fn tasks(&self, link: Link, given: &Given, problems: &mut Vec<String>) -> Vec<Task> {
        let mut tasks = Vec::new();
        if let Some(file) = self.file {
            match (given.read)(Path::new(file)) {
                Ok(text) => {
                    let pairs = text.lines().filter_map(|line| line.split_once('='));
                    let ours = pairs.filter_map(|(name, line)| {
                        of_variable(name, link, false).map(|name| (name, line))
                    });
                    ours.for_each(|(name, line)| add(&mut tasks, name, line, Origin::Set));
                }
                Err(problem) => problems.push(format!("-f {}: {problem}", file.display())),
            }
        }
        if self.variables || self.tasks.is_empty() {
            for (variable, line) in given.variables {
                let Some(name) = variable
                    .to_str()
                    .and_then(|name| of_variable(name, link, self.namespace))
                else {
                    continue;
                };
                match line.to_str() {
                    Some(line) => add(&mut tasks, name, line, Origin::Set),
                    None => problems.push(format!(
                        "${} is not UTF-8: put the command into a script",
                        variable.display()
                    )),
                }
            }
        }
        for arg in &self.tasks {
            match (arg.to_str(), arg.to_str().and_then(named)) {
                (_, Some((name, line))) => {
                    add(&mut tasks, name.to_owned(), line, Origin::NamedArgument)
                }
                (Some(line), None) => add(&mut tasks, program_of(line), line, Origin::Argument),
                (None, None) => {
                    problems.push(format!(
                        "task {} is not UTF-8: put it into a script",
                        arg.display()
                    ));
                }
            }
        }
        tasks
    }
}

/// A task takes the place of an earlier one of its name; but two commands of one program are two tasks.
fn add(tasks: &mut Vec<Task>, name: String, line: &str, origin: Origin) {
    let line = line.to_owned();
    let gives_way =
        |old: Origin| old == Origin::Set || (old == Origin::NamedArgument && old == origin);
    let old = tasks
        .iter_mut()
        .find(|old| old.name == name && gives_way(old.origin));
    match old {
        Some(old) => (old.line, old.origin) = (line, origin),
        None => tasks.push(Task { name, line, origin }),
    }
}

/// The name of the task that a variable holds, such as `shell` of `SWITCH_SHELL`.
fn of_variable(variable: &str, link: Link, namespace: bool) -> Option<String> {
    let namespace = if namespace { NAMESPACE } else { "" };
    let lower = variable.to_ascii_lowercase();
    let rest = lower.strip_prefix(namespace)?.strip_prefix(link.name())?;
    rest.strip_prefix('_').map(ToOwned::to_owned)
}

/// `NAME=TASK`. What has more than a name before its `=` is a command with a `=` in it.
fn named(arg: &str) -> Option<(&str, &str)> {
    let (name, line) = arg.split_once('=')?;
    let is_name =
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "/$\"'\\".contains(c));
    is_name.then_some((name, line))
}

/// The program's name without folder and ending.
fn program_of(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    let file = word.rsplit('/').next().unwrap_or_default();
    let name = file.split('.').find(|part| !part.is_empty());
    name.unwrap_or(file).to_owned()
}
