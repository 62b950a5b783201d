//! Variables of the app: from the container, the mode and the secrets.

use super::with_secrets;
use crate::support::sealed::{PASSPHRASE, seal};
use crate::support::{Entry, Finished};

const YAML: &str =
    "production:\n  key: 0755\n  db: {host: h, \"pass word\": p, list: [a, ~]}\n  none: ~\n";

fn exporting(env: &str) -> Entry {
    let mode = format!("command: [env]\nsecrets: [{{vault: s.yml, env: {env}}}]\n");
    let entry = Entry::new()
        .mode("web", &mode)
        .file("s.yml", seal(YAML, &["$"]));
    entry.env("YAML_VAULT_PASSPHRASE", PASSPHRASE).args(["web"])
}

fn has(done: &Finished, line: &str) -> bool {
    done.stdout().lines().any(|found| found == line)
}

#[test]
fn chosen_values_are_exported_as_their_text() {
    let done = exporting("{KEY: $.production.key, \"DB_*\": $.production.db}")
        .run()
        .expect(0);
    for line in ["KEY=0755", "DB_HOST=h", "DB_PASS_WORD=p", "DB_LIST_0=a"] {
        assert!(has(&done, line), "{line} in\n{}", done.stdout());
    }
    assert!(
        !done.stdout().contains("DB_LIST_1"),
        "a null is no variable"
    );
}

#[test]
fn the_passphrase_does_not_reach_the_app_and_everything_else_does() {
    let done = exporting("{KEY: $.production.key}")
        .env("OTHER", "stays")
        .run()
        .expect(0);
    assert!(has(&done, "OTHER=stays"));
    assert!(!done.stdout().contains("YAML_VAULT_PASSPHRASE"));
    // Not used, so none of our business.
    let done = Entry::new()
        .env("YAML_VAULT_PASSPHRASE", "x")
        .oneoff(["env"])
        .run()
        .expect(0);
    assert!(has(&done, "YAML_VAULT_PASSPHRASE=x"));
}

#[test]
fn exports_that_cannot_be_are_errors() {
    let cases = [
        (
            "{KEY: $.production.nope}",
            "env: key path $.production.nope matches nothing",
        ),
        (
            "{KEY: $.production.none}",
            "env: KEY: $.production.none is null: give it a value, or \"\" for an empty one",
        ),
        (
            "{DB: $.production.db}",
            "env: DB: $.production.db is not one value: name one of those below it, or write \"DB_*\" for all",
        ),
        (
            "{\"*\": $.production, KEY: $.production.key}",
            "env: KEY is set twice, here and by modes/web.yml:2: rename one of them, or write override: true",
        ),
    ];
    for (env, message) in cases {
        let done = exporting(env).run().expect(125);
        assert_eq!(
            done.errors(),
            [format!("modes/web.yml:2: s.yml: {message}")]
        );
    }
}

