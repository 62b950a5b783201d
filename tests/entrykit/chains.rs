//! What EntryKit loses and a chain keeps: order, words, codes, signals, modes. And the modes folder under it.

use super::called;
use crate::support::Entry;
use nix::sys::signal::Signal;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

/// A file of the chain's folder with these permissions.
fn with(entry: Entry, path: &str, content: &str, mode: u32) -> Entry {
    let entry = entry.file(path, content);
    fs::set_permissions(entry.folder().join(path), PermissionsExt::from_mode(mode)).unwrap();
    entry
}

#[test]
fn order_is_kept() {
    let tasks: Vec<String> = (0..20).map(|n| format!("t{n}=echo {n}")).collect();
    let mut words: Vec<&str> = tasks.iter().map(String::as_str).collect();
    words.extend(["--", "echo", "end"]);
    let done = called("prehook", &words).run().expect(0);
    let expected = (0..20)
        .map(|n| n.to_string())
        .collect::<Vec<_>>()
        .join("\n");
    assert_eq!(done.stdout(), expected + "\nend\n");

    // Two commands of one program are two tasks.
    let words = ["echo one", "echo two", "--", "echo", "end"];
    assert_eq!(
        called("prehook", &words).run().expect(0).stdout(),
        "one\ntwo\nend\n"
    );
}

#[test]
fn a_template_may_come_after_a_hook() {
    let words = [
        "sh -c 'echo \"<$N>\" >t.tmpl'",
        "--",
        "render",
        "t",
        "--",
        "prehook",
        "sh -c 'cat t; mv t u'",
        "--",
        "cat",
        "u",
    ];
    let done = called("prehook", &words).env("N", "n").run().expect(0);
    assert_eq!(done.stdout(), "<n>\n<n>\n");
    // One that fails ends the chain.
    let words = [
        "echo first",
        "--",
        "render",
        "none",
        "--",
        "prehook",
        "echo second",
        "--",
        "echo",
        "end",
    ];
    let done = called("prehook", &words).run().expect(125);
    assert_eq!(done.stdout(), "first\n");
    let told =
        "render: none.tmpl: no such file: is it in the image, and the working directory right?";
    assert_eq!(done.errors(), [told]);
}

#[test]
fn quotes_are_posix() {
    let words = [
        "printf '<%s>' 'a b' \"c'd\" e\\ f \"$V\"",
        "--",
        "sh",
        "-c",
        "printf '[%s]' \"$@\"",
        "sh",
        "${V}",
        "${NONE:-x y}",
    ];
    let done = called("prehook", &words).env("V", "1  2").run().expect(0);
    assert_eq!(done.stdout(), "<a b><c'd><e f><1  2>[1  2][x y]");
}

#[test]
fn codes_pass() {
    assert_eq!(
        called("prehook", &["sh -c 'exit 3'", "--", "true"])
            .run()
            .code(),
        3
    );
    assert_eq!(
        called("prehook", &["sh -c 'kill -9 $$'", "--", "true"])
            .run()
            .code(),
        137
    );
    assert_eq!(
        called("prehook", &["no-such-program", "--", "true"])
            .run()
            .code(),
        127
    );
    assert_eq!(
        called("prehook", &["true", "--", "sh", "-c", "exit 4"])
            .run()
            .code(),
        4
    );
    assert_eq!(
        called("prehook", &["true", "--", "no-such-program"])
            .run()
            .code(),
        127
    );
    assert_eq!(
        called("switch", &["x=sh -c 'exit 6'", "--", "x"])
            .run()
            .code(),
        6
    );
    assert_eq!(
        called("codep", &["sh -c 'exit 5'", "sleep 1000"])
            .run()
            .code(),
        5
    );
    assert_eq!(
        called("codep", &["sh -c 'kill -9 $$'", "sleep 1000"])
            .run()
            .code(),
        137
    );
}

#[test]
fn signals_pass() {
    let script = "trap 'echo got TERM; exit 9' TERM; echo ready; while :; do sleep 1 & wait; done";
    let running = called("prehook", &["true", "--", "sh", "-c", script]).start();
    running.stdout.wait_for("ready");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().expect(9).stdout(), "ready\ngot TERM\n");

    let task = format!(
        "sh -c {}",
        shell_words::quote(&script.replace("ready", "ready $0"))
    );
    let (one, two) = (format!("{task} one"), format!("{task} two"));
    let running = called("codep", &[&one, &two]).start();
    running.stdout.wait_for("ready one");
    running.stdout.wait_for("ready two");
    running.signal(Signal::SIGTERM);
    let said = running.finish().expect(9).stdout();
    assert_eq!(said.matches("got TERM").count(), 2, "{said}");
}

#[test]
fn a_hook_is_told_of_a_stop() {
    let script =
        "sh -c 'trap \"echo got TERM; exit 0\" TERM; echo ready; while :; do sleep 1 & wait; done'";
    let running = called("prehook", &[script, "--", "echo", "never"]).start();
    running.stdout.wait_for("ready");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().expect(143).stdout(), "ready\ngot TERM\n");
}

