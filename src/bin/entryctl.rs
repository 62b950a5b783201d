//! The operator's tool.

use std::process::ExitCode;

fn main() -> ExitCode {
    entry::cli::run(std::env::args_os())
}
