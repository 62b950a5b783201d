use super::*;
use std::fmt::Write as _;

fn complaints(text: &str, keys: &[&str]) -> Vec<String> {
    let text = sealed(text);
    let selection = document(&text)
        .select(&paths(keys), &Affixes::default())
        .unwrap();
    selection.complaints(is_message)
}

const DATABASE: &str = "\
default: &default
  adapter: postgresql
  password: «secret»
production:
  <<: *default
  host: «h»
";

#[test]
fn a_merged_value_that_would_stay_encrypted() {
    assert_eq!(
        complaints(DATABASE, &["$.production"]),
        [
            "$.production.password stays encrypted, for it comes only through the alias *default: add the key path $.default.password, where the value stands (3:13)"
        ]
    );
    assert_eq!(
        complaints(DATABASE, &["$.production", "$.default.password"]),
        [""; 0]
    );
    assert_eq!(complaints(DATABASE, &["$.*.password"])[..], [""; 0]);
}

#[test]
fn a_path_that_matches_only_through_an_alias() {
    assert_eq!(
        complaints(DATABASE, &["$.production.password"]),
        [
            "key path $.production.password matches only through the alias *default, which stays as it is: add $.default.password, where the value stands (3:13)"
        ]
    );
    // Decrypted where it stands, the alias brings the clear text.
    assert_eq!(
        complaints(DATABASE, &["$.production.password", "$.default.password"]),
        [""; 0]
    );
    assert_eq!(
        complaints(DATABASE, &["$.production.adapter"]),
        [
            "key path $.production.adapter matches only through the alias *default, which stays as it is: add $.default.adapter, where the value stands (2:12)"
        ]
    );
}

#[test]
fn plain_aliases_and_lists_of_merges() {
    let text = "a: &a «x»\nl: &l [«y»]\nb: {c: *a, d: *l}\ne:\n  <<: [*m, {f: «z»}]\n  g: 1\n";
    let text = text.replace("e:", "n: &m {h: «w»}\ne:");
    let told = complaints(&text, &["$.b"]);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("key path $.b matches only through the alias *a"),
        "{told:?}"
    );
    assert!(
        told[1].starts_with("$.b.d.[0] stays encrypted, for it comes only through the alias *l")
    );
    let told = complaints(&text, &["$.e.h", "$.e.f"]);
    assert!(told[0].contains("through the alias *m"), "{told:?}");
    assert!(
        told[1].contains("through a merge key") && told[1].contains("$.e.<<.[1].f"),
        "{told:?}"
    );
}

#[test]
fn own_keys_win_where_psych_lets_them() {
    let after = "d: &d {p: «x»}\ne:\n  <<: *d\n  p: own\n";
    assert_eq!(
        complaints(after, &["$.e.q"]),
        ["key path $.e.q matches nothing"]
    );
    let selection = document(&sealed(after))
        .select(&paths(&["$.e"]), &Affixes::default())
        .unwrap();
    assert_eq!(selection.aliased, []);
    // Psych merges in order, so a merge key below a key replaces its value.
    let before = "d: &d {p: «x»}\ne:\n  p: own\n  <<: *d\n";
    let selection = document(&sealed(before))
        .select(&paths(&["$.e"]), &Affixes::default())
        .unwrap();
    assert_eq!(selection.aliased.len(), 1);
}

#[test]
fn raw_merge_keys_are_keys() {
    let text = "e:\n  <<: {p: «x»}\n";
    assert_eq!(complaints(text, &["$.e.<<.p"]), [""; 0]);
    assert_eq!(decrypt(text, &["$.e.<<.p"]).unwrap(), "e:\n  <<: {p: x}\n");
    assert_eq!(decrypt(text, &["$.e"]).unwrap(), "e:\n  <<: {p: x}\n");
}

#[test]
fn cycles_and_bombs_end() {
    assert_eq!(
        complaints("a: &a\n  b: *a\n  c: «x»\n", &["$.a.b.b.b.c"]).len(),
        1
    );
    assert_eq!(
        complaints("a: &a\n  <<: *a\n  c: «x»\n", &["$.a.c"]),
        [""; 0]
    );
    assert_eq!(
        complaints("a: *unknown\n", &["$.a"]),
        ["key path $.a matches nothing"]
    );
    let mut bomb = "l0: &l0 [«x», «x»]\n".to_owned();
    for n in 1..40 {
        let last = n - 1;
        let _ = writeln!(bomb, "l{n}: &l{n} [*l{last}, *l{last}, *l{last}]");
    }
    assert_eq!(complaints(&bomb, &["$.l39"]).len(), 2);
    let text = document(&sealed(&bomb));
    let path = KeyPath::parse("$.l39").unwrap();
    assert!(matches!(text.lookup(&path), Err(LookupError::TooMany(_))));
    let mut chain = "m0: &m0 {p: «x»}\n".to_owned();
    for n in 1..400 {
        let _ = writeln!(chain, "m{n}: &m{n} {{<<: *m{}}}", n - 1);
    }
    let selection = document(&sealed(&chain)).select(&paths(&["$.m399.p"]), &Affixes::default());
    assert!(selection.unwrap_err().to_string().contains("too many"));
}
