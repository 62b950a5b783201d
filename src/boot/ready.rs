//! Everything that a mode will run, found and checked before anything is published.

use super::environment::Environment;
use super::hooks::Hook;
use super::launch::Launch;
use super::plans::group;
use super::{Failure, online};
use crate::program::{CommandError, Program};
use crate::supervise::group::plan::GroupPlan;
use crate::supervise::message::Phases;
use nix::sys::resource::{Resource, getrlimit};
use std::ffi::OsString;

/// All that will run, found and checked.
pub struct Ready<'m> {
    pub environment: Environment,
    /// None where there are processes in its place, or a chain of `EntryKit`'s ends without a command.
    pub app: Option<Program>,
    pub before: Vec<Hook<'m>>,
    /// What PID 1 starts: the processes, then the hooks after the app.
    pub listed: Vec<Program>,
    pub group: Option<GroupPlan>,
    pub phases: Phases,
}

/// Failures of several things, the first one's exit code.
#[derive(Default)]
struct Problems {
    failure: Option<Failure>,
}

impl Problems {
    fn take<T>(&mut self, result: Result<T, Failure>, place: Option<&str>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(failure) => {
                let known = self.failure.get_or_insert(Failure {
                    messages: Vec::new(),
                    code: failure.code,
                });
                let placed = failure.messages.into_iter().map(|text| match place {
                    Some(place) => format!("{place}: {text}"),
                    None => text,
                });
                // What holds for all, such as an environment that is too large, is told once.
                for text in placed {
                    if !known.messages.contains(&text) {
                        known.messages.push(text);
                    }
                }
                None
            }
        }
    }

    fn end(self) -> Result<(), Failure> {
        self.failure.map_or(Ok(()), Err)
    }
}

impl<'a> Launch<'a> {
    /// Finds everything that will run, every problem at once.
    pub fn ready(&self) -> Result<Ready<'a>, Failure> {
        let environment = self.environment()?;
        let mut problems = Problems::default();
        let stack = getrlimit(Resource::RLIMIT_STACK).map_or(8 << 20, |(soft, _)| soft);
        let mut find = |words: &[OsString], place: Option<&str>| {
            let found = Program::find(words, environment.get("PATH"));
            let meant = self.mode.meant.as_deref();
            let found = found.map_err(|error| Failure::from(error.hint(meant)));
            let program = problems.take(found, place)?;
            let limits = environment.check(&program.argv, stack);
            let limits = limits.iter().map(ToString::to_string).collect();
            problems.take(Failure::all(limits), place)?;
            Some(program)
        };
        let os = |words: &[String]| words.iter().map(OsString::from).collect::<Vec<_>>();
        let runs = self.mode.processes.is_empty() && !self.words.is_empty();
        let app = runs.then(|| find(&self.words, None));
        let processes = self.mode.processes.iter().map(|one| {
            let place = format!("{}: {}", one.declared_at, one.name);
            (place, &one.command)
        });
        let after = self.mode.after.iter().map(|hook| {
            let place = format!("{}: after", hook.declared_at);
            (place, &hook.command)
        });
        let listed: Vec<Option<Program>> = processes
            .chain(after)
            .map(|(place, command)| find(&os(&command.words), Some(&place)))
            .collect();
        let setting = self.setting();
        let before: Vec<Option<Hook>> = self
            .mode
            .before
            .iter()
            .map(|hook| problems.take(Hook::prepare(hook, self.mode, &setting, &environment), None))
            .collect();
        let group = (!self.mode.processes.is_empty())
            .then(|| problems.take(group(self.mode, self.cap), None))
            .flatten();
        problems.end()?;
        Ok(Ready {
            app: app.flatten(),
            before: before.into_iter().flatten().collect(),
            listed: listed.into_iter().flatten().collect(),
            group,
            phases: Phases {
                program: self
                    .words
                    .first()
                    .map(|program| program.to_string_lossy().into_owned())
                    .unwrap_or_default(),
                config: self.config_took,
                secrets: self.secrets_took,
                decrypted: self.fetched.decrypted,
                aws: self.fetched.aws.as_ref().map(online::Cost::told),
                ..Phases::default()
            },
            environment,
        })
    }
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Failure {
        Failure {
            messages: vec![error.text],
            code: error.code,
        }
    }
}
