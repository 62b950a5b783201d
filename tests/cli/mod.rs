//! What `entryctl` tells of itself: completions and manual pages.

use crate::support::{Entry, Finished, binary};
use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

fn entryctl(words: &[&str]) -> Finished {
    Entry::of(Command::new(binary("entryctl")))
        .args(words)
        .run()
}

/// Whether this machine has the program.
fn has(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&paths).any(|folder| folder.join(program).is_file())
}

#[track_caller]
fn accepts(program: &str, words: &[&str], text: &str) -> String {
    let mut child = Command::new(program)
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(text.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{program}: {stderr}");
    assert_eq!(stderr, "", "{program}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn shells_take_their_completions() {
    for shell in ["bash", "zsh", "fish"] {
        let text = entryctl(&["completions", shell]).expect(0).stdout();
        assert!(text.contains("entryctl"), "{shell}");
        // zsh and fish know -n, too.
        if shell == "bash" || has(shell) {
            accepts(shell, &["-n"], &text);
        }
    }
    entryctl(&["completions", "cmd"]).expect(2);
}

#[test]
fn bash_completes_commands() {
    let text = entryctl(&["completions", "bash"]).expect(0).stdout();
    let script = format!(
        "{text}\nCOMP_WORDS=(entryctl ver) COMP_CWORD=1\n_entryctl entryctl ver entryctl\necho \"${{COMPREPLY[@]}}\"\n"
    );
    assert_eq!(accepts("bash", &["-s"], &script), "verify\n");
}

#[test]
fn every_command_has_a_page() {
    let page = entryctl(&["man"]).expect(0).stdout();
    assert!(page.contains(".TH entryctl 1"), "{page}");
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("man1").display().to_string();
    let names = entryctl(&["man", "--dir", &dir]).expect(0).stdout();
    let named: BTreeSet<&str> = names
        .lines()
        .map(|line| line.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(named.len(), names.lines().count());
    for name in [
        "entryctl.1",
        "entryctl-plan.1",
        "entryctl-vault-get.1",
        "entryctl-completions.1",
    ] {
        assert!(named.contains(name), "{name}: {names}");
    }
    for path in names.lines() {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(text.contains(".SH SYNOPSIS"), "{path}");
        if has("mandoc") {
            accepts("mandoc", &["-T", "lint", "-W", "error"], &text);
        }
    }
    let plan = std::fs::read_to_string(format!("{dir}/entryctl-plan.1")).unwrap();
    assert!(plan.contains("entryctl plan v1.2"), "{plan}");
    entryctl(&["man", "--dir", "/proc/none"]).expect(1);
}
