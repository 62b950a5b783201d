//! A secret and its passphrase show nowhere: not in lines, `/proc` or memory of PID 1, nor in files
//! that nobody asked for.

use super::with_secrets;
use crate::support::sealed::{CANARY, PASSPHRASE, assert_absent};
use crate::support::{Entry, Finished};
use nix::sys::signal::Signal;
use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

fn yaml() -> String {
    format!("production:\n  key: \"{CANARY}\"\n  list: [\"{CANARY}x\"]\n")
}

/// Neither secret is in anything that the run has said or left, the asked-for file aside.
fn assert_clean(done: &Finished) {
    for secret in [CANARY, PASSPHRASE] {
        assert_absent(secret, &done.stdout, "standard output");
        assert_absent(secret, &done.stderr, "standard error");
        each_file(done.folder(), &mut |path| {
            let content = fs::read(path).unwrap_or_default();
            assert_absent(secret, &content, &path.display().to_string());
        });
    }
}

fn each_file(folder: &Path, visit: &mut dyn FnMut(&Path)) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => each_file(&path, visit),
            kind if kind.is_file() && !path.ends_with("out/s.yml") => visit(&path),
            _ => {}
        }
    }
}

#[test]
fn a_check_that_can_fail() {
    for form in [CANARY.to_owned(), hex::encode(CANARY)] {
        let leaked = std::panic::catch_unwind(|| assert_absent(CANARY, form.as_bytes(), "here"));
        assert!(leaked.is_err());
    }
}

type Change = fn(Entry) -> Entry;

/// Lays more keys under the mode of `with_secrets`.
fn more(entry: Entry, keys: &str) -> Entry {
    let mode = fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    entry.mode("web", &(mode + keys))
}

/// The mode with other secrets.
fn secrets(entry: Entry, items: &str) -> Entry {
    entry.mode(
        "web",
        &format!("command: [touch, started]\nsecrets: [{items}]\n"),
    )
}

const FAILURES: [(&str, Change); 9] = [
    ("no such command", |entry| {
        entry
            .strip_last_arg()
            .args(["--as", "web", "--", "/no/such"])
    }),
    ("not a folder", |entry| entry.file("out", "")),
    ("unknown user", |entry| more(entry, "user: nobody-here\n")),
    ("passphrase as a folder", |entry| {
        more(entry, "workdir: ${YAML_VAULT_PASSPHRASE}\n")
    }),
    ("passphrase as a duration", |entry| {
        more(
            entry,
            "max_runtime: ${YAML_VAULT_PASSPHRASE}\nnope: ${YAML_VAULT_PASSPHRASE}\n",
        )
    }),
    ("missing key", |entry| {
        secrets(
            entry,
            "{vault: s.yml, keys: [$.production, $.nope], env: {A: $.production.key}}",
        )
    }),
    ("a list as a variable", |entry| {
        secrets(entry, "{vault: s.yml, env: {A: $.production.list}}")
    }),
    ("the same variable twice", |entry| {
        secrets(
            entry,
            "{vault: s.yml, env: {KEY: $.production.key, \"*\": $.production}}",
        )
    }),
    ("clear text among messages", |entry| {
        let text = fs::read_to_string(entry.folder().join("s.yml")).unwrap();
        entry.file("s.yml", text + &format!("  more: {CANARY}\n"))
    }),
];

#[test]
fn no_failure_shows_a_secret_in_any_format() {
    for format in ["text", "json", "quiet"] {
        for (name, change) in FAILURES {
            let entry =
                with_secrets(Entry::new(), "[touch, started]", &yaml()).env("ENTRY_LOG", format);
            let done = change(entry).run();
            assert!(
                done.code() >= 125,
                "{name}: {}\n{}",
                done.code(),
                done.stderr()
            );
            assert!(!done.stderr().is_empty(), "{name} says nothing");
            assert!(
                !done.folder().join("started").exists(),
                "{name}: the app ran"
            );
            assert!(
                !done.folder().join("out/s.yml").exists(),
                "{name}: a file was left"
            );
            // The clear text of the last case stands in the test's own vault.
            fs::remove_file(done.folder().join("s.yml")).unwrap();
            assert_clean(&done);
        }
    }
}

#[test]
fn pid_1_holds_no_secret_while_the_app_runs() {
    for entry in super::super::pid1::both() {
        let entry = with_secrets(entry(), "[sleep, \"60\"]", &yaml());
        let mode = fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
        let exporting = mode.replace("}]", ", env: {KEY: $.production.key}}]");
        let running = entry.mode("web", &exporting).start();
        let app = running.app();
        let pid = running.pid();
        assert!(
            fs::read_to_string(format!("/proc/{app}/environ"))
                .unwrap()
                .contains(&format!("KEY={CANARY}"))
        );
        for secret in [CANARY, PASSPHRASE] {
            for name in [
                "environ", "cmdline", "comm", "status", "maps", "limits", "auxv",
            ] {
                let content = fs::read(format!("/proc/{pid}/{name}")).unwrap();
                assert_absent(secret, &content, name);
            }
            assert_absent(secret, &memory(pid.as_raw()), "the memory of PID 1");
            assert_absent(
                secret,
                &fs::read(format!("/proc/{app}/cmdline")).unwrap(),
                "the app's arguments",
            );
        }
        running.signal(Signal::SIGTERM);
        assert_clean(&running.finish().expect(143));
    }
}

/// Every byte of a process that it may have written. What it maps of a file to read is the program's own.
pub fn memory(pid: i32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
    let mut memory = fs::File::open(format!("/proc/{pid}/mem")).unwrap();
    let mut all = Vec::new();
    for line in maps
        .lines()
        .filter(|line| line.contains(" rw-p ") || line.contains(" r--p ") && !line.contains('/'))
    {
        let (range, _) = line.split_once(' ').unwrap();
        let (start, end) = range.split_once('-').unwrap();
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap());
        let mut part = vec![0; usize::try_from(end - start).unwrap()];
        memory.seek(SeekFrom::Start(start)).unwrap();
        if memory.read_exact(&mut part).is_ok() {
            all.extend(part);
        }
    }
    assert!(all.len() > 4096);
    all
}
