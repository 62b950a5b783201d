//! The tables of the pages against the code.

use super::page::Page;
use crate::support::binary;
use entry::exit;
use entry::stop::{Plan, Preset, Send, Spec, Target};
use entry::sys::signal::Sig;
use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

fn seconds(duration: Duration) -> String {
    if duration.is_zero() {
        "–".to_owned()
    } else {
        format!("{} s", duration.as_secs())
    }
}

fn short(signal: Sig) -> String {
    signal.to_string().trim_start_matches("SIG").to_owned()
}

fn sent(send: &Send) -> String {
    let signal = send
        .signal
        .map_or_else(|| "the same signal".to_owned(), short);
    let to = match send.to {
        Target::Main => "",
        Target::Group => " to the group",
    };
    format!("{signal}{to}, {}", seconds(send.wait))
}

fn preset_row((name, preset): (&'static str, Preset)) -> Vec<String> {
    let spec = Spec {
        preset,
        ..Spec::default()
    };
    let plan = Plan::new(&spec, None);
    let on: Vec<String> = plan.on.iter().copied().map(short).collect();
    let sends: Vec<String> = plan.sends.iter().map(sent).collect();
    let ready = plan.ready.map_or_else(|| "–".to_owned(), short);
    let terminal = if plan.translates { "entry" } else { "the app" };
    vec![
        format!("`{name}`"),
        on.join(", "),
        ready,
        seconds(plan.drain),
        sends.join("; "),
        seconds(plan.total()),
        terminal.to_owned(),
    ]
}

#[test]
fn the_presets() {
    let expected: Vec<Vec<String>> = Preset::ALL.into_iter().map(preset_row).collect();
    assert_eq!(Page::read("docs/stopping.md").table("Presets"), expected);
}

#[test]
fn the_exit_codes() {
    let rows = Page::read("README.md").table("Exit codes");
    let codes: Vec<&str> = rows.iter().map(|row| row[0].trim_matches('`')).collect();
    let own = [
        exit::RAN_TOO_LONG,
        exit::ENTRY_FAILED,
        exit::NOT_EXECUTABLE,
        exit::NOT_FOUND,
    ]
    .map(|code| code.to_string());
    assert_eq!(codes[..2], ["0–255", "128+n"]);
    assert_eq!(codes[2..], own);
    let help = Command::new(binary("entry"))
        .arg("--help")
        .output()
        .unwrap();
    let help = String::from_utf8(help.stdout).unwrap();
    let listed: Vec<&str> = help
        .split("Exit codes:")
        .nth(1)
        .unwrap()
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .filter(|word| word.parse::<u8>().is_ok())
        .collect();
    assert_eq!(listed, own);
}

/// What stands in backquotes in these cells, without what follows an option's name.
fn quoted(cells: impl IntoIterator<Item = String>) -> BTreeSet<String> {
    let words = |cell: String| -> Vec<String> {
        let inside = cell.split('`').skip(1).step_by(2);
        inside.map(ToOwned::to_owned).collect()
    };
    cells.into_iter().flat_map(words).collect()
}

fn vault_help(words: &[&str]) -> String {
    let help = Command::new(binary("entryctl"))
        .arg("vault")
        .args(words)
        .arg("--help")
        .output()
        .unwrap();
    String::from_utf8(help.stdout).unwrap()
}

#[test]
fn the_commands_and_options_of_vault() {
    let tables = Page::read("docs/secrets.md").tables("entryctl vault");
    let first = |rows: &Vec<Vec<String>>| quoted(rows.iter().map(|row| row[0].clone()));
    let name = |text: &String| text.split(' ').next().unwrap().to_owned();
    let shown: BTreeSet<String> = first(&tables[0]).iter().map(name).collect();
    let help = vault_help(&[]);
    let list = help.split("Commands:").nth(1).unwrap();
    let list = list.split("Options:").next().unwrap();
    let known: BTreeSet<String> = list
        .lines()
        .filter_map(|line| {
            line.strip_prefix("  ")?
                .split(' ')
                .next()
                .map(str::to_owned)
        })
        .filter(|word| !word.is_empty() && word != "help")
        .collect();
    assert_eq!(shown, known);

    let shown: BTreeSet<String> = first(&tables[1])
        .into_iter()
        .filter(|word| word.starts_with("--"))
        .collect();
    let mut options = BTreeSet::new();
    for command in &known {
        let help = vault_help(&[command]);
        let lines = help
            .lines()
            .filter(|line| line.trim_start().starts_with('-'));
        let names =
            lines.filter_map(|line| line.split([' ', ',']).find(|word| word.starts_with("--")));
        options.extend(names.filter(|word| *word != "--help").map(str::to_owned));
    }
    assert_eq!(shown, options);
}
