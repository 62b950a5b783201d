//! `entryctl vault diff` and `entryctl vault textconv`, with git itself.

use super::cli::{Run, entryctl, text};
use std::process::Command;

fn git(run: &Run, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command
        .args(["-c", "user.name=t", "-c", "user.email=t@example.com"])
        .args(args)
        .current_dir(run.folder.path())
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("YAML_VAULT_PASSPHRASE", run.passphrase.unwrap_or_default());
    let output = command.output().unwrap();
    let told = text(&output.stderr);
    assert!(output.status.success(), "git {args:?}: {told}");
    text(&output.stdout)
}

const OLD: &str = "a: one\nb: two\nc: three\n";
const NEW: &str = "a: one\nb: 2\nc: three\n";
const CHANGE: &str = "@@ -1,3 +1,3 @@\n a: one\n-b: two\n+b: 2\n c: three\n";

/// Two commits of an encrypted file, which share no message.
fn repository() -> Run {
    let run = Run::new();
    git(&run, &["init", "-q"]);
    std::fs::create_dir(run.folder.path().join("config")).unwrap();
    for plain in [OLD, NEW] {
        run.file("plain.yml", plain);
        run.good(&["encrypt", "plain.yml", "-o", "config/s.yml"]);
        git(&run, &["add", "config"]);
        git(&run, &["commit", "-qm", "x"]);
    }
    run
}

#[test]
fn files_and_revisions() {
    let run = repository();
    run.file("plain.yml", OLD);
    run.good(&["encrypt", "plain.yml", "-o", "old.yml"]);
    let header = |old: &str, new: &str| format!("--- {old}\n+++ {new}\n{CHANGE}");
    let spec = ["HEAD~1:config/s.yml", "HEAD:config/s.yml"];
    assert_eq!(
        run.good(&["diff", spec[0], spec[1]]),
        header(spec[0], spec[1])
    );
    let diff = run.good(&["diff", "HEAD~1", "config/s.yml"]);
    assert_eq!(diff, header(spec[0], "config/s.yml"));
    let diff = run.good(&["diff", "old.yml", "config/s.yml"]);
    assert_eq!(diff, header("old.yml", "config/s.yml"));
    // Encrypted on one side, in clear on the other; and nothing but other messages.
    let diff = run.good(&["diff", "plain.yml", "config/s.yml"]);
    assert_eq!(diff, header("plain.yml", "config/s.yml"));
    assert_eq!(run.good(&["diff", "plain.yml", "old.yml"]), "");
    assert_eq!(run.good(&["diff", "config/s.yml"]), "");
    run.good(&["encrypt", "plain.yml", "-o", "config/s.yml"]);
    let back = "@@ -1,3 +1,3 @@\n a: one\n-b: 2\n+b: two\n c: three\n";
    let want = format!("--- HEAD:config/s.yml\n+++ config/s.yml\n{back}");
    assert_eq!(run.good(&["diff", "config/s.yml"]), want);
}

#[test]
fn what_cannot_be_compared_is_an_error() {
    let mut run = repository();
    for (args, want) in [
        (
            vec!["diff", "none", "config/s.yml"],
            "git has no none:./s.yml: fatal: ",
        ),
        (
            vec!["diff", "HEAD:none", "config/s.yml"],
            "git has no HEAD:none: fatal: ",
        ),
        (
            vec!["diff", "none.yml", "other.yml"],
            "cannot read none.yml: No such file",
        ),
        (
            vec!["diff", "--", "--x:y", "config/s.yml"],
            "--x:y is no git revision",
        ),
        (
            vec!["diff", "plain.yml"],
            "git has no HEAD:./plain.yml: fatal: ",
        ),
    ] {
        let told = run.bad(1, &args);
        assert!(told.contains(want), "{args:?}: {told}");
    }
    run.passphrase = Some("wrong");
    let told = run.bad(1, &["diff", "HEAD~1", "config/s.yml"]);
    assert!(
        told.contains("HEAD~1:config/s.yml:1:4: $.a: the signature"),
        "{told}"
    );
}

#[test]
fn git_shows_plain_values_by_textconv() {
    let mut run = repository();
    run.file(".gitattributes", "config/*.yml diff=vault\n");
    let command = format!("'{}' vault textconv -k '$'", entryctl().display());
    git(&run, &["config", "diff.vault.textconv", &command]);
    let shown = git(&run, &["diff", "HEAD~1", "HEAD"]);
    assert!(shown.ends_with(CHANGE), "{shown}");
    // Without the key git goes on, with what stands in the file.
    run.passphrase = Some("wrong");
    let shown = git(&run, &["diff", "HEAD~1", "HEAD"]);
    assert!(!shown.contains("two") && shown.contains("-b: "), "{shown}");
}

#[test]
fn textconv_falls_back_to_the_files_own_bytes() {
    let mut run = Run::new();
    let bytes = b"a: \xff\n".to_vec();
    std::fs::write(run.folder.path().join("latin.yml"), &bytes).unwrap();
    let output = run.ctl(&["textconv", "latin.yml"]);
    assert_eq!((output.status.code(), &output.stdout), (Some(0), &bytes));
    assert_eq!(
        text(&output.stderr),
        "entryctl: warning: latin.yml is shown as it is: latin.yml is not UTF-8\n"
    );
    run.file("plain.yml", OLD);
    run.good(&["encrypt", "plain.yml", "-o", "s.yml"]);
    assert_eq!(run.good(&["textconv", "s.yml"]), OLD);
    run.passphrase = None;
    let output = run.ctl(&["textconv", "s.yml"]);
    assert_eq!(text(&output.stdout), run.read("s.yml"));
    assert_eq!(
        text(&output.stderr),
        "entryctl: warning: s.yml is shown as it is: no passphrase: set the environment variable YAML_VAULT_PASSPHRASE\n"
    );
    run.passphrase = Some("wrong");
    let told = text(&run.ctl(&["textconv", "s.yml"]).stderr);
    assert!(
        told.starts_with(
            "entryctl: warning: s.yml is shown as it is: s.yml:1:4: $.a: the signature"
        ),
        "{told}"
    );
    assert!(told.ends_with("(and 3 lines more)\n"), "{told}");
    assert!(
        run.bad(1, &["textconv", "none.yml"])
            .contains("cannot read none.yml")
    );
}
