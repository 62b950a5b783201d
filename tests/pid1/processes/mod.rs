//! Codependent processes.

mod ending;
mod output;
mod starting;
mod stopping;
mod table;

use crate::support::{Entry, Finished, Running, wait};
use nix::unistd::Pid;
use std::fmt::Write as _;
use std::path::Path;

/// Goes on until it is told to end.
pub const WAITS: &str = "trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
/// Hears no TERM.
pub const DEAF: &str = "trap '' TERM; echo up; while :; do sleep 0.02; done";

/// A mode `all` with a shell's script and more keys for each process, and more keys for all.
pub fn all(place: fn() -> Entry, processes: &[(&str, &str, &str)], more: &str) -> Entry {
    let mut yaml = format!("{more}\nprocesses:\n");
    for (name, script, keys) in processes {
        let command = serde_json::json!(["sh", "-c", script]);
        let _ = writeln!(yaml, "  {name}: {{command: {command}{keys}}}");
    }
    place().mode("all", &yaml).args(["all"])
}

/// The processes that were told of by an event, in order.
pub fn names(done: &Finished, event: &str) -> Vec<String> {
    let lines = done.lines();
    let told = lines.iter().filter(|line| line["event"] == event);
    told.map(|line| line["process"].as_str().unwrap().to_owned())
        .collect()
}

/// What entry said about a process, its times aside.
pub fn told(done: &Finished, begin: &str) -> Vec<String> {
    let time = regex::Regex::new(r"\d+ ms|\d+\.\d\d s").unwrap();
    let lines = done.lines();
    let messages = lines.iter().map(|line| line["message"].as_str().unwrap());
    messages
        .filter(|text| text.starts_with(begin))
        .map(|text| time.replace_all(text, "T").into_owned())
        .collect()
}

/// The process with this name, seen from here.
pub fn pid_of(running: &Running, name: &str) -> Pid {
    let text = running
        .stderr
        .wait_for(&format!("all: {name} started as pid"));
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    seen_from_here(running, &line["pid"].to_string())
}

/// A process of entry's namespace, by its number in there.
pub fn seen_from_here(running: &Running, number: &str) -> Pid {
    wait::until("the process", || {
        wait::descendants(running.process.pid())
            .into_iter()
            .find(|one| {
                let ids = wait::status(*one, "NSpid").unwrap_or_default();
                ids.split_whitespace().last() == Some(number)
            })
    })
}

pub fn touch(folder: &Path, name: &str) {
    std::fs::write(folder.join(name), "").unwrap();
}
