//! The command line: modes, one-offs, --as, --check, --explain, --help.

use crate::support::sealed::{PASSPHRASE, seal};
use crate::support::{Entry, binary};
use std::process::Command;

#[test]
fn words_after_a_mode_follow_its_args() {
    let entry = || {
        Entry::new()
            .mode("none", "command: [echo]\n")
            .mode("append", "command: echo a\nargs: append\n")
            .mode("required", "command: echo\nargs: required\n")
    };
    assert_eq!(
        entry()
            .args(["append", "b c", "--check"])
            .run()
            .expect(0)
            .stdout(),
        "a b c --check\n"
    );
    let done = entry().args(["none", "x"]).run().expect(125);
    assert_eq!(
        done.errors(),
        [
            "mode none takes no arguments, but got \"x\": set `args: append` in its file to allow them"
        ]
    );
    let done = entry().args(["required"]).run().expect(125);
    assert_eq!(
        done.errors(),
        ["mode required needs arguments: entry required ARGS…"]
    );
}

#[test]
fn a_word_that_is_no_mode_is_a_one_off() {
    let entry = || {
        Entry::new()
            .mode("web", "command: echo web\nenv: {WHO: web}\n")
            .mode("oneoff", "env: {WHO: oneoff}\n")
    };
    assert_eq!(
        entry()
            .args(["sh", "-c", "echo $WHO"])
            .run()
            .expect(0)
            .stdout(),
        "oneoff\n"
    );
    assert_eq!(
        entry()
            .args(["--as", "web", "--", "sh", "-c", "echo $WHO"])
            .run()
            .expect(0)
            .stdout(),
        "web\n"
    );
    let done = entry().args(["wbe"]).run().expect(127);
    assert!(
        done.errors()[0].ends_with("; did you mean the mode web?"),
        "{:?}",
        done.errors()
    );
    // After -- even a mode's name is a program.
    assert!(
        !entry()
            .args(["--", "web"])
            .run()
            .expect(127)
            .errors()
            .is_empty()
    );
}

#[test]
fn check_loads_everything_and_starts_nothing() {
    let entry = Entry::new()
        .mode("web", "command: [touch, started]\n")
        .mode("worker", "comand: x\n");
    let done = entry.args(["--check"]).run().expect(125);
    assert_eq!(done.errors().len(), 2, "{:?}", done.errors());
    let unknown = "modes/worker.yml:1:1: comand: unknown key, did you mean \"command\"?";
    assert!(done.errors()[0].starts_with(unknown), "{:?}", done.errors());
    assert!(!done.folder().join("started").exists());
    let fine = Entry::new()
        .mode("web", "command: [\"true\"]\n")
        .args(["--check", "web"])
        .run()
        .expect(0);
    assert_eq!(fine.stdout(), "fine: web\n");
}

#[test]
fn check_in_the_image_finds_what_the_image_lacks() {
    let mode = "command: [no-such-server]\nuser: no-such-user\nworkdir: /no/such\nenv: {PATH: /usr/bin}\n\
        secrets: [{vault: none.yml, write: /dev/shm/entry/x}]\n";
    let done = Entry::new()
        .mode("web", mode)
        .args(["--check"])
        .run()
        .expect(125);
    let expected = [
        "mode web: no-such-server: not found in PATH (/usr/bin): is it in the image?",
        "mode web: user \"no-such-user\" is not in /etc/passwd: add it to the image or give its number",
        "mode web: workdir /no/such: no such folder: make it in the image",
        "modes/web.yml:5: none.yml: no such file: is it in the image, and the working directory right?",
    ];
    assert_eq!(done.errors(), expected);
}

#[test]
fn entryctl_checks_secrets_without_a_passphrase() {
    let sealed = seal("production: {key: value}\n", &["$"]) + "staging: {key: clear}\n";
    let check = |keys: &str, words: &[&str]| {
        let mode = format!(
            "command: [x]\nsecrets: [{{vault: s.yml, keys: {keys}, env: {{K: $.production.key}}}}]\n"
        );
        let entry = Entry::of(Command::new(binary("entryctl")))
            .mode("web", &mode)
            .file("s.yml", &sealed);
        entry.args(["check"]).args(words).run()
    };
    assert_eq!(
        check("[\"$.${RAILS_ENV}\"]", &["-e", "RAILS_ENV=production"])
            .expect(0)
            .stdout(),
        "modes: fine: web\n"
    );
    assert_eq!(
        check("[$.nope]", &["web"]).expect(1).stderr(),
        "entryctl: modes/web.yml:2: s.yml: key path $.nope matches nothing\n"
    );
    assert_eq!(
        check("[$]", &[]).expect(1).stderr(),
        "entryctl: modes/web.yml:2: s.yml: 2:16: $.staging.key: it is not an encrypted message: encrypt it, or keep it out of the key paths\n"
    );
}