#[test]
fn a_templates_mode_is_kept() {
    for mode in [0o600, 0o644, 0o755] {
        let entry = with(
            called("render", &["t", "--", "stat", "-c", "%a", "t"]),
            "t.tmpl",
            "x\n",
            mode,
        );
        assert_eq!(entry.run().expect(0).stdout(), format!("{mode:o}\n"));
    }
}

#[test]
fn rendering_alone_leaves_the_file() {
    let done = with(
        called("render", &["a/t"]),
        "a/t.tmpl",
        "{{ var \"N\" | default \"n\" }}\n",
        0o640,
    )
    .run()
    .expect(0);
    let file = done.folder().join("a/t");
    assert_eq!(fs::read_to_string(&file).unwrap(), "n\n");
    assert_eq!(fs::metadata(file).unwrap().mode() & 0o777, 0o640);
}

#[test]
fn what_a_template_may_not_hold_names_its_form_in_jinja() {
    let entry = with(
        called("render", &["t", "--", "true"]),
        "t.tmpl",
        "{{ if .x }}\n{{ end }}\n",
        0o644,
    );
    let write = "is more than var and default: make it a template of render, and write";
    assert_eq!(
        entry.run().expect(125).errors(),
        [
            format!(
                "render: t.tmpl:1: {{{{ if .x }}}} {write} {{% if NAME is defined %}}…{{% endif %}}"
            ),
            format!("render: t.tmpl:2: {{{{ end }}}} {write} {{% endif %}} or {{% endfor %}}"),
        ]
    );
}

#[test]
fn what_is_wrong_with_a_chain_starts_nothing() {
    let words = [
        "touch started",
        "-x",
        "echo it's",
        "--",
        "codep",
        "a",
        "--",
        "b",
    ];
    let done = called("prehook", &words).run().expect(125);
    assert_eq!(
        done.errors(),
        [
            "prehook: unknown option -x: known are -e, -E, -f FILE, -p and -t DIR; a command with options of its own follows --",
            "prehook: task \"echo it's\": a quote is not closed: close it, or write \\ before it",
            "codep: \"b\" follows processes that end together, and then entry ends, too: make it one of them, or a prehook",
        ]
    );
    assert!(!done.folder().join("started").exists());
}

#[test]
fn defaults_and_oneoff_lie_under_a_chain() {
    let entry = called(
        "prehook",
        &[
            "sh -c 'echo $WHO $(id -u)'",
            "--",
            "sh",
            "-c",
            "echo ${WHO} $(id -u)",
        ],
    )
    .mode("_defaults", "env: {WHO: default}\nuser: daemon\n")
    .mode(
        "oneoff",
        "env: {WHO: oneoff}\nbefore: [{command: echo mine}]\n",
    )
    .mode("prehook", "command: echo wrong\n");
    fs::set_permissions(entry.folder(), PermissionsExt::from_mode(0o755)).unwrap();
    assert_eq!(entry.run().expect(0).stdout(), "mine\noneoff 1\noneoff 1\n");

    let stopped = called("codep", &["sh -c 'trap \"echo got QUIT; exit 0\" QUIT; echo ready; while :; do sleep 1 & wait; done'"])
        .mode("_defaults", "stop: {steps: [{signal: QUIT, wait: 20s}]}\n")
        .start();
    stopped.stdout.wait_for("ready");
    stopped.signal(Signal::SIGTERM);
    assert_eq!(stopped.finish().expect(0).stdout(), "ready\ngot QUIT\n");
}

#[test]
fn a_secret_stays_what_it_is() {
    let vault = "secrets: [{vault: s.yml, env: {TOKEN: $.token}}]\n";
    let entry = |words: &[&str]| {
        called("render", words)
            .mode("_defaults", vault)
            .file(
                "s.yml",
                crate::support::sealed::seal("token: s3cret\n", &["$"]),
            )
            .env("YAML_VAULT_PASSPHRASE", crate::support::sealed::PASSPHRASE)
    };
    let words = ["t", "--", "sh", "-c", "stat -c %a t; cat t"];
    let done = with(entry(&words), "t.tmpl", "$TOKEN\n", 0o644)
        .run()
        .expect(0);
    assert_eq!(done.stdout(), "400\ns3cret\n");
    let done = entry(&["--", "echo", "$YAML_VAULT_PASSPHRASE"])
        .run()
        .expect(125);
    let told = "render: argument \"$YAML_VAULT_PASSPHRASE\": $YAML_VAULT_PASSPHRASE holds a passphrase, which is not filled in anywhere: take it out";
    assert_eq!(done.errors(), [told]);
}

#[test]
fn a_file_holds_tasks() {
    let tasks = "PREHOOK_B=echo b\nPREHOOK_A=echo a\n";
    let done =
        called("prehook", &["-f", "tasks", "c=echo c", "--", "echo", "end"]).file("tasks", tasks);
    assert_eq!(done.run().expect(0).stdout(), "b\na\nc\nend\n");
}

/// A word on entry's own command line is no link.
#[test]
fn entry_itself_is_none() {
    let done = Entry::new()
        .args(["switch", "a=b", "--", "c"])
        .run()
        .expect(127);
    assert!(
        done.errors()[0].starts_with("switch: not found in PATH"),
        "{:?}",
        done.errors()
    );
}
