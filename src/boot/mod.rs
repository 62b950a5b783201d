//! The boot process: reads the configuration, fetches the secrets, and becomes the app.
//!
//! It is PID 1's child and lives until `execve`; what it parsed and decrypted goes away with its
//! memory. Whatever fails, nothing is started and nothing is left.

mod agent;
pub(crate) mod cli;

mod cryptors;
mod entrykit;
mod environment;
mod explain;
mod exports;
mod fetch;
mod folder;
mod given;
mod health;
mod hooks;
mod identity;
mod image;
mod launch;
mod online;
mod orders;
mod pipe;
mod plans;

mod ready;
mod secrets;
mod sops_files;
mod staging;
mod stores;
mod templates;
mod vaults;

use crate::check;
use crate::config::{self, Mode, Problems, Source};
use crate::exit::ENTRY_FAILED;
use crate::program::{Inherited, Table};
use crate::report::{Line, Report, unknown_format};
use crate::stop::StopTimeout;
use crate::supervise::message::Message;
use crate::sys::hold::release_signals;
use cli::{Invocation, Request, Wanted};
use entrykit::Link;
use launch::Launch;
use pipe::Pipe;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an error may take to get through a full pipe: unlike PID 1's lines it must be seen.
const PATIENCE: Duration = Duration::from_secs(1);

/// A failed boot: the lines to say and the exit code.
#[derive(Debug)]
pub struct Failure {
    pub messages: Vec<String>,
    pub code: u8,
}

impl Failure {
    /// A failure of entry itself.
    pub fn one(message: impl Display) -> Failure {
        Failure {
            messages: vec![message.to_string()],
            code: ENTRY_FAILED,
        }
    }

    /// The same, with where it stands.
    pub fn within(mut self, place: &str) -> Failure {
        for message in &mut self.messages {
            *message = format!("{place}: {message}");
        }
        self
    }

    /// Several at once; `None` where there are none.
    pub fn all(messages: Vec<String>) -> Result<(), Failure> {
        if messages.is_empty() {
            Ok(())
        } else {
            Err(Failure {
                messages,
                code: ENTRY_FAILED,
            })
        }
    }
}

/// Boots. Comes back only where no app was started, with the exit code.
pub fn boot(pipe: OwnedFd, inherited: Inherited, table: Option<Table>, started: Instant) -> u8 {
    release_signals();
    let report = Report::open(PATIENCE);
    let pipe = Pipe::new(pipe);
    let boot = Boot {
        pipe: &pipe,
        report: &report,
        inherited,
        table,
        started,
    };
    match boot.carry_out() {
        Ok(code) => code,
        Err(failure) => {
            for message in &failure.messages {
                report.say(&Line::error(message.as_str()));
            }
            failure.code
        }
    }
}

/// What PID 1 gave its boot.
struct Boot<'a> {
    pipe: &'a Pipe,
    report: &'a Report,
    inherited: Inherited,
    table: Option<Table>,
    started: Instant,
}

