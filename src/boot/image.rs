//! What only the image can tell of a mode: whether its users, folders and programs are there.

use super::environment::Environment;
use super::plans::supervision;
use super::{Failure, hooks, identity};
use crate::config::Mode;
use crate::program::command;
use crate::sys::environment as initial;

/// What the image lacks for a mode: its user, its working directory, its program.
pub fn check(mode: &Mode) -> Vec<Failure> {
    let mut failures: Vec<Failure> = identity::of_mode(mode).err().into_iter().collect();
    if let Some(workdir) = mode.workdir.as_ref().filter(|workdir| !workdir.is_dir()) {
        failures.push(Failure::one(format!(
            "workdir {}: no such folder: make it in the image",
            workdir.display()
        )));
    }
    let mut environment = Environment::new(initial::entries());
    for one in &mode.env {
        failures.extend(
            environment
                .set(&one.name, one.value.as_bytes())
                .err()
                .map(Failure::one),
        );
    }
    for (place, words) in programs(mode) {
        let Some(program) = words.first() else {
            continue;
        };
        let relative = program
            .contains('/')
            .then_some(mode.workdir.as_ref())
            .flatten();
        let program = relative.map_or_else(|| program.into(), |workdir| workdir.join(program));
        let found = command::find(program.as_os_str(), environment.get("PATH"));
        let failure = found.err().map(Failure::from);
        failures.extend(failure.map(|failure| match &place {
            Some(place) => failure.within(place),
            None => failure,
        }));
    }
    for hook in &mode.before {
        let place = format!("{}: before", hook.declared_at);
        let found = hooks::identity(hook, mode);
        failures.extend(found.err().map(|failure| failure.within(&place)));
    }
    failures.extend(supervision(mode, None).err());
    failures
}

/// Everything that a mode runs, with where it stands if that is not the mode's own command.
fn programs(mode: &Mode) -> Vec<(Option<String>, &[String])> {
    let own = mode.command.iter().map(|words| (None, words.as_slice()));
    let before = mode.before.iter().map(|hook| {
        let place = format!("{}: before", hook.declared_at);
        (Some(place), hook.command.words.as_slice())
    });
    let processes = mode.processes.iter().map(|one| {
        let place = format!("{}: {}", one.declared_at, one.name);
        (Some(place), one.command.words.as_slice())
    });
    let after = mode.after.iter().map(|hook| {
        let place = format!("{}: after", hook.declared_at);
        (Some(place), hook.command.words.as_slice())
    });
    own.chain(before).chain(processes).chain(after).collect()
}
