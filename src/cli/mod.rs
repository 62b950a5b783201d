//! `entryctl`'s command line: arguments in, exit code out.
//!
//! Standard output carries data only; warnings and errors go to standard error, each line after
//! `entryctl: `. Exit codes: 0 done, 1 failed, 2 wrong usage; a command may have more of its own.

mod autoscale;
mod check;
mod completions;
mod deploy;
mod iam;
mod input;
mod man;
mod online;
mod output;
mod s3;
mod sops;
mod vault;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

/// Exit code for any failure that has none of its own.
const FAILED: u8 = 1;

/// Exit code for wrong usage.
const USAGE: u8 = 2;

#[derive(Parser)]
#[command(
    name = "entryctl",
    version,
    about = "Operator's tool of entry, the container entrypoint"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
enum Command {
    /// Encrypt and decrypt yaml_vault files
    #[command(subcommand)]
    Vault(vault::Command),
    /// Read and write client-side encrypted objects on S3
    #[command(subcommand)]
    S3(s3::Command),
    /// Decrypt sops files
    #[command(subcommand)]
    Sops(sops::Command),
    /// Check how services and their nodes would be scaled by CloudWatch alarms
    #[command(subcommand)]
    Autoscale(autoscale::Command),
    /// Check modes and their secrets before a deploy
    Check(check::Arguments),
    /// Print the least IAM policy that modes need
    Iam(iam::Arguments),
    /// Deploy to ECS, and wait until it is proven
    Deploy(deploy::DeployArguments),
    /// Keep deploys from running
    Lock(deploy::LockArguments),
    /// Let deploys run again
    Unlock(deploy::UnlockArguments),
    /// Write deploy.yml and task definitions from what runs
    Init(deploy::InitArguments),
    /// Show what a deploy would change
    Plan(deploy::PlanArguments),
    /// Check that all that a deploy needs is there
    Verify(deploy::VerifyArguments),
    /// Show what runs on ECS
    Status(deploy::StatusArguments),
    /// Run a task once, with its output and its exit code
    Run(deploy::RunArguments),
    /// Print what tasks wrote
    Logs(deploy::LogsArguments),
    /// List tasks
    Tasks(deploy::TasksArguments),
    /// Stop tasks
    Stop(deploy::StopArguments),
    /// Show what was deployed, and how it ended
    History(deploy::HistoryArguments),
    /// Go back to what served before
    Rollback(deploy::RollbackArguments),
    /// Set how many tasks services run
    Scale(deploy::ScaleArguments),
    /// Print what a shell needs to complete command lines
    Completions(completions::Arguments),
    /// Print the manual page
    Man(man::Arguments),
}

/// What a command may end with.
#[derive(Debug)]
enum Failure {
    /// Lines for standard error, most often one.
    Lines(Vec<String>),
    /// The same, with an exit code that tells what it was. It may have no lines.
    Code(u8, Vec<String>),
    /// The reader of standard output has gone; there is nobody to tell.
    BrokenPipe,
}

impl Failure {
    fn line(line: String) -> Failure {
        Failure::Lines(vec![line])
    }

    /// What it says.
    fn lines(self) -> Vec<String> {
        match self {
            Failure::Lines(lines) | Failure::Code(_, lines) => lines,
            Failure::BrokenPipe => Vec::new(),
        }
    }

    /// An error with its causes in one line.
    fn new(error: &dyn std::error::Error) -> Failure {
        let mut line = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            line.push_str(": ");
            line.push_str(&error.to_string());
            cause = error.source();
        }
        Failure::Lines(vec![line])
    }
}

/// Runs a command line, program name first.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // A help text that nobody reads is no failure.
            let _ = error.print();
            let code = u8::try_from(error.exit_code()).unwrap_or(USAGE);
            return ExitCode::from(code);
        }
    };
    let done = match cli.command {
        Command::Vault(command) => command.run(),
        Command::S3(command) => command.run(),
        Command::Sops(command) => command.run(),
        Command::Autoscale(command) => command.run(),
        Command::Check(arguments) => arguments.run(),
        Command::Iam(arguments) => arguments.run(),
        Command::Deploy(arguments) => arguments.run(),
        Command::Lock(arguments) => arguments.run(),
        Command::Unlock(arguments) => arguments.run(),
        Command::Plan(arguments) => arguments.run(),
        Command::Status(arguments) => arguments.run(),
        Command::Run(arguments) => arguments.run(),
        Command::Logs(arguments) => arguments.run(),
        Command::Tasks(arguments) => arguments.run(),
        Command::Stop(arguments) => arguments.run(),
        Command::History(arguments) => arguments.run(),
        Command::Rollback(arguments) => arguments.run(),
        Command::Scale(arguments) => arguments.run(),
        Command::Verify(arguments) => arguments.run(),
        Command::Init(arguments) => arguments.run(),
        Command::Completions(arguments) => arguments.run(),
        Command::Man(arguments) => arguments.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (code, lines) = match failure {
                Failure::Lines(lines) => (FAILED, lines),
                Failure::Code(code, lines) => (code, lines),
                Failure::BrokenPipe => (FAILED, Vec::new()),
            };
            for line in lines {
                say(&line);
            }
            ExitCode::from(code)
        }
    }
}

/// A line on standard error; if that is closed, there is nowhere to complain.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "entryctl: {line}");
}

fn warn(line: &str) {
    say(&format!("warning: {line}"));
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }
}
