//! `EntryKit`'s command lines: the ENTRYPOINT lines that were written for it, and what is kept of their order,
//! words, codes, signals and modes.

mod chains;
mod image;
mod links;
mod project;
mod public;

use crate::support::{Entry, binary};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// entry by one of its links, which the shell would find, with these words.
pub fn called(link: &str, words: &[&str]) -> Entry {
    let mut command = Command::new(binary("entry"));
    command.arg0(link).args(words);
    Entry::of(command)
}

/// entry as a program of this path, a link to it.
fn linked(entry: &Entry, name: &str) {
    symlink(binary("entry"), entry.folder().join(name)).unwrap();
}
