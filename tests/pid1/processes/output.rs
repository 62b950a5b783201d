//! Output through entry: prefixes, floods, a relay that is killed, readers that are gone or slow.

use super::{all, told};
use crate::pid1::both;
use crate::support::guard::Guard;
use crate::support::lines::Lines;
use crate::support::{Entry, Running, pid_namespace, wait};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, PipeWriter};
use std::os::fd::AsFd;
use std::process::Stdio;

/// How much each of two processes writes. A debug build passes some 100 MB a second on.
const FLOOD: u64 = 128 << 20;
/// Two chunks and the lines that are open, above what PID 1 itself has.
const MOST_MEMORY: u64 = 20 << 10;

/// The relay below entry: its child that runs no other program.
fn relay(entry: Pid) -> Pid {
    wait::until("the relay", || {
        let own = std::fs::read_link(format!("/proc/{entry}/exe")).ok()?;
        let mut children = wait::children(entry).into_iter();
        children
            .find(|pid| std::fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe == own))
    })
}

fn relay_of(running: &Running) -> Pid {
    relay(running.pid())
}

#[test]
fn every_line_begins_with_its_process() {
    let script = "echo out; echo err >&2; printf 'no end'";
    for place in both() {
        let processes = [
            ("web", script, ", optional: true"),
            ("worker", "read x <go; echo last", ""),
        ];
        let entry = all(place, &processes, "output: prefixed");
        let go = entry.folder().join("go");
        nix::unistd::mkfifo(&go, nix::sys::stat::Mode::S_IRWXU).unwrap();
        let running = entry.start();
        running.stdout.wait_for("web    | out");
        running.stderr.wait_for("web    | err");
        running.stderr.wait_for("web exited 0");
        std::fs::write(go, "x\n").unwrap();
        let done = running.finish().expect(0);
        let mut lines: Vec<_> = done.stdout().lines().map(str::to_owned).collect();
        lines.sort();
        assert_eq!(lines, ["web    | no end", "web    | out", "worker | last"]);
        // entry's own lines have none.
        assert!(
            done.stderr()
                .lines()
                .filter(|line| line.contains(" | "))
                .count()
                == 1
        );
    }
}

#[test]
fn without_prefixes_output_does_not_pass_through_entry() {
    let script = "readlink /proc/$$/fd/1 /proc/$PPID/fd/1; exit 0";
    let done = all(Entry::new, &[("web", script, "")], "").run().expect(0);
    let said = done.stdout();
    let links: Vec<_> = said.lines().collect();
    assert_eq!(links[0], links[1]);
    assert!(links[0].starts_with("pipe:"), "{said}");
}

#[test]
fn the_last_words_come_before_the_end() {
    for place in both() {
        let script = "seq 200000";
        let done = all(place, &[("web", script, "")], "output: prefixed")
            .run()
            .expect(0);
        let said = done.stdout();
        assert!(said.lines().eq((1..=200_000).map(|n| format!("web | {n}"))));
    }
}

/// Counts the lines of both processes, each of which must be the next of its own.
fn count(stream: impl std::io::Read) -> [u64; 2] {
    let mut reader = BufReader::with_capacity(1 << 20, stream);
    let mut counts = [0; 2];
    let mut line = Vec::new();
    let mut expected = Vec::new();
    loop {
        line.clear();
        reader.read_until(b'\n', &mut line).unwrap();
        let which = match &*line {
            b"a | done\n" | b"b | done\n" => {
                counts[0] += 1 << 32;
                if counts[0] >> 33 > 0 {
                    return [counts[0] & 0xffff_ffff, counts[1]];
                }
                continue;
            }
            [b'a', ..] => 0,
            [b'b', ..] => 1,
            _ => panic!("{:?}", String::from_utf8_lossy(&line)),
        };
        let next = counts[which] & 0xffff_ffff;
        expected.clear();
        expected.extend([b"a | ", b"b | "][which]);
        expected.extend(format!("{next:010} ").bytes());
        expected.extend([b'x'; 116]);
        expected.push(b'\n');
        assert!(
            line == expected,
            "{next}: {:?}",
            String::from_utf8_lossy(&line)
        );
        counts[which] += 1;
    }
}

