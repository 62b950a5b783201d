//! Signals in the first milliseconds.

use crate::support::{Entry, wait};
use nix::fcntl::{OFlag, open};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;
use std::time::{Duration, Instant};

/// Spins, for a sleep of microseconds is none.
fn pause(micros: u64) {
    let end = Instant::now() + Duration::from_micros(micros);
    while Instant::now() < end {
        std::hint::spin_loop();
    }
}

#[test]
fn an_early_term_always_ends_it() {
    for round in 0..400u64 {
        let running = Entry::new().oneoff(["sleep", "60"]).start();
        pause(round * 30);
        running.signal(Signal::SIGTERM);
        running.finish().expect(143);
    }
}

#[test]
fn an_early_term_always_ends_pid_1() {
    // Before its first instruction a PID 1 is deaf by the kernel's rule, so the clock starts there.
    for round in 0..400u64 {
        let running = Entry::pid1().oneoff(["sleep", "60"]).start();
        let pid = running.pid();
        wait::until("signals are held", || {
            wait::status(pid, "SigBlk")
                .filter(|mask| mask.ends_with("fffe7ffbfeff") || mask.starts_with("fffffff"))
        });
        pause(round * 30);
        let _ = kill(pid, Signal::SIGTERM);
        running.finish().expect(143);
    }
}

#[test]
fn a_stop_during_the_boot_starts_nothing() {
    // A FIFO as passphrase file keeps the boot busy for as long as nobody writes to it.
    let mode = "command: [touch, started]\nsecrets: [{vault: s.yml, passphrase_file: pass, write: /nowhere/s.yml}]\n";
    for (signal, code) in [
        (Signal::SIGTERM, 143),
        (Signal::SIGINT, 130),
        (Signal::SIGQUIT, 131),
    ] {
        let entry = Entry::new()
            .mode("web", mode)
            .file("s.yml", "a: 1\n")
            .args(["web"]);
        mkfifo(&entry.folder().join("pass"), Mode::S_IRWXU).unwrap();
        let running = entry.start();
        let fifo = running.folder().join("pass");
        // Opens only once a reader is there, which then waits for what we never write.
        let write_only = || {
            open(
                &fifo,
                OFlag::O_WRONLY | OFlag::O_NONBLOCK | OFlag::O_CLOEXEC,
                Mode::empty(),
            )
            .ok()
        };
        let _writer = wait::until("it waits for the passphrase", write_only);
        running.signal(signal);
        let done = running.finish().expect(code);
        assert_eq!(done.line("boot_stopped")["signal"], signal.as_str());
        assert!(done.lines().iter().all(|line| line["event"] != "start"));
        assert!(!done.folder().join("started").exists());
    }
}
