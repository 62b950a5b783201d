//! Ctrl-C, Ctrl-Z and job control on a pseudo-terminal.

use super::{UNICORN, ended_gracefully};
use crate::support::rails::Server;
use crate::support::terminal::{CTRL_C, CTRL_D, CTRL_Z, Terminal};
use crate::support::{Entry, Finished, binary, child, wait};
use std::process::Command;

#[test]
fn ctrl_c_lets_unicorn_answer_what_is_in_flight() {
    let places: [fn() -> Entry; 2] = [Entry::new, Entry::container];
    super::together(places, |place| {
        let (entry, port) = Server::prepare(place(), &UNICORN.replace("drain: 0s", "drain: 50s"));
        let (running, terminal) = entry.start_on_terminal();
        let server = Server::serving(running, port);
        let slow = server.begin_slow(5.0);
        terminal.type_in(CTRL_C);
        slow.answered_after_stop(&server.running);
        let done = server.running.finish().expect(0);
        ended_gracefully(&done, "SIGINT", &["SIGQUIT"]);
        let line = done.line("stop");
        assert_eq!(line["sender"], "the terminal");
        // Who presses Ctrl-C waits for no load balancer.
        assert!(line["stop_ms"].as_u64().unwrap() < 50_000, "{line}");
    });
}

fn count(done: &Finished, text: &str) -> usize {
    done.stdout().matches(text).count()
}

#[test]
fn ctrl_c_reaches_a_oneoff_once() {
    let places: [fn() -> Entry; 2] = [Entry::new, Entry::pid1];
    for place in places {
        let (running, terminal) = place().oneoff(child("catch.pl")).start_on_terminal();
        running.stdout.wait_for("ready");
        running.app();
        terminal.type_in(CTRL_C);
        running.stdout.wait_for("signal 2");
        terminal.type_in("exit\n");
        let done = running.finish().expect(0);
        assert_eq!(count(&done, "signal 2\r\n"), 1, "{}", done.stdout());
        // The app has the terminal, so entry was not asked for anything.
        assert!(!done.stdout().contains("stopping"), "{}", done.stdout());
    }
}

/// An interactive bash, with `entry` as a command of its own.
fn bash() -> (crate::support::guard::Guard, Terminal) {
    let mut command = Command::new("bash");
    command
        .args(["--norc", "--noprofile", "-i"])
        .env("PS1", "bash> ")
        .env("ENTRY", binary("entry"))
        .env("HISTFILE", "/dev/null")
        .current_dir("/");
    for name in ["ENTRY_LOG", "ENTRY_MODES", "BASH_ENV", "PROMPT_COMMAND"] {
        command.env_remove(name);
    }
    let (process, terminal) = Terminal::spawn(&command);
    terminal.screen.wait_for_text("bash> ", 1);
    (process, terminal)
}

#[test]
fn ctrl_z_and_fg_work_below_a_shell() {
    let (mut shell, terminal) = bash();
    let screen = terminal.screen.clone();
    terminal.type_in("$ENTRY -- cat\n");
    screen.wait_for("entry: oneoff");
    terminal.type_in("one\n");
    screen.wait_for_nth("one", 3);
    for round in 1..=2 {
        terminal.type_in(CTRL_Z);
        screen.wait_for_nth("Stopped", round);
        screen.wait_for_text("bash> ", 1 + round);
        terminal.type_in("fg\n");
        screen.wait_for_nth("$ENTRY -- cat", 1 + 2 * round);
        let word = format!("again{round}");
        terminal.type_in(&format!("{word}\n"));
        // The terminal's echo, and cat's.
        screen.wait_for_nth(&word, 2);
    }
    terminal.type_in(CTRL_D);
    screen.wait_for_text("bash> ", 4);
    terminal.type_in("echo \"code=$?\"; exit 9\n");
    screen.wait_for("code=0");
    assert_eq!(wait::exit(&mut shell, &screen).code(), Some(9));
}

#[test]
fn a_shell_below_entry_has_job_control() {
    let places: [fn() -> Entry; 3] = [Entry::new, Entry::pid1, Entry::container];
    super::together(places, |place| {
        let entry = place().env("PS1", "inner> ");
        let (running, terminal) = entry
            .oneoff(["bash", "--norc", "--noprofile", "-i"])
            .start_on_terminal();
        let screen = terminal.screen.clone();
        screen.wait_for_text("inner> ", 1);
        // Keys that come before bash has set the terminal for its command may get lost.
        terminal.type_in("echo be''gun; cat\n");
        screen.wait_for("begun");
        terminal.type_in("here\n");
        screen.wait_for_nth("here", 2);
        terminal.type_in(CTRL_Z);
        screen.wait_for("Stopped");
        terminal.type_in("fg\n");
        screen.wait_for_nth("cat", 3);
        terminal.type_in("there\n");
        screen.wait_for_nth("there", 2);
        terminal.type_in(CTRL_C);
        screen.wait_for_text("inner> ", 3);
        terminal.type_in("exit 3\n");
        let done = running.finish().expect(3);
        for complaint in ["no job control", "cannot set terminal process group"] {
            assert!(!done.stdout().contains(complaint), "{}", done.stdout());
        }
    });
}
