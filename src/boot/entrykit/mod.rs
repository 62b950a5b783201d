//! `EntryKit`'s command lines. Called by one of its names, entry follows the chain of `[name=]task… [-- exec]` to
//! its end, and runs what it comes to as a one-off, with what `_defaults.yml` and `oneoff.yml` say of one.

mod chain;
mod link;
mod symlinks;
mod tasks;
mod words;

#[cfg(test)]
mod tests;

pub use link::Link;
pub use symlinks::make_links;

use super::{Failure, lookup};
use crate::config::{
    BeforeHook, Language, Lookup, Mode, Output, Passphrase, Process, Request, SecretItem,
    SecretSource, Source, Template,
};
use crate::exit::ENTRY_FAILED;
use chain::{Chain, Step, follow};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

/// How long a hook may take to end once it was told to, as in a mode that does not say.
const GRACE: Duration = Duration::from_secs(10);

/// What a chain is read against.
struct Given<'a> {
    /// The container's, in its order.
    variables: &'a [(OsString, OsString)],
    find: words::Find<'a>,
    read: &'a dyn Fn(&Path) -> Result<String, String>,
}

/// What a command line is for: a link's chain, or none where entrykit is asked for what entry itself does.
pub fn asked(link: Link, mut args: Vec<OsString>) -> (Option<Link>, Vec<OsString>) {
    let own = match args.first_mut() {
        Some(first) if first == "-v" => {
            *first = "--version".into();
            true
        }
        Some(first) => first == "--symlink" || first == "--version" || first == "--help",
        None => false,
    };
    let chain = !own || link != Link::Entrykit;
    (chain.then_some(link), args)
}

/// The mode that a chain stands for, and the words of its command, or everything that is wrong with it.
pub fn resolve(link: Link, args: &[OsString]) -> Result<(Mode, Vec<OsString>), Failure> {
    let mut mode = Source::find(None, &lookup)?.load(Request::OneOff { like: None }, &lookup)?;
    link.name().clone_into(&mut mode.name);
    let variables: Vec<_> = std::env::vars_os().collect();
    let given = Given {
        variables: &variables,
        find: &|name| find(name, &mode, &lookup),
        read: &|path| std::fs::read_to_string(path).map_err(|error| error.to_string()),
    };
    match follow(link, args, &given) {
        Ok(chain) => {
            let words = take(chain, &mut mode);
            Ok((mode, words))
        }
        Err(messages) => Err(Failure {
            messages,
            code: ENTRY_FAILED,
        }),
    }
}

/// A variable as the app will see it. One that holds a passphrase will be gone by then.
fn find(name: &str, mode: &Mode, lookup: Lookup) -> Result<Option<String>, String> {
    let holds = |item: &SecretItem| {
        let passphrases = match &item.source {
            SecretSource::Vault(vault) => vault.cryptor.passphrases(),
            SecretSource::Sops(sops) => [sops.identities.as_ref(), None],
            SecretSource::Ssm(_) | SecretSource::SecretsManager(_) => [None, None],
        };
        let variable = |one: &Passphrase| matches!(one, Passphrase::Variable(held) if held == name);
        passphrases.into_iter().flatten().any(variable)
    };
    if mode.secrets.iter().any(holds) {
        return Err(format!(
            "${name} holds a passphrase, which is not filled in anywhere: take it out"
        ));
    }
    if let Some(own) = mode.env.iter().rev().find(|own| own.name == name) {
        return Ok(Some(own.value.clone()));
    }
    let value = lookup(name).map(OsString::into_string).transpose();
    value.map_err(|_| format!("${name} is not UTF-8: such a value cannot be filled in"))
}

/// Adds what a chain comes to; gives the words of its command.
fn take(chain: Chain, mode: &mut Mode) -> Vec<OsString> {
    let own_hooks = mode.before.len();
    for step in chain.steps {
        match step {
            Step::Hook(command) => mode.before.push(BeforeHook {
                declared_at: Link::Prehook.to_string(),
                command,
                timeout: None,
                retry: 0,
                wait: Duration::ZERO,
                grace: GRACE,
                user: None,
                group: None,
                gives_code: true,
            }),
            Step::Render { from, to } => mode.render.push(Template {
                declared_at: Link::Render.to_string(),
                root: crate::render::own_folder(&from),
                from,
                to,
                language: Language::EntryKit,
                // Before any hook of a chain, it is as in a mode: before all hooks.
                after_hooks: Some(mode.before.len())
                    .filter(|hooks| *hooks > own_hooks)
                    .unwrap_or_default(),
                mode: None,
                user: None,
                group: None,
                values: BTreeMap::new(),
            }),
        }
    }
    let processes = chain.processes.into_iter().map(|(name, command)| Process {
        name,
        declared_at: Link::Codep.to_string(),
        command,
        after: Vec::new(),
        ready: None,
        restart: None,
        optional: false,
        stop: None,
    });
    mode.processes = processes.collect();
    if chain.prefixed {
        mode.output = Output::Prefixed;
    }
    chain.words
}
