//! `docs/autoscale.md` against the loader: the same keys with the same types and defaults, and every
//! example loads.

use super::support::variable;
use crate::docs::page::Page;
use entry::autoscale::config::{Config, load, schema};
use entry::autoscale::simulate;
use entry::config::{Problems, Text};

fn page() -> Page {
    Page::read("docs/autoscale.md")
}

#[test]
fn the_page_has_the_loaders_keys() {
    let page = page();
    for table in schema::TABLES {
        let cells = |cell: &String| cell.clone();
        let found: Vec<Vec<String>> = page
            .table(table.name)
            .iter()
            .map(|row| row.iter().take(3).map(cells).collect())
            .collect();
        let expected = table.keys.iter();
        let expected: Vec<Vec<String>> = expected
            .map(|key| {
                vec![
                    format!("`{}`", key.name),
                    key.kind.to_owned(),
                    key.default.to_owned(),
                ]
            })
            .collect();
        assert_eq!(found, expected, "{}", table.name);
    }
}

fn text(text: &str) -> Text {
    Text {
        file: "f".to_owned(),
        text: text.to_owned(),
    }
}

fn config(written: &str) -> Result<Config, Problems> {
    load(&text(written), &variable).map(|loaded| loaded.config)
}

/// A key that the loader knows but never reads would take anything.
#[test]
fn every_key_is_read() {
    let file =
        "simple_scaling: [{name: g, services: [{name: s, min_task_count: 0, max_task_count: 1}]}]";
    let known = config(file).unwrap();
    for table in schema::TABLES {
        for key in table.keys {
            let wrong = format!("{{{}: [[x]]}}", key.name);
            let service = |service: String| format!("simple_scaling: [{{services: [{service}]}}]");
            let old = [
                "region",
                "cluster",
                "auto_scaling_group_name",
                "spot_fleet_request_id",
            ];
            let (written, trace) = match table.name {
                "The file" => (wrong, None),
                "`services`" if old.contains(&key.name) => (format!("services: [{wrong}]"), None),
                "`services`" => (service(wrong), None),
                "`upscale_triggers`, `downscale_triggers`" => {
                    (service(format!("{{upscale_triggers: [{wrong}]}}")), None)
                }
                "`scheduled_min_task_count`, `scheduled_max_task_count`" => (
                    service(format!("{{scheduled_max_task_count: [{wrong}]}}")),
                    None,
                ),
                "`scale_out`, `scale_in`" => (service(format!("{{scale_in: {wrong}}}")), None),
                "`rates`" => (
                    service(format!("{{scale_out: {{rates: [{wrong}]}}}}")),
                    None,
                ),
                "`fallback`" => (service(format!("{{fallback: {wrong}}}")), None),
                "`removal`" => (format!("auto_scaling_groups: [{{removal: {wrong}}}]"), None),
                "A trace" => (file.to_owned(), Some(wrong)),
                "`groups`" => (file.to_owned(), Some(format!("groups: {{g: {wrong}}}"))),
                "`alarms`" => (file.to_owned(), Some(format!("alarms: [{wrong}]"))),
                group => (format!("{}: [{wrong}]", group.trim_matches('`')), None),
            };
            let problems = match &trace {
                Some(trace) => simulate::load(&text(trace), &known, &variable).unwrap_err(),
                None => config(&written).unwrap_err(),
            };
            let read = |path: &str| {
                let last = path.rsplit('.').next().unwrap_or_default();
                last.split('[').next() == Some(key.name)
            };
            let found = problems.iter();
            let found = found.filter(|one| read(&one.key) && one.message.starts_with("expected"));
            assert!(found.count() > 0, "{} {}: {problems}", table.name, key.name);
        }
    }
}

#[test]
fn every_example_loads() {
    let page = page();
    let examples = page.blocks.iter().filter(|block| block.language == "yaml");
    let mut first = None;
    for block in examples {
        if block.text.starts_with("# config/") {
            let loaded =
                load(&text(&block.text), &variable).unwrap_or_else(|problems| panic!("{problems}"));
            let warned = loaded.warnings.to_string();
            assert!(
                warned.lines().all(|line| line.contains("it lowers")),
                "{warned}"
            );
            first.get_or_insert(loaded.config);
        } else {
            let config = first.as_ref().unwrap();
            simulate::load(&text(&block.text), config, &variable)
                .unwrap_or_else(|problems| panic!("{problems}"));
        }
    }
    assert!(first.is_some());
}
