//! `entryctl logs`: what tasks wrote, of all of them by time.

use super::DEADLINE;
use super::files::Files;
use super::lines::{Out, time};
use crate::aws::{Clients, Ecs};
use crate::cli::{Failure, online, warn};
use crate::config::problems::suggestion;
use crate::deploy::config::Config;
use crate::deploy::logs::{Book, Label, Read, Wanted, read};
use crate::deploy::tasks::{is_id, short_id};
use clap::Args;
use clap::builder::Resettable;
use serde_json::json;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

const EXAMPLES: &str = "\
Prints what tasks wrote, of all of them by time: of services, or of tasks by their ids. Behind
the id of the task and the container if there are several. Only what is logged with awslogs
can be read. Control characters but colors are shown in words on a terminal, and are passed on
to a pipe as they are.

-f goes on until Ctrl-C, and follows tasks that are started meanwhile.

Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl logs web
  entryctl logs -f --since 1h
  entryctl logs 0f9d0c2a --container app > app.log
  entryctl logs web --json | jq -r 'select(.message | test(\"ERROR\")) | .at'";

#[derive(Args)]
// As with tail and docker, -f follows here.
#[command(after_help = EXAMPLES, mut_arg("file", |file| file.short(Resettable::Reset)))]
pub(in crate::cli) struct Arguments {
    /// Services, as AWS knows them, or ids of tasks [default: all services of the file]
    #[arg(value_name = "SERVICE|TASK")]
    names: Vec<String>,
    #[command(flatten)]
    files: Files,
    /// Go on with what comes
    #[arg(short = 'f', long)]
    follow: bool,
    /// From so long ago
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = humantime::parse_duration)]
    since: Duration,
    /// Only of this container
    #[arg(long, value_name = "CONTAINER")]
    container: Option<String>,
    /// Print JSON, an object a line
    #[arg(long)]
    json: bool,
}

impl Arguments {
    pub(in crate::cli) fn run(&self) -> Result<(), Failure> {
        let config = self.files.load(None)?;
        let wanted = self.wanted(&config)?;
        let settings = self.files.settings(&config);
        online::with_clients(&settings, DEADLINE, async |clients, _| {
            self.read(&wanted, clients).await
        })
    }

    /// What names mean: a service of the file goes before an id.
    fn wanted(&self, config: &Config) -> Result<Wanted, Failure> {
        let known = self.files.services(config, &[])?;
        let is_service = |name: &&String| known.contains(name);
        let (mut services, rest): (Vec<&String>, Vec<&String>) =
            self.names.iter().partition(is_service);
        let (tasks, unknown): (Vec<&String>, Vec<&String>) =
            rest.into_iter().partition(|name| is_id(name));
        if let Some(name) = unknown.first() {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let suggestion = suggestion(name, "services", &known);
            let line = format!(
                "{}: {name:?} is no service, and no id of a task, {suggestion}",
                self.files.name()
            );
            return Err(Failure::line(line));
        }
        if self.names.is_empty() {
            services = known.iter().collect();
        }
        Ok(Wanted {
            cluster: config.cluster.clone(),
            services: services.into_iter().cloned().collect(),
            tasks: tasks.into_iter().cloned().collect(),
            container: self.container.clone(),
        })
    }

    async fn read(&self, wanted: &Wanted, clients: &Clients) -> Result<(), Failure> {
        let calls = clients.calls();
        let ecs = Ecs::new(&calls);
        let calls_in = |region: &str| clients.calls_of(region);
        let book = Book::open(wanted, &ecs).await;
        let book = book.map_err(|error| Failure::new(&error))?;
        if !book.problems.is_empty() {
            return Err(Failure::Lines(book.problems));
        }
        book.unread.iter().for_each(|why| warn(why));
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let since = now.unwrap_or_default().saturating_sub(self.since);
        let since = i64::try_from(since.as_millis()).unwrap_or_default();
        let several = book.are_several() || (self.follow && !wanted.services.is_empty());
        let mut out = Out::new();
        let mut each = |label: &Label, event: &crate::aws::LogEvent| {
            if self.json {
                out.json(&json!({
                    "at": time(event.timestamp), "task": label.task, "container": label.container,
                    "message": event.message,
                }));
            } else if several {
                let whose = format!("{} {}: ", short_id(&label.task), label.container);
                out.line(&whose, &event.message);
            } else {
                out.line("", &event.message);
            }
            out.ended.is_none()
        };
        let what = Read {
            since,
            follow: self.follow,
        };
        // Ctrl-C ends it: there is nothing to end but this.
        let done = read(book, &what, &ecs, &calls_in, &mut each).await;
        done.map_err(|error| Failure::new(&error))?;
        match out.ended {
            None => Ok(()),
            Some(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::BrokenPipe),
            Some(error) => Err(Failure::line(format!(
                "cannot write standard output: {error}"
            ))),
        }
    }
}
