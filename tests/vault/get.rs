//! `entryctl vault get` and `entryctl vault keys`.

use super::cli::Run;

const PLAIN: &str = "\
default: &default
  adapter: pg
  pass: \"c4n\\n\"
production:
  <<: *default
  port: 5432
  on: yes
  nothing: ~
  tagged: !ruby/symbol abc
  deep: {a: [x]}
";

fn sealed() -> Run {
    let run = Run::new();
    run.file("plain.yml", PLAIN);
    let keys = "$.default.pass,$.production";
    // It warns of what comes through the alias.
    run.told(&["encrypt", "plain.yml", "-o", "s.yml", "-k", keys]);
    run
}

#[test]
fn one_value_by_its_path_or_through_an_alias() {
    let mut run = sealed();
    let cases = [
        ("$.production.port", "5432", "5432"),
        ("$.production.pass", "c4n\n", "\"c4n\\n\""),
        ("$.production.on", "yes", "true"),
        ("$.production.nothing", "~", "null"),
        ("$.production.tagged", "abc", "\"abc\""),
        ("$.production.deep.a.[0]", "x", "\"x\""),
        ("$.*.adapter", "pg", "\"pg\""),
    ];
    for (path, text, json) in &cases[..6] {
        assert_eq!(run.good(&["get", "s.yml", path]), format!("{text}\n"));
        assert_eq!(
            run.good(&["get", "s.yml", path, "--json"]),
            format!("{json}\n")
        );
    }
    for (path, want) in [
        ("$.none", "s.yml: key path $.none matches nothing"),
        ("$.production.deep", "name one of $.production.deep.a.[0]"),
        (
            "$.*.adapter",
            "name one of $.default.adapter, $.production.adapter",
        ),
    ] {
        let told = run.bad(1, &["get", "s.yml", path]);
        assert!(told.contains(want), "{told}");
    }
    // A value in clear needs no passphrase, and no other value is decrypted.
    run.passphrase = Some("wrong");
    assert_eq!(run.good(&["get", "s.yml", "$.production.adapter"]), "pg\n");
    let told = run.bad(1, &["get", "s.yml", "$.production.port"]);
    assert!(
        told.starts_with("entryctl: s.yml:6:9: $.production.port: the signature"),
        "{told}"
    );
    assert_eq!(told.lines().count(), 1, "{told}");
}

#[test]
fn keys_tells_what_is_encrypted_without_any_key() {
    let mut run = sealed();
    run.passphrase = None;
    assert_eq!(
        run.good(&["keys", "s.yml", "-k", "$.default"]),
        "2:12  clear      $.default.adapter\n3:9   encrypted  $.default.pass\n"
    );
    let json = run.good(&[
        "keys",
        "s.yml",
        "-k",
        "$.default,$.production.deep",
        "--json",
    ]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let row = |path: &str, line: usize, column: usize, state: &str| serde_json::json!({"path": path, "line": line, "column": column, "state": state});
    assert_eq!(
        json,
        serde_json::json!([
            row("$.default.adapter", 2, 12, "clear"),
            row("$.default.pass", 3, 9, "encrypted"),
            row("$.production.deep.a.[0]", 10, 14, "encrypted"),
        ])
    );
    run.file("erb.yml", "a: <%= x %>\n");
    assert_eq!(run.good(&["keys", "erb.yml"]), "1:4  clear      $.a\n");
    assert_eq!(
        run.told(&["keys", "s.yml", "-k", "$.none"]),
        "entryctl: warning: key path $.none matches nothing\n"
    );
}
