//! `entryctl deploy`: its files, its plans, and what it reads of a running cluster.

mod answers;
mod apply;
mod audited;
mod back;
mod cli;
mod command;
mod config;
mod ecs;
mod edges;
mod fake;
mod hidden;
mod history;
mod image;
mod init;
mod kill;
mod logs;
mod model;
mod oneoff;
mod oneoff_cli;
mod plan;
mod reference;
mod rollback;
mod rollback_cli;
mod scale;
mod schedules;
mod targets;
mod task_world;
mod verdict;
mod verify;

use entry::deploy::config::{Config, open};
use serde_json::Value;
use std::path::Path;

/// The environment of these tests.
pub fn variable(name: &str) -> Option<std::ffi::OsString> {
    match name {
        "SHA" => Some("0123abc".into()),
        "PORT" => Some("3000".into()),
        "CANARY" => Some(crate::config::CANARY.into()),
        _ => None,
    }
}

/// The config of a `deploy.yml` in a folder of its own, beside other files.
#[track_caller]
pub fn loaded(files: &[(&str, &str)], environment: Option<&str>) -> Config {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    read(&folder.path().join("deploy.yml"), environment)
}

#[track_caller]
pub fn read(path: &Path, environment: Option<&str>) -> Config {
    let loaded = open(path, environment, &variable);
    let loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded.config
}

/// A task definition as it would be sent.
pub fn task(config: &Config, name: &str) -> Value {
    let task = config.tasks.iter().find(|task| task.name == name);
    Value::Object(task.unwrap().request.clone())
}
