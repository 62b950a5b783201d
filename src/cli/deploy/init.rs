//! `entryctl init`: deploy.yml and task definitions from what runs.

use super::DEADLINE;
use crate::aws::{Ecs, Settings};
use crate::cli::{Failure, online, output, say};
use crate::deploy::init::{File, Problem, observe, written};
use clap::Args;
use std::fs;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Writes deploy.yml, and a file for each task definition in tasks/, such that a plan for them
is empty: without defaults and what only AWS sets, and with ${SHA} where an image's tag is a
commit. Values of variables are written, and never printed: those that look like secrets are
named. A file that is there is left alone, and then nothing is written, unless --force.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl init --cluster production --service web --service worker
  entryctl init --cluster production --service web --dir deploy --force";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The cluster
    #[arg(long, value_name = "NAME")]
    cluster: String,
    /// A service; repeatable
    #[arg(long = "service", value_name = "NAME", required = true, num_args = 1..)]
    services: Vec<String>,
    /// Where to write
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
    /// Overwrite files that are there
    #[arg(long)]
    force: bool,
    /// The region [default: `$AWS_REGION`, the profile's]
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// The profile of ~/.aws/config
    #[arg(long, value_name = "PROFILE")]
    aws_profile: Option<String>,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let settings = Settings {
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            keys: None,
        };
        let mut names: Vec<String> = Vec::new();
        for name in &self.services {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        let seen = online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let calls = clients.calls();
            let (ecs, region) = (Ecs::new(&calls), clients.region());
            let seen = observe(&self.cluster, region, &names, &ecs, deadline).await;
            seen.map_err(|problem| match problem {
                Problem::Aws(error) => Failure::new(&error),
                Problem::Services(lines) => Failure::Lines(lines),
            })
        })?;
        let written = written(&seen).map_err(|error| Failure::new(&error))?;
        if !self.force {
            self.refuse(&written.files)?;
        }
        let mut said = String::new();
        for file in &written.files {
            said.push_str(&self.write(file)?);
            said.push('\n');
        }
        output::print(said.as_bytes())?;
        written.notes.iter().for_each(|note| say(note));
        Ok(())
    }

    fn refuse(&self, files: &[File]) -> Result<(), Failure> {
        let there = files.iter().map(|file| self.dir.join(&file.path));
        let there: Vec<String> = there
            // A link that leads nowhere is there, too.
            .filter(|path| path.symlink_metadata().is_ok())
            .map(|path| {
                format!(
                    "{}: is there already: give --force to overwrite it",
                    path.display()
                )
            })
            .collect();
        if there.is_empty() {
            Ok(())
        } else {
            Err(Failure::Lines(there))
        }
    }

    fn write(&self, file: &File) -> Result<String, Failure> {
        let path = self.dir.join(&file.path);
        let shown = path.display().to_string();
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder
            .and_then(|()| fs::write(&path, &file.text))
            .map_err(|error| Failure::line(format!("{shown}: cannot be written: {error}")))?;
        Ok(shown)
    }
}
