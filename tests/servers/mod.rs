//! Real servers, as PID 1 of a namespace, in runc containers, and on terminals.

mod containers;
mod jobs;
mod starting;
mod terminals;
mod together;
mod upgrade;
mod web;
mod wrappers;

use crate::support::{Entry, Finished};

const UNICORN: &str =
    "command: bundle exec unicorn -c config/unicorn.rb\nstop: {preset: unicorn, drain: 0s}";
const PUMA: &str = "command: bundle exec puma -C config/puma.rb\nstop: {preset: puma, drain: 0s}";

/// Where a container's PID 1 can be.
const PLACES: [fn() -> Entry; 2] = [Entry::pid1, Entry::container];

/// Runs a case in a thread each, for most of a stop is waiting.
fn together<C: Send>(cases: impl IntoIterator<Item = C>, run: impl Fn(C) + Sync) {
    std::thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| run(case));
        }
    });
}

/// The signals that the stop line says were sent.
fn sent(done: &Finished) -> Vec<String> {
    let line = done.line("stop");
    let sent = line["sent"].as_array().unwrap().iter();
    sent.map(|one| one["signal"].as_str().unwrap().to_owned())
        .collect()
}

/// It ended in peace, and the stop line says who asked and what was sent.
#[track_caller]
fn ended_gracefully(done: &Finished, asked: &str, sent_signals: &[&str]) {
    let line = done.line("stop");
    assert_eq!(line["forced"], false, "{line}");
    assert_eq!(line["signal"], asked, "{line}");
    assert_eq!(sent(done), sent_signals, "{line}");
}
