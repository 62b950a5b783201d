//! Texts that mean harm by their size or shape. Where time or memory grew faster than the text, these tests
//! would not end.

use super::*;

/// Pieces with a number each, until there are as many bytes.
fn many(size: usize, piece: impl Fn(usize) -> String) -> String {
    let mut text = String::new();
    for n in 0.. {
        if text.len() >= size {
            break;
        }
        text += &piece(n);
    }
    text
}

fn refusal(text: &str) -> String {
    Document::parse(text).unwrap_err().to_string()
}

fn there_and_back(text: &str) -> String {
    let sealed = encrypt(text, &["$"]).unwrap().text;
    assert!(!sealed.contains(": x"));
    decrypt(&sealed, &["$"]).unwrap()
}

#[test]
fn every_shape_many_times() {
    const SIZE: usize = 30_000;
    let shapes = [
        many(SIZE, |n| format!("k{n}:\n")),
        many(SIZE, |n| format!("k{n}: x\n")),
        many(SIZE, |n| format!("k{n}: 'x'\n")),
        many(SIZE, |n| format!("k{n}: |\n  x\n")),
        many(SIZE, |n| format!("k{n}: &a{n} x\n")),
        many(SIZE, |n| format!("? k{n}\n: x\n")),
        many(SIZE, |n| format!("--- x # {n}\n")),
        many(SIZE, |_| "- x\n".to_owned()),
        format!("{{{}}}\n", many(10 * SIZE, |n| format!("k{n},"))),
        format!("[{}]\n", many(SIZE, |_| "x,".to_owned())),
        format!("a:{}\n", many(SIZE, |_| " x\n".to_owned())),
    ];
    for text in shapes {
        let back = there_and_back(&text);
        let [back, text] = [back, text].map(|text| properties::meaning(&text));
        assert!(back == text);
    }
}

#[test]
fn ten_megabytes() {
    const SIZE: usize = 10 << 20;
    let filled = |head: &str, piece: &str, tail: &str| {
        format!("{head}{}{tail}", piece.repeat(SIZE / piece.len()))
    };
    for (text, values) in [
        (filled("a: ", "x", "\n"), 1),
        (filled("a: '", "x ", "'\n"), 1),
        (filled("a: \"", "\\n", "\"\n"), 1),
        (filled("a: |\n", "  x\n", ""), 1),
        (filled("a: >\n", "  x\n\n", ""), 1),
        (filled("a: ", " ", "\n"), 1),
        (filled("a: x", "\n", ""), 1),
        (filled("# ", "c", "\na: x\n"), 1),
        (filled("", "# c\n", ""), 0),
    ] {
        let found = document(&text).lookup(&KeyPath::default()).unwrap();
        assert_eq!(found.len(), values, "{}", &text[..10]);
        let changed = document(&text).encrypt(&[], &Affixes::default(), |_| {
            Ok::<_, Problems>(String::new())
        });
        assert!(changed.unwrap().text == text);
    }
    for piece in ["[", "{a: ", "- ", "? ", "a: {"] {
        let said = refusal(&filled("", piece, ""));
        assert!(
            said.ends_with("collections are nested too deeply"),
            "{said}"
        );
    }
}

#[test]
fn long_keys_above_many_values() {
    const LONG: &str =
        "the key paths down to here are too long together: no settings file needs it";
    let key = "k".repeat(100_000);
    let said = refusal(&format!("? {key}\n:\n{}", "  - x\n".repeat(1000)));
    assert_eq!(said, format!("169:5: {LONG}"));
    // So are deep ones.
    let deep = "[".repeat(200) + &"x,".repeat(100_000) + &"]".repeat(200);
    assert!(refusal(&deep).ends_with(LONG));
    // By an alias a long key is above as many values, but stands there once.
    let head = format!("a: &a\n  ? {key}\n  : x\nb:\n");
    let path = KeyPath::parse("$.b").unwrap();
    for item in ["  - *a\n", "  - {<<: *a}\n"] {
        let text = document(&format!("{head}{}", item.repeat(10_000)));
        assert!(matches!(text.lookup(&path), Err(LookupError::TooMany(_))));
    }
}
