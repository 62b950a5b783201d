//! The files of a command, and the variables that they see.

use super::DEADLINE;
use crate::aws::Ecs;
use crate::cli::{Failure, online, warn};
use crate::config::problems::suggestion;
use crate::deploy::config::{self, Config};
use clap::Args;
use std::cell::OnceCell;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;
use std::time::{Duration, Instant, UNIX_EPOCH};

/// Which files are meant.
#[derive(Args)]
pub(super) struct Files {
    /// The file
    #[arg(short, long, value_name = "FILE", default_value = "deploy.yml")]
    file: PathBuf,
    /// The environment, whose deploy.ENV.yml lies over the file
    #[arg(long, value_name = "ENV")]
    env: Option<String>,
    /// The region [default: the file's, `$AWS_REGION`, the profile's]
    #[arg(long, value_name = "REGION")]
    aws_region: Option<String>,
    /// The profile of ~/.aws/config
    #[arg(long, value_name = "PROFILE")]
    aws_profile: Option<String>,
}

impl Files {
    pub(super) fn name(&self) -> String {
        let file = self.file.display();
        match &self.env {
            Some(env) => format!("{file} ({env})"),
            None => file.to_string(),
        }
    }

    /// What the files mean, with the commit `revision` as `${SHA}`; warnings are said.
    pub(super) fn load(&self, revision: Option<&str>) -> Result<Config, Failure> {
        let given = revision.map(commit).transpose()?;
        let head = OnceCell::new();
        let lookup = |name: &str| match (name, &given) {
            ("SHA", Some(commit)) => Some(OsString::from(commit)),
            ("SHA", None) => std::env::var_os(name).or_else(|| {
                let head = head.get_or_init(|| commit("HEAD").ok());
                head.as_ref().map(OsString::from)
            }),
            _ => std::env::var_os(name),
        };
        let loaded = config::open(&self.file, self.env.as_deref(), &lookup)?;
        for warning in loaded.warnings.iter() {
            warn(&warning.to_string());
        }
        Ok(loaded.config)
    }

    /// Services of the file by AWS's names: those that are asked for, all of them for none.
    pub(super) fn services(
        &self,
        config: &Config,
        asked: &[String],
    ) -> Result<Vec<String>, Failure> {
        let services = config.services.iter().filter(|service| !service.delete);
        let known: Vec<&str> = services.map(|service| service.name.as_str()).collect();
        if asked.is_empty() {
            return Ok(known.iter().map(ToString::to_string).collect());
        }
        let unknown = asked.iter().filter(|name| !known.contains(&name.as_str()));
        let lines: Vec<String> = unknown
            .map(|name| {
                let suggestion = suggestion(name, "services", &known);
                format!("{}: no service {name:?}, {suggestion}", self.name())
            })
            .collect();
        if lines.is_empty() {
            Ok(asked.to_vec())
        } else {
            Err(Failure::Lines(lines))
        }
    }

    /// Asks ECS, all of it until one deadline.
    pub(super) fn on_ecs<T>(
        &self,
        config: &Config,
        work: impl AsyncFnOnce(Ecs<'_>, Instant) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let settings = self.settings(config);
        online::with_clients(&settings, DEADLINE, async |clients, deadline| {
            let calls = clients.calls();
            work(Ecs::new(&calls), deadline).await
        })
    }

    pub(super) fn settings(&self, config: &Config) -> crate::aws::Settings {
        crate::aws::Settings {
            region: self.aws_region.clone().or_else(|| config.region.clone()),
            profile: self.aws_profile.clone(),
            keys: None,
        }
    }
}

/// The whole SHA1 of any name that git has for a commit.
pub(super) fn commit(revision: &str) -> Result<String, Failure> {
    let mut git = Command::new("git");
    git.args(["rev-parse", "--verify", "--quiet", "--end-of-options"]);
    let output = git.arg(format!("{revision}^{{commit}}")).output();
    let output = output.map_err(|error| Failure::line(format!("cannot run git: {error}")))?;
    let sha = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !sha.is_empty() {
        return Ok(sha);
    }
    let line = format!("git has no commit {revision:?} here: fetch it, or check the name");
    Err(Failure::line(line))
}

/// An error if some of the services are not in the cluster.
pub(super) fn all_there(
    config: &Config,
    names: &[String],
    is_there: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    let missing = names.iter().filter(|name| !is_there(name));
    let missing: Vec<&str> = missing.map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let missing = missing.join(", ");
    let line = format!("not in the cluster {}: {missing}", config.cluster);
    Err(Failure::line(line))
}

/// Epoch seconds as AWS has them.
pub(super) fn time(seconds: f64) -> String {
    // A time that cannot be one is the epoch.
    let since = Duration::try_from_secs_f64(seconds).unwrap_or_default();
    let time = UNIX_EPOCH.checked_add(since).unwrap_or(UNIX_EPOCH);
    humantime::format_rfc3339_seconds(time).to_string()
}
