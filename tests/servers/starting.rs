//! Stops while a real server starts, at times from its first instruction until it serves.

use super::UNICORN;
use crate::support::rails::Server;
use crate::support::{Entry, http, wait};
use nix::sys::signal::{Signal, kill};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Milliseconds after the start: every 10 up to 250 (bundler, then unicorn's own traps), then wider.
fn moments() -> impl Iterator<Item = u64> {
    (0..250)
        .step_by(10)
        .chain((250..500).step_by(50))
        .chain((500..=1500).step_by(100))
        .chain([2000, 2500])
}

/// Lets the server come as far as it comes until then.
fn reach(moment: Instant) {
    while let Some(left) = moment.checked_duration_since(Instant::now()) {
        std::thread::park_timeout(left);
    }
}

fn stop_at(place: fn() -> Entry, signal: Signal, millis: u64) {
    // However slow the machine is, it is no KILL that ends it.
    let (entry, port) = Server::prepare(place(), &UNICORN.replace("0s}", "0s, grace: 2m}"));
    let mark = format!("PORT={port}");
    let running = entry.start();
    let own = running.pid();
    wait::until("entry holds signals", || {
        wait::holds_signals(own).then_some(())
    });
    reach(Instant::now() + Duration::from_millis(millis));
    kill(own, signal).unwrap();
    let done = running.finish();
    let left = wait::started_with(&mark);
    for pid in &left {
        let _ = kill(*pid, Signal::SIGKILL);
    }
    let case = format!(
        "{signal} at {millis} ms, exit {}:\n{}",
        done.code(),
        done.stderr()
    );
    assert!(left.is_empty(), "left {left:?}; {case}");
    assert!(http::refused(port), "still serving; {case}");
    // 0 once it has its traps, else TERM's, or 1 where Ruby made an exception of it. Only the boot, and
    // the server that it has just become, die of the very signal.
    let mut codes = vec![0, 1, 143];
    if done
        .lines()
        .iter()
        .any(|line| line["event"] == "boot_stopped")
    {
        codes.push(128 + signal as i32);
    }
    assert!(codes.contains(&done.code()), "{case}");
    for line in done.lines().iter().filter(|line| line["event"] == "stop") {
        assert_eq!(line["forced"], false, "{case}");
        assert_eq!(line["signal"], signal.as_str(), "{case}");
    }
}

#[test]
fn a_stop_at_any_moment_of_the_start_ends_unicorn() {
    let places: [fn() -> Entry; 2] = [Entry::new, Entry::pid1];
    let signals = [Signal::SIGTERM, Signal::SIGQUIT];
    // TERM and QUIT take turns in each place.
    let cases: Vec<_> = moments()
        .zip([0, 1].into_iter().cycle())
        .flat_map(|(millis, turn)| {
            [0, 1].map(|one| (places[(turn + one) % 2], signals[one], millis))
        })
        .collect();
    let next = AtomicUsize::new(0);
    // A few at once: more would only wait for a core, and start later than asked.
    super::together(0..3, |_| {
        while let Some((place, signal, millis)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            stop_at(*place, *signal, *millis);
        }
    });
}
