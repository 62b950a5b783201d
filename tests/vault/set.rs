//! `entryctl vault set`: one value changes, and nothing else.

use super::cli::{Run, text};
use crate::support::terminal::{CTRL_C, Terminal};
use crate::support::wait;

const PLAIN: &str = "\
# top
production:
  user: root   # who
  pass: \"old\"
  port: 5432
  note: |
    one

    two

  list: [a, 'b']
dev: {pass: dev}
";

fn sealed() -> Run {
    let run = Run::new();
    run.file("plain.yml", PLAIN);
    run.good(&["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.production"]);
    run
}

/// Lines that differ between two texts of the same number of lines.
fn changed(before: &str, after: &str) -> Vec<usize> {
    assert_eq!(before.lines().count(), after.lines().count(), "{after}");
    let pairs = before.lines().zip(after.lines()).enumerate();
    pairs
        .filter_map(|(n, (old, new))| (old != new).then_some(n + 1))
        .collect()
}

#[track_caller]
fn set(run: &Run, args: &[&str], value: &str) {
    let output = run.fed(&[&["set", "s.yml"], args].concat(), value);
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), told.as_str()), (Some(0), ""));
    assert_eq!(text(&output.stdout), "");
}

#[test]
fn one_value_and_no_other_byte() {
    let run = sealed();
    let cases = [
        (
            "$.production.user",
            3,
            "new # \"x\"\n",
            "user: 'new # \"x\"'   # who",
        ),
        ("$.production.pass", 4, "b: 'c'", "pass: \"b: 'c'\""),
        ("$.production.list.[1]", 9, "x\n", "list: [a, 'x']"),
    ];
    for (path, line, value, _) in &cases {
        let before = run.read("s.yml");
        set(&run, &[path], value);
        assert_eq!(changed(&before, &run.read("s.yml")), [*line], "{path}");
    }
    let plain = run.good(&["decrypt", "s.yml", "-k", "$.production"]);
    for (path, .., shown) in cases {
        assert!(plain.contains(shown), "{path}: {plain}");
    }
    assert_eq!(changed(PLAIN, &plain), [3, 4, 11]);
}

#[test]
fn texts_that_look_like_more_are_asked_about() {
    let run = sealed();
    let cases = [
        ("5433", "a number"),
        ("yes", "a boolean"),
        ("~", "nothing (null)"),
        ("2020-01-01", "a date"),
        (":x", "a symbol"),
    ];
    let before = run.read("s.yml");
    for (value, kind) in cases {
        let output = run.fed(&["set", "s.yml", "$.production.port"], value);
        let want = format!(
            "entryctl: s.yml: without quotes, as $.production.port stands there, the value would be {kind}, and not text: keep it text with --string, or give it its type with --plain\n"
        );
        assert_eq!(
            (output.status.code(), text(&output.stderr)),
            (Some(1), want)
        );
    }
    let output = run.fed(&["set", "s.yml", "$.production.pass"], "\n");
    assert!(text(&output.stderr).contains("the value is empty: allow that with --string"));
    assert_eq!(run.read("s.yml"), before);
    let get = |path: &str| run.good(&["get", "s.yml", path, "--json"]);
    set(&run, &["$.production.port", "--string"], "5433");
    assert_eq!(get("$.production.port"), "\"5433\"\n");
    set(&run, &["$.production.port", "--plain"], "5434\n");
    assert_eq!(get("$.production.port"), "5434\n");
    // What stands in quotes is text in any case.
    set(&run, &["$.production.pass"], "0755");
    assert_eq!(get("$.production.pass"), "\"0755\"\n");
    set(&run, &["$.production.pass", "--string"], "");
    assert_eq!(get("$.production.pass"), "\"\"\n");
    set(&run, &["$.production.user", "--plain"], "");
    assert_eq!(get("$.production.user"), "null\n");
}

#[test]
fn a_value_in_clear_becomes_encrypted() {
    let run = sealed();
    set(&run, &["$.dev.pass"], "canary");
    assert!(!run.read("s.yml").contains("canary"));
    assert_eq!(run.good(&["get", "s.yml", "$.dev.pass"]), "canary\n");
}

