//! `entryctl man`: manual pages, made from the command line itself.

use super::{Cli, Failure, output};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use std::fs;
use std::path::{Path, PathBuf};

const EXAMPLES: &str = "\
Exit codes: 0 done, 1 failed, 2 wrong usage.

Examples:
  entryctl man | man -l -
  entryctl man --dir /usr/local/share/man/man1";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// Write a page for each command into this folder, such as entryctl-plan.1, and print their names
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut command = Cli::command().disable_help_subcommand(true);
        // It gives each command its whole name.
        command.build();
        let Some(dir) = &self.dir else {
            return output::print(&page(&command)?);
        };
        let failed =
            |error| Failure::line(format!("{}: cannot be written: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(failed)?;
        let mut names = String::new();
        write(&command, dir, &mut names)?;
        output::print(names.as_bytes())
    }
}

/// The page of a command, then those of its commands.
fn write(command: &Command, dir: &Path, names: &mut String) -> Result<(), Failure> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let path = dir.join(format!("{name}.1"));
    let shown = path.display().to_string();
    fs::write(&path, page(command)?)
        .map_err(|error| Failure::line(format!("{shown}: cannot be written: {error}")))?;
    names.push_str(&shown);
    names.push('\n');
    for inner in command.get_subcommands() {
        write(inner, dir, names)?;
    }
    Ok(())
}

fn page(command: &Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let man = Man::new(command.clone());
    man.render(&mut page)
        .map_err(|error| Failure::new(&error))?;
    Ok(page)
}
