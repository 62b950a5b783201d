//! The words of the stop line that docs/stopping.md explains, as real stops say them.

use super::page::Page;
use crate::support::{Entry, Finished};
use nix::sys::signal::Signal;

/// Needs a cgroup of its own with little memory; the unit tests of `supervise` hold these words.
const OOM: &str = "OOM killer";

fn stop(done: &Finished) -> String {
    let line = done.line("stop");
    // The member that the page explains beside the text.
    let server = if line["server_ms"].is_u64() && line["stop_ms"].is_u64() {
        " `server_ms` less than `stop_ms`"
    } else {
        ""
    };
    format!("{}{server}", line["message"].as_str().unwrap())
}

fn mode(yaml: &str) -> Entry {
    Entry::new().mode("web", yaml).args(["web"])
}

fn said() -> String {
    let itself = Entry::new().oneoff(["true"]).run();
    let deferred = mode(
        "command: [sh, -c, 'kill -TERM $PPID; read x </proc/self/stat']\nstop: {defer: 60s}\n",
    )
    .run();
    let forced = mode(
        "command: [sh, -c, \"trap '' TERM; kill -TERM $PPID; while :; do sleep 1; done\"]\n\
        stop: {grace: 50ms}\n",
    )
    .run();
    let remapped = mode("command: [sh, -c, exit 3]\nexit: {3: 0}\n").run();
    let running = Entry::pid1().oneoff(["sleep", "60"]).start();
    running.app();
    running.signal(Signal::SIGTERM);
    let outside = running.finish();
    let all = [itself, deferred, forced, remapped, outside];
    all.iter().map(stop).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_words_are_said() {
    let said = said();
    let rows = Page::read("docs/stopping.md").table("In the stop line");
    assert!(rows.len() > 6);
    for row in rows.iter().filter(|row| !row[0].contains(OOM)) {
        // A number or a signal of the example is not meant.
        let words = row[0].trim_matches('`').replace("SIGQUIT", "SIGTERM");
        let words = words.trim_end_matches(" N").trim_end_matches("1.00 s");
        assert!(said.contains(words), "{words:?} is not in:\n{said}");
    }
}
