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
    /// For messages. A variable may hold what nobody is to see, and is named only.
    pub shown: String,
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
                    for (variable, line) in text.lines().filter_map(|line| line.split_once('=')) {
                        let task = of_variable(variable, line, link, false);
                        if let Some(task) = task {
                            add(&mut tasks, task);
                        }
                    }
                }
                Err(problem) => problems.push(format!("-f {}: {problem}", file.display())),
            }
        }
        if self.variables || self.tasks.is_empty() {
            for (variable, line) in given.variables {
                // A name that is no text is none of a task's.
                let name = variable.to_str().unwrap_or_default();
                let text = line.to_str();
                match of_variable(name, text.unwrap_or_default(), link, self.namespace) {
                    Some(task) if text.is_some() => add(&mut tasks, task),
                    Some(_) => problems.push(format!(
                        "${name} is not UTF-8: put the command into a script"
                    )),
                    None => {}
                }
            }
        }
        for arg in &self.tasks {
            match arg.to_str() {
                Some(text) => add(&mut tasks, of_argument(text)),
                None => problems.push(format!(
                    "task {} is not UTF-8: put it into a script",
                    arg.display()
                )),
            }
        }
        tasks
    }
}

/// A task takes the place of an earlier one of its name; but two commands of one program are two tasks.
fn add(tasks: &mut Vec<Task>, task: Task) {
    let gives_way = |old: &Task| {
        let both_named = old.origin == Origin::NamedArgument && task.origin == old.origin;
        old.name == task.name && (old.origin == Origin::Set || both_named)
    };
    match tasks.iter_mut().find(|old| gives_way(old)) {
        Some(old) => *old = task,
        None => tasks.push(task),
    }
}

/// The task that a variable holds, named `shell` by `SWITCH_SHELL`.
fn of_variable(variable: &str, line: &str, link: Link, namespace: bool) -> Option<Task> {
    let namespace = if namespace { NAMESPACE } else { "" };
    let lower = variable.to_ascii_lowercase();
    let rest = lower.strip_prefix(namespace)?.strip_prefix(link.name())?;
    let name = rest.strip_prefix('_')?;
    Some(Task {
        name: name.to_owned(),
        line: line.to_owned(),
        shown: format!("${variable}"),
        origin: Origin::Set,
    })
}

/// `NAME=TASK`, or a task by itself. What has more than a name before its `=` is a command with a `=` in it.
fn of_argument(arg: &str) -> Task {
    let is_name = |name: &str| {
        !name.is_empty() && !name.contains(|c: char| c.is_whitespace() || "/$\"'\\".contains(c))
    };
    let named = arg.split_once('=').filter(|(name, _)| is_name(name));
    let (name, line, origin) = match named {
        Some((name, line)) => (name.to_owned(), line, Origin::NamedArgument),
        None => (program_of(arg), arg, Origin::Argument),
    };
    Task {
        name,
        line: line.to_owned(),
        shown: line.to_owned(),
        origin,
    }
}

/// The program's name without folder and ending.
fn program_of(line: &str) -> String {
    let word = line.split_whitespace().next().unwrap_or_default();
    let file = word.rsplit('/').next().unwrap_or_default();
    let name = file.split('.').find(|part| !part.is_empty());
    name.unwrap_or(file).to_owned()
}
