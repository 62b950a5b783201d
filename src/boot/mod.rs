//! The boot process: reads the configuration, fetches the secrets, and becomes the app.
//!
//! It is PID 1's child and lives until `execve`; what it parsed and decrypted goes away with its
//! memory. Whatever fails, nothing is started and nothing is left.

mod cli;
mod command;
mod environment;
mod folder;
mod launch;
mod pipe;
mod privileges;
mod staging;
mod users;

use crate::report::{Line, Report, unknown_format};
use crate::supervise::exit::ENTRY_FAILED;
use crate::sys::hold::{InheritedMask, release_signals};
use crate::sys::limits::CoreLimit;
use cli::{Invocation, Request};
use pipe::Pipe;
use std::fmt::Display;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

/// How long an error may take to get through a full pipe: unlike PID 1's lines it must be seen.
const PATIENCE: Duration = Duration::from_secs(1);

/// What the app gets back unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    pub mask: InheritedMask,
    pub core: CoreLimit,
}

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
pub fn boot(pipe: OwnedFd, inherited: Inherited, started: Instant) -> u8 {
    release_signals();
    let report = Report::open(PATIENCE);
    match carry_out(Pipe::new(pipe), inherited, started) {
        Ok(code) => code,
        Err(failure) => {
            for message in &failure.messages {
                report.say(&Line::error(message.as_str()));
            }
            failure.code
        }
    }
}

fn carry_out(pipe: Pipe, inherited: Inherited, started: Instant) -> Result<u8, Failure> {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let invocation = match cli::parse(&args) {
        Ok(invocation) => invocation,
        Err(error) => return Ok(print_usage(&error)),
    };
    Failure::all(unknown_format().into_iter().collect())?;
    run(invocation, pipe, inherited, started)
}

/// `--help` and `--version` are data and go to stdout; a usage error goes to stderr.
fn print_usage(error: &clap::Error) -> u8 {
    let rendered = error.render();
    if error.use_stderr() {
        let _ = write!(std::io::stderr(), "{}", rendered.ansi());
        return ENTRY_FAILED;
    }
    let _ = write!(std::io::stdout(), "{rendered}");
    0
}

fn run(
    invocation: Invocation,
    pipe: Pipe,
    inherited: Inherited,
    started: Instant,
) -> Result<u8, Failure> {
    let Request::Run { words, .. } = invocation.request else {
        return Ok(0);
    };
    let mode = crate::config::Mode {
        name: "oneoff".into(),
        ..Default::default()
    };
    let supervision = launch::supervision(&mode, None);
    pipe.tell(&crate::supervise::message::Message::Plan(
        supervision.clone(),
    ));
    launch::enter(&mode)?;
    let identity = launch::identity(&mode)?;
    let launch = launch::Launch {
        mode: &mode,
        words: launch::words(&mode, &words)?,
        identity,
        secrets: launch::Secrets::default(),
        supervision: &supervision,
        inherited,
        started,
        config_took: started.elapsed(),
        secrets_took: Duration::ZERO,
    };
    Err(launch.go(pipe))
}
