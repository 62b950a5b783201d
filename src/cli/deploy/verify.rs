//! `entryctl verify`: every problem that a deploy would meet, at once.

use super::DEADLINE;
use super::files::Files;
use super::images;
use crate::aws::{Call, Clients};
use crate::check;
use crate::cli::{Failure, online, output};
use crate::config::{Mode, SecretItem, SecretSource, Source};
use crate::deploy::verify::{Facts, Finding, Level, Regions, Sources};
use crate::deploy::verify::{commands, gather, verify, wanted};
use crate::sops;
use clap::Args;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Asks AWS whether all that the files name is there and fits together: roles that ECS may
assume, images, parameters and secrets (no value is read), log groups, target groups with the
ports, protocols and network modes of their containers. With a modes folder: that each
container's command names a mode, that its stop fits in stopTimeout, and that the task role's
policies allow what it needs. What may not be asked is a note, and no error.

Exit codes: 0 no errors, 1 errors, 2 wrong usage.

Examples:
  entryctl verify
  entryctl verify v1.2 --env production --modes deploy/modes -e RAILS_ENV=production
  entryctl verify --json | jq -r '.[] | select(.level == \"error\") | .message'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The commit that ${SHA} stands for [default: `$SHA`, else HEAD]
    #[arg(value_name = "REF")]
    revision: Option<String>,
    #[command(flatten)]
    files: Files,
    /// The folder of the modes [default: `$ENTRY_MODES`, ./modes]
    #[arg(long, value_name = "DIR")]
    modes: Option<PathBuf>,
    /// A variable that the image sets, for the modes; repeatable
    #[arg(short = 'e', long = "image-env", value_name = "NAME=VALUE", value_parser = variable)]
    image: Vec<(String, String)>,
    /// The app's folder here, which the modes' sops files are relative to [default: each mode's
    /// `workdir`, else this folder]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

fn variable(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("give NAME=VALUE".to_owned()),
    }
}

struct Everywhere<'c>(&'c Clients);

impl Regions for Everywhere<'_> {
    fn region(&self, name: Option<&str>) -> Box<dyn Call + '_> {
        Box::new(match name {
            Some(name) => self.0.calls_in(name),
            None => self.0.calls(),
        })
    }
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(self.revision.as_deref())?;
        let source = Source::find(self.modes.as_deref(), &|name| std::env::var_os(name))?;
        let image: BTreeMap<String, String> = self.image.iter().cloned().collect();
        let settings = self.files.settings(&config);
        let findings = online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let sources = Sources {
                source: &source,
                region: clients.region(),
                image: &image,
                sops: &|mode, item| self.sops(mode, item),
            };
            let commands = commands(&config, &sources);
            let wanted = wanted(&config, &commands);
            let facts = Facts {
                images: images::find(&config, clients, deadline).await,
                ..gather(&wanted, &Everywhere(clients), deadline).await
            };
            Ok(verify(&config, &commands, &facts))
        })?;
        let errors = findings.iter().filter(|one| one.level == Level::Error);
        let errors = errors.count();
        output::print(self.shown(&findings, errors).as_bytes())?;
        if errors == 0 {
            Ok(())
        } else {
            Err(Failure::Lines(Vec::new()))
        }
    }

    fn shown(&self, findings: &[Finding], errors: usize) -> String {
        if self.json {
            let all: Vec<Value> = findings.iter().map(Finding::json).collect();
            return output::pretty(&all);
        }
        let mut lines: Vec<String> = findings.iter().map(ToString::to_string).collect();
        let warnings = findings.iter().filter(|one| one.level == Level::Warning);
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            count => format!("{count} {what}s"),
        };
        let warnings = plural(warnings.count(), "warning");
        let errors = plural(errors, "error");
        lines.push(format!("{}: {errors}, {warnings}\n", self.files.name()));
        lines.join("\n")
    }

    /// A file that cannot be read only keeps its keys from being checked: `entryctl check` tells it.
    fn sops(&self, mode: &Mode, item: &SecretItem) -> Option<sops::File> {
        let SecretSource::Sops(file) = &item.source else {
            return None;
        };
        let own = mode.workdir.as_deref().unwrap_or(Path::new("."));
        let root = self.root.as_deref().unwrap_or(own);
        let text = check::text(&root.join(&file.path)).ok()?;
        sops::File::parse(text.as_bytes(), file.format).ok()
    }
}
