//! `entryctl iam`: the least policy for the role of a task that runs these modes.

use super::autoscale::IamArguments;
use super::{Failure, output, warn};
use crate::check;
use crate::config::{Mode, Request, SecretItem, SecretSource, Source};
use crate::iam::{Needs, Place};
use crate::sops;
use clap::{Args, Subcommand};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Prints the least policy as JSON: kms:Decrypt on the keys that the modes and their sops files
name (with the encryption context as a condition), s3:GetObject, ssm:GetParameters,
secretsmanager:GetSecretValue. A yaml_vault value does not show its key, so each such item
needs kms_key_id; without it this is an error, and nothing is printed.

Not in it: kms:Decrypt on keys of yours that encrypt parameters, secrets or objects on the
side of AWS (SSE-KMS).

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl iam
  entryctl iam web worker --region eu-central-1 --account 123456789012
  entryctl iam -e RAILS_ENV=staging >policy.json";

#[derive(Args)]
#[command(after_help = EXAMPLES, args_conflicts_with_subcommands = true)]
pub(super) struct Arguments {
    #[command(subcommand)]
    other: Option<Other>,
    /// The modes [default: all of them]
    modes: Vec<String>,
    #[command(flatten)]
    from: super::check::Place,
    /// The region of parameters, secrets and keys that have no ARN
    #[arg(long, default_value = "*")]
    region: String,
    /// Their account
    #[arg(long, default_value = "*")]
    account: String,
    /// The partition
    #[arg(long, default_value = "aws", value_parser = ["aws", "aws-cn", "aws-us-gov"])]
    partition: String,
}

/// What else needs a policy.
#[derive(Subcommand)]
enum Other {
    /// Print the policy of the autoscaler; a mode of this name is written after `--`
    Autoscale(IamArguments),
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), Failure> {
        if let Some(Other::Autoscale(arguments)) = &self.other {
            return arguments.run();
        }
        let lookup = |name: &str| self.from.variable(name);
        let source = Source::find(self.from.folder.as_deref(), &lookup)?;
        let place = Place {
            partition: self.partition.clone(),
            region: self.region.clone(),
            account: self.account.clone(),
        };
        let names: Vec<&str> = match self.modes.as_slice() {
            [] => source.mode_names(),
            some => some.iter().map(String::as_str).collect(),
        };
        let mut needs = Needs::default();
        let mut problems = Vec::new();
        for name in names {
            let mode = source.load(Request::Mode(name), &lookup)?;
            let own = mode.workdir.as_deref().unwrap_or(Path::new("."));
            let root = self.from.root.as_deref().unwrap_or(own);
            let files = sops_files(&mode, root, &mut problems);
            let file = |item: &SecretItem| {
                files
                    .iter()
                    .find(|(known, _)| *known == item.declared_at)
                    .and_then(|(_, path)| parse(path, item).ok())
            };
            needs.add(&mode, &place, &file);
        }
        problems.extend(needs.unknown.iter().cloned());
        if !problems.is_empty() {
            return Err(Failure::Lines(problems));
        }
        let policy = needs.policy();
        if policy["Statement"].as_array().is_none_or(Vec::is_empty) {
            warn("these modes ask nothing of AWS: they need no permissions");
        }
        let text = output::pretty(&policy);
        output::print(text.as_bytes())
    }
}

/// The sops files of a mode, by where they are declared; what is wrong with them is noted.
fn sops_files(mode: &Mode, root: &Path, problems: &mut Vec<String>) -> Vec<(String, PathBuf)> {
    let mut files = Vec::new();
    for item in &mode.secrets {
        if let SecretSource::Sops(file) = &item.source {
            let path = root.join(&file.path);
            match parse(&path, item) {
                Ok(_) => files.push((item.declared_at.clone(), path)),
                Err(problem) => {
                    problems.push(format!("{}: {}: {problem}", item.declared_at, item.source));
                }
            }
        }
    }
    files
}

fn parse(path: &Path, item: &SecretItem) -> Result<sops::File, String> {
    let SecretSource::Sops(file) = &item.source else {
        return Err("is no sops file".to_owned());
    };
    let text = check::text(path)?;
    sops::File::parse(text.as_bytes(), file.format).map_err(|error| error.to_string())
}

impl super::check::Place {
    /// A variable of the container: given, else this shell's.
    pub(super) fn variable(&self, name: &str) -> Option<OsString> {
        let own = self.env.iter().rev().find(|(known, _)| known == name);
        own.map(|(_, value)| OsString::from(value))
            .or_else(|| std::env::var_os(name))
    }
}
