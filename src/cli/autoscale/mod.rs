//! `entryctl autoscale`: a file a command.

mod check;
mod iam;
mod online;
mod plan;
mod run;
mod simulate;
mod status;

pub(super) use iam::Arguments as IamArguments;

use super::{Failure, warn};
use crate::autoscale::config::{Config, Loaded, load};
use crate::config::problems::Problem;
use crate::config::{Text, disk};
use clap::Subcommand;
use std::ffi::OsString;
use std::path::Path;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Check a file of ecs_auto_scaler, all of it at once
    Check(check::Arguments),
    /// Show what a file does on a trace of alarms, without AWS
    Simulate(simulate::Arguments),
    /// Scale, poll by poll, until it is stopped
    Run(run::Arguments),
    /// Show what the next poll would do, and why
    Plan(plan::Arguments),
    /// Show services, groups and alarms of a file as they are
    Status(status::Arguments),
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Check(arguments) => arguments.run(),
            Command::Simulate(arguments) => arguments.run(),
            Command::Run(arguments) => arguments.run(),
            Command::Plan(arguments) => arguments.run(),
            Command::Status(arguments) => arguments.run(),
        }
    }
}

/// The variables of this shell.
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name)
}

/// A file's text under its name.
fn text(path: &Path) -> Result<Text, Failure> {
    let file = path.display().to_string();
    match disk::text(path) {
        Ok(text) => Ok(Text { file, text }),
        Err((message, remedy)) => Err(Failure::line(
            Problem::of(file, message, remedy).to_string(),
        )),
    }
}

/// The autoscaler's file; what is odd about it is told.
fn configuration(path: &Path) -> Result<Config, Failure> {
    let Loaded { config, warnings } = load(&text(path)?, &variable)?;
    warnings
        .iter()
        .for_each(|problem| warn(&problem.to_string()));
    Ok(config)
}
