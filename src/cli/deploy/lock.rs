//! `entryctl lock` and `unlock`: the lock of a deploy, held by a person.

use super::DEADLINE;
use super::files::Files;
use crate::aws::{S3, one_line};
use crate::cli::{Failure, online, output};
use crate::deploy::apply::{Kept, Who};
use crate::state::{Held, Hold, Place, Record, read};
use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use std::time::Duration;

/// Begins the id of a lock that a person took.
const BY_HAND: &str = "lock";

const LOCK_EXAMPLES: &str = "\
Takes the lock of the file's deploys, so that none runs until it ends or entryctl unlock gives it
back. Again by its holder, it counts from now. It is kept where `state:` says, on S3.

Exit codes: 0 done, 1 failed or somebody else holds it, 2 wrong usage.

Examples:
  entryctl lock --message \"database maintenance\" --for 2h
  entryctl lock --env production --show
  entryctl lock --show --json | jq -r .holder";

const UNLOCK_EXAMPLES: &str = "\
Gives back a lock that entryctl lock took. With --force, any: a deploy that holds it stops before
its next change. The lock of a deploy that was killed ends by itself within two minutes.

Exit codes: 0 done, 1 failed or it is another's, 2 wrong usage.

Examples:
  entryctl unlock
  entryctl unlock --env production --force";

#[derive(Args)]
#[command(after_help = LOCK_EXAMPLES)]
pub(in crate::cli) struct LockArguments {
    #[command(flatten)]
    files: Files,
    /// Why, for others who find it
    #[arg(long, value_name = "TEXT", default_value = "")]
    message: String,
    /// When it ends by itself
    #[arg(long = "for", value_name = "DURATION", default_value = "1h", value_parser = humantime::parse_duration)]
    length: Duration,
    /// Print who holds it, and take nothing
    #[arg(long)]
    show: bool,
    /// Print the lock's record as JSON
    #[arg(long, requires = "show")]
    json: bool,
}

#[derive(Args)]
#[command(after_help = UNLOCK_EXAMPLES)]
pub(in crate::cli) struct UnlockArguments {
    #[command(flatten)]
    files: Files,
    /// Take it from whoever holds it
    #[arg(long)]
    force: bool,
}

/// Who we are, for a lock.
pub(super) fn who(kind: &str, message: &str) -> Result<Who, Failure> {
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = ["USER", "LOGNAME"].into_iter().find_map(variable);
    let host = nix::unistd::gethostname().unwrap_or_default();
    let host = host.to_string_lossy();
    let random = getrandom::u64().map_err(|error| Failure::new(&error))?;
    Ok(Who {
        holder: one_line(&format!("{}@{host}", user.as_deref().unwrap_or("entryctl"))),
        id: format!("{kind}-{random:016x}"),
        message: one_line(message),
    })
}

/// A lock of the file.
struct Named<'n> {
    s3: &'n dyn S3,
    place: &'n Place,
    name: &'n str,
}

/// Runs `work` on the file's lock; it prints the line that is returned.
fn on_lock(
    files: &Files,
    work: impl AsyncFnOnce(Named<'_>) -> Result<String, Failure>,
) -> Result<(), Failure> {
    let config = files.load(None)?;
    let Some(place) = &config.state else {
        let line = format!(
            "{}: state is missing: write state: s3://BUCKET/PREFIX, where the lock is kept",
            files.name()
        );
        return Err(Failure::line(line));
    };
    let settings = files.settings(&config);
    let text = online::with_clients(&settings, DEADLINE, async |clients, _| {
        let lock = Named {
            s3: clients.s3(),
            place,
            name: config.lock_name(),
        };
        work(lock).await
    })?;
    output::print(text.as_bytes())
}

impl Named<'_> {
    async fn read(&self) -> Result<Option<Record>, Failure> {
        let found = read(self.s3, self.place, self.name).await;
        let found = found.map_err(|error| Failure::new(&error))?;
        Ok(found.map(|(record, _)| record))
    }

    /// Takes it as `wanted`, or says who has it.
    async fn take(&self, wanted: &Record, length: Duration) -> Result<Box<Hold<'_>>, Failure> {
        let taken = Hold::take(
            self.s3,
            self.place,
            self.name,
            wanted,
            length,
            Timestamp::now,
        );
        match taken.await.map_err(|error| Failure::new(&error))? {
            Held::Ours(hold) => Ok(hold),
            Held::Other(other) => Err(Failure::line(self.line(Some(&other)))),
        }
    }

    fn line(&self, record: Option<&Record>) -> String {
        let name = self.name;
        let held = record.filter(|record| record.is_held(Timestamp::now()));
        let Some(record) = held else {
            return format!("lock {name}: free");
        };
        let services = Kept::of(&record.kept).services;
        let parts = [
            format!("held by {} since {:.0}", record.holder, record.since),
            format!("until {:.0}", record.until),
            services.join(" "),
            record.message.clone(),
        ];
        let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        one_line(&format!("lock {name}: {}", parts.join(", ")))
    }
}

/// Of a lock that this very person took by hand.
fn is_ours(record: &Record, who: &Who) -> bool {
    record.holder == who.holder && record.id.starts_with(BY_HAND)
}

impl LockArguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        on_lock(&self.files, async |lock| {
            let found = lock.read().await?;
            if self.show {
                let text = if self.json {
                    serde_json::to_string_pretty(&json!(found)).unwrap_or_default()
                } else {
                    lock.line(found.as_ref())
                };
                return Ok(text + "\n");
            }
            let mut who = who(BY_HAND, &self.message)?;
            let now = Timestamp::now();
            let ours = found.filter(|record| record.is_held(now) && is_ours(record, &who));
            if let Some(record) = ours {
                who.id = record.id;
            }
            let hold = lock.take(&Record::wanted(&who, now), self.length).await?;
            Ok(lock.line(Some(hold.record())) + "\n")
        })
    }
}

impl UnlockArguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        on_lock(&self.files, async |lock| {
            let found = lock.read().await?;
            let Some(record) = found.filter(|record| record.is_held(Timestamp::now())) else {
                return Ok(format!("lock {}: free already\n", lock.name));
            };
            if !self.force && !is_ours(&record, &who(BY_HAND, "")?) {
                let line = lock.line(Some(&record));
                let line = format!("{line}: it is not yours, --force takes it all the same");
                return Err(Failure::line(line));
            }
            // As its holder, whose next renewal finds it given back.
            let hold = lock.take(&record, Duration::ZERO).await?;
            let released = hold.release(None).await;
            released.map_err(|error| Failure::new(&error))?;
            // Its holder's own renewal may have come between.
            let left = lock.read().await?;
            if let Some(left) = left.filter(|left| left.is_held(Timestamp::now())) {
                let line = format!(
                    "{}: it was renewed just now, try again",
                    lock.line(Some(&left))
                );
                return Err(Failure::line(line));
            }
            Ok(format!("lock {}: given back\n", lock.name))
        })
    }
}
