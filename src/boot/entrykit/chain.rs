//! A command line of `EntryKit`'s, followed from link to link to the command at its end.

use super::Given;
use super::link::Link;
use super::tasks::{Line, Task};
use super::words::{expand, split};
use crate::config::Command;
use std::ffi::{OsStr, OsString};
use std::fmt::Display;
use std::path::{Path, PathBuf};

/// More links than anybody chains; a switch may name itself.
const MOST: usize = 100;

/// What a chain comes to.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Chain {
    /// In order.
    pub steps: Vec<Step>,
    pub processes: Vec<(String, Command)>,
    /// Whether their lines begin with their names.
    pub prefixed: bool,
    /// The command in the end; empty where there is none.
    pub words: Vec<OsString>,
}

/// What is done before that command.
#[derive(Debug, PartialEq, Eq)]
pub enum Step {
    Render { from: PathBuf, to: PathBuf },
    Hook(Command),
}

/// Follows a chain, or tells everything that is wrong with it.
pub fn follow(link: Link, args: &[OsString], given: &Given) -> Result<Chain, Vec<String>> {
    let mut walk = Walk {
        given,
        chain: Chain::default(),
        problems: Vec::new(),
    };
    let mut next = Some((link, args.to_vec()));
    for _ in 0..MOST {
        let Some((link, args)) = next else { break };
        next = walk.link(link, &args);
    }
    if let Some((link, _)) = next {
        walk.problem(
            link,
            format!("a chain of more than {MOST} links: does a switch name itself?"),
        );
    }
    if walk.problems.is_empty() {
        Ok(walk.chain)
    } else {
        Err(walk.problems)
    }
}

/// The link that a command is, and its words.
type Next = Option<(Link, Vec<OsString>)>;

struct Walk<'g> {
    given: &'g Given<'g>,
    chain: Chain,
    problems: Vec<String>,
}

impl Walk<'_> {
    fn problem(&mut self, link: Link, problem: impl Display) {
        self.problems.push(format!("{link}: {problem}"));
    }

    fn link(&mut self, link: Link, args: &[OsString]) -> Next {
        let mut problems = Vec::new();
        let mut line = Line::read(args, &mut problems);
        for problem in problems {
            self.problem(link, problem);
        }
        match link {
            Link::Render => self.render(&line),
            Link::Prehook => self.prehook(&line),
            Link::Codep => self.codep(&line),
            Link::Switch => {
                if let Some(task) = self.chosen(&line, args.last()) {
                    return self.command_of(&task);
                }
            }
            Link::Entrykit => {
                let words = std::mem::take(&mut line.tasks);
                // In the order of its own list.
                self.prehook(&line);
                self.render(&line);
                if let Some(task) = self.chosen(&line, args.last()) {
                    return self.command_of(&task);
                }
                for word in words {
                    let what = format!("{:?} names no switch", word.to_string_lossy());
                    self.problem(
                        link,
                        format!("{what}: set SWITCH_NAME, or write a command after --"),
                    );
                }
                self.codep(&line);
            }
        }
        self.follow(link, line.rest)
    }

    /// The command after a link's `--`.
    fn follow(&mut self, link: Link, rest: &[OsString]) -> Next {
        let first = rest.first()?;
        if !self.chain.processes.is_empty() {
            let what = format!(
                "{:?} follows processes that end together",
                first.to_string_lossy()
            );
            self.problem(
                link,
                format!("{what}, and then entry ends, too: make it one of them, or a prehook"),
            );
            return None;
        }
        if let Some(next) = Link::named(first) {
            return Some((next, rest.get(1..)?.to_vec()));
        }
        for word in rest {
            let filled = word.to_str().map(|text| expand(text, self.given.find));
            match filled {
                Some(Ok(text)) => self.chain.words.push(text.into()),
                Some(Err(problem)) => {
                    self.problem(
                        link,
                        format!("argument {:?}: {problem}", word.to_string_lossy()),
                    );
                }
                None => self.chain.words.push(word.clone()),
            }
        }
        None
    }

    fn tasks(&mut self, line: &Line, link: Link) -> Vec<Task> {
        let mut problems = Vec::new();
        let tasks = line.tasks(link, self.given, &mut problems);
        for problem in problems {
            self.problem(link, problem);
        }
        tasks
    }

    fn command(&mut self, link: Link, task: &Task) -> Option<Command> {
        match split(&task.line, self.given.find) {
            Ok(words) => Some(Command {
                words,
                written: task.shown.clone(),
            }),
            Err(problem) => {
                self.problem(link, format!("task {:?}: {problem}", task.shown));
                None
            }
        }
    }

    fn render(&mut self, line: &Line) {
        for task in self.tasks(line, Link::Render) {
            match expand(&task.line, self.given.find) {
                Ok(to) => {
                    let folder = line.templates.unwrap_or_default();
                    // As Go joins them: below the folder, even if it is absolute.
                    let below = to
                        .strip_prefix('/')
                        .filter(|_| !folder.is_empty())
                        .unwrap_or(&to);
                    let from = Path::new(folder).join(format!("{below}.tmpl"));
                    let to = PathBuf::from(to);
                    self.chain.steps.push(Step::Render { from, to });
                }
                Err(problem) => self.problem(Link::Render, format!("{:?}: {problem}", task.shown)),
            }
        }
    }

    fn prehook(&mut self, line: &Line) {
        for task in self.tasks(line, Link::Prehook) {
            let hook = self.command(Link::Prehook, &task);
            self.chain.steps.extend(hook.map(Step::Hook));
        }
    }

    fn codep(&mut self, line: &Line) {
        self.chain.prefixed = line.prefixed;
        for task in self.tasks(line, Link::Codep) {
            if let Some(command) = self.command(Link::Codep, &task) {
                let name = self.free_name(&task.name);
                self.chain.processes.push((name, command));
            }
        }
    }

    /// Two commands of one program are told apart by a number.
    fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| self.chain.processes.iter().any(|(known, _)| known == name);
        let numbered = (2..).map(|number| format!("{name}-{number}"));
        std::iter::once(name.to_owned())
            .chain(numbered)
            .find(|name| !taken(name))
            .unwrap_or_default()
    }

    /// The switch that the last word of all names.
    fn chosen(&mut self, line: &Line, last: Option<&OsString>) -> Option<Task> {
        let tasks = self.tasks(line, Link::Switch);
        let named = |task: &Task| last.is_some_and(|last| *last == *task.name);
        tasks.into_iter().find(named)
    }

    fn command_of(&mut self, switch: &Task) -> Next {
        // Its words are filled in where the link reads them.
        let words = shell_words::split(&switch.line).unwrap_or_default();
        let link = words
            .first()
            .and_then(|first| Link::named(OsStr::new(first)));
        if let Some(link) = link {
            return Some((
                link,
                words.into_iter().skip(1).map(OsString::from).collect(),
            ));
        }
        let command = self.command(Link::Switch, switch)?;
        self.chain.words = command.words.into_iter().map(OsString::from).collect();
        None
    }
}
