//! `entryctl vault edit`: editors that are scripts, and what is left behind by each.

use super::cli::Run;
use crate::support::guard::Guard;
use crate::support::lines::Lines;
use crate::support::terminal::Terminal;
use crate::support::wait;
use nix::sys::signal::{Signal, kill};
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::Stdio;

const PLAIN: &str = "\
# top
p:
  a: one   # kept
  b: \"two\"
  c: |
    three

  d:
  e: &e 'x'
  f: *e
# middle
q: clear
";

/// A file whose `$.p` is encrypted, and an editor that says where its file was.
fn sealed(script: &str) -> Run {
    let run = Run::new().env("EDITOR", "sh 'my editor.sh'");
    run.file("plain.yml", PLAIN);
    run.good(&["encrypt", "plain.yml", "-o", "s.yml", "-k", "$.p"]);
    run.file("my editor.sh", &format!("echo \"$1\" >where\n{script}\n"));
    run
}

/// Nothing is left of the file that was edited, or of what stood beside it.
#[track_caller]
fn is_gone(run: &Run) {
    let was = run.read("where");
    let was = Path::new(was.trim());
    assert!(was.starts_with("/dev/shm/"), "{was:?}");
    assert!(!was.parent().unwrap().exists(), "{was:?}");
}

const EDIT: [&str; 4] = ["edit", "s.yml", "-k", "$.p"];

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

#[test]
fn only_what_changed_is_encrypted_again() {
    let script = "stat -c %a \"$1\" \"${1%/*}\" >modes; touch \"$1~\"; cat \"$1\" >seen
        sed -i 's/two/2 = two/; s/# middle/# MIDDLE/; s/^q: clear/q: \"clear\"/' \"$1\"";
    let run = sealed(script);
    let before = run.read("s.yml");
    let told = run.told(&EDIT);
    assert_eq!(told, "entryctl: s.yml: 1 encrypted, 4 kept as they were\n");
    is_gone(&run);
    assert_eq!(
        (run.read("seen"), run.read("modes")),
        (PLAIN.to_owned(), "600\n700\n".to_owned())
    );
    let (mut want, after) = (lines(&before), lines(&run.read("s.yml")));
    assert!(after[3].starts_with("  b: \"") && after[3] != want[3]);
    want[3].clone_from(&after[3]);
    want[10] = "# MIDDLE".to_owned();
    want[11] = "q: \"clear\"".to_owned();
    assert_eq!(after, want);
    let plain = PLAIN
        .replace("two", "2 = two")
        .replace("middle", "MIDDLE")
        .replace("q: clear", "q: \"clear\"");
    assert_eq!(run.good(&["decrypt", "s.yml", "-k", "$.p"]), plain);
}

#[test]
fn new_keys_are_encrypted_and_old_ones_may_go_or_move() {
    let script = "sed -i '/b: /d; s/^q: /  g: new-canary\\nq: /; s/a: one /a: \"one\" /' \"$1\"";
    let run = sealed(script);
    let before = lines(&run.read("s.yml"));
    let told = run.told(&EDIT);
    assert_eq!(told, "entryctl: s.yml: 1 encrypted, 4 kept as they were\n");
    let after = run.read("s.yml");
    assert!(!after.contains("canary"), "{after}");
    // The message of `a` is the same in its new quotes.
    let message = before[2].split_whitespace().nth(1).unwrap();
    assert!(
        after.contains(&format!("a: \"{message}\"   # kept\n")),
        "{after}"
    );
    assert_eq!(run.good(&["get", "s.yml", "$.p.g"]), "new-canary\n");
    is_gone(&run);
}

#[test]
fn a_failure_keeps_nothing_in_clear_and_the_file_as_it_was() {
    for (script, want) in [
        (
            "exit 3",
            "the editor sh ended with exit status: 3: nothing is changed",
        ),
        ("echo 'a: [canary' >\"$1\"", "s.yml:2:1: not YAML: "),
        (
            "sed -i 's/two/<%= canary %>/' \"$1\"",
            "s.yml:4:6: $.p.b: the value holds ERB",
        ),
        ("rm \"$1\"", "cannot read /dev/shm/"),
        (
            "echo '? [p]\n: canary\np: {x: canary}' >\"$1\"",
            "a mapping's key that is a collection",
        ),
        (
            "sed -i 's/two/canary/' \"$1\"; echo '# more' >>s.yml",
            "s.yml was changed by somebody else in between",
        ),
    ] {
        let run = sealed(script);
        let before = run.read("s.yml");
        let told = run.bad(1, &EDIT);
        assert!(told.contains(want), "{script}: {told}");
        assert_eq!(
            run.read("s.yml").trim_end_matches("# more\n"),
            before,
            "{script}"
        );
        is_gone(&run);
    }
}

