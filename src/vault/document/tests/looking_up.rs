use super::*;

fn look(text: &str, path: &str) -> Vec<(String, String, bool, bool)> {
    let path = KeyPath::parse(path).unwrap();
    let found = document(text).lookup(&path).unwrap();
    let row = |found: Found| {
        let below = key_path::show(&found.below);
        let text = found.text.expose().to_owned();
        (below, text, found.is_null, found.via.is_some())
    };
    found.into_iter().map(row).collect()
}

fn row(below: &str, text: &str) -> (String, String, bool, bool) {
    (below.to_owned(), text.to_owned(), false, false)
}

#[test]
fn one_value_or_a_subtree() {
    let text = "db:\n  user: root\n  pass: \"p w\"\n  ports: [1, '2']\n  o: {}\nother: x\n";
    assert_eq!(look(text, "$.db.pass"), [row("$", "p w")]);
    assert_eq!(
        look(text, "$.db"),
        [
            row("$.user", "root"),
            row("$.pass", "p w"),
            row("$.ports.[0]", "1"),
            row("$.ports.[1]", "2")
        ]
    );
    assert_eq!(look(text, "$.db.ports.[1]"), [row("$", "2")]);
    assert_eq!(look(text, "$.db.o"), []);
    assert_eq!(look(text, "$.none"), []);
}

#[test]
fn nulls() {
    let cases = [
        ("a: ~", true),
        ("a: null", true),
        ("a: Null", true),
        ("a:", true),
        ("a: ! ''", true),
        ("a: ! 'null'", true),
        ("a: !!null x", true),
        ("a: ''", false),
        ("a: 'null'", false),
        ("a: \"~\"", false),
        ("a: |\n  null\n", false),
        ("a: !foo ~", false),
        ("a: no", false),
    ];
    for (text, null) in cases {
        assert_eq!(look(text, "$.a")[0].2, null, "{text}");
    }
}

#[test]
fn as_psych_loads() {
    let text =
        "d: &d {p: 1, q: 2}\ne:\n  q: own\n  <<: *d\n  p: mine\n  p: last\n--- \ne: {p: second}\n";
    assert_eq!(
        look(text, "$.e"),
        [
            ("$.q".to_owned(), "2".to_owned(), false, true),
            row("$.p", "last")
        ]
    );
    assert!(look("a: &a x\nb: *a\n", "$.b")[0].3);
    assert_eq!(
        look("d: &d {p: 1}\ne: {<<: [{p: 2}, *d]}\n", "$.e.p")[0].1,
        "2"
    );
    assert_eq!(look("d: &d {p: 1}\ne: {!!str <<: *d}\n", "$.e.p"), []);
    assert_eq!(look("d: &d {p: 1}\ne: {<<: *d}\n", "$.e.<<.p")[0].1, "1");
}
