//! Signals on their way to the app.

use super::both;
use crate::support::wait::{self, until};
use crate::support::{Entry, child};
use nix::sys::signal::Signal::{self, SIGINT, SIGQUIT, SIGTERM, SIGUSR1};

#[test]
fn every_signal_is_forwarded_as_it_is() {
    for entry in both() {
        // The second one begins a stop.
        let entry = entry().mode("oneoff", "stop: {grace: 10m}\n");
        let running = entry.oneoff(child("catch.pl")).start();
        running.stdout.wait_for("ready");
        running.app();
        // CONT follows TERM and INT anyway, so it proves nothing here.
        let numbers = (1..=64).filter(|n| ![9, 17, 18, 19, 32, 33].contains(n));
        for number in numbers {
            running.signal_number(number);
            running.stdout.wait_for(&format!("signal {number}"));
        }
        running.finish().expect(0);
    }
}

#[test]
fn a_storm_loses_neither_the_apps_status_nor_entry() {
    // Blocked but while it waits: perl gives up at 120 pending signals, and resets its handlers as
    // it exits, where the next one would kill it.
    let script = "use POSIX; sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGUSR1)); \
        $SIG{USR1} = sub { $n++ }; $| = 1; print qq(ready\\n); \
        for (1 .. 300) { my $pid = fork; if (!$pid) { POSIX::_exit(1) } } \
        sigsuspend(POSIX::SigSet->new) until $n; POSIX::_exit(42)";
    for entry in both() {
        let running = entry().oneoff(["perl", "-e", script]).start();
        running.stdout.wait_for("ready");
        let pid = running.pid();
        for _ in 0..20_000 {
            if nix::sys::signal::kill(pid, SIGUSR1).is_err() {
                break;
            }
        }
        running.finish().expect(42);
    }
}

#[test]
fn a_server_preset_signals_the_master_alone() {
    // Both catch QUIT and TTOU (the marker of readiness); the worker would tell if it got one.
    let script = "$| = 1; $SIG{TTOU} = sub {}; my $got = 0; \
        $SIG{QUIT} = sub { $got = 1; syswrite STDOUT, ($$ == $master ? qq(master) : qq(worker)) . qq( QUIT\\n) }; \
        $master = $$; my $worker = fork; \
        if (!$worker) { syswrite STDOUT, qq(ready\\n); 1 while sleep 60; exit } \
        1 until $got || !sleep 60; kill TERM => $worker; wait; exit 5";
    for entry in both() {
        let mode = format!(
            "command: [perl, -e, {}]\nstop: {{preset: unicorn, drain: 10ms}}\n",
            serde_json::Value::from(script)
        );
        for signal in [SIGTERM, SIGINT, SIGQUIT] {
            let running = entry().mode("web", &mode).args(["web"]).start();
            running.stdout.wait_for("ready");
            running.signal(signal);
            running.stdout.wait_for("master QUIT");
            let done = running.finish().expect(5);
            assert!(!done.stdout().contains("worker"), "{}", done.stdout());
            assert_eq!(done.line("stop")["sent"][0]["signal"], "SIGQUIT");
        }
    }
}

#[test]
fn a_stopped_app_is_continued_to_stop() {
    for entry in both() {
        let running = entry().oneoff(["sleep", "60"]).start();
        let app = running.app();
        nix::sys::signal::kill(app, Signal::SIGSTOP).unwrap();
        until("it is stopped", || {
            wait::status(app, "State").filter(|state| state.starts_with('T'))
        });
        running.stderr.wait_for("app_stopped");
        running.signal(SIGTERM);
        running.finish().expect(143);
    }
}

#[test]
fn a_stopped_app_goes_on_with_cont() {
    let running = Entry::new().oneoff(["sleep", "60"]).start();
    let app = running.app();
    nix::sys::signal::kill(app, Signal::SIGSTOP).unwrap();
    running.stderr.wait_for("app_stopped");
    running.signal(Signal::SIGCONT);
    until("it runs", || {
        wait::status(app, "State").filter(|state| state.starts_with('S'))
    });
    running.signal(SIGTERM);
    running.finish().expect(143);
}
