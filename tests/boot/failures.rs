//! Every failure of a boot: exit 125, a message that says what to do, no app, no file.

use super::{with_secrets, written};
use crate::support::sealed::{PASSPHRASE, seal};
use crate::support::{Entry, Finished};

const YAML: &str = "production:\n  key: value\n  other: [1, two]\n";

/// Asserts that nothing was started and nothing is left.
fn refused(done: Finished, messages: &[&str]) {
    let done = done.expect(125);
    let folder = done.folder().display().to_string();
    let errors: Vec<String> = done
        .errors()
        .iter()
        .map(|error| error.replace(&folder, "DIR"))
        .collect();
    assert_eq!(errors, messages);
    assert!(!done.folder().join("started").exists(), "the app ran");
    assert!(!done.folder().join("out").exists(), "something was left");
}

/// A sealed file and a mode whose command would leave a marker.
fn sealed() -> Entry {
    with_secrets(Entry::new(), "[touch, started]", YAML)
}

/// The same with another text as the vault.
fn vault(text: &str) -> Finished {
    sealed().file("s.yml", text).run()
}

#[test]
fn the_same_without_a_fault_starts() {
    let done = sealed().run().expect(0);
    assert!(done.folder().join("started").exists());
}

#[test]
fn a_wrong_passphrase() {
    let why = "the signature does not match: wrong passphrase, sign passphrase, salt, digest or key length, or a changed message";
    let done = sealed().env("YAML_VAULT_PASSPHRASE", "wrong").run();
    refused(
        done,
        &[&format!(
            "modes/web.yml:2: s.yml: none of the 3 values can be decrypted: {why}"
        )],
    );
}

#[test]
fn a_missing_or_blank_passphrase() {
    let mut entry = sealed();
    entry.command.env_remove("YAML_VAULT_PASSPHRASE");
    refused(
        entry.run(),
        &[
            "modes/web.yml:2: s.yml: the passphrase variable YAML_VAULT_PASSPHRASE is not set: give it to the container",
        ],
    );
    let done = sealed().env("YAML_VAULT_PASSPHRASE", " ").run().expect(125);
    assert!(
        done.errors()[0].contains("passphrase"),
        "{:?}",
        done.errors()
    );
}

