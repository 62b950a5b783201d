//! A whole mode. `env` comes first and in order, since everything else may refer to it.

use super::scalar::{LONGEST_RUN, whole_number, wrong_name};
use super::secrets::Claims;
use super::{Decoder, Fill, Item};
use crate::config::mode::{ArgsPolicy, Mode, Passphrase, SecretSource, TtyOwner, Variable};
use crate::config::node::{Node, Value};
use crate::config::processes::{Command, Output};
use crate::config::schema;
use std::collections::BTreeMap;

const ARGS: [(&str, ArgsPolicy); 3] = [
    ("none", ArgsPolicy::None),
    ("append", ArgsPolicy::Append),
    ("required", ArgsPolicy::Required),
];

const OUTPUT: [(&str, Output); 2] = [("plain", Output::Plain), ("prefixed", Output::Prefixed)];

const TTY: [(&str, TtyOwner); 3] = [
    ("auto", TtyOwner::Auto),
    ("app", TtyOwner::App),
    ("entry", TtyOwner::Entry),
];

/// Reads a mode; what could not be read is at its default, with a problem noted.
pub fn mode(decoder: &mut Decoder, name: &str, root: &Node) -> Mode {
    let d = decoder;
    let mut mode = Mode {
        name: name.to_owned(),
        ..Mode::default()
    };
    let Some(fields) = d.table(&Item::root(root), &schema::MODE) else {
        return mode;
    };
    let mut env_names = Vec::new();
    if let Some(item) = fields.get("env") {
        env_names = item
            .node
            .entries()
            .iter()
            .map(|(key, _)| key.text.clone())
            .collect();
        mode.env = d.env(&item);
    }
    if let Some(item) = fields.get("command") {
        mode.command = d.command(&item);
        mode.written = written(&item);
    }
    let args = fields
        .get("args")
        .and_then(|item| d.choice(&item, "args policy", &ARGS));
    mode.args = args.unwrap_or_default();
    let mut claims = Claims::default();
    if let Some(item) = fields.get("secrets") {
        mode.secrets = d.secrets(&item, &env_names, &mut claims);
    }
    if let Some(item) = fields.get("files") {
        mode.files = d.files(&item, &mode.secrets, &mut claims);
    }
    if let Some(item) = fields.get("render") {
        mode.render = d.render(&item, &mode.secrets, &mut claims);
    }
    d.refuse_idle(&mode, &claims);
    mode.aws = fields
        .get("aws")
        .map(|item| d.aws(&item))
        .unwrap_or_default();
    mode.user = fields.get("user").and_then(|item| d.account(&item));
    mode.group = fields.get("group").and_then(|item| d.account(&item));
    let privs = fields.get("no_new_privs").and_then(|item| d.boolean(&item));
    mode.no_new_privs = privs.unwrap_or_default();
    mode.workdir = fields.get("workdir").and_then(|item| d.path(&item));
    mode.umask = fields.get("umask").and_then(|item| d.octal(&item));
    mode.tty = fields
        .get("tty")
        .and_then(|item| d.choice(&item, "terminal owner", &TTY))
        .unwrap_or_default();
    mode.stop = fields
        .get("stop")
        .map(|item| d.stop(&item))
        .unwrap_or_default();
    mode.exit = fields
        .get("exit")
        .map(|item| d.exit(&item))
        .unwrap_or_default();
    mode.max_runtime = fields
        .get("max_runtime")
        .and_then(|item| d.duration(&item, false, LONGEST_RUN));
    mode.before = fields
        .get("before")
        .map(|item| d.before(&item))
        .unwrap_or_default();
    mode.after = fields
        .get("after")
        .map(|item| d.after(&item))
        .unwrap_or_default();
    if let Some(item) = fields.get("processes") {
        mode.processes = d.processes(&item);
        for name in ["command", "args"] {
            if let Some(other) = fields.get(name) {
                let remedy = "write it under one of the processes, or take processes out";
                d.problem(&other, "cannot stand beside processes", remedy);
            }
        }
    }
    let output = fields
        .get("output")
        .and_then(|item| d.choice(&item, "way of output", &OUTPUT));
    mode.output = output.unwrap_or_default();
    mode.health = fields.get("health").and_then(|item| d.health(&item));
    let protect = fields.get("protect").and_then(|item| d.boolean(&item));
    mode.protect = protect.unwrap_or_default();
    refuse_passphrases(d, &mode);
    mode
}

/// No passphrase's variable is filled in anywhere.
fn refuse_passphrases(d: &mut Decoder, mode: &Mode) {
    let passphrases = mode
        .secrets
        .iter()
        .flat_map(|secret| match &secret.source {
            SecretSource::Vault(vault) => vault.cryptor.passphrases(),
            SecretSource::Sops(file) => [file.identities.as_ref(), None],
            SecretSource::Ssm(_) | SecretSource::SecretsManager(_) => [None, None],
        })
        .flatten();
    let mut names: Vec<&str> = passphrases
        .filter_map(|passphrase| match passphrase {
            Passphrase::Variable(name) => Some(name.as_str()),
            Passphrase::File(_) => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        d.refuse_filled(name);
    }
}

/// A command as it stands in the file, in one line.
fn written(item: &Item) -> String {
    let text = |node: &Node| match &node.value {
        Value::Scalar(scalar) => scalar.text.clone(),
        Value::List(_) | Value::Map(_) => String::new(),
    };
    match &item.node.value {
        Value::List(words) => shell_words::join(words.iter().map(text)),
        _ => text(item.node).trim().to_owned(),
    }
}

impl Decoder<'_> {
    pub fn written_command(&mut self, item: &Item) -> Option<Command> {
        let words = self.command(item)?;
        let written = written(item);
        Some(Command { words, written })
    }

    fn env(&mut self, item: &Item) -> Vec<Variable> {
        let entries = self.map(item, "a map of variable names to values");
        if let Fill::Scope(scope) = &mut self.fill {
            scope.expect(entries.iter().map(|(key, _)| key.text.clone()));
        }
        let mut env = Vec::new();
        for (key, item) in entries {
            if let Some(why) = wrong_name(&key.text) {
                self.problem_at(&key.at, &item.path, format!("no variable name: {why}"), "");
            }
            let value = self.text(&item).map(|text| text.value);
            if let Fill::Scope(scope) = &mut self.fill {
                scope.set(&key.text, value.clone());
            }
            env.extend(value.map(|value| Variable {
                name: key.text.clone(),
                value,
                declared_at: item.declared_at(),
                is_default: self.defaults.as_deref() == Some(&*item.node.at.file),
            }));
        }
        env
    }

    fn exit(&mut self, item: &Item) -> BTreeMap<u8, u8> {
        let mut exit = BTreeMap::new();
        for (key, item) in self.map(item, "a map of code to code") {
            let to = self
                .number(&item, 0..=255)
                .and_then(|code| u8::try_from(code).ok());
            let Some(from) = whole_number(&key.text).and_then(|code| u8::try_from(code).ok())
            else {
                self.problem_at(
                    &key.at,
                    &item.path,
                    "an exit code is a whole number from 0 to 255",
                    "",
                );
                continue;
            };
            exit.extend(to.map(|to| (from, to)));
        }
        exit
    }
}
