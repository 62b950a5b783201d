//! The tables of the pages against the code.

use super::page::Page;
use crate::support::binary;
use entry::stop::{Plan, Preset, Send, Spec, Target};
use entry::supervise::exit;
use entry::sys::signal::Sig;
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

#[test]
fn the_options_of_vault() {
    let rows = Page::read("docs/secrets.md").table("entryctl vault");
    let mut shown: Vec<String> = rows
        .iter()
        .map(|row| row[0].split('`').nth(1).unwrap().to_owned())
        .collect();
    shown.sort();
    for command in ["encrypt", "decrypt"] {
        let help = Command::new(binary("entryctl"))
            .args(["vault", command, "--help"])
            .output()
            .unwrap();
        let help = String::from_utf8(help.stdout).unwrap();
        let options = help.split("Options:").nth(1).unwrap();
        let mut known: Vec<String> = options
            .lines()
            .filter(|line| line.trim_start().starts_with('-'))
            .filter_map(|line| line.split([' ', ',']).find(|word| word.starts_with("--")))
            .filter(|word| *word != "--help")
            .map(ToOwned::to_owned)
            .collect();
        known.sort();
        assert_eq!(shown, known, "{command}");
    }
}
