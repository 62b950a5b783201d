//! entry with others around it: a shell between it and the server, another init above it.

use super::{UNICORN, ended_gracefully, sent};
use crate::support::rails::Server;
use crate::support::{Entry, wait};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

#[test]
fn a_shell_around_unicorn_dies_and_the_request_is_answered() {
    let mode = r#"command: [sh, -c, "bundle exec unicorn -c config/unicorn.rb; true"]
stop: {preset: unicorn, drain: 0s}"#;
    let server = Server::start(Entry::pid1(), mode);
    let slow = server.begin_slow(5.0);
    let shell = server.running.app();
    assert_eq!(wait::status(shell, "Name").as_deref(), Some("sh"));
    let done = server.stop_during(slow, Signal::SIGTERM).expect(143);
    let line = done.line("stop");
    assert_eq!(line["forced"], false);
    assert_eq!(sent(&done), ["SIGTERM"]);
    // The shell was gone long before the server was.
    assert!(
        line["server_ms"].as_u64() < line["stop_ms"].as_u64(),
        "{line}"
    );
}

/// entry below another init, as where ECS's `initProcessEnabled` is on.
fn inits() -> [Entry; 2] {
    [
        Entry::below_pid1(["tini", "--"]),
        Entry::below_pid1(["catatonit", "--"]),
    ]
}

#[test]
fn below_another_init_a_request_in_flight_is_answered() {
    super::together(inits(), |entry| {
        let server = Server::start(entry, UNICORN);
        let slow = server.begin_slow(5.0);
        let init = wait::children(server.running.process.pid())[0];
        assert_ne!(init, server.running.pid());
        kill(init, Signal::SIGTERM).unwrap();
        slow.answered_after_stop(&server.running);
        let done = server.running.finish().expect(0);
        ended_gracefully(&done, "SIGTERM", &["SIGQUIT"]);
        assert_eq!(done.line("stop")["sender"], "pid 1 of user 0");
    });
}

#[test]
fn below_another_init_orphans_are_entrys() {
    for entry in inits() {
        let script = "(sh -c 'trap \"exit 7\" TERM; echo orphan; while :; do sleep 0.1; done' &); read line; exit 3";
        let running = entry.oneoff(["sh", "-c", script]).start();
        running.stdout.wait_for("orphan");
        let (own, app) = (running.pid(), running.app());
        let orphan = wait::until("the orphan is entry's child", || {
            wait::children(own).into_iter().find(|pid| *pid != app)
        });
        kill(orphan, Signal::SIGTERM).unwrap();
        wait::until("entry reaps it", || no_trace(orphan).then_some(()));
        running.finish().expect(3);
    }
}

/// Not even its status is left.
fn no_trace(pid: Pid) -> bool {
    wait::status(pid, "State").is_none()
}