/// The container, the defaults' `env`, secrets in their order, the mode's `env`: the last one counts.
#[test]
fn one_precedence_for_all() {
    let secrets = "secrets:\n- {vault: s.yml, env: {B: $.one, C: $.one, D: $.one}}\n\
                   - {vault: s.yml, override: true, env: {C: $.two, D: $.two}}\n";
    let entry = Entry::new()
        .mode(
            "_defaults",
            "env: {A: defaults, B: defaults, C: defaults, D: defaults}\n",
        )
        .mode(
            "web",
            &format!("command: [env]\nenv: {{D: mode}}\n{secrets}"),
        )
        .file("s.yml", seal("one: first\ntwo: second\n", &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE);
    let entry = ["A", "B", "C", "D", "E"]
        .into_iter()
        .fold(entry, |entry, name| entry.env(name, "container"));
    let explained = Entry::new();
    for file in ["_defaults", "web"] {
        let path = format!("modes/{file}.yml");
        std::fs::copy(entry.folder().join(&path), explained.folder().join(&path)).unwrap();
    }
    let done = entry.args(["web"]).run().expect(0);
    for line in ["A=defaults", "B=first", "C=second", "D=mode", "E=container"] {
        assert!(has(&done, line), "{line} in\n{}", done.stdout());
    }
    let told = explained
        .args(["--explain", "web"])
        .run()
        .expect(0)
        .stdout();
    for line in [
        "  1. set A, by modes/_defaults.yml:1\n",
        "  2. set B, by modes/_defaults.yml:1, replaced by modes/web.yml:4\n",
        "set D from $.two\n",
        "  6. set D, by modes/web.yml:2\n",
    ] {
        assert!(told.contains(line), "{line} in\n{told}");
    }
}

#[test]
fn a_value_that_is_still_encrypted_is_not_exported() {
    let mode = "command: [env]\nsecrets: [{vault: s.yml, keys: [$.production.key], env: {H: $.production.db.host}}]\n";
    let entry = Entry::new()
        .mode("web", mode)
        .file("s.yml", seal(YAML, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE);
    let done = entry.args(["web"]).run().expect(125);
    let message = "modes/web.yml:2: s.yml: env: H: $.production.db.host is still encrypted: add its key path to `keys`";
    assert_eq!(done.errors(), [message]);
}

#[test]
fn rack_env_follows_rails_env_when_unset() {
    let run = |variables: &[(&str, &str)]| {
        let entry = Entry::new()
            .mode("web", "command: [env]\nenv: {RAILS_ENV: staging}\n")
            .args(["web"]);
        variables
            .iter()
            .fold(entry, |entry, (name, value)| entry.env(name, value))
            .run()
            .expect(0)
    };
    assert!(has(&run(&[]), "RACK_ENV=staging"));
    assert!(has(&run(&[("RACK_ENV", "none")]), "RACK_ENV=none"));
    let done = Entry::new().oneoff(["env"]).run().expect(0);
    assert!(!done.stdout().contains("RACK_ENV"));
}

#[test]
fn values_that_the_kernel_would_refuse_are_named_without_their_value() {
    let yaml = format!("a: {}\n", "z".repeat(131_072));
    let mode = "command: [env]\nsecrets: [{vault: s.yml, env: {LONG: $.a}}]\n";
    let entry = Entry::new()
        .mode("web", mode)
        .file("s.yml", seal(&yaml, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE);
    let done = entry.args(["web"]).run().expect(125);
    assert_eq!(
        done.errors(),
        [
            "variable LONG: 131077 bytes with its name, the kernel takes at most 131071: write it to a file instead"
        ]
    );
    let nul = with_secrets(Entry::new(), "[env]", "a: \"x\\0y\"\n").mode(
        "web",
        "command: [env]\nsecrets: [{vault: s.yml, env: {N: $.a}}]\n",
    );
    assert_eq!(
        nul.run().expect(125).errors(),
        ["variable N: its value has a NUL byte, which no variable can hold"]
    );
    let long = "v".repeat(125_000);
    let many: Vec<String> = (0..17).map(|n| format!("v{n}: {long}\n")).collect();
    let many = many.concat();
    let mode = "command: [env]\nsecrets: [{vault: s.yml, env: {\"*\": $}}]\n";
    let entry = Entry::new()
        .mode("web", mode)
        .file("s.yml", seal(&many, &["$"]))
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE);
    let [error] = &entry.args(["web"]).run().expect(125).errors()[..] else {
        panic!("one error")
    };
    assert!(
        error.starts_with("arguments and environment are 21"),
        "{error}"
    );
    assert!(
        error.ends_with("(a quarter of the stack limit); the largest variable is V16"),
        "{error}"
    );
}

#[test]
fn a_decrypted_value_may_look_like_a_message() {
    let mode = "command: [env]\nsecrets: [{vault: s.yml, env: {A: $.a}}]\n";
    let entry = Entry::new()
        .mode("web", mode)
        .file("s.yml", seal("a: user--cafe\n", &["$"]));
    let done = entry
        .env("YAML_VAULT_PASSPHRASE", PASSPHRASE)
        .args(["web"])
        .run()
        .expect(0);
    assert!(has(&done, "A=user--cafe"));
}
