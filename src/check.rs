//! What can be told of a mode without a passphrase, a network or a running app: before a deploy by
//! `entryctl check`, in the image by `entry --check`.

use crate::config::{
    Export, Lookup, Mode, Problems, Request, SecretItem, SecretSource, SopsFile, Source, Template,
    VaultFile,
};
use crate::render;
use crate::sops;
use crate::stop::Plan;
use crate::vault::{Affixes, Document};
use std::path::Path;
use zeroize::Zeroizing;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    /// What would fail at boot.
    pub problems: Vec<String>,
    /// What would start, but hardly as it is meant.
    pub warnings: Vec<String>,
}

/// Shells that stand between entry and a server, if they do not exec it.
const SHELLS: [&str; 5] = ["sh", "bash", "dash", "ash", "zsh"];

/// Checks these modes, or the whole folder where none is named, against the files below `root`; without
/// one, below each mode's own working directory.
/// `beyond` tells what only the caller can see, such as the image's users.
pub fn modes(
    source: &Source,
    names: &[&str],
    lookup: Lookup,
    root: Option<&Path>,
    beyond: &dyn Fn(&Mode) -> Vec<String>,
) -> Findings {
    let mut findings = Findings::default();
    let texts = |problems: &Problems| problems.iter().map(ToString::to_string).collect::<Vec<_>>();
    let all = source.mode_names();
    if names.is_empty() {
        findings.problems.extend(texts(&source.check_all(lookup)));
    }
    for name in if names.is_empty() { &all } else { names } {
        match source.load(Request::Mode(name), lookup) {
            Ok(mode) => {
                let own = mode.workdir.as_deref().unwrap_or(Path::new("."));
                let found = mode
                    .secrets
                    .iter()
                    .flat_map(|file| secret(file, root.unwrap_or(own)));
                findings.problems.extend(found);
                let base = root.unwrap_or(own);
                let found = mode.render.iter().flat_map(|one| template(one, base));
                findings.problems.extend(found);
                findings.problems.extend(
                    beyond(&mode)
                        .into_iter()
                        .map(|problem| format!("mode {name}: {problem}")),
                );
                findings.warnings.extend(shell_in_between(&mode));
            }
            Err(problems) => findings.problems.extend(texts(&problems)),
        }
    }
    findings.problems.sort();
    findings.problems.dedup();
    findings
}

/// A shell that does not exec dies of the signal that its server should get.
pub fn shell_in_between(mode: &Mode) -> Vec<String> {
    let name = &mode.name;
    let own = mode.command.iter().map(|words| {
        let called = format!("mode {name}: the command");
        (called, words, &mode.stop)
    });
    let processes = mode.processes.iter().map(|one| {
        let called = format!("mode {name}: {}'s command", one.name);
        let stop = one.stop.as_ref().unwrap_or(&mode.stop);
        (called, &one.command.words, stop)
    });
    own.chain(processes)
        .filter(|(_, words, _)| runs_in_a_shell(words))
        .map(|(called, _, stop)| (called, Plan::new(stop, None)))
        .filter(|(_, plan)| plan.translates)
        .map(|(called, plan)| {
            format!(
                "{called} is a shell, which gets {}'s signals in its server's place: run the server itself, or `exec` it in the shell",
                plan.name
            )
        })
        .collect()
}

fn runs_in_a_shell(command: &[String]) -> bool {
    let program = command.first().map(Path::new).and_then(Path::file_name);
    let is_shell = program.is_some_and(|program| SHELLS.iter().any(|shell| program == *shell));
    let script = command
        .windows(2)
        .find(|words| words[0] == "-c")
        .map(|words| words[1].trim_start());
    is_shell && !script.is_some_and(|script| script.starts_with("exec "))
}

fn secret(item: &SecretItem, root: &Path) -> Vec<String> {
    let place = format!("{}: {}", item.declared_at, item.source);
    let read = match &item.source {
        SecretSource::Vault(file) => vault(item, file, root),
        SecretSource::Sops(file) => sops(file, root),
        SecretSource::Ssm(_) | SecretSource::SecretsManager(_) => Ok(Vec::new()),
    };
    let problems = read.unwrap_or_else(|problem| vec![problem]);
    problems
        .iter()
        .map(|problem| format!("{place}: {problem}"))
        .collect()
}

/// What can be told of a template without the names that it asks for.
fn template(item: &Template, base: &Path) -> Vec<String> {
    let read = render::Template::read(base, &item.from, &item.root);
    let errors = read.map_or_else(|error| vec![error], |template| template.check());
    let at = &item.declared_at;
    errors
        .iter()
        .map(|error| format!("{at}: {error}"))
        .collect()
}

/// Without its data key a file tells whether it is whole, and who may decrypt it.
fn sops(file: &SopsFile, root: &Path) -> Result<Vec<String>, String> {
    let text = text(&root.join(&file.path))?;
    let parsed = sops::File::parse(text.as_bytes(), file.format);
    parsed
        .map(|_| Vec::new())
        .map_err(|error| error.to_string())
}

fn vault(item: &SecretItem, file: &VaultFile, root: &Path) -> Result<Vec<String>, String> {
    let text = text(&root.join(&file.path))?;
    let document = Document::parse(&text).map_err(|error| error.to_string())?;
    let affixes = Affixes {
        prefix: file.prefix.clone(),
        suffix: file.suffix.clone(),
    };
    let selection = document
        .select(&file.keys, &affixes)
        .map_err(|problems| problems.to_string())?;
    let is_message = |text: &str| file.cryptor.is_message(text);
    let mut problems = selection.complaints(is_message);
    let clear = selection
        .scalars
        .iter()
        .filter(|scalar| !is_message(&scalar.message));
    problems.extend(clear.map(|scalar| {
        format!(
            "{}: {}: it is not an encrypted message: encrypt it, or keep it out of the key paths",
            scalar.place, scalar.path
        )
    }));
    for export in &item.env {
        let (Export::One { path, .. } | Export::Subtree { path, .. }) = export;
        let found = document
            .lookup(path)
            .map_err(|error| format!("env: {error}"))?;
        if found.is_empty() {
            problems.push(format!("env: key path {path} matches nothing"));
        }
    }
    Ok(problems)
}

/// A whole text file. The error tells the cause, not the file: callers name it their way.
pub fn text(path: &Path) -> Result<Zeroizing<String>, String> {
    let bytes = std::fs::read(path).map_err(|cause| match cause.kind() {
        std::io::ErrorKind::NotFound => {
            "no such file: is it in the image, and the working directory right?".to_owned()
        }
        _ => format!("cannot be read: {cause}"),
    })?;
    String::from_utf8(bytes)
        .map(Zeroizing::new)
        .map_err(|_| "is not UTF-8, the only encoding that is read: convert it".to_owned())
}
