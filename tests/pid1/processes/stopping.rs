//! A stop of all: its order, its deadline, and what it leaves.

use super::{DEAF, WAITS, all, names, touch};
use crate::pid1::both;
use crate::support::{Entry, wait};
use nix::sys::signal::Signal;

#[test]
fn a_stop_goes_in_reverse_order_and_gives_each_its_time() {
    let slow = |name: &str| {
        format!(
            "trap 'echo {name} told; sleep 0.3; echo {name} ends; exit 0' TERM; echo up; while :; do sleep 0.02; done"
        )
    };
    let [redis, web, worker] = ["redis", "web", "worker"].map(slow);
    for place in both() {
        let processes = [
            ("worker", &*worker, ", after: web"),
            ("redis", &*redis, ""),
            ("web", &*web, ", after: redis"),
        ];
        let running = all(place, &processes, "").start();
        running.stdout.wait_for_nth("up", 3);
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        let said = done.stdout().replace("up\n", "");
        assert_eq!(
            said,
            "worker told\nworker ends\nweb told\nweb ends\nredis told\nredis ends\n"
        );
        assert_eq!(names(&done, "process_started"), ["redis", "web", "worker"]);
        assert_eq!(names(&done, "process_ended"), ["worker", "web", "redis"]);
        let line = done.line("stop");
        assert_eq!(
            (&line["forced"], &line["signal"]),
            (&false.into(), &"SIGTERM".into())
        );
    }
}

#[test]
fn each_has_its_own_way_to_stop() {
    let says = |signal: &str| {
        format!("trap 'echo got {signal}; exit 0' {signal}; echo up; while :; do sleep 0.02; done")
    };
    let (usr2, int) = (says("USR2"), says("INT"));
    let processes = [
        ("a", &*usr2, ", stop: {steps: [{signal: USR2, wait: 50s}]}"),
        ("b", &*int, ""),
    ];
    let more = "stop: {steps: [{signal: INT, wait: 50s}]}";
    let running = all(Entry::pid1, &processes, more).start();
    running.stdout.wait_for_nth("up", 2);
    running.signal(Signal::SIGTERM);
    let done = running.finish().expect(0);
    for signal in ["USR2", "INT"] {
        assert!(
            done.stdout().contains(&format!("got {signal}\n")),
            "{}",
            done.stdout()
        );
    }
}

#[test]
fn a_deaf_one_is_killed_and_the_others_get_their_time() {
    for place in both() {
        let polite =
            "trap 'sleep 0.2; echo ends; exit 0' TERM; echo up; while :; do sleep 0.02; done";
        let processes = [("redis", polite, ""), ("worker", DEAF, ", after: redis")];
        let running = all(place, &processes, "")
            .env("ENTRY_STOP_TIMEOUT", "12")
            .start();
        running.stdout.wait_for_nth("up", 2);
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(137);
        assert!(done.stdout().contains("ends\n"), "{}", done.stderr());
        assert_eq!(done.line("stop")["forced"], true);
        assert_eq!(done.line("stopping")["max_ms"].as_u64().unwrap() / 100, 119);
        // Half of the cap for each.
        let lines = done.lines();
        let worker = lines
            .iter()
            .rfind(|line| line["process"] == "worker")
            .unwrap();
        let killed = &worker["sent"][1];
        assert_eq!(killed["signal"], "SIGKILL");
        assert!(killed["at_ms"].as_u64().unwrap() >= 5900, "{worker}");
    }
}

#[test]
fn all_deaf_ones_are_killed_within_the_cap() {
    let processes: Vec<(String, String)> = (0..5)
        .map(|n| {
            let keys = if n > 0 {
                format!(", after: p{}", n - 1)
            } else {
                String::new()
            };
            (format!("p{n}"), keys)
        })
        .collect();
    let processes: Vec<_> = processes
        .iter()
        .map(|(name, keys)| (&**name, DEAF, &**keys))
        .collect();
    for place in both() {
        let more = "after: [{command: [echo, after], timeout: 10s}]";
        let running = all(place, &processes, more)
            .env("ENTRY_STOP_TIMEOUT", "11")
            .start();
        running.stdout.wait_for_nth("up", 5);
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(137);
        // Ten seconds for the hook; without the cap each would have 25 s.
        assert_eq!(done.line("stopping")["max_ms"].as_u64().unwrap() / 10, 99);
        assert!(done.stdout().ends_with("after\n"));
    }
}

