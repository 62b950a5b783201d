//! `entryctl vault rekey` with passphrases; with KMS in `kms`.

use super::cli::{Run, text};

const PLAIN: &str = "# top\na: 1   # one\nb: \"x\"\nc: |\n  two\n  lines\n\nd: {e: !t \"y\", f: ~}\n";

fn sealed() -> Run {
    let run = Run::new().env("YAML_VAULT_NEW_PASSPHRASE", "next");
    run.file("plain.yml", PLAIN);
    run.good(&["encrypt", "plain.yml", "-o", "s.yml"]);
    run
}

fn rekeyed(mut run: Run) -> Run {
    run.passphrase = Some("next");
    run
}

#[test]
fn another_passphrase_and_no_other_byte() {
    let run = sealed();
    let before = run.read("s.yml");
    let told = run.told(&["rekey", "s.yml"]);
    assert_eq!(told, "entryctl: s.yml: 5 encrypted anew\n");
    let after = run.read("s.yml");
    // Messages of equal length, so what is no message stands where it stood.
    let others = |text: &str| -> String {
        let mark = regex::Regex::new("[A-Za-z0-9+/=]{40,}--[0-9a-f]{64}").unwrap();
        mark.replace_all(text, "M").into_owned()
    };
    assert_ne!(before, after);
    assert_eq!(others(&before), others(&after));
    let told = run.bad(1, &["decrypt", "s.yml"]);
    assert!(told.contains("the signature does not match"), "{told}");
    assert_eq!(rekeyed(run).good(&["decrypt", "s.yml"]), PLAIN);
}

#[test]
fn another_cipher_and_affixes_to_another_file() {
    let run = sealed();
    let before = run.read("s.yml");
    let options = [
        "--new-cipher",
        "aes-128-gcm",
        "--new-prefix",
        "{E:",
        "--new-suffix",
        "}",
    ];
    run.told(&[&["rekey", "s.yml", "-o", "new.yml"], &options[..]].concat());
    assert_eq!(run.read("s.yml"), before);
    let run = rekeyed(run);
    let options = [
        "--cipher",
        "aes-128-gcm",
        "--prefix",
        "{E:",
        "--suffix",
        "}",
    ];
    let plain = run.good(&[&["decrypt", "new.yml"], &options[..]].concat());
    assert_eq!(plain, PLAIN);
    // And back, by standard input and output.
    let back = [
        "rekey",
        "-",
        "--new-cipher",
        "aes-256-cbc",
        "--new-prefix",
        "",
        "--new-suffix",
        "",
    ];
    let output = run.fed(&[&back[..], &options[..]].concat(), &run.read("new.yml"));
    assert_eq!(
        text(&output.stderr),
        "entryctl: standard input: 5 encrypted anew\n"
    );
    run.file("back.yml", &text(&output.stdout));
    assert_eq!(run.good(&["decrypt", "back.yml"]), PLAIN);
}

#[test]
fn what_stays_under_the_old_key_is_told() {
    let run = sealed();
    let told = run.told(&["rekey", "s.yml", "-k", "$.a,$.c,$.d"]);
    assert_eq!(
        told,
        "entryctl: warning: s.yml:3:4: $.b: outside of the key paths, it stays encrypted as before\n\
         entryctl: s.yml: 4 encrypted anew\n"
    );
    assert_eq!(run.good(&["get", "s.yml", "$.b"]), "x\n");
}

#[test]
fn failures_leave_the_file() {
    let run = sealed();
    let sealed_text = run.read("s.yml");
    run.file("clear.yml", "a: canary\n");
    let told = run.bad(1, &["rekey", "clear.yml"]);
    assert!(
        told.contains("clear.yml:1:4: $.a: it is not an encrypted message"),
        "{told}"
    );
    let mut wrong = run;
    wrong.passphrase = Some("wrong");
    let told = wrong.bad(1, &["rekey", "s.yml"]);
    assert!(
        told.contains("is YAML_VAULT_PASSPHRASE the right one?"),
        "{told}"
    );
    let none = Run::new();
    none.file("s.yml", &sealed_text);
    let told = none.bad(1, &["rekey", "s.yml"]);
    assert_eq!(
        told,
        "entryctl: no passphrase: set the environment variable YAML_VAULT_NEW_PASSPHRASE\n"
    );
    let told = none.bad(1, &["rekey", "s.yml", "--new-cryptor", "aws-kms"]);
    assert!(
        told.contains("no KMS key to encrypt with: name it with --new-aws-kms-key-id"),
        "{told}"
    );
    assert_eq!(
        (wrong.read("s.yml"), none.read("s.yml")),
        (sealed_text.clone(), sealed_text)
    );
}
