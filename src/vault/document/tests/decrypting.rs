use super::*;

#[test]
fn types_tags_and_places() {
    let cases = [
        // Plain stays plain where it can, else `!` keeps Psych resolving it.
        ("a: «1»", "a: 1"),
        ("a: «x: y»", "a: ! 'x: y'"),
        ("a: «it's: y»", "a: ! 'it''s: y'"),
        ("a: «- x»", "a: ! '- x'"),
        ("a: «a\nb»", "a: ! \"a\\nb\""),
        ("a: « x»", "a: ! ' x'"),
        ("a: «»", "a:"),
        ("a: «» # c", "a: # c"),
        ("- «»\n- «»", "-\n-"),
        ("[«»]", "[! '']"),
        ("[«», «1»]", "[! '', 1]"),
        ("{a: «», b: «1»}", "{a: , b: 1}"),
        ("{a: «x, y»}", "{a: ! 'x, y'}"),
        ("a: «x, y»", "a: x, y"),
        ("{a: «[»}", "{a: ! '['}"),
        ("«text»", "text"),
        ("--- «text»", "--- text"),
        ("«»", "! ''"),
        ("--- «»", "---"),
        ("--- «--- x»", "--- --- x"),
        ("«--- x»", "! '--- x'"),
        // `!` before a quoted message is what an affix makes of a plain one.
        ("a: ! '«1»'", "a: 1"),
        ("a: !   \"«yes»\" # c", "a: yes # c"),
        ("a: &x ! '«1»'", "a: &x 1"),
        ("a: ! '«»'", "a:"),
        ("a: ! '«a: b»'", "a: ! 'a: b'"),
        ("a: ! |-\n  «1»\nb: 2", "a: 1\nb: 2"),
        // Strings stay strings.
        ("a: '«1»'", "a: '1'"),
        ("a: \"«1»\"", "a: \"1\""),
        ("a: '«a\nb»'", "a: \"a\\nb\""),
        ("a: \"«\t\u{1}é»\"", "a: \"\\t\\x01é\""),
        ("a: '«it's»'", "a: 'it''s'"),
        ("a: \"«!important note»\"", "a: \"!important note\""),
        ("a: |-\n  «!x y»", "a: |-\n  !x y"),
        (
            "a: '«tag:yaml.org,2002:str 1»'",
            "a: 'tag:yaml.org,2002:str 1'",
        ),
        // Tags come back.
        ("a: «!foo x»", "a: !foo x"),
        ("a: &b «!foo x»", "a: &b !foo x"),
        ("a: «!foo »", "a: !foo"),
        ("a: «!foo  x»", "a: !foo ' x'"),
        ("a: «!foo a\nb»", "a: !foo \"a\\nb\""),
        ("a: «! 1»", "a: ! 1"),
        ("a: «tag:yaml.org,2002:str 1»", "a: !!str 1"),
        ("a: ! \"«!foo x»\"", "a: !foo \"x\""),
        ("a: ! '«!foo »'", "a: !foo ''"),
        ("a: ! '«tag:yaml.org,2002:str 1»'", "a: !!str '1'"),
        ("a: «tag:x,2000:y z»", "a: tag:x,2000:y z"),
        (
            "%TAG ! !p-\n---\na: «!foo x»",
            "%TAG ! !p-\n---\na: !<!foo> \"x\"",
        ),
        // Blocks.
        ("a: |-\n  «x\ny\n»", "a: |\n  x\n  y\n"),
        ("a: |-\n  «x\n»\nb: 1", "a: |\n  x\nb: 1"),
        ("a: |-\n  «x\n\n»\nb: 1", "a: |+\n  x\n\nb: 1"),
        ("a: |-\n  «x»\n\n\nb: 1", "a: |-\n  x\n\n\nb: 1"),
        ("a: |-\n  «x\n»\n\n\nb: 1", "a: |\n  x\n\n\nb: 1"),
        ("a: |-\n  «x\n\n»\n\n\nb: 1", "a: \"x\\n\\n\"\n\n\nb: 1"),
        ("a: |-\n  «»\nb: 1", "a: |-\nb: 1"),
        ("a: |-\n  «\n»\nb: 1", "a: \"\\n\"\nb: 1"),
        ("a: |-\n  « x\ny»", "a: |2-\n   x\n  y"),
        ("a: |-\n  «\ny»", "a: |-\n\n  y"),
        ("a: |-\n           « x»", "a: \" x\""),
        ("a: |- # c\n  «\u{1}»\nb: 1", "a: \"\\x01\" # c\nb: 1"),
        ("a: |-\r\n  «x\ny\n»\r\nb: 1", "a: |\r\n  x\r\n  y\r\nb: 1"),
        ("a: >-\n  «x y»", "a: >-\n  x y"),
        ("a: >-\n  «x\ny»", "a: >-\n  x\n\n  y"),
        ("a: >-\n  «x\n y\nz»", "a: >-\n  x\n   y\n  z"),
        ("- |-\n  «x\n»\n- 1", "- |\n  x\n- 1"),
        ("a:\n- |-\n  «x\n»\n- 1", "a:\n- |\n  x\n- 1"),
        // What Rails would run as ERB does not reach it as such.
        ("a: «<%= x %>»", "a: ! \"<\\x25= x %>\""),
        ("a: '«<% x»'", "a: \"<\\x25 x\""),
        ("a: |-\n  «<% x»", "a: \"<\\x25 x\""),
    ];
    for (text, want) in cases {
        let lenient = |message: &str| open(message).or_else(|_| Ok(Plaintext::from(message)));
        let done = document(&sealed(text)).decrypt(&paths(&["$"]), &Affixes::default(), lenient);
        let done = done.map(|done| done.text.expose().to_owned());
        assert_eq!(done.as_deref(), Ok(want), "{text:?}");
    }
}

