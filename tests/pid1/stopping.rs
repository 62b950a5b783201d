//! Stops: deadlines, survivors, repeats, and standard error that nobody reads.

use super::both;
use crate::support::{Entry, child, wait, write_program};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::os::fd::AsRawFd;
use std::process::Stdio;

#[test]
fn a_child_that_ignores_term_is_killed_at_the_deadline() {
    for entry in both() {
        let script = "trap '' TERM; echo ready; while :; do sleep 60; done";
        let running = entry()
            .env("ENTRY_STOP_TIMEOUT", "1")
            .oneoff(["sh", "-c", script])
            .start();
        running.stdout.wait_for("ready");
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(137);
        let line = done.line("stop");
        assert_eq!(line["forced"], true);
        let sent: Vec<_> = line["sent"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sent| sent["signal"].clone())
            .collect();
        assert_eq!(sent, ["SIGTERM", "SIGKILL"]);
        assert!(line["sent"][1]["at_ms"].as_u64().unwrap() >= 1000);
    }
}

#[test]
fn a_repeated_term_is_swallowed() {
    for entry in both() {
        let running = entry().oneoff(child("catch.pl")).start();
        running.stdout.wait_for("ready");
        running.app();
        running.signal(Signal::SIGTERM);
        running.stdout.wait_for("signal 15");
        for _ in 0..3 {
            running.signal(Signal::SIGTERM);
        }
        running.stderr.wait_for_nth("stop_repeated", 1);
        let done = running.finish().expect(0);
        assert_eq!(
            done.stdout().matches("signal 15").count(),
            1,
            "{}",
            done.stdout()
        );
    }
}

#[test]
fn what_a_wrapper_leaves_behind_gets_the_rest_of_the_deadline() {
    // The shell dies of TERM at once; the server behind it needs a moment, which other inits do not give.
    let server = "$| = 1; $SIG{TERM} = sub { $stop = 1 }; print qq(ready\\n); \
        1 until $stop || !sleep 60; select undef, undef, undef, 0.3; print qq(finished\\n)";
    for entry in both() {
        let running = entry()
            .oneoff(["sh", "-c", &format!("perl -e '{server}'; true")])
            .start();
        running.stdout.wait_for("ready");
        running.app();
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(143);
        assert!(
            done.stdout().contains("finished"),
            "{}\n{}",
            done.stdout(),
            done.stderr()
        );
        assert_eq!(done.line("stop")["forced"], false);
    }
}

#[test]
fn what_leaves_the_group_is_stopped_too() {
    let script = "trap 'exit 3' TERM; setsid sh -c 'echo $$; exec sleep 60' & wait; wait";
    let running = Entry::new().oneoff(["sh", "-c", script]).start();
    let line = wait::until("its pid", || {
        running.stdout.so_far().lines().next().map(str::to_owned)
    });
    running.signal(Signal::SIGTERM);
    running.finish().expect(3);
    assert!(wait::gone(Pid::from_raw(line.parse().unwrap())));
}

#[test]
fn children_born_while_kill_is_on_its_way_are_killed_too() {
    let marker = format!("MARKER=born-{}", std::process::id());
    let (name, value) = marker.split_once('=').unwrap();
    // They leave the group, and hold no stream of the test's.
    let forks = "trap '' TERM; echo up; exec >/dev/null 2>&1; while :; do setsid sleep 300 & done";
    let running = Entry::new()
        .env(name, value)
        .mode("oneoff", "stop: {grace: 300ms}\n")
        .oneoff(["sh", "-c", forks])
        .start();
    running.stdout.wait_for("up");
    running.signal(Signal::SIGTERM);
    running.finish().expect(137);
    wait::until("all are gone", || {
        wait::started_with(&marker).is_empty().then_some(())
    });
}

#[test]
fn children_of_what_an_after_hook_left_are_killed_too() {
    let marker = format!("MARKER=left-by-a-hook-{}", std::process::id());
    let (name, value) = marker.split_once('=').unwrap();
    let forks = "exec >/dev/null 2>&1; touch up; while :; do sleep 300 & done";
    let leaves = format!("setsid sh -c '{forks}' & until [ -e up ]; do sleep 0.01; done");
    let leaves = serde_json::json!(["sh", "-c", leaves]);
    Entry::new()
        .env(name, value)
        .mode(
            "web",
            &format!("command: 'true'\nafter: [{{command: {leaves}, timeout: 50s}}]\n"),
        )
        .args(["web"])
        .run()
        .expect(0);
    wait::until("all are gone", || {
        wait::started_with(&marker).is_empty().then_some(())
    });
}

