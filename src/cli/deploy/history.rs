//! `entryctl history`: what was deployed, and how it ended.

use super::files::{Files, time};
use crate::aws::one_line;
use crate::cli::{Failure, output, warn};
use crate::deploy::history::{self, Entry, History, MOST};
use crate::deploy::plan::short;
use crate::deploy::rollback::Ended;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::time::Duration;

/// Of a commit's SHA as it is shown.
const SHORT_SHA: usize = 12;

const EXAMPLES: &str = "\
Prints the last deployments of each service, the newest first: when, revision, commit, how it
ended and how long it took, and who registered the revision. The commit is told by a tag of the
definition, a label of its image, or the image's tag. AWS keeps deployments for some months;
where it does not tell them, the service and its family's revisions do, with a warning.

Exit codes: 0 done, 1 failed or a service is not there, 2 wrong usage.

Examples:
  entryctl history
  entryctl history web -n 3 --env production
  entryctl history --json | jq -r '.[].deployments[] | select(.ended == \"good\") | .commit'";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(in crate::cli) struct Arguments {
    /// The services, as AWS knows them [default: all of the file's]
    services: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// How many of each service
    #[arg(short = 'n', long = "number", value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u8).range(1..=20))]
    number: u8,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let names = self.files.services(&config, &self.services)?;
        let most = usize::from(self.number).min(MOST);
        let all = self.files.on_ecs(&config, async |ecs, deadline| {
            let all = history::histories(&config.cluster, &names, most, &ecs, deadline).await;
            all.map_err(|error| Failure::new(&error))
        })?;
        for warning in guessed(&all) {
            warn(&warning);
        }
        let text = if self.json {
            let all: Vec<Value> = all.iter().map(as_json).collect();
            output::pretty(&all)
        } else {
            all.iter().map(lines).collect()
        };
        output::print(text.as_bytes())?;
        super::files::all_there(&config, &names, |name| {
            all.iter().any(|one| one.service == name)
        })
    }
}

/// A warning for each reason that AWS's own list was not to be had.
pub(super) fn guessed(all: &[History]) -> Vec<String> {
    let reasons = all.iter().filter_map(|one| one.guessed.as_deref());
    let distinct: BTreeSet<&str> = reasons.collect();
    let warning = |why| {
        format!(
            "put together from services and revisions of their families, of which none but \
             what a service still has is known to have served: {why}"
        )
    };
    distinct.into_iter().map(warning).collect()
}

fn lines(history: &History) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "{}: {}", history.service, short(&history.current));
    for entry in &history.entries {
        let at = entry.at.map_or_else(|| "-".to_owned(), time);
        let sha = entry.sha.as_deref().map_or("-", short_sha);
        let name = short(&entry.definition);
        let _ = write!(out, "  {at} {name} {sha} {}", entry.status);
        if let Some(took) = took(entry) {
            let _ = write!(out, " in {took}");
        }
        if let Some(by) = &entry.by {
            let _ = write!(out, ", registered by {}", one_line(by));
        }
        if let Some(reason) = entry
            .reason
            .as_ref()
            .filter(|_| entry.ended == Some(Ended::Bad))
        {
            let _ = write!(out, ": {}", one_line(reason));
        }
        out.push('\n');
    }
    out
}

pub(super) fn short_sha(sha: &str) -> &str {
    sha.get(..SHORT_SHA).unwrap_or(sha)
}

fn took(entry: &Entry) -> Option<humantime::FormattedDuration> {
    let seconds = entry.finished? - entry.at?;
    let took = Duration::try_from_secs_f64(seconds).ok()?;
    Some(humantime::format_duration(Duration::from_secs(
        took.as_secs(),
    )))
}

fn as_json(history: &History) -> Value {
    let one = |entry: &Entry| {
        json!({
            "at": entry.at.map(time),
            "finished": entry.finished.map(time),
            "taskDefinition": entry.definition,
            "commit": entry.sha,
            "registeredBy": entry.by,
            "status": entry.status,
            "reason": entry.reason,
            "ended": entry.ended.map(word),
            "active": entry.active,
        })
    };
    let all: Vec<Value> = history.entries.iter().map(one).collect();
    json!({
        "service": history.service,
        "taskDefinition": history.current,
        "deployments": all,
        "guessed": history.guessed,
    })
}

fn word(ended: Ended) -> &'static str {
    match ended {
        Ended::Good => "good",
        Ended::Bad => "bad",
        Ended::InProgress => "in progress",
    }
}