#[test]
fn bytes_become_binary() {
    let text = "a: MSGff00==\nb: 'MSGff=='\nc: |-\n  MSGfe==\nd: 1\n";
    let done = document(text).decrypt(&paths(&["$.a", "$.b", "$.c"]), &Affixes::default(), open);
    let want = "a: !binary /wA=\nb: !binary '/w=='\nc: !binary |-\n  /g==\nd: 1\n";
    assert_eq!(done.unwrap().text.expose(), want);
}

#[test]
fn affixes_are_optional_each() {
    let affixes = Affixes {
        prefix: "{E:".to_owned(),
        suffix: "}".to_owned(),
    };
    let text = sealed("a: ! '{E:«1»}'\nb: «2»\nc: ! '{E:«3»'\nd: \"«4»}\"\n");
    let done = document(&text)
        .decrypt(&paths(&["$"]), &affixes, open)
        .unwrap();
    assert_eq!(done.text.expose(), "a: 1\nb: 2\nc: 3\nd: \"4\"\n");
}

#[test]
fn all_failures_with_key_path_and_place_but_no_value() {
    let text = "a: canary1\nb:\n  - «x»\n  - \"canary2\"\n'c.d': canary3\n";
    let problems = decrypt(text, &["$"]).unwrap_err();
    let lines: Vec<String> = problems.0.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines,
        [
            "1:4: $.a: it is not an encrypted message: encrypt it, or keep it out of the key paths",
            "4:5: $.b.[1]: it is not an encrypted message: encrypt it, or keep it out of the key paths",
            "5:8: $.'c.d': it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ]
    );
    assert!(!format!("{problems:?}").contains("canary"));
}

#[test]
fn erb_in_a_value_is_an_error_and_elsewhere_text() {
    let text = "# <% x %>\n<%= k %>: 1\na: «x»\nb: <%= y %>\nc: \"<% z %>\"\n";
    assert_eq!(decrypt(text, &["$.a"]).unwrap(), text.replace("«x»", "x"));
    let problems = decrypt(text, &["$.a", "$.b", "$.c"]).unwrap_err();
    let reasons: Vec<_> = problems
        .0
        .iter()
        .map(|p| (p.path.as_str(), &p.reason))
        .collect();
    assert_eq!(reasons, [("$.b", &Reason::Erb), ("$.c", &Reason::Erb)]);
}

#[test]
fn texts_that_are_no_documents() {
    let cases = [
        ("a: [", "2:1: not YAML: "),
        ("<% if x %>\na: 1\n<% end %>\n", "2:2: not YAML: "),
        ("a: \u{1}", "not YAML: control characters are not allowed"),
    ];
    for (text, want) in cases {
        let error = Document::parse(text).unwrap_err().to_string();
        assert!(error.contains(want), "{text:?}: {error}");
        let erb = error.contains("the ERB at 1:1 is not run here");
        assert_eq!(erb, text.contains("<%"), "{error}");
    }
    let deep = "[".repeat(300);
    let error = Document::parse(&format!("{deep}{}", deep.replace('[', "]"))).unwrap_err();
    assert!(matches!(error, DocumentError::TooDeep(_)), "{error}");
}

#[test]
fn each_distinct_message_once() {
    let text = sealed("a: «x»\nb: «y»\nc: «x»\nd: '«x»'\n");
    let mut asked = Vec::new();
    let done = document(&text).decrypt(&paths(&["$"]), &Affixes::default(), |message| {
        asked.push(message.to_owned());
        open(message)
    });
    assert_eq!(asked, [seal("x"), seal("y")]);
    assert_eq!(done.unwrap().text.expose(), "a: x\nb: y\nc: x\nd: 'x'\n");
}

#[test]
fn debug_tells_nothing() {
    let shown = format!("{:?}", document("a: canary"));
    assert_eq!(shown, "Document(9 bytes)");
}
