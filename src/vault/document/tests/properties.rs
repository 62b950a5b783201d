use super::*;
use proptest::prelude::*;

/// Events as Psych tells them apart: what is plain, what is a string, what is tagged.
pub(super) fn meaning(text: &str) -> Vec<(RawEvent, bool)> {
    let events = yaml::events(text).unwrap();
    let one = |event: Event| match event.raw {
        RawEvent::Scalar {
            anchor,
            tag,
            value,
            style,
        } => {
            let plain = tag.as_deref() == Some("!") || (tag.is_none() && style == Style::Plain);
            let plain =
                plain && crate::vault::psych::resolve(&value) != crate::vault::psych::Kind::String;
            let tag = tag.filter(|tag| tag != "!");
            (
                RawEvent::Scalar {
                    anchor,
                    tag,
                    value,
                    style: Style::Plain,
                },
                plain,
            )
        }
        other => (other, false),
    };
    events.into_iter().map(one).collect()
}

/// Lines that are YAML more often than chance would make them.
pub(super) fn yamlish() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a: ",
        "b: ",
        "k:",
        "- ",
        "? ",
        ": ",
        "{",
        "}",
        "[",
        "]",
        ", ",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\r\n",
        "&x ",
        "*x",
        "!t ",
        "!!str ",
        "! ",
        "'q'",
        "\"d\"",
        "''",
        "\"\\n\"",
        "|\n  ",
        "|-\n  ",
        "|+\n  ",
        ">\n  ",
        ">2\n   ",
        "|1\n ",
        "# c\n",
        " # c",
        "text",
        "two words",
        "1",
        "~",
        "<<: ",
        "---\n",
        "--- ",
        "...\n",
        "é",
        "\t",
        " ",
        "\n\n",
        "<%",
        "%",
    ]);
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// A value's places: plain, quoted, block, in flow, at the root, tagged, with and without an end of line.
pub(super) const PLACES: [&str; 24] = [
    "a: M\nb: 1\n",
    "a: M",
    "- M\n- 1\n",
    "- - M\n  - 1\n",
    "a: 'M'\nb: 1\n",
    "a: \"M\" # c\nb: 1\n",
    "a: ! 'M'\nb: 1\n",
    "a: ! \"M\"\nb: 1\n",
    "a: |-\n  M\nb: 1\n",
    "a: |-\n  M",
    "a: |- # c\n      M\n\n\nb: 1\n",
    "a:\n- |-\n  M\n- 1\n",
    "a: ! |-\n  M\nb: 1\n",
    "a: >-\n  M\nb: 1\n",
    "a: &x >-\r\n  M\r\nb: *x\r\n",
    "{a: M, b: 1}\n",
    "[M, 1]\n",
    "[a: M]\n",
    "a: &x M # c\nb: *x\n",
    "a:\n  # c\n  M\nb: 1\n",
    "? a\n: M\n",
    "M",
    "--- M\n--- 1\n",
    "--- |-\n  M\n...\n",
];

/// More with `PROPTEST_CASES`.
pub(super) fn cases() -> u32 {
    let asked = std::env::var("PROPTEST_CASES").ok();
    asked.and_then(|n| n.parse().ok()).unwrap_or(600)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    #[test]
    fn no_text_panics(text in yamlish(), path in "\\$(\\.(a|b|\\*|\\[0\\]|<<|/./)){0,3}") {
        if let Ok(document) = Document::parse(&text) {
            let Ok(path) = KeyPath::parse(&path) else { return Ok(()) };
            let _ = document.select(std::slice::from_ref(&path), &Affixes::default());
            let _ = document.lookup(&path);
            let _ = document.choose_plaintexts(&[path]);
        }
    }

    #[test]
    fn any_text_is_parsed_or_refused(text in any::<String>()) {
        let _ = Document::parse(&text);
    }

    /// Encrypting either fails or can be undone. Lines of tabs are left out: after a plain scalar libyaml
    /// skips them, after a quoted one they are an error, so such a value cannot always be written.
    #[test]
    fn there_and_back(text in yamlish()) {
        let text = text.replace('\t', " ");
        let Ok(document) = Document::parse(&text) else { return Ok(()) };
        let all = [KeyPath::default()];
        let affixes = Affixes::default();
        let Ok(done) = document.encrypt(&all, &affixes, |plain| Ok::<_, Problems>(seal(plain))) else {
            return Ok(());
        };
        let back = super::document(&done.text).decrypt(&all, &affixes, open);
        let back = back.map_err(|problems| TestCaseError::fail(format!("{problems}\n{}", done.text)))?;
        prop_assert_eq!(meaning(back.text.expose()), meaning(&text), "{}\n=== back\n{}", done.text, back.text.expose());
    }

    /// Every value can be written in every place, and reads back as itself.
    #[test]
    fn every_value_fits_everywhere(value in prop_oneof![any::<String>(), "[ab:#,'\"\\n\\[\\]{}!&*|>%@` \\t<-]{0,12}"]) {
        for place in PLACES {
            let text = place.replacen('M', &seal(&value), 1);
            let document = super::document(&text);
            let selection = document.select(&paths(&["$"]), &Affixes::default()).unwrap();
            let id = selection.scalars[0].id;
            let result = document.splice(&[(id, Plaintext::from(value.as_str()))]);
            let result = result.map_err(|problems| TestCaseError::fail(format!("{place:?}: {problems}")))?;
            let found = super::document(result.expose());
            let scalar = found.scalar(found.tree.value_scalars().next().unwrap()).unwrap();
            let old = document.scalar(id).unwrap();
            let (tag, text) = tag::split(&value, old.is_plain_like());
            let no_bang = |tag: Option<&str>| tag.filter(|tag| *tag != "!").map(str::to_owned);
            prop_assert_eq!(no_bang(scalar.tag), no_bang(tag), "{:?}", place);
            prop_assert_eq!(scalar.value, text, "{:?}", place);
            if tag.is_none() {
                prop_assert_eq!(scalar.is_plain_like(), old.is_plain_like(), "{:?}", place);
            }
        }
    }
}