#[test]
fn leftovers_of_an_app_that_ended_by_itself_are_ended() {
    for entry in both() {
        let script = "(trap '' TERM; echo left; sleep 60) & read line; exit 4";
        let running = entry().oneoff(["sh", "-c", script]).start();
        running.stdout.wait_for("left");
        let done = running.finish().expect(4);
        assert_eq!(done.line("stop")["forced"], true);
    }
}

#[test]
fn processes_that_are_not_ours_are_left_alone() {
    // A process beside entry in the same namespace, as an exec session is.
    let mut beside = std::process::Command::new("sleep")
        .arg("60")
        .spawn()
        .unwrap();
    let running = Entry::new()
        .env("ENTRY_STOP_TIMEOUT", "1")
        .oneoff(["sh", "-c", "trap '' TERM; echo ready; sleep 60"])
        .start();
    running.stdout.wait_for("ready");
    running.signal(Signal::SIGTERM);
    running.finish().expect(137);
    assert!(beside.try_wait().unwrap().is_none());
    beside.kill().unwrap();
    beside.wait().unwrap();
}

#[test]
fn a_full_standard_error_delays_nothing_and_keeps_its_flags() {
    let (reader, writer) = std::io::pipe().unwrap();
    let filler = writer.try_clone().unwrap();
    fcntl(&filler, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    while nix::unistd::write(&filler, &[b'x'; 4096]).is_ok() {}
    fcntl(&filler, FcntlArg::F_SETFL(OFlag::empty())).unwrap();
    let mut entry = Entry::new().oneoff(["sh", "-c", "echo ready; exec sleep 60"]);
    entry
        .command
        .stdout(Stdio::piped())
        .stderr(Stdio::from(writer));
    let mut process = entry.command.spawn().unwrap();
    let stdout = crate::support::lines::Lines::of(process.stdout.take().unwrap());
    stdout.wait_for("ready");
    kill(
        Pid::from_raw(i32::try_from(process.id()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    assert_eq!(wait::exit(&mut process, &stdout).code(), Some(143));
    let flags = OFlag::from_bits_truncate(fcntl(&filler, FcntlArg::F_GETFL).unwrap());
    assert!(
        !flags.contains(OFlag::O_NONBLOCK),
        "fd {}",
        reader.as_raw_fd()
    );
}

#[test]
fn a_closed_standard_error_harms_neither_the_app_nor_the_code() {
    let run = |words: &[&str]| {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut entry = Entry::new().oneoff(words);
        entry
            .command
            .stderr(Stdio::from(writer))
            .stdout(Stdio::piped());
        let output = entry.command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    assert_eq!(
        run(&["sh", "-c", "echo alive; exit 6"]),
        (Some(6), "alive\n".to_owned())
    );
    assert_eq!(run(&["/no/such"]).0, Some(127));
    // Found out by execve itself, when the app's own signal mask is in place.
    let folder = tempfile::tempdir().unwrap();
    let app = folder.path().join("app");
    write_program(&app, "no program", 0o755);
    assert_eq!(run(&[app.to_str().unwrap()]).0, Some(126));
}

#[test]
fn a_server_behind_nested_wrappers_is_told_when_it_becomes_an_orphan() {
    let server = "$| = 1; $SIG{TERM} = sub { print qq(told\\n); exit 0 }; print qq(ready\\n); 1 while sleep 60";
    let inner = format!("perl -e '{server}'; true");
    let mode = format!(
        "command: [sh, -c, \"sh -c \\\"$0\\\"; true\", {}]\nstop: delayed_job\n",
        serde_json::Value::from(inner)
    );
    for entry in both() {
        let running = entry().mode("web", &mode).args(["web"]).start();
        running.stdout.wait_for("ready");
        running.app();
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(143);
        assert!(done.stdout().contains("told"), "{}", done.stderr());
        assert_eq!(done.line("stop")["forced"], false);
    }
}

#[test]
fn a_quiet_signal_among_the_steps_arrives() {
    let mode = format!(
        "command: [perl, \"{}\"]\nstop: {{steps: [{{signal: TSTP}}, {{wait: 2s}}, {{signal: TERM}}, {{wait: 20s}}]}}\n",
        crate::support::repository("tests/children/catch.pl").display()
    );
    for _ in 0..2 {
        let running = Entry::new().mode("web", &mode).args(["web"]).start();
        running.stdout.wait_for("ready");
        running.app();
        running.signal(Signal::SIGTERM);
        running.stdout.wait_for("signal 20");
        running.stdout.wait_for("signal 15");
        running.finish().expect(0);
    }
}

#[test]
fn max_runtime_ends_an_app_with_124() {
    let mode = "command: [sleep, \"60\"]\nmax_runtime: 100ms\nstop: {defer: 50s}\n";
    let done = Entry::new()
        .mode("web", mode)
        .args(["web"])
        .run()
        .expect(124);
    assert_eq!(done.line("stop")["sender"], "max_runtime");
}