#[test]
fn a_key_can_be_added() {
    let cases = [
        ("a: 1\n", "$.b", "a: 1\nb: \"new\"\n"),
        ("a: 1", "$.b", "a: 1\nb: \"new\""),
        ("a: 1 # c\n# end\n", "$.b", "a: 1 # c\nb: \"new\"\n# end\n"),
        (
            "a:\n  b: 1\n  c: [1,\n    2]\nd: 1\n",
            "$.a.x",
            "a:\n  b: 1\n  c: [1,\n    2]\n  x: \"new\"\nd: 1\n",
        ),
        (
            "a:\n    b:\n      c: 1\n\n\nd: 1\n",
            "$.a.b.x",
            "a:\n    b:\n      c: 1\n      x: \"new\"\n\n\nd: 1\n",
        ),
        (
            "a:\r\n  b: 1\r\nd: 1\r\n",
            "$.a.x",
            "a:\r\n  b: 1\r\n  x: \"new\"\r\nd: 1\r\n",
        ),
        (
            "a:\n  b: |\n    text\nd: 1\n",
            "$.a.x",
            "a:\n  b: |\n    text\n  x: \"new\"\nd: 1\n",
        ),
        (
            "a:\n  b:\nd: 1\n",
            "$.a.x",
            "a:\n  b:\n  x: \"new\"\nd: 1\n",
        ),
        (
            "a: &a\n  b: 1\nd: *a\n",
            "$.a.'x.y'",
            "a: &a\n  b: 1\n  x.y: \"new\"\nd: *a\n",
        ),
        ("a: 1\n", "$.yes", "a: 1\n\"yes\": \"new\"\n"),
        ("a: 1\n", "$.'b: c'", "a: 1\n\"b: c\": \"new\"\n"),
        ("a: 1\n...\n", "$.b", "a: 1\nb: \"new\"\n...\n"),
        (
            "a: 1\nd:\n  - x\n  - y\n",
            "$.b",
            "a: 1\nd:\n  - x\n  - y\nb: \"new\"\n",
        ),
    ];
    for (before, path, want) in cases {
        let run = Run::new();
        run.file("s.yml", before);
        set(&run, &[path, "--add"], "new");
        let plain = run.good(&["decrypt", "s.yml", "-k", path]);
        assert_eq!(plain, want, "{before:?}");
    }
}

#[test]
fn what_is_refused_leaves_the_file() {
    let run = Run::new();
    let file = "a: {b: 1}\nc: [1]\nd: &d {e: 1, f: 2}\ng: *d\nh: x\nh: y\n";
    run.file("s.yml", file);
    for (args, want) in [
        (
            vec!["$.none"],
            "key path $.none matches nothing: correct it, or add the key with --add",
        ),
        (
            vec!["$.a"],
            "key path $.a means no single value: it leads to $.a.b: name one value",
        ),
        (vec!["$.d"], "it leads to $.d.e, $.d.f: name one value"),
        (vec!["$"], "$.a.b, $.c.[0], $.d.e, 3 more: name one value"),
        (vec!["$.h"], "it leads to $.h, $.h: name one value"),
        (
            vec!["$.a.x", "--add"],
            "key path $.a.x cannot be added: its mapping stands in braces or is empty",
        ),
        (
            vec!["$.x.y", "--add"],
            "key path $.x.y cannot be added: there is no such mapping",
        ),
        (
            vec!["$.c.[1]", "--add"],
            "key path $.c.[1] cannot be added: write each key in full",
        ),
    ] {
        let output = run.fed(&[&["set", "s.yml"], &args[..]].concat(), "canary");
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{args:?}: {told}");
        assert!(told.contains(want), "{args:?}: {told}");
        assert!(!told.contains("canary"));
        assert_eq!(run.read("s.yml"), file);
    }
    let output = run.fed(&["set", "-", "$.h"], "x");
    assert!(text(&output.stderr).contains("standard input cannot be changed: name a file"));
    let output = run.fed(&["set", "s.yml", "$.h", "--string", "--plain"], "x");
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn what_the_gem_would_change_is_told() {
    let run = sealed();
    for (value, want) in [
        (
            "!important note",
            "4:9: $.production.pass: entry reads the value back, but the yaml_vault gem will change it",
        ),
        (
            "<%= 1 %>",
            "$.production.pass: the value holds `<%`, which Rails runs as ERB after the gem decrypted it",
        ),
    ] {
        let output = run.fed(&["set", "s.yml", "$.production.pass"], value);
        let told = text(&output.stderr);
        assert!(told.contains(want), "{told}");
        let got = run.good(&["get", "s.yml", "$.production.pass"]);
        assert_eq!(got.trim_end(), value);
    }
}

#[test]
fn a_terminal_is_asked_and_shows_nothing() {
    let run = sealed();
    let command = run.command(&["set", "s.yml", "$.production.pass"]);
    let before = run.read("s.yml");
    for (typed, code) in [("typ0\u{7f}ed-canary\r", 0), (CTRL_C, 1)] {
        let (mut process, terminal) = Terminal::spawn(&command);
        terminal
            .screen
            .wait_for_text("Value of $.production.pass: ", 1);
        terminal.type_in(typed);
        let status = wait::exit(&mut process, &terminal.screen);
        let screen = terminal.screen.so_far();
        assert_eq!(status.code(), Some(code), "{screen}");
        assert!(!screen.contains("canary"), "{screen}");
    }
    assert_ne!(run.read("s.yml"), before);
    let got = run.good(&["get", "s.yml", "$.production.pass"]);
    assert_eq!(got, "typed-canary\n");
}
