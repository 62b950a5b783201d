//! What we encrypt, Rails' own parts read, and the other way round. The gem cannot be installed here, but
//! it is no more than Psych around ActiveSupport's `MessageEncryptor`. Skipped where Ruby is missing.

use super::cli::Run;
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