#[test]
fn nothing_is_changed() {
    let run = sealed("true");
    let inode = |run: &Run| {
        use std::os::unix::fs::MetadataExt;
        fs::metadata(run.folder.path().join("s.yml")).unwrap().ino()
    };
    let before = (run.read("s.yml"), inode(&run));
    assert_eq!(run.told(&EDIT), "entryctl: s.yml: nothing is changed\n");
    assert_eq!((run.read("s.yml"), inode(&run)), before);
    is_gone(&run);
    let told = run.bad(1, &["edit", "s.yml"]);
    assert!(
        told.contains("s.yml:12:4: $.q: it is not an encrypted message"),
        "{told}"
    );
    for (editor, want) in [
        ("", "no editor: set EDITOR"),
        ("'x", "EDITOR is no command line: 'x"),
        (
            "/no/such/editor",
            "cannot start the editor /no/such/editor: No such file",
        ),
    ] {
        let run = Run::new().env("EDITOR", editor);
        run.file("s.yml", &before.0);
        let told = run.bad(1, &EDIT);
        assert!(told.contains(want), "{told}");
    }
}

/// Starts it with an editor that stays, and waits until it runs.
fn started(run: &Run) -> (Guard, Lines) {
    let mut command = run.command(&EDIT);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut process = Guard::spawn(&mut command);
    let stderr = Lines::of(process.stderr.take().unwrap());
    let ready = run.folder.path().join("ready");
    wait::until("the editor runs", || ready.exists().then_some(()));
    (process, stderr)
}

#[test]
fn a_signal_ends_the_editor_and_leaves_nothing() {
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let run = sealed("echo canary >\"$1\"; touch ready; exec sleep 1000");
        let before = run.read("s.yml");
        let (mut process, stderr) = started(&run);
        kill(process.pid(), signal).unwrap();
        let status = wait::exit(&mut process, &stderr);
        assert_eq!(status.signal(), Some(signal as i32), "{status}");
        assert_eq!(run.read("s.yml"), before);
        is_gone(&run);
    }
}

#[test]
fn an_editor_that_ignores_term_is_killed_at_the_second() {
    let run = sealed("trap '' TERM; touch ready; exec sleep 1000");
    let (mut process, stderr) = started(&run);
    // INT is the editor's own affair.
    kill(process.pid(), Signal::SIGINT).unwrap();
    kill(process.pid(), Signal::SIGTERM).unwrap();
    let pending = || wait::status(process.pid(), "ShdPnd");
    wait::until("the first is taken", || {
        (pending()? == "0000000000000000").then_some(())
    });
    assert!(process.try_wait().unwrap().is_none());
    kill(process.pid(), Signal::SIGTERM).unwrap();
    assert_eq!(wait::exit(&mut process, &stderr).signal(), Some(15));
    is_gone(&run);
}

#[test]
fn on_a_terminal_a_mistake_can_be_edited_again() {
    let script = "n=$(cat count 2>/dev/null); echo x$n >count
        if [ -z \"$n\" ]; then echo 'p: {a: [' >>\"$1\"; else sed -i '$d; s/two/2/' \"$1\"; fi";
    for (answer, code, told) in [("y\n", 0, "1 encrypted, 4 kept"), ("n\n", 1, "not YAML")] {
        let run = sealed(script);
        let before = run.read("s.yml");
        let (mut process, terminal) = Terminal::spawn(&run.command(&EDIT));
        terminal.screen.wait_for_text("Edit again?", 1);
        terminal.type_in(answer);
        let status = wait::exit(&mut process, &terminal.screen);
        let screen = String::from_utf8_lossy(&terminal.screen.rest()).into_owned();
        assert_eq!(status.code(), Some(code), "{screen}");
        assert!(screen.contains(told), "{screen}");
        assert_eq!(run.read("s.yml") == before, code == 1);
        is_gone(&run);
    }
}

#[test]
fn without_memory_a_disk_must_be_allowed() {
    let run = sealed("sed -i 's/two/2/' \"$1\"");
    let disk = env!("CARGO_TARGET_TMPDIR");
    let inside = |more: &str| {
        let mut shell = std::process::Command::new("unshare");
        let command = run.command(&EDIT);
        let script = format!("mount --bind {disk} /dev/shm || exit 99; exec \"$@\" {more}");
        shell.args(["--mount", "sh", "-c", &script, "sh"]);
        shell.arg(command.get_program()).args(command.get_args());
        shell.current_dir(run.folder.path()).env_clear();
        for (name, value) in command.get_envs() {
            shell.envs(value.map(|value| (name, value)));
        }
        shell.env("PATH", std::env::var_os("PATH").unwrap());
        shell.output().unwrap()
    };
    let refused = inside("");
    let told = super::cli::text(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{told}");
    assert!(told.contains("allow a disk with --allow-disk"), "{told}");
    let done = inside("--allow-disk");
    assert_eq!(
        done.status.code(),
        Some(0),
        "{}",
        super::cli::text(&done.stderr)
    );
    assert!(!Path::new(run.read("where").trim()).exists());
    assert_eq!(run.good(&["get", "s.yml", "$.p.b"]), "2\n");
}
