//! `docs/deploy.md` against the loader: the same keys with the same types and defaults, and every key is read.

use super::variable;
use crate::config::reference::has_the_keys;
use entry::deploy::config::open;
use entry::deploy::config::schema::TABLES;
use std::fs;

const PAGE: &str = include_str!("../../docs/deploy.md");

#[test]
fn the_page_has_the_loaders_keys() {
    has_the_keys(PAGE, &TABLES);
}

/// A key that the loader knows but never reads would take anything.
#[test]
fn every_key_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deploy.yml");
    for table in TABLES {
        for key in table.keys {
            let wrong = format!("{{{}: [[x]]}}", key.name);
            let task = "tasks: {t: {containerDefinitions: [{name: a, image: b}]}}";
            let text = match table.name {
                "The file" => wrong,
                "`tasks`" => format!("tasks: {{t: {wrong}}}"),
                "`services`" => format!("services: {{s: {wrong}}}"),
                // Its task is the one of its name.
                "`scheduled_tasks`" => format!("{task}\nscheduled_tasks: {{t: {wrong}}}"),
                "`before` and `after`" if key.name == "task" => format!("before: [{wrong}]"),
                "`before` and `after`" => {
                    let one = format!("{{task: t, {}: [[x]]}}", key.name);
                    format!("{task}\nbefore: [{one}]\nafter: [{one}]")
                }
                other => panic!("how is a key of {other} written?"),
            };
            fs::write(&path, text).unwrap();
            let problems = open(&path, None, &variable).unwrap_err();
            let read = |path: &str| {
                let last = path.rsplit('.').next().unwrap_or_default();
                last.split('[').next() == Some(key.name)
            };
            let found = problems
                .iter()
                .any(|problem| read(&problem.key) && problem.message.starts_with("expected"));
            assert!(found, "{} {}: {problems}", table.name, key.name);
        }
    }
}
