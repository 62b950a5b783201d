//! `--symlink`: what it makes, and what it leaves alone.

use super::{called, linked};
use crate::support::{Entry, binary};
use std::fs;
use std::path::Path;
use std::process::Command;

const NAMES: [&str; 5] = ["switch", "render", "prehook", "codep", "entrykit"];

fn target(link: &Path) -> String {
    fs::read_link(link).unwrap().display().to_string()
}

#[test]
fn links_in_a_folder_work() {
    let entry = Entry::new().args(["--symlink", "."]);
    let folder = fs::canonicalize(entry.folder()).unwrap();
    let own = fs::canonicalize(binary("entry")).unwrap();
    let done = entry.run().expect(0);
    let told: String = NAMES
        .map(|name| format!("{}/{name} -> {}: made\n", folder.display(), own.display()))
        .concat();
    assert_eq!(done.stdout(), told);
    for name in NAMES {
        let link = done.folder().join(name);
        assert_eq!(target(&link), own.display().to_string());
        let ran = Command::new(link)
            .current_dir(done.folder())
            .args(["--", "echo", "through", name])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8_lossy(&ran.stdout),
            format!("through {name}\n"),
            "{ran:?}"
        );
    }
}

#[test]
fn beside_entry_they_are_relative_and_made_once() {
    let mut entry = Entry::of(Command::new("bin/entry"));
    fs::create_dir(entry.folder().join("bin")).unwrap();
    fs::hard_link(binary("entry"), entry.folder().join("bin/entry"))
        .or_else(|_| fs::copy(binary("entry"), entry.folder().join("bin/entry")).map(drop))
        .unwrap();
    let own = entry.folder().join("bin/entry");
    entry.command = Command::new(&own);
    let entry = entry.args(["--symlink"]);
    let done = entry.run().expect(0);
    for name in NAMES {
        assert_eq!(target(&done.folder().join("bin").join(name)), "entry");
    }
    // Called by a name of EntryKit's, as its Dockerfiles do.
    let again = Command::new(done.folder().join("bin/entrykit"))
        .arg("--symlink")
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&again.stdout).into_owned();
    assert_eq!(
        told.lines()
            .filter(|line| line.ends_with(": there already"))
            .count(),
        5,
        "{told}"
    );
}

#[test]
fn nothing_else_is_replaced() {
    let entry = Entry::new().args(["--symlink", "."]).file("render", "mine");
    std::os::unix::fs::symlink("/bin/true", entry.folder().join("codep")).unwrap();
    std::os::unix::fs::symlink("nowhere", entry.folder().join("switch")).unwrap();
    linked(&entry, "prehook");
    let folder = fs::canonicalize(entry.folder()).unwrap();
    let done = entry.run().expect(125);
    let told = ["switch", "render", "codep"].map(|name| {
        let path = folder.join(name);
        format!(
            "{}: is something else: remove it, or name another folder, as --symlink DIR",
            path.display()
        )
    });
    assert_eq!(done.errors(), told);
    assert!(!done.folder().join("entrykit").exists());
    assert_eq!(
        fs::read_to_string(done.folder().join("render")).unwrap(),
        "mine"
    );
}

#[test]
fn what_is_no_folder() {
    let done = Entry::new().args(["--symlink", "nope"]).run().expect(125);
    assert_eq!(
        done.errors(),
        ["nope: No such file or directory (os error 2)"]
    );
    let done = Entry::new()
        .args(["--symlink", ".", "web"])
        .run()
        .expect(125);
    assert!(
        done.stderr()
            .contains("--symlink takes one folder, but got \"web\", too"),
        "{}",
        done.stderr()
    );
}

#[test]
fn entrykit_answers_for_entry() {
    let version = called("entrykit", &["-v"]).run().expect(0).stdout();
    assert_eq!(
        version,
        Entry::new().args(["--version"]).run().expect(0).stdout()
    );
    let help = called("entrykit", &["--help"]).run().expect(0).stdout();
    assert!(help.contains("--symlink"), "{help}");
}