impl Boot<'_> {
    fn carry_out(self) -> Result<u8, Failure> {
        let mut args = std::env::args_os();
        let link = args.next().and_then(|program| Link::called(&program));
        let args: Vec<_> = args.collect();
        let (link, args) = match link {
            Some(link) => entrykit::asked(link, args),
            None => (None, args),
        };
        if let Some(link) = link {
            let cap = environment_problems()?;
            let (mode, words) = entrykit::resolve(link, &args)?;
            return self.run(&mode, &words, cap);
        }
        let invocation = match cli::parse(&args) {
            Ok(invocation) => invocation,
            Err(error) => return Ok(print_usage(&error)),
        };
        let cap = environment_problems()?;
        match &invocation.request {
            Request::Symlink(folder) => {
                let told = entrykit::make_links(folder.as_deref())?;
                let _ = std::io::stdout().write_all(told.as_bytes());
                Ok(0)
            }
            Request::Check { mode } => check_modes(&invocation, mode.as_deref(), self.report),
            Request::Health { mode } => {
                let (line, code) = health::ask(&invocation, mode.as_deref());
                let _ = writeln!(std::io::stdout(), "{line}");
                Ok(code)
            }
            Request::Explain(wanted) => {
                let (mode, arguments) = resolve(invocation.modes.as_deref(), wanted)?;
                launch::words(&mode, &arguments)?;
                let text = explain::explain(&mode, &arguments, cap)?;
                let _ = std::io::stdout().write_all(text.as_bytes());
                Ok(0)
            }
            Request::Run(wanted) => {
                let (mode, arguments) = resolve(invocation.modes.as_deref(), wanted)?;
                self.run(&mode, &arguments, cap)
            }
        }
    }

    fn run(
        self,
        mode: &Mode,
        arguments: &[OsString],
        cap: Option<StopTimeout>,
    ) -> Result<u8, Failure> {
        let supervision = plans::supervision(mode, cap)?;
        self.pipe.tell(&Message::Plan(supervision.clone()));
        let plan = (&supervision, cap);
        let launch = Launch::prepare(
            mode,
            arguments,
            plan,
            self.inherited,
            self.pipe,
            self.started,
        )?;
        let fetched = launch.fetched.warnings.iter().cloned();
        let warnings = fetched.chain(check::shell_in_between(mode));
        warnings.for_each(|warning| self.report.say(&Line::warning(warning)));
        launch.go(self.report, self.table, self.pipe)
    }
}

/// entry's own variables, every problem at once.
fn environment_problems() -> Result<Option<StopTimeout>, Failure> {
    let mut problems: Vec<String> = unknown_format().into_iter().collect();
    let written = std::env::var_os("ENTRY_STOP_TIMEOUT").filter(|text| !text.is_empty());
    let cap = written.map(|text| StopTimeout::parse(&text.to_string_lossy()));
    let cap = cap
        .transpose()
        .map_err(|problem| problems.push(problem))
        .unwrap_or_default();
    Failure::all(problems)?;
    Ok(cap)
}

fn lookup(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// The mode that the words ask for, and the words that are left for the app.
fn resolve(modes: Option<&Path>, wanted: &Wanted) -> Result<(Mode, Vec<OsString>), Failure> {
    let source = Source::find(modes, &lookup)?;
    let Some((first, rest)) = wanted.words.split_first() else {
        return Err(Failure::one(
            "a MODE or -- COMMAND is missing; entry --help shows how",
        ));
    };
    let like = wanted.as_mode.as_deref();
    let word = first.to_str().filter(|_| !wanted.literal);
    let request = match word {
        Some(word) => source.request(word, like)?,
        None => config::Request::OneOff { like },
    };
    let mut mode = source.load(request, &lookup)?;
    if matches!(request, config::Request::Mode(_)) {
        return Ok((mode, rest.to_vec()));
    }
    mode.meant = word
        .and_then(|word| source.closest_mode(word))
        .map(ToOwned::to_owned);
    Ok((mode, wanted.words.clone()))
}

/// `--check`: what `entryctl check` can tell, and what only the image knows.
fn check_modes(
    invocation: &Invocation,
    mode: Option<&str>,
    report: &Report,
) -> Result<u8, Failure> {
    let source = Source::find(invocation.modes.as_deref(), &lookup)?;
    let names: Vec<&str> = mode.into_iter().collect();
    let image = |mode: &Mode| {
        image::check(mode)
            .into_iter()
            .flat_map(|failure| failure.messages)
            .collect()
    };
    let findings = check::modes(&source, &names, &lookup, None, &image);
    for warning in findings.warnings {
        report.say(&Line::warning(warning));
    }
    Failure::all(findings.problems)?;
    let names = if names.is_empty() {
        source.mode_names()
    } else {
        names
    };
    let _ = writeln!(std::io::stdout(), "fine: {}", names.join(", "));
    Ok(0)
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Failure {
        let messages = problems.iter().map(ToString::to_string).collect();
        Failure {
            messages,
            code: ENTRY_FAILED,
        }
    }
}

/// `--help` and `--version` are data and go to stdout; a usage error goes to stderr.
fn print_usage(error: &clap::Error) -> u8 {
    let _ = error.print();
    if error.use_stderr() { ENTRY_FAILED } else { 0 }
}
