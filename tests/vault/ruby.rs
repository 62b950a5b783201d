//! What we encrypt, Rails' own parts read, and the other way round. The gem cannot be installed here, but
//! it is no more than Psych around ActiveSupport's `MessageEncryptor`. Skipped where Ruby is missing.

use super::cli::Run;
use entry::vault::{Secret, kms};
use std::path::Path;
use std::process::{Command, Output};

fn ruby(script: &str, args: &[&str], sign: Option<&str>) -> Output {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/ruby")
        .join(script);
    let mut command = Command::new("ruby");
    command
        .arg(script)
        .args(args)
        .env("YAML_VAULT_PASSPHRASE", "pass");
    command.env_remove("YAML_VAULT_SIGN_PASSPHRASE");
    if let Some(sign) = sign {
        command.env("YAML_VAULT_SIGN_PASSPHRASE", sign);
    }
    command.output().unwrap()
}

/// Says so where it is missing, since a silent skip would look like a pass.
fn has_rails() -> bool {
    let probe = [
        "-e",
        "require 'logger'; require 'active_support'; require 'active_support/message_encryptor'",
    ];
    let found = Command::new("ruby")
        .args(probe)
        .status()
        .is_ok_and(|status| status.success());
    if !found {
        eprintln!("skipped: no ruby with ActiveSupport");
    }
    found
}

const PLAIN: &str = "\
text: hello
int: 1
bool: yes
nothing: ~
empty:
quoted: '1'
escaped: \"tab\\tß\"
block: |
  one
  two
folded: >-
  one
  two
tagged: !ruby/symbol abc
octal: 0755
date: 2020-01-01
multi: one
  two
long: LONG
";

/// As the gem would show them.
const RUBY: &str = r#"{"text":["String","hello"],"int":["Integer","1"],"bool":["TrueClass","true"],"nothing":["NilClass",""],"empty":["NilClass",""],"quoted":["String","1"],"escaped":["String","tab\tß"],"block":["String","one\ntwo\n"],"folded":["String","one two"],"tagged":["Symbol","abc"],"octal":["Integer","493"],"date":["Date","2020-01-01"],"multi":["String","one two"],"long":["String","LONG"]}"#;

#[test]
fn ruby_reads_what_we_encrypt() {
    if !has_rails() {
        return;
    }
    let run = Run::new();
    let long = "word ".repeat(3000) + "end";
    run.file("plain.yml", &PLAIN.replace("LONG", &long));
    let sets = [
        ("aes-256-cbc", "SHA256", ""),
        ("aes-128-cbc", "SHA512", "salt-é"),
        ("des-ede3-cbc", "MD5", ""),
        ("aes-256-ctr", "SHA1", "x"),
        ("aes-256-gcm", "SHA256", ""),
        ("aes-192-gcm", "SHA256", "y"),
        ("chacha20-poly1305", "SHA256", ""),
    ];
    for (cipher, digest, salt) in sets {
        let options = ["--cipher", cipher, "--digest", digest, "--salt", salt];
        run.good(&[&["encrypt", "plain.yml", "-o", "sealed.yml"], &options[..]].concat());
        let sealed = run.folder.path().join("sealed.yml");
        let output = ruby(
            "decrypt.rb",
            &[sealed.to_str().unwrap(), cipher, digest, salt],
            None,
        );
        let told = String::from_utf8_lossy(&output.stderr);
        let seen = String::from_utf8_lossy(&output.stdout);
        assert_eq!(
            seen.trim_end(),
            RUBY.replace("LONG", &long),
            "{cipher}: {told}"
        );
    }
}

