use super::*;

fn warnings(text: &str) -> Vec<String> {
    let done = encrypt(text, &["$"]).unwrap();
    done.choice
        .warnings
        .iter()
        .map(|warning| warning.path.clone())
        .collect()
}

#[test]
fn styles_and_tags_as_the_gem_has_them() {
    let cases = [
        ("a: 1", "a: «1»"),
        ("a:", "a: «»"),
        ("a: # c\nb: 1", "a: «» # c\nb: «1»"),
        ("a: '1'", "a: '«1»'"),
        ("a: \"x\\ny\"", "a: \"«x\ny»\""),
        ("a: one\n  two # c", "a: «one two» # c"),
        ("a: |\n  x\n  y\n\nb: 1", "a: |-\n  «x\ny\n»\n\nb: «1»"),
        ("a: >+ # c\n  x\n  y\n", "a: >- # c\n  «x y\n»\n"),
        ("a: !foo x", "a: «!foo x»"),
        ("a: !foo \"x\"", "a: ! \"«!foo x»\""),
        ("a: !foo", "a: «!foo »"),
        ("a: !!str 1", "a: «tag:yaml.org,2002:str 1»"),
        ("a: ! 1", "a: «! 1»"),
        ("a: &b x", "a: &b «x»"),
        ("a: &b !foo x", "a: &b «!foo x»"),
        ("a: !foo &b x", "a: &b «!foo x»"),
        ("a: !foo &b", "a: &b «!foo »"),
        ("a: &b !foo", "a: &b «!foo »"),
        ("a: &b", "a: &b «»"),
        ("{a, b: }", "{a: «», b: «»}"),
        ("{a: , b}", "{a: «», b: «»}"),
        ("[a: , b]", "[a: «», «b»]"),
        ("? a\n? b # c\n", "? a\n: «»\n? b # c\n: «»\n"),
        ("x:\n  ? a\n", "x:\n  ? a\n  : «»\n"),
        ("a: &x 1\nb: *x\n", "a: &x «1»\nb: *x\n"),
        (
            "a: tag:yaml.org,2002:str 1",
            "a: '«tag:yaml.org,2002:str 1»'",
        ),
        ("", ""),
    ];
    for (text, want) in cases {
        let done = encrypt(text, &["$"]).map(|done| done.text);
        assert_eq!(done, Ok(sealed(want)), "{text:?}");
    }
}

#[test]
fn what_is_refused() {
    let cases = [
        ("? [a]\n: 1\n", "$: a mapping's key that is a collection"),
        (
            "a: &x k\n*x : v\n",
            "$: a mapping's key that is a collection",
        ),
        ("a: <%= x %>\n", "1:4: $.a: the value holds ERB"),
        (
            "a: !<tag:x.com,2000:t> v\n",
            "1:4: $.a: the tag tag:x.com,2000:t would be lost",
        ),
        ("a: !x%20y v\n", "1:4: $.a: the tag !x y would be lost"),
    ];
    for (text, want) in cases {
        let problems = encrypt(text, &["$"]).unwrap_err().to_string();
        assert!(problems.contains(want), "{text}: {problems}");
    }
    // Where nothing is encrypted, nothing can be lost.
    assert_eq!(
        encrypt("? [a]\n: 1\nb: 2\n", &["$.c"])
            .unwrap()
            .choice
            .unmatched
            .len(),
        1
    );
}

#[test]
fn what_the_gem_would_lose() {
    assert_eq!(warnings("a: \"!important note\""), ["$.a"]);
    assert_eq!(warnings("a: \"!nospace\""), Vec::<String>::new());
    assert_eq!(warnings("a: '! x'"), ["$.a"]);
    assert_eq!(warnings("a: !foo bar"), Vec::<String>::new());
    assert_eq!(warnings("a: !foo \"  x\""), ["$.a"]);
    assert_eq!(warnings("a: !foo |\n  x\n"), ["$.a"]);
    assert_eq!(warnings("a: !!str 1"), ["$.a"]);
    assert_eq!(warnings("a: ! 1"), ["$.a"]);
}

#[test]
fn affixes_that_need_quotes() {
    let affixes = Affixes {
        prefix: "{E:".to_owned(),
        suffix: "}".to_owned(),
    };
    let text = "a: 1\nb: '2'\nc: |\n  x\nd:\ne: [3]\n";
    let done = document(text).encrypt(&paths(&["$"]), &affixes, |plain| {
        Ok::<_, Problems>(seal(plain))
    });
    let want =
        "a: ! '{E:«1»}'\nb: '{E:«2»}'\nc: |-\n  {E:«x\n»}\nd: ! '{E:«»}'\ne: [! '{E:«3»}']\n";
    assert_eq!(done.unwrap().text, sealed(want));
}

#[test]
fn unmatched_paths_are_told() {
    let done = encrypt("a: 1", &["$.b", "$.a"]).unwrap();
    let told: Vec<String> = done
        .choice
        .unmatched
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(told, ["key path $.b matches nothing"]);
}