#[test]
fn a_flood_loses_nothing_and_takes_no_memory() {
    let lines = FLOOD / 128;
    let write = format!(
        "exec perl -e '$SIG{{TERM}} = sub {{ exit 0 }}; $| = 0; my $x = q(x) x 116; printf qq(%010d $x\\n), $_ for 0 .. {}; $| = 1; print qq(done\\n); sleep 60'",
        lines - 1
    );
    let mut entry = all(
        Entry::pid1,
        &[("a", &write, ""), ("b", &write, "")],
        "output: prefixed",
    );
    entry
        .command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut process = Guard::spawn(&mut entry.command);
    let stderr = Lines::of(process.stderr.take().unwrap());
    let stdout = process.stdout.take().unwrap();
    assert_eq!(count(stdout), [lines; 2]);
    let pid = pid_namespace::entry_below(process.pid());
    for (name, pid) in [("the relay", relay(pid)), ("PID 1", pid)] {
        let peak = wait::status(pid, "VmHWM").unwrap();
        let kib: u64 = peak.trim_end_matches(" kB").parse().unwrap();
        assert!(kib < MOST_MEMORY, "{name}: {peak}");
    }
    kill(pid, Signal::SIGTERM).unwrap();
    assert_eq!(wait::exit(&mut process, &stderr).code(), Some(0));
}

#[test]
fn another_relay_takes_over_from_one_that_was_killed() {
    for place in both() {
        let script = "trap 'exit 0' TERM; echo one; until [ -e go ]; do sleep 0.02; done; echo two; until [ -e never ]; do sleep 0.02; done";
        let ready = ", ready: {line: two, timeout: 50s}";
        let running = all(place, &[("web", script, ready)], "output: prefixed").start();
        running.stdout.wait_for("web | one");
        let first = relay_of(&running);
        kill(first, Signal::SIGKILL).unwrap();
        running.stderr.wait_for("another takes over");
        super::touch(running.folder(), "go");
        running.stdout.wait_for("web | two");
        running.stderr.wait_for("web is ready");
        assert_ne!(relay_of(&running), first);
        running.signal(Signal::SIGTERM);
        running.finish().expect(0);
    }
}

#[test]
fn a_reader_that_is_gone_keeps_nobody_from_working_or_stopping() {
    // More than all pipes hold.
    let script = "trap 'exit 0' TERM; seq 500000; echo wrote >&2; while :; do sleep 0.02; done";
    for place in both() {
        let mut entry = all(place, &[("web", script, "")], "output: prefixed");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        entry
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::from(writer))
            .stderr(Stdio::piped());
        let mut process = Guard::spawn(&mut entry.command);
        let stderr = Lines::of(process.stderr.take().unwrap());
        stderr.wait_for("web | wrote");
        let pid = match entry.command.get_program().to_str() {
            Some("unshare") => pid_namespace::entry_below(process.pid()),
            _ => process.pid(),
        };
        kill(pid, Signal::SIGTERM).unwrap();
        assert_eq!(wait::exit(&mut process, &stderr).code(), Some(0));
    }
}

fn is_full(pipe: &PipeWriter) -> bool {
    let mut polled = [PollFd::new(pipe.as_fd(), PollFlags::POLLOUT)];
    poll(&mut polled, PollTimeout::ZERO).unwrap() == 0
}

#[test]
fn a_reader_that_hangs_does_not_keep_entry_from_ending() {
    let script = "trap 'exit 0' TERM; seq 500000; sleep 60";
    let entry = all(Entry::new, &[("web", script, "")], "output: prefixed");
    let mut entry = entry.env("ENTRY_STOP_TIMEOUT", "20");
    let (reader, writer) = std::io::pipe().unwrap();
    let full = writer.try_clone().unwrap();
    entry
        .command
        .stdin(Stdio::null())
        .stdout(Stdio::from(writer))
        .stderr(Stdio::piped());
    let mut process = Guard::spawn(&mut entry.command);
    let stderr = Lines::of(process.stderr.take().unwrap());
    let relay = wait::until("the relay waits for the reader", || {
        // The app is one until its execve.
        let relay = relay(process.pid());
        let call = std::fs::read_to_string(format!("/proc/{relay}/syscall")).ok()?;
        // write(2) on x86-64, which may be on its way yet.
        (call.starts_with("1 0x1 ") && is_full(&full)).then_some(relay)
    });
    kill(process.pid(), Signal::SIGTERM).unwrap();
    // seq is at a full pipe, and the shell waits for it, so that TERM comes to its trap at once.
    let code = wait::exit(&mut process, &stderr).code();
    assert_eq!(code, Some(0), "{}", stderr.so_far());
    assert!(
        stderr.so_far().contains("nobody reads the output"),
        "{}",
        stderr.so_far()
    );
    wait::until("the relay is gone", || wait::gone(relay).then_some(()));
    drop(reader);
}

#[test]
fn one_that_starts_again_keeps_its_prefix() {
    let keys = ", restart: {delay: 10ms, times: 2}";
    let done = all(
        Entry::pid1,
        &[("web", "echo hi; exit 1", keys)],
        "output: prefixed",
    )
    .run()
    .expect(1);
    assert_eq!(done.stdout(), "web | hi\n".repeat(3));
    assert_eq!(told(&done, "all: web started").len(), 3);
}