#[test]
fn we_read_what_ruby_encrypts() {
    if !has_rails() {
        return;
    }
    let run = Run::new();
    let long = "é".repeat(40_000);
    for cipher in [
        "aes-256-cbc",
        "aes-192-cbc",
        "aes-256-ctr",
        "aes-128-gcm",
        "chacha20-poly1305",
    ] {
        for value in ["", "plain", "ünï # \"x\"", &long] {
            let message = ruby("encrypt.rb", &[value, cipher, "SHA384", "salt"], None);
            let message = String::from_utf8(message.stdout).unwrap();
            run.file("sealed.yml", &format!("a: \"{message}\"\n"));
            let options = ["--cipher", cipher, "--digest", "SHA384", "--salt", "salt"];
            let plain = run.good(&[&["decrypt", "sealed.yml"], &options[..]].concat());
            assert_eq!(
                plain,
                format!("a: \"{}\"\n", value.replace('"', "\\\"")),
                "{cipher}"
            );
        }
    }
}

/// A file that was rekeyed, then changed by `set` and `edit`, is the gem's as before.
#[test]
fn ruby_reads_what_we_changed() {
    if !has_rails() {
        return;
    }
    let mut run = Run::new().env("YAML_VAULT_NEW_PASSPHRASE", "pass").env(
        "EDITOR",
        "sed -i 's/^folded: >-/folded: |-/; s/^date: .*/date: 2021-02-03/'",
    );
    run.passphrase = Some("another");
    run.file("plain.yml", PLAIN);
    run.good(&["encrypt", "plain.yml", "-o", "sealed.yml"]);
    let cipher = ["--new-cipher", "aes-256-gcm"];
    run.told(&["rekey", "sealed.yml", cipher[0], cipher[1]]);
    run.passphrase = Some("pass");
    let cipher = ["--cipher", "aes-256-gcm"];
    for (path, value, typing) in [
        ("$.text", "5432", "--string"),
        ("$.int", "0x1F", "--plain"),
        ("$.bool", "!tagged", "--string"),
        ("$.quoted", "a\nb # \"c\" \u{1f600}", "--string"),
        ("$.nothing", "", "--plain"),
        ("$.empty", "", "--string"),
        ("$.block", "no", "--string"),
    ] {
        let output = run.fed(
            &["set", "sealed.yml", path, typing, cipher[0], cipher[1]],
            value,
        );
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{path}");
    }
    let told = run.told(&["edit", "sealed.yml", cipher[0], cipher[1]]);
    assert!(
        told.ends_with("1 encrypted, 13 kept as they were\n"),
        "{told}"
    );
    let sealed = run.folder.path().join("sealed.yml");
    let output = ruby(
        "decrypt.rb",
        &[sealed.to_str().unwrap(), "aes-256-gcm", "SHA256", ""],
        None,
    );
    let seen = String::from_utf8_lossy(&output.stdout);
    let want = r#"{"text":["String","5432"],"int":["Integer","31"],"bool":["String","!tagged"],"nothing":["NilClass",""],"empty":["String",""],"quoted":["String","a\nb # \"c\" 😀"],"escaped":["String","tab\tß"],"block":["String","no"],"folded":["String","one two"],"tagged":["Symbol","abc"],"octal":["Integer","493"],"date":["Date","2021-02-03"],"multi":["String","one two"],"long":["String","LONG"]}"#;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(seen.trim_end(), want, "{told}");
}

/// The plaintexts that KMS encrypts for us: Psych loads each as the very text.
#[test]
fn psych_loads_what_kms_encrypts() {
    if !has_rails() {
        return;
    }
    let vectors = include_str!("../vectors/psych_dump.json");
    let vectors: Vec<serde_json::Value> = serde_json::from_str(vectors).unwrap();
    let values: Vec<&str> = vectors
        .iter()
        .map(|one| one["value"].as_str().unwrap())
        .collect();
    let dumps = values
        .iter()
        .map(|value| kms::dump(&Secret::from(*value), kms::AWS_MOST).unwrap());
    let dumps: Vec<String> = dumps.map(|dump| dump.to_string()).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dumps.json");
    std::fs::write(&path, serde_json::to_string(&dumps).unwrap()).unwrap();
    let script = "require 'json'; require 'yaml'
        puts JSON.generate(JSON.parse(File.read(ARGV[0])).map { |dump| YAML.load(dump) })";
    let output = Command::new("ruby")
        .args(["-e", script])
        .arg(&path)
        .output();
    let output = output.unwrap();
    let loaded: Vec<String> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(loaded, values);
}