#[test]
fn what_starts_but_hardly_as_meant_is_a_warning() {
    let warnings = |entry: Entry| -> Vec<String> {
        let lines = entry.args(["web"]).run().expect(0).lines();
        let warnings = lines.iter().filter(|line| line["level"] == "warning");
        warnings
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    };
    let shell = |script: &str| {
        Entry::new().mode(
            "web",
            &format!("command: [sh, -c, \"{script}\"]\nstop: puma\n"),
        )
    };
    let message = "mode web: the command is a shell, which gets puma's signals in its server's place: run the server itself, or `exec` it in the shell";
    assert_eq!(warnings(shell("true; true")), [message]);
    assert!(warnings(shell("exec true")).is_empty());
    let base = |value: &str| {
        let mode =
            "command: [\"true\"]\nsecrets: [{vault: s.yml, env: {K: $.p.secret_key_base}}]\n";
        let sealed = seal(&format!("p: {{secret_key_base: {value}}}\n"), &["$"]);
        Entry::new()
            .mode("web", mode)
            .file("s.yml", sealed)
            .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
    };
    let message = "modes/web.yml:2: s.yml: $.p.secret_key_base is a number to YAML, and Rails wants a string: quote it";
    assert_eq!(
        warnings(base("0123456789")),
        Vec::<String>::new(),
        "a leading 0 with a 9 is a string to Psych"
    );
    assert_eq!(warnings(base("123456789")), [message]);
    assert!(warnings(base("\"123456789\"")).is_empty());
}

#[test]
fn explain_tells_the_order_and_the_stop() {
    let mode = "command: bundle exec unicorn\nargs: append\nenv: {RAILS_ENV: production}\nuser: nobody\n\
        stop: {preset: unicorn, drain: 10s, grace: 15s}\nexit: {143: 0}\n\
        secrets: [{vault: s.yml, keys: [$.production], write: /dev/shm/entry/s.yml, env: {KEY: $.production.key}}]\n";
    let done = Entry::new()
        .mode("web", mode)
        .args(["--explain", "web", "-p", "a b"])
        .run()
        .expect(0);
    let expected = "\
mode web
  1. decrypt $.production of s.yml with $YAML_VAULT_PASSPHRASE, write /dev/shm/entry/s.yml (mode 0400), set KEY from $.production.key
  2. set RAILS_ENV, by modes/web.yml:3
  3. become nobody
  4. run bundle exec unicorn -p 'a b' (a terminal belongs to entry)

stop (unicorn), on SIGTERM, SIGINT, SIGQUIT
     0.0 s  a server that does not catch SIGTTOU yet: SIGTERM at once, its own signal once it does
     0.0 s  keeps serving while the load balancer turns away
    10.0 s  SIGQUIT to the process
    25.0 s  SIGKILL to whatever is left
exit code 143 of the app becomes 0
";
    assert_eq!(done.stdout(), expected);
}

#[test]
fn explain_shows_no_value_that_is_filled_in() {
    let mode = "command: worker --url ${REDIS_URL}\nenv: {OTHER: \"${REDIS_URL}\"}\n";
    let done = Entry::new()
        .mode("web", mode)
        .env("REDIS_URL", "redis://:hidden@h")
        .args(["--explain", "web"])
        .run()
        .expect(0);
    assert!(
        done.stdout().contains("run worker --url ${REDIS_URL} ("),
        "{}",
        done.stdout()
    );
    assert!(!done.stdout().contains("hidden"));
}

#[test]
fn help_version_and_usage() {
    let help = Entry::new().args(["--help"]).run().expect(0);
    for part in [
        "entry [OPTIONS] MODE",
        "Exit codes:",
        "125  entry itself failed",
        "ENTRY_STOP_TIMEOUT",
    ] {
        assert!(help.stdout().contains(part), "{part} in\n{}", help.stdout());
    }
    assert_eq!(
        Entry::new().args(["--version"]).run().expect(0).stdout(),
        format!("entry {}\n", env!("CARGO_PKG_VERSION"))
    );
    for usage in [
        vec![],
        vec!["--nope"],
        vec!["--modes"],
        vec!["--check", "--explain", "web"],
    ] {
        let done = Entry::new().args(usage).run().expect(125);
        assert!(!done.stderr().is_empty() && done.stdout().is_empty());
    }
}

#[test]
fn bad_variables_of_entry_itself_are_told_together() {
    let entry = Entry::new()
        .env("ENTRY_LOG", "loud")
        .env("ENTRY_STOP_TIMEOUT", "soon")
        .oneoff(["touch", "started"]);
    let done = entry.run().expect(125);
    let expected = [
        "ENTRY_LOG is loud: give text, json or quiet",
        "ENTRY_STOP_TIMEOUT is \"soon\": give seconds above 0 (30) or a duration (45s)",
    ];
    assert_eq!(done.errors(), expected);
    assert!(!done.folder().join("started").exists());
}

#[test]
fn quiet_says_nothing_but_errors() {
    assert_eq!(
        Entry::new()
            .env("ENTRY_LOG", "quiet")
            .oneoff(["true"])
            .run()
            .expect(0)
            .stderr(),
        ""
    );
    assert_eq!(
        Entry::new()
            .env("ENTRY_LOG", "quiet")
            .oneoff(["/nope"])
            .run()
            .expect(127)
            .errors()
            .len(),
        1
    );
    let text = Entry::new()
        .env("ENTRY_LOG", "text")
        .oneoff(["true"])
        .run()
        .expect(0)
        .stderr();
    assert!(
        text.lines().count() == 2 && text.lines().all(|line| line.starts_with("entry: oneoff: ")),
        "{text}"
    );
}