#[test]
fn tampered_and_broken_messages() {
    let text = seal(YAML, &["$"]);
    let line = text.lines().nth(1).unwrap();
    let message = line.trim().strip_prefix("key: ").unwrap();
    let (data, signature) = message.rsplit_once("--").unwrap();
    let flipped = match data.strip_prefix('A') {
        Some(rest) => format!("B{rest}"),
        None => format!("A{}", &data[1..]),
    };
    let cases = [
        (
            format!("{flipped}--{signature}"),
            "the signature does not match: wrong passphrase, sign passphrase, salt, digest or key length, or a changed message",
        ),
        (
            format!("{data}--{}0", &signature[1..]),
            "the signature does not match: wrong passphrase, sign passphrase, salt, digest or key length, or a changed message",
        ),
        (
            "plain text".to_owned(),
            "it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ),
        (
            format!("{message}--more"),
            "it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ),
    ];
    for (changed, reason) in cases {
        let done = vault(&text.replace(message, &changed)).expect(125);
        let [error] = &done.errors()[..] else {
            panic!("{:?}", done.errors())
        };
        assert!(
            error.starts_with(&format!(
                "modes/web.yml:2: s.yml: 2:8: $.production.key: {reason}"
            )),
            "{error}"
        );
        assert!(!done.folder().join("started").exists() && !done.folder().join("out").exists());
    }
}

#[test]
fn erb_in_a_secret() {
    let done = vault("production:\n  key: <%= 1 %>\n").expect(125);
    assert!(done.errors()[0].contains("ERB"), "{:?}", done.errors());
    let done = vault("<% if true %>\nkey: [\n<% end %>\n").expect(125);
    assert!(
        done.errors()[0].contains("the ERB at 1:1 is not run here"),
        "{:?}",
        done.errors()
    );
}

#[test]
fn a_vault_that_cannot_be_read() {
    let entry = sealed();
    std::fs::remove_file(entry.folder().join("s.yml")).unwrap();
    refused(
        entry.run(),
        &[
            "modes/web.yml:2: s.yml: no such file: is it in the image, and the working directory right?",
        ],
    );
    let done = sealed().file("s.yml", b"\xff\xfe\0").run();
    refused(
        done,
        &["modes/web.yml:2: s.yml: is not UTF-8, the only encoding that is read: convert it"],
    );
}

#[test]
fn a_key_path_that_matches_nothing_or_only_through_an_alias() {
    let start = |keys: &str, yaml: &str, sealed_keys: &[&str]| {
        let entry = Entry::new();
        let mode = format!(
            "command: [touch, started]\nsecrets: [{{vault: s.yml, keys: {keys}, write: \"{}\"}}]\n",
            written(&entry).display()
        );
        let entry = entry
            .mode("web", &mode)
            .file("s.yml", seal(yaml, sealed_keys));
        entry
            .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
            .args(["web"])
            .run()
    };
    refused(
        start("[$.production, $.nope]", YAML, &["$"]),
        &["modes/web.yml:2: s.yml: key path $.nope matches nothing"],
    );
    let aliased = "default: &d\n  key: value\nproduction:\n  <<: *d\n  own: 1\n";
    let done = start("[$.production]", aliased, &["$"]).expect(125);
    assert!(
        done.errors()[0].contains("stays encrypted, for it comes only through"),
        "{:?}",
        done.errors()
    );
    assert!(
        done.errors()[0].contains("$.default.key"),
        "{:?}",
        done.errors()
    );
}

#[test]
fn every_problem_at_once() {
    let entry = Entry::new();
    let out = entry.folder().join("out");
    let mode = format!(
        "command: [touch, started]\nsecrets:\n- {{vault: a.yml, write: \"{0}/a.yml\"}}\n- {{vault: b.yml, write: \"{0}/b.yml\"}}\n",
        out.display()
    );
    let entry = entry
        .mode("web", &mode)
        .file("b.yml", "x: 1\n")
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
        .args(["web"]);
    refused(
        entry.run(),
        &[
            "modes/web.yml:3: a.yml: no such file: is it in the image, and the working directory right?",
            "modes/web.yml:4: b.yml: 1:4: $.x: it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ],
    );
}

#[test]
fn a_folder_that_cannot_be_written() {
    let script = "mkdir out && mount -t tmpfs -o ro none out && exec \"$0\" web";
    let entry = with_secrets(
        Entry::wrapped(["unshare", "--mount", "sh", "-c", script]),
        "[touch, started]",
        YAML,
    );
    let done = entry.strip_last_arg().run().expect(125);
    let expected = format!(
        "{}: cannot be written: Read-only file system",
        done.folder().join("out/s.yml").display()
    );
    assert_eq!(done.errors(), [expected]);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn a_full_disk() {
    let script = "mkdir out && mount -t tmpfs -o size=8k,mode=700 none out && head -c 6000 /dev/zero >out/full; \
        \"$0\" web; rc=$?; ls -A out; exit $rc";
    let big = format!("production: {}\n", "x".repeat(9000));
    let entry = with_secrets(
        Entry::wrapped(["unshare", "--mount", "sh", "-c", script]),
        "[touch, started]",
        &big,
    );
    let done = entry.strip_last_arg().run().expect(125);
    let expected = format!(
        "{}: cannot be written: No space left on device",
        done.folder().join("out/s.yml").display()
    );
    assert_eq!(done.errors(), [expected]);
    assert_eq!(done.stdout(), "full\n");
    assert!(!done.folder().join("started").exists());
}

#[test]
fn one_of_two_files_that_fails_keeps_the_other_away() {
    let entry = Entry::new();
    let folder = entry.folder().display().to_string();
    let mode = format!(
        "command: [touch, started]\nsecrets:\n- {{vault: s.yml, write: \"{folder}/out/a.yml\"}}\n- {{vault: s.yml, write: \"{folder}/no/such/b.yml\"}}\n"
    );
    let entry = entry
        .mode("web", &mode)
        .file("s.yml", seal(YAML, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE);
    refused(
        entry.args(["web"]).run(),
        &["folder DIR/no/such: cannot be made: No such file or directory (os error 2)"],
    );
}

#[test]
fn an_old_file_stays() {
    let entry = sealed().env("YAML_VAULT_PASSPHRASE", "wrong");
    std::fs::create_dir(entry.folder().join("out")).unwrap();
    std::fs::write(entry.folder().join("out/s.yml"), "old").unwrap();
    let done = entry.run().expect(125);
    assert_eq!(
        std::fs::read_to_string(done.folder().join("out/s.yml")).unwrap(),
        "old"
    );
}

#[test]
fn a_boot_that_is_killed_is_entrys_failure() {
    let entry = sealed().mode("web", "command: [touch, started]\nsecrets: [{vault: s.yml, passphrase_file: fifo, write: /nowhere/x}]\n");
    nix::unistd::mkfifo(&entry.folder().join("fifo"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    let running = entry.start();
    let boot = crate::support::wait::until("the boot process", || {
        crate::support::wait::children(running.pid())
            .first()
            .copied()
    });
    nix::sys::signal::kill(boot, nix::sys::signal::Signal::SIGKILL).unwrap();
    refused(
        running.finish(),
        &["the boot process was killed by SIGKILL; nothing was started"],
    );
}
