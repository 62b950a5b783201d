use super::*;
use proptest::prelude::*;

fn key(text: &str) -> Segment {
    Segment::Key(text.to_owned())
}

#[test]
fn matching() {
    let cases: [(&str, &[Segment], bool); 28] = [
        ("$", &[], true),
        ("$", &[key("a"), Segment::Index(3)], true),
        ("$.a", &[key("a")], true),
        ("$.a", &[key("a"), key("b")], true),
        ("$.a.b", &[key("a")], false),
        ("$.a", &[key("A")], false),
        ("$.a.*", &[key("a")], true),
        ("$.a.'*'", &[key("a")], true),
        ("$.*.b", &[key("a"), key("b")], true),
        ("$.*.b", &[key("a")], false),
        ("$.*", &[Segment::Complex], true),
        ("$.a", &[Segment::Complex], false),
        ("$./^a/", &[key("abc")], true),
        ("$./b/", &[key("abc")], true),
        ("$././", &[Segment::Index(0)], false),
        ("$././", &[], false),
        ("$.[2]", &[Segment::Index(2)], true),
        ("$.[2]", &[key("2")], false),
        ("$.2", &[Segment::Index(2)], false),
        ("$.2", &[key("2")], true),
        ("$.:foo", &[key(":foo")], true),
        ("$.:foo", &[key("foo")], false),
        ("$.:foo-bar", &[key(":foo-bar")], false),
        ("$.:foo-bar", &[key(":\"foo-bar\"")], true),
        ("$.':foo-bar'", &[key(":foo-bar")], true),
        ("$.<<.x", &[key("<<"), key("x")], true),
        ("$.~", &[key("~")], true),
        ("$.[99999999999999999999]", &[Segment::Index(0)], false),
    ];
    for (path, segments, want) in cases {
        let parsed = KeyPath::parse(path).unwrap();
        assert_eq!(parsed.matches(segments), want, "{path} {segments:?}");
    }
}

#[test]
fn lists() {
    let shown = |text: &str| {
        KeyPath::parse_list(text)
            .map(|paths| paths.iter().map(ToString::to_string).collect::<Vec<_>>())
    };
    assert_eq!(
        shown("$.a,$.b, $.c,\t$.d").unwrap(),
        ["$.a", "$.b", "$.c", "$.d"]
    );
    assert_eq!(shown("$.a,").unwrap(), ["$.a"]);
    for wrong in ["", "$.a,,$.b", "$.a,  $.b", "$.'a,b'"] {
        assert!(shown(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(text in "\\$?[.'\"/:\\[\\]*a-c0-9,\\\\(é\n-]{0,24}") {
        let _ = KeyPath::parse(&text);
        let _ = KeyPath::parse_list(&text);
    }

    /// What is shown for a place leads to that place, unless a key is `*` or holds both
    /// kinds of quotes, which the language cannot say.
    #[test]
    fn shown_places_are_paths(keys in proptest::collection::vec("[.'/:\\[\\]*$~a-c0-9é -]{0,5}", 0..4)) {
        prop_assume!(keys.iter().all(|key| key != "*"));
        let segments: Vec<Segment> = keys.iter().map(|text| key(text)).collect();
        let path = KeyPath::parse(&show(&segments)).unwrap();
        prop_assert!(path.matches(&segments));
        prop_assert_eq!(path.depth(), segments.len());
        for (n, segment) in segments.iter().enumerate() {
            prop_assert!(path.step(n, segment));
            prop_assert!(!path.step(n, &key("other")));
        }
    }
}
