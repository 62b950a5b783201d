//! `entryctl vault check`.

use super::cli::{Run, text};

#[test]
fn clear_text_is_told_with_its_place() {
    let mut run = Run::new();
    run.file("plain.yml", "p:\n  a: canary\n  b:\n  - canary\nd: x\n");
    run.good(&["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.p.a"]);
    run.file("erb.yml", "p: <%= x %>\n");
    run.file("broken.yml", "p: [\n");
    // CI has no passphrase.
    run.passphrase = None;
    assert_eq!(run.good(&["check", "s.yml", "-k", "$.p.a"]), "");
    assert_eq!(
        run.bad(
            1,
            &[
                "check",
                "s.yml",
                "erb.yml",
                "broken.yml",
                "none.yml",
                "-k",
                "$.p",
                "-k",
                "$.z"
            ]
        ),
        "entryctl: s.yml:4:5: $.p.b.[0]: it is in clear text\n\
         entryctl: s.yml: key path $.z matches nothing\n\
         entryctl: erb.yml:1:4: $.p: it is in clear text\n\
         entryctl: erb.yml: key path $.z matches nothing\n\
         entryctl: broken.yml:2:1: not YAML: did not find expected node content\n\
         entryctl: cannot read none.yml: No such file or directory (os error 2)\n"
    );
    let gcm = run.bad(
        1,
        &["check", "s.yml", "-k", "$.p.a", "--cipher", "aes-256-gcm"],
    );
    assert!(
        gcm.contains("s.yml:2:6: $.p.a: it is in clear text"),
        "{gcm}"
    );
    assert_eq!(run.ctl(&["check"]).status.code(), Some(2));
}

#[test]
fn clear_text_through_an_alias_is_a_warning_and_nothing_but_that_an_error() {
    let run = Run::new();
    run.file(
        "plain.yml",
        "d: &d {a: 1, b: 2}\np:\n  <<: *d\n  c: 3\nq: *d\n",
    );
    let why = "$.p.a and 1 more stay in clear text, for they come only through the alias *d: add the key path $.d.a, where the value stands (1:11)\n";
    assert_eq!(
        run.told(&["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.p"]),
        format!("entryctl: warning: {why}")
    );
    assert_eq!(
        run.told(&["check", "s.yml", "-k", "$.p"]),
        format!("entryctl: warning: s.yml: {why}")
    );
    let told = run.bad(1, &["check", "s.yml", "-k", "$.q"]);
    assert!(
        told.contains("key path $.q matches only through the alias *d"),
        "{told}"
    );
}

#[test]
fn encrypting_twice_is_told() {
    let run = Run::new();
    run.file("s.yml", "a: 1\n");
    run.good(&["encrypt", "s.yml", "-o", "s.yml"]);
    let output = run.ctl(&["encrypt", "s.yml", "-o", "twice.yml"]);
    assert_eq!(
        text(&output.stderr),
        "entryctl: warning: s.yml:1:4: $.a: it looks encrypted already, and is now encrypted twice\n"
    );
}
