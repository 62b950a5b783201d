//! Which folder and which files.

use entry::config::{Lookup, Request, Source};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

const NOTHING: Lookup = &|_| None;

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

#[test]
fn the_option_is_before_the_variable() {
    let flag = folder(&[("a.yml", "command: x")]);
    let named = folder(&[("b.yaml", "command: x")]);
    let value = named.path().as_os_str().to_owned();
    let lookup = move |name: &str| (name == "ENTRY_MODES").then(|| value.clone());
    let modes = |flag| Source::find(flag, &lookup).unwrap().mode_names().join(" ");
    assert_eq!(modes(Some(flag.path())), "a");
    assert_eq!(modes(None), "b");
}

#[test]
fn a_named_folder_must_be_one() {
    let dir = folder(&[("file", "")]);
    let missing = dir.path().join("missing");
    let error = |flag: Option<&Path>, value: Option<&str>| {
        let value = value.map(OsString::from);
        let lookup = move |_: &str| value.clone();
        let error = Source::find(flag, &lookup).unwrap_err().to_string();
        error.replace(dir.path().to_str().unwrap(), "DIR")
    };
    for (found, expected) in [
        (
            error(Some(&missing), None),
            "--modes \"DIR/missing\": no such folder, name the folder that holds the mode files",
        ),
        (
            error(None, missing.to_str()),
            "ENTRY_MODES \"DIR/missing\": no such folder, name the folder that holds the mode files",
        ),
        (
            error(None, Some("")),
            "ENTRY_MODES \"\": no such folder, name the folder that holds the mode files",
        ),
        (
            error(Some(&dir.path().join("file")), None),
            "--modes \"DIR/file\": cannot be read: Not a directory (os error 20)",
        ),
    ] {
        assert_eq!(found, expected);
    }
}

#[test]
fn which_files_are_modes() {
    let dir = folder(&[
        ("web.yml", "command: x"),
        ("a-b_1.yaml", "command: x"),
        ("0.yml", "command: x"),
        ("_x.yml", "?"),
        ("oneoff.yml", ""),
        ("README.md", "?"),
        ("web.yml.bak", "?"),
        ("-x.yml", "?"),
        (".hidden.yml", "?"),
    ]);
    std::os::unix::fs::symlink("web.yml", dir.path().join("linked.yml")).unwrap();
    let source = Source::find(Some(dir.path()), NOTHING).unwrap();
    assert_eq!(source.mode_names(), ["0", "a-b_1", "linked", "web"]);
    assert_eq!(source.folder(), Some(dir.path()));
    assert_eq!(
        source
            .load(Request::Mode("linked"), NOTHING)
            .unwrap()
            .command
            .unwrap(),
        ["x"]
    );
    for name in ["_x", "oneoff", "../web", ""] {
        assert!(source.load(Request::Mode(name), NOTHING).is_err(), "{name}");
    }
}

#[test]
fn the_first_word() {
    let dir = folder(&[("web.yml", "command: x"), ("oneoff.yml", "user: one")]);
    let source = Source::find(Some(dir.path()), NOTHING).unwrap();
    assert_eq!(source.request("web", None), Ok(Request::Mode("web")));
    assert_eq!(
        source.request("wbe", None),
        Ok(Request::OneOff { like: None })
    );
    assert_eq!(
        source.request("oneoff", None),
        Ok(Request::OneOff { like: None })
    );
    assert_eq!(
        source.request("bash", Some("web")),
        Ok(Request::OneOff { like: Some("web") })
    );
    assert!(source.request("web", Some("web")).is_err());
    assert_eq!(source.closest_mode("wbe"), Some("web"));
    assert_eq!(source.closest_mode("rails"), None);
    let one_off = source
        .load(Request::OneOff { like: None }, NOTHING)
        .unwrap();
    assert_eq!(
        (one_off.user.as_deref(), one_off.command),
        (Some("one"), None)
    );
}

#[test]
fn files_that_cannot_be_modes() {
    let dir = folder(&[("web.yml", "command: x")]);
    let large = fs::File::create(dir.path().join("large.yml")).unwrap();
    large.set_len((1 << 20) + 1).unwrap();
    nix::unistd::mkfifo(&dir.path().join("pipe.yml"), nix::sys::stat::Mode::S_IRUSR).unwrap();
    let problems = Source::find(Some(dir.path()), NOTHING)
        .unwrap()
        .check_all(NOTHING)
        .to_string();
    let expected = [
        "large.yml: is larger than 1 MiB",
        "pipe.yml: is not a regular file",
    ];
    let found: Vec<&str> = problems
        .lines()
        .map(|line| line.rsplit('/').next().unwrap())
        .collect();
    assert_eq!(found, expected);
}
