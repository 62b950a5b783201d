//! A question before something is changed that cannot be undone by itself.

use crate::cli::Failure;
use std::io::{self, BufRead, IsTerminal, Write};

/// Asks whether to go on: a yes must be typed. Where nobody sits, `--yes` says so.
pub(super) fn confirmed(question: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if !somebody_is_here() {
        let line = "there is no terminal to ask at: give --yes";
        return Err(Failure::line(line.to_owned()));
    }
    if is_yes(&answer(question)) {
        return Ok(());
    }
    Err(Failure::line("nothing is changed".to_owned()))
}

/// Whether a question would be seen, and could be answered.
pub(super) fn somebody_is_here() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// What is typed after a question; nothing if that cannot be read.
pub(super) fn answer(question: &str) -> String {
    let mut stderr = io::stderr();
    let mut answer = String::new();
    let read = write!(stderr, "{question} [y/N] ")
        .and_then(|()| stderr.flush())
        .and_then(|()| io::stdin().lock().read_line(&mut answer));
    // Who cannot see the question answers nothing.
    read.map(|_| answer).unwrap_or_default()
}

pub(super) fn is_yes(answer: &str) -> bool {
    matches!(answer.trim(), "y" | "Y" | "yes")
}
