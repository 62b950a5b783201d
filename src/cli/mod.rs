//! `entryctl`'s command line: arguments in, exit code out.
//!
//! Standard output carries data only; warnings and errors go to standard error, each line after
//! `entryctl: `. Exit codes: 0 done, 1 failed, 2 wrong usage.

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
    /// Write deploy.yml and task definitions from what runs
    Init(deploy::InitArguments),
    /// Check what a deploy to ECS reads
    #[command(subcommand)]
    Deploy(deploy::Command),
    /// Show what a deploy would change
    Plan(deploy::PlanArguments),
    /// Check that all that a deploy needs is there
    Verify(deploy::VerifyArguments),
    /// Show what runs on ECS
    Status(deploy::StatusArguments),
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
    /// The reader of standard output has gone; there is nobody to tell.
    BrokenPipe,
}

impl Failure {
    fn line(line: String) -> Failure {
        Failure::Lines(vec![line])
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
        Command::Deploy(command) => command.run(),
        Command::Plan(arguments) => arguments.run(),
        Command::Status(arguments) => arguments.run(),
        Command::Verify(arguments) => arguments.run(),
        Command::Init(arguments) => arguments.run(),
        Command::Completions(arguments) => arguments.run(),
        Command::Man(arguments) => arguments.run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if let Failure::Lines(lines) = failure {
                for line in lines {
                    say(&line);
                }
            }
            ExitCode::FAILURE
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
