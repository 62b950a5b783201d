//! `docs/modes.md` against the loader: the same keys with the same types and defaults, and every
//! example loads.

use super::variable;
use entry::config::schema::{Key, TABLES, Table};
use entry::config::{Layers, Text, load};
use entry::stop::Preset;
use std::collections::BTreeSet;

const PAGE: &str = include_str!("../../docs/modes.md");

/// The rows of the tables under each heading that name a key: heading, key, type, default.
fn rows(page: &str) -> Vec<[String; 4]> {
    let mut heading = String::new();
    let mut rows = Vec::new();
    for line in page.lines() {
        if line.starts_with('#') {
            line.trim_start_matches('#').trim().clone_into(&mut heading);
        }
        let Some(line) = line.strip_prefix("| `") else {
            continue;
        };
        let mut cells = line.split('|').map(str::trim);
        let mut next = || cells.next().unwrap_or_default().to_owned();
        let key = next().trim_end_matches('`').to_owned();
        rows.push([heading.clone(), key, next(), next()]);
    }
    rows
}

#[test]
fn the_page_has_the_loaders_keys() {
    has_the_keys(PAGE, &TABLES);
}

/// Asserts that a page's tables are these.
pub fn has_the_keys(page: &str, tables: &[&Table]) {
    let known = |name: &str, key: &Key| [name, key.name, key.kind, key.default].map(str::to_owned);
    let mut expected: Vec<[String; 4]> = tables
        .iter()
        .flat_map(|table| table.keys.iter().map(|key| known(table.name, key)))
        .collect();
    // Tables of other things than keys stand under other headings.
    let tables: Vec<&str> = tables.iter().map(|table| table.name).collect();
    let mut found = rows(page);
    found.retain(|row| tables.contains(&row[0].as_str()));
    expected.sort();
    found.sort();
    assert_eq!(found, expected);
}

/// A key that the loader knows but never reads would take anything.
#[test]
fn every_key_is_read() {
    for table in TABLES {
        for key in table.keys {
            let wrong = format!("{{{}: [[x]]}}", key.name);
            let text = match table.name {
                "A mode" => wrong,
                "`stop`" => format!("stop: {wrong}"),
                "`stop.steps`" => format!("stop: {{steps: [{wrong}]}}"),
                "`secrets`" => format!("secrets: [{wrong}]"),
                "`files`" => format!("files: [{wrong}]"),
                "`files.customer_key`" => format!("files: [{{customer_key: {wrong}}}]"),
                "`files.client_side`" => format!("files: [{{client_side: {wrong}}}]"),
                "`render`" => format!("render: [{wrong}]"),
                "`render.values`" => format!("render: [{{values: {{v: {wrong}}}}}]"),
                "`aws`" => format!("aws: {wrong}"),
                "`before`" => format!("before: [{wrong}]"),
                "`after`" => format!("after: [{wrong}]"),
                "`processes`" => format!("processes: {{web: {wrong}}}"),
                "`processes.ready`" => format!("processes: {{web: {{ready: {wrong}}}}}"),
                "`processes.restart`" => format!("processes: {{web: {{restart: {wrong}}}}}"),
                "`health`" => format!("health: {wrong}"),
                "`secrets.write`" => format!("secrets: [{{write: {wrong}}}]"),
                other => panic!("how is a key of {other} written?"),
            };
            let mode = Text {
                file: "f".to_owned(),
                text,
            };
            let layers = Layers::Mode {
                defaults: None,
                mode,
            };
            let problems = load("web", &layers, &variable).unwrap_err();
            let read = |path: &str| {
                path.rsplit('.')
                    .next()
                    .is_some_and(|last| last.split('[').next() == Some(key.name))
            };
            assert!(
                problems.iter().any(|problem| {
                    read(&problem.key) && problem.message.starts_with("expected")
                }),
                "{} {}: {problems}",
                table.name,
                key.name
            );
        }
    }
}

/// Each example begins with a comment that names its file.
fn examples() -> Vec<(String, Text)> {
    let blocks = PAGE.split("```yaml\n").skip(1);
    blocks
        .map(|block| {
            let text = block.split("```").next().unwrap();
            let file = text.lines().next().unwrap().strip_prefix("# ").unwrap();
            let name = file
                .strip_prefix("modes/")
                .unwrap()
                .strip_suffix(".yml")
                .unwrap();
            (
                name.to_owned(),
                Text {
                    file: file.to_owned(),
                    text: text.to_owned(),
                },
            )
        })
        .collect()
}

#[test]
fn every_example_loads() {
    let examples = examples();
    assert!(examples.len() >= 8, "only {} examples", examples.len());
    for (name, text) in examples {
        let layers = match name.as_str() {
            "_defaults" => Layers::OneOff {
                defaults: Some(text),
                own: None,
                like: None,
            },
            "oneoff" => Layers::OneOff {
                defaults: None,
                own: Some(text),
                like: None,
            },
            _ => Layers::Mode {
                defaults: None,
                mode: text,
            },
        };
        if let Err(problems) = load(&name, &layers, &variable) {
            panic!("{problems}");
        }
    }
}

#[test]
fn the_page_names_every_preset_and_cipher() {
    let words: BTreeSet<&str> = PAGE.split(['`', '"']).collect();
    let presets = Preset::ALL.iter().map(|(name, _)| *name);
    for name in presets.chain(entry::vault::Cipher::NAMES) {
        assert!(words.contains(name), "{name} is not on the page");
    }
}
