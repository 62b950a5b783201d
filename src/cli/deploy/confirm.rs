//! A question before something is changed that cannot be undone by itself.

use crate::cli::Failure;
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks whether to go on: a yes must be typed. Where nobody sits, `--yes` says so.
pub(super) fn confirmed(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        let line = "there is no terminal to ask at: give --yes";
        return Err(Failure::line(line.to_owned()));
    }
    let mut stderr = io::stderr();
    // Who cannot see the question answers nothing.
    let _ = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    if read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(Failure::line("nothing is changed".to_owned()))
}
