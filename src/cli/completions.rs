//! `entryctl completions`: what a shell needs to complete command lines.

use super::{Cli, Failure, output};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

const EXAMPLES: &str = "\
Exit codes: 0 done, 2 wrong usage.

Examples:
  entryctl completions bash >/etc/bash_completion.d/entryctl
  entryctl completions zsh >\"${fpath[1]}/_entryctl\"
  entryctl completions fish >~/.config/fish/completions/entryctl.fish";

#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Arguments {
    /// The shell
    shell: Shell,
}

impl Arguments {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "entryctl", &mut text);
        output::print(&text)
    }
}
