//! Boots: what a mode brings about, and what every failure leaves: nothing.

pub mod canary;
mod command_line;
mod ecs;
mod environment;
mod failures;
mod files;
mod health;
mod hooks;
pub mod online;
mod render;
mod users;

use crate::support::Entry;
use crate::support::sealed::{PASSPHRASE, seal};
use std::path::PathBuf;

/// A mode that writes its secrets into `out/` of the test's folder.
pub fn with_secrets(entry: Entry, command: &str, yaml: &str) -> Entry {
    let out = written(&entry);
    let mode = format!(
        "command: {command}\nsecrets: [{{vault: s.yml, write: \"{}\"}}]\n",
        out.display()
    );
    entry
        .mode("web", &mode)
        .file("s.yml", seal(yaml, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
        .args(["web"])
}

/// Where `with_secrets` writes.
pub fn written(entry: &Entry) -> PathBuf {
    entry.folder().join("out/s.yml")
}
