//! Processes that end by themselves: all end, or it is started again, or nothing happens.

use super::{WAITS, all, names, pid_of, told, touch};
use crate::pid1::both;
use crate::support::Entry;
use nix::sys::signal::{Signal, kill};

#[test]
fn one_that_ends_ends_all_with_its_code() {
    for (script, code) in [("exit 7", 7), ("kill -9 $$", 137), ("exit 0", 0)] {
        for place in both() {
            let crash = format!("until [ -e go ]; do sleep 0.02; done; {script}");
            let processes = [("web", WAITS, ""), ("worker", &*crash, "")];
            let running = all(place, &processes, "").start();
            running.stdout.wait_for("up");
            touch(running.folder(), "go");
            let done = running.finish().expect(code);
            assert_eq!(names(&done, "process_ended"), ["worker", "web"]);
            let how = match code {
                137 => "killed by SIGKILL".to_owned(),
                code => format!("exited {code}"),
            };
            let crashed = [format!("all: worker {how} after T; the others stop")];
            assert_eq!(told(&done, "all: worker ").split_off(1), crashed);
            assert_eq!(done.line("stop")["code"], code);
        }
    }
}

#[test]
fn an_optional_one_ends_alone() {
    for place in both() {
        let processes = [("web", WAITS, ""), ("once", "exit 3", ", optional: true")];
        let running = all(place, &processes, "").start();
        running.stderr.wait_for("once exited 3");
        running.stdout.wait_for("up");
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(0);
        let once = told(&done, "all: once ");
        assert_eq!(once[1], "all: once exited 3 after T; the others run on");
    }
}

#[test]
fn one_may_be_started_again_and_again() {
    for place in both() {
        let crash = "echo x >>starts; exit 3";
        let keys = ", restart: {delay: 20ms, max_delay: 1h, times: 3}";
        let processes = [("web", WAITS, ""), ("clock", crash, keys)];
        let done = all(place, &processes, "").run().expect(3);
        let starts = std::fs::read_to_string(done.folder().join("starts")).unwrap();
        assert_eq!(starts.lines().count(), 4);
        let delays: Vec<String> = done
            .lines()
            .iter()
            .filter(|line| line["process"] == "clock" && line["level"] == "warning")
            .map(|line| {
                let text = line["message"].as_str().unwrap();
                text.split_once("again in ").unwrap().1.to_owned()
            })
            .collect();
        assert_eq!(delays, ["20 ms", "40 ms", "80 ms"]);
        assert_eq!(done.line("stop")["code"], 3);
    }
}

#[test]
fn leftovers_of_one_are_gone_before_it_starts_again() {
    let script = "if [ -e left ]; then kill -0 $(cat left) && echo alive; echo again; exec sleep 60; fi; (trap '' TERM; sleep 60) & echo $! >left; exit 1";
    for place in both() {
        let keys = ", restart: {delay: 10ms}";
        let running = all(place, &[("clock", script, keys)], "").start();
        running.stdout.wait_for("again");
        running.signal(Signal::SIGTERM);
        assert_eq!(running.finish().expect(143).stdout(), "again\n");
    }
}

#[test]
fn what_is_not_ready_in_time_ends_all_with_125() {
    for sign in [
        "tcp: 1",
        "file: /no/such",
        "line: never",
        "http: \"http://127.0.0.1:1/\"",
    ] {
        let keys = format!(", ready: {{{sign}, timeout: 300ms}}");
        let processes = [
            ("web", WAITS, &*keys),
            ("worker", "echo worker", ", after: web"),
        ];
        let done = all(Entry::pid1, &processes, "").run().expect(125);
        // The shell of web may be stopped before it comes to its line.
        assert!(["", "up\n"].contains(&&*done.stdout()), "{}", done.stdout());
        let error = "all: web is not ready within 300ms: see its output, or raise ready: {timeout}";
        assert_eq!(done.errors(), [error], "{sign}");
    }
}

#[test]
fn what_cannot_be_executed_ends_all() {
    let entry = Entry::pid1()
        .mode(
            "all",
            "processes: {a: {command: ./app}, b: {command: sleep 60}}\n",
        )
        .program("app", "no program\n", 0o755)
        .args(["all"]);
    let done = entry.run().expect(126);
    let error = "all: a: ./app: exec format error: a script without #! line, or a binary of another architecture";
    assert_eq!(done.errors(), [error]);
}

#[test]
fn one_that_was_killed_from_outside_ends_all() {
    let running = all(Entry::pid1, &[("a", WAITS, ""), ("b", WAITS, "")], "").start();
    running.stdout.wait_for_nth("up", 2);
    kill(pid_of(&running, "a"), Signal::SIGKILL).unwrap();
    running.finish().expect(137);
}