#[test]
fn grandchildren_and_who_left_the_group_are_gone_at_the_end() {
    // They hold no stream of the test's, which would wait for their own end.
    let script = "echo up; exec >/dev/null 2>&1; (sleep 60) & setsid sh -c '(sleep 60) & sleep 60' & (setsid sleep 60 &) ; wait";
    for place in both() {
        for crash in [false, true] {
            let marker = format!("MARKER=left-{}-{crash}-{:p}", std::process::id(), &place);
            let (name, value) = marker.split_once('=').unwrap();
            let ends = "until [ -e go ]; do sleep 0.02; done; exit 4";
            let processes = [("web", script, ""), ("worker", ends, "")];
            let entry = all(place, &processes, "").env(name, value);
            let running = entry.start();
            running.stdout.wait_for("up");
            // Two shells and entry, its sleeps, the worker.
            wait::until("all are there", || {
                (wait::started_with(&marker).len() > 8).then_some(())
            });
            if crash {
                touch(running.folder(), "go");
            } else {
                running.signal(Signal::SIGTERM);
            }
            running.finish().expect(if crash { 4 } else { 143 });
            assert_eq!(wait::started_with(&marker), []);
        }
    }
}

#[test]
fn fifty_processes_start_and_stop() {
    let many: Vec<(String, String)> = (0..50)
        .map(|n| {
            let after = if n % 5 == 0 {
                String::new()
            } else {
                format!(", after: p{}", n - 1)
            };
            (
                format!("p{n}"),
                format!("{after}, ready: {{line: up, timeout: 59s}}"),
            )
        })
        .collect();
    let many: Vec<_> = many
        .iter()
        .map(|(name, keys)| {
            (
                &**name,
                "trap 'exit 0' TERM; sleep 60 >/dev/null & echo up; wait",
                &**keys,
            )
        })
        .collect();
    let running = all(Entry::pid1, &many, "output: prefixed").start();
    running.stderr.wait_for_nth("process_ready", 50);
    running.signal(Signal::SIGTERM);
    let done = running.finish().expect(0);
    assert_eq!(names(&done, "process_ended").len(), 50);
    assert_eq!(done.stdout().matches(" | up\n").count(), 50);
    assert_eq!(done.line("stop")["forced"], false);
}

#[test]
fn signals_that_are_no_stop_reach_all() {
    let script =
        "trap 'echo got it' USR1; trap 'exit 0' TERM; echo up; while :; do sleep 0.02; done";
    let running = all(Entry::pid1, &[("a", script, ""), ("b", script, "")], "").start();
    running.stdout.wait_for_nth("up", 2);
    running.signal(Signal::SIGUSR1);
    running.stdout.wait_for_nth("got it", 2);
    running.signal(Signal::SIGTERM);
    running.finish().expect(0);
}

#[test]
fn max_runtime_ends_all_with_124() {
    let processes = [("a", WAITS, ""), ("b", WAITS, "")];
    let done = all(Entry::pid1, &processes, "max_runtime: 300ms")
        .run()
        .expect(124);
    assert_eq!(done.line("stop")["sender"], "max_runtime");
}

#[test]
fn a_stop_while_one_is_waited_for() {
    for place in both() {
        let processes = [
            ("web", WAITS, ", ready: {file: /no/such, timeout: 50s}"),
            ("worker", "echo worker", ", after: web"),
        ];
        let running = all(place, &processes, "").start();
        running.stdout.wait_for("up");
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        assert_eq!(names(&done, "process_started"), ["web"]);
        assert_eq!(done.stdout(), "up\n");
    }
}
