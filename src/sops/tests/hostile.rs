//! Files that mean harm, and files that are something else.

use super::super::Shape;
use super::maker::{self, enc, json, yaml};
use super::*;
use proptest::prelude::*;
use std::fmt::Write as _;

fn shape(text: &str, format: Format) -> Shape {
    match File::parse(text.as_bytes(), format) {
        Err(SopsError::Shape { problem, .. }) => problem,
        other => panic!("{other:?}"),
    }
}

#[test]
fn aliases_are_refused_so_bombs_are_too() {
    let mut bomb = "a0_unencrypted: &a0 [x, x]\n".to_owned();
    for n in 1..40 {
        writeln!(bomb, "a{n}_unencrypted: &a{n} [*a{0}, *a{0}]", n - 1).unwrap();
    }
    assert_eq!(shape(&yaml(&bomb, ""), Format::Yaml), Shape::Alias);
    assert_eq!(
        shape(&yaml("a: &a {b: *a}\n", ""), Format::Yaml),
        Shape::Alias
    );
    assert_eq!(
        shape(&yaml("a: &a b\n*a : c\n", ""), Format::Yaml),
        Shape::Key
    );
    assert_eq!(shape("sops: &a [*a]\n", Format::Yaml), Shape::Alias);
}

#[test]
fn nesting_is_bounded() {
    let nested = |depth: usize| format!("a: {}{}\n", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(shape(&yaml(&nested(150), ""), Format::Yaml), Shape::TooDeep);
    assert!(File::parse(yaml(&nested(90), "").as_bytes(), Format::Yaml).is_ok());
    assert_eq!(
        shape(&format!("sops: {}", &nested(150)[3..]), Format::Yaml),
        Shape::TooDeep
    );
    for text in [
        "[".repeat(1_000_000),
        "{\"a\":".repeat(1_000_000),
        "a: [".repeat(1_000_000),
        "- ".repeat(100_000),
    ] {
        for format in [Format::Yaml, Format::Json, Format::Binary, Format::Dotenv] {
            assert!(File::parse(text.as_bytes(), format).is_err());
        }
    }
    let flat = format!("sops_{}=x\n", "a__map_".repeat(100_000));
    assert!(File::parse(flat.as_bytes(), Format::Dotenv).is_err());
}

#[test]
fn long_keys_above_many_values_are_refused() {
    let mut text = format!("{}:\n", "k".repeat(1000));
    for n in 0..100_000 {
        writeln!(text, " v{n}: x").unwrap();
    }
    assert_eq!(shape(&text, Format::Yaml), Shape::TooLong);
    let comments = "  #ENC[\n".repeat(1000);
    let text = format!("? {}\n:\n  a: x\n{comments}", "k".repeat(100_000));
    assert_eq!(shape(&text, Format::Yaml), Shape::TooLong);
}

/// One value, which is enough for one format: they share the cipher.
#[test]
fn ten_megabytes() {
    let plain = "x".repeat(10 << 20);
    let text = yaml(&format!("k: {}\n", enc(&plain, "str", "k:")), &plain);
    let decrypted = maker::open(&text, Format::Yaml).unwrap();
    assert!(decrypted.leaves[0].text == Plaintext::from(plain.as_str()));
    let sealed = format!("ENC[AES256_GCM,data:{}", "A".repeat(10 << 20));
    for (text, format) in [
        (format!("k: {sealed}\n"), Format::Yaml),
        (format!("{{\"k\":\"{sealed}\"}}"), Format::Json),
        (format!("{{\"data\":\"{sealed}\"}}"), Format::Binary),
        (format!("k={sealed}\n"), Format::Dotenv),
        (format!("#{sealed}\n"), Format::Dotenv),
    ] {
        let read = File::parse(text.as_bytes(), format);
        assert_eq!(read.unwrap_err(), SopsError::NoMetadata);
        assert!(File::parse(&text.as_bytes()[..text.len() / 2], format).is_err());
    }
}

#[test]
fn many_values() {
    const COUNT: usize = 5000;
    let body = |before: &str, after: &str| {
        let one = |n| format!("{before}k{n}_unencrypted{after}");
        (0..COUNT).map(one).collect::<String>()
    };
    let counted = "x".repeat(COUNT);
    let members = body("\"", "\":\"x\",");
    for (text, format) in [
        (yaml(&body("", ": x # c\n"), &counted), Format::Yaml),
        (json(&members[..members.len() - 1], &counted), Format::Json),
        (
            maker::dotenv(&body("# c\n", "=x\n"), &counted),
            Format::Dotenv,
        ),
    ] {
        let decrypted = maker::open(&text, format).unwrap();
        assert_eq!(decrypted.leaves.len(), COUNT);
    }
}

#[test]
fn two_values_under_one_key_are_refused() {
    for (text, format) in [
        (yaml("a: x\na: y\n", ""), Format::Yaml),
        (yaml("r:\n  a: x\n  \"a\": y\n", ""), Format::Yaml),
        (json("\"a\":1,\"\\u0061\":2", ""), Format::Json),
        (maker::dotenv("a=1\na=2\n", ""), Format::Dotenv),
    ] {
        assert_eq!(shape(&text, format), Shape::Duplicate("a".into()));
    }
    assert!(matches!(
        shape(&(yaml("", "") + &yaml("", "")), Format::Yaml),
        Shape::Duplicate(_)
    ));
}

#[test]
fn every_document_has_the_metadata_of_the_first() {
    let (whole, other) = (yaml("", ""), yaml("", "x"));
    for text in [
        format!("{whole}---\n{other}"),
        format!("{whole}---\na: b\n"),
        format!("a: b\n---\n{whole}"),
    ] {
        assert_eq!(shape(&text, Format::Yaml), Shape::OtherMetadata);
    }
    let same = format!("{whole}---\n{whole}---\n");
    assert!(File::parse(same.as_bytes(), Format::Yaml).is_ok());
}

#[test]
fn what_is_no_sops_file() {
    let none = |text: &str, format| File::parse(text.as_bytes(), format).unwrap_err();
    for format in [Format::Yaml, Format::Dotenv] {
        assert_eq!(none("", format), SopsError::NoMetadata);
    }
    assert_eq!(none("a: b\n", Format::Yaml), SopsError::NoMetadata);
    assert_eq!(none("{\"a\": 1}", Format::Json), SopsError::NoMetadata);
    assert_eq!(none("A=b\n", Format::Dotenv), SopsError::NoMetadata);
    assert_eq!(
        none("# c\nsops: null\n", Format::Yaml).to_string(),
        "the sops metadata's top: it is not a mapping"
    );
    assert_eq!(shape("- a\n", Format::Yaml), Shape::Root);
    assert_eq!(shape("text", Format::Yaml), Shape::Root);
    assert_eq!(shape("[1]", Format::Json), Shape::Root);
    assert_eq!(shape("1: a\nsops: {}\n", Format::Yaml), Shape::Key);
    assert_eq!(shape("[a]: b\n", Format::Yaml), Shape::Key);
    assert_eq!(
        shape(&json("\"data\":\"x\",\"more\":1", ""), Format::Binary),
        Shape::NotBinary
    );
    assert_eq!(
        shape(&json("\"data\":1", ""), Format::Binary),
        Shape::NotBinary
    );
    assert_eq!(
        none("a: [", Format::Yaml).to_string(),
        "2:1: it is not YAML: did not find expected node content"
    );
    assert_eq!(
        none("{\"canary\" 1}", Format::Json).to_string(),
        "1:11: it is not JSON: expected `:`"
    );
    assert_eq!(
        File::parse(b"a: \xff\n", Format::Yaml).unwrap_err(),
        SopsError::NotUtf8(3)
    );
}

#[test]
fn errors_never_quote_values() {
    let value = enc("x", "str", "k:");
    for text in [
        yaml("k: canary\n", ""),
        yaml(&format!("k: {value}canary\n"), ""),
        yaml("k: !canary 1\n", ""),
        yaml("k_unencrypted: canary\n", ""),
        yaml("k_unencrypted: 99999999999999999999\n", "")
            .replace("lastmodified: \"", "lastmodified: \"canary"),
        yaml("", "").replace("mac: ", "mac: canary"),
    ] {
        let error = maker::open(&text, Format::Yaml).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    for text in [
        json("\"k\":canary", ""),
        json("\"k\":\"canary", ""),
        json("\"k\":1canary", ""),
        json("\"k\":\"canary\"", ""),
    ] {
        let error = maker::open(&text, Format::Json).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
}

fn any_format() -> impl Strategy<Value = Format> {
    prop_oneof![
        Just(Format::Yaml),
        Just(Format::Json),
        Just(Format::Dotenv),
        Just(Format::Binary)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), format in any_format()) {
        let _ = File::parse(&bytes, format);
    }

    #[test]
    fn no_change_of_a_real_file_makes_it_panic_or_pass(
        id in prop::sample::select(vec!["01_kms_yaml", "18_multidoc", "08_age_dotenv", "20_shamir_2of2", "16_encrypted_comment_regex"]),
        at in any::<prop::sample::Index>(),
        cut in 0..40_usize,
        insert in "[-\\[\\]{}:#,&*!|>'\"% \n\tA-Za-z0-9=_]{0,6}",
    ) {
        let (bytes, format) = encrypted(id);
        let text = String::from_utf8(bytes).unwrap();
        let start = at.index(text.len());
        let end = (start + cut).min(text.len());
        prop_assume!(text.is_char_boundary(start) && text.is_char_boundary(end));
        let changed = format!("{}{insert}{}", &text[..start], &text[end..]);
        let whole = file(id);
        let key = data_key(&whole);
        let Ok(opened) = File::parse(changed.as_bytes(), format).and_then(|file| file.decrypt(&key)) else {
            return Ok(());
        };
        // Comments, layout, metadata about other keys and clear keys may change, values may not.
        let values = |decrypted: &Decrypted| decrypted.leaves.iter().map(|leaf| leaf.text.clone()).collect::<Vec<_>>();
        let filled = |values: Vec<Plaintext>| values.into_iter().filter(|text| *text != Plaintext::from("") && *text != Plaintext::from("null")).collect::<Vec<_>>();
        let before = filled(values(&whole.decrypt(&key).unwrap()));
        prop_assert_eq!(filled(values(&opened)), before, "{}", changed);
    }

    #[test]
    fn any_text_is_there_again(texts in prop::collection::vec("[ -~\n\t\r\u{85}\u{2028}é😀:#]{1,30}", 1..4)) {
        let mut body = String::new();
        for (n, text) in texts.iter().enumerate() {
            let sealed = enc(text, "str", &format!("k{n}:"));
            write!(body, "k{n}:\n    - {sealed}\n").unwrap();
        }
        let decrypted = maker::open(&yaml(&body, texts.concat()), Format::Yaml).unwrap();
        let found: Vec<Plaintext> = decrypted.leaves.iter().map(|leaf| leaf.text.clone()).collect();
        let want: Vec<Plaintext> = texts.iter().map(|text| Plaintext::from(text.as_str())).collect();
        prop_assert_eq!(found, want);
    }
}
