//! What sops writes seldom, in files made here.

use super::super::ValueProblem;
use super::maker::{counted, dotenv, enc, json, open, yaml};
use super::*;

fn good(text: &str, format: Format) -> String {
    let decrypted = open(text, format).unwrap_or_else(|error| panic!("{error}\n{text}"));
    super::text(&decrypted).to_owned()
}

#[test]
fn every_type_in_every_format() {
    for (kind, plain, in_yaml, in_json) in [
        ("str", "x", "x", "\"x\""),
        (
            "str",
            "<é\u{2028}\u{8}\">",
            "\"<é\\L\\b\\\">\"",
            "\"\\u003cé\\u2028\\b\\\"\\u003e\"",
        ),
        ("bytes", "1", "\"1\"", "\"1\""),
        ("int", "-7", "-7", "-7"),
        ("float", "0.0000001", "1e-07", "1e-7"),
        ("bool", "True", "true", "true"),
        (
            "time",
            "2020-01-02T03:04:05Z",
            "2020-01-02T03:04:05Z",
            "\"2020-01-02T03:04:05Z\"",
        ),
    ] {
        let value = enc(plain, kind, "k:");
        let mac = counted(kind, plain.as_bytes());
        assert_eq!(
            good(&yaml(&format!("k: {value}\n"), &mac), Format::Yaml),
            format!("k: {in_yaml}\n")
        );
        assert_eq!(
            good(&json(&format!("\"k\":\"{value}\""), &mac), Format::Json),
            format!("{{\"k\":{in_json}}}")
        );
        let lines = good(&dotenv(&format!("k={value}\n"), &mac), Format::Dotenv);
        assert!(
            lines.starts_with("k=") && lines.ends_with('\n') && !lines.contains("ENC"),
            "{lines}"
        );
    }
}

#[test]
fn bytes_that_are_no_text() {
    let bytes = [0xff, 0, 0xfe];
    let value = enc(bytes, "str", "k:");
    let decrypted = open(&yaml(&format!("k: {value}\n"), bytes), Format::Yaml).unwrap();
    assert_eq!(super::text(&decrypted), "k: !!binary /wD+\n");
    assert_eq!(leaves(&decrypted), ["k=[255, 0, 254]"]);
    let unwritable = open(&json(&format!("\"k\":\"{value}\""), bytes), Format::Json).unwrap_err();
    assert!(matches!(
        unwritable,
        SopsError::Value {
            problem: ValueProblem::Unwritable,
            ..
        }
    ));
    let data = enc(bytes, "str", "data:");
    let decrypted = open(
        &json(&format!("\"data\":\"{data}\""), bytes),
        Format::Binary,
    )
    .unwrap();
    assert_eq!(*decrypted.content, bytes);
    let lines = open(&dotenv(&format!("k={value}\n"), bytes), Format::Dotenv).unwrap();
    assert_eq!(*lines.content, [b'k', b'=', 0xff, 0, 0xfe, b'\n']);
}

#[test]
fn unknown_types_and_wrong_contents_name_the_path() {
    for (kind, plain, problem) in [
        ("map", "x", "its type is unknown here"),
        ("int", "canary", "what was decrypted is not of the type int"),
        (
            "time",
            "canary",
            "what was decrypted is not of the type time",
        ),
    ] {
        let value = enc(plain, kind, "a:b:");
        let error = open(&yaml(&format!("a:\n  b: {value}\n"), ""), Format::Yaml).unwrap_err();
        assert_eq!(error.to_string(), format!("2:6: $.a.b: {problem}"));
    }
}

#[test]
fn only_encrypted_values_count_where_the_file_says_so() {
    let start =
        hex::decode("8a3fd2ad54ce66527b1034f3d147be0b0b975b3bf44f72c6fdadec8176f27d69").unwrap();
    let sealed = enc("x", "str", "k:");
    let body = format!("k: {sealed}\nopen_unencrypted: whatever\n");
    let mac = [&start[..], b"x"].concat();
    let text = yaml(&body, mac).replace("    mac:", "    mac_only_encrypted: true\n    mac:");
    assert_eq!(
        good(&text, Format::Yaml),
        "k: x\nopen_unencrypted: whatever\n"
    );
    assert_eq!(
        good(&text.replace("whatever", "else"), Format::Yaml),
        "k: x\nopen_unencrypted: else\n"
    );
    assert_eq!(
        open(&text.replace("true", "false"), Format::Yaml).unwrap_err(),
        SopsError::Mac
    );
    assert_eq!(
        open(&text.replace(&format!("k: {sealed}\n"), ""), Format::Yaml).unwrap_err(),
        SopsError::Mac
    );
}

#[test]
fn the_metadata_may_stand_anywhere() {
    let k = enc("x", "str", "k:");
    let whole = yaml("", "x");
    for (text, want) in [
        (
            format!("# a\nk: {k}\n# b\n{whole}# c\n"),
            "# a\nk: x\n# b\n# c\n",
        ),
        (format!("{whole}# c\nk: {k}\n"), "# c\nk: x\n"),
        (format!("---\nk: {k}\n{}", whole.trim_end()), "---\nk: x\n"),
        (format!("k: {k}\n\n{whole}...\n"), "k: x\n\n...\n"),
        (format!("\u{feff}{whole}k: {k}\n"), "\u{feff}k: x\n"),
        (format!("k: {k}\n{whole}").replace('\n', "\r\n"), "k: x\r\n"),
    ] {
        assert_eq!(good(&text, Format::Yaml), want);
    }
    assert_eq!(good(&yaml("", ""), Format::Yaml), "{}\n");
    assert_eq!(good(&json("", ""), Format::Json), "{}");
    let members = json(&format!("\"k\":\"{k}\""), "x");
    for format in [Format::Json, Format::Yaml] {
        let quoted = if format == Format::Json { "\"x\"" } else { "x" };
        assert_eq!(good(&members, format), format!("{{\"k\":{quoted}}}"));
        let (_, own) = members
            .strip_suffix('}')
            .unwrap()
            .split_once(",\"sops\"")
            .unwrap();
        let first = format!("{{\"sops\"{own} , \"k\":\"{k}\"}}\n");
        assert_eq!(good(&first, format), format!("{{\"k\":{quoted}}}\n"));
    }
}

#[test]
fn comments_of_lists_and_mappings() {
    let (item, comment) = (enc("x", "str", "l:"), enc(" c", "comment", "l:"));
    let in_yaml = |body: &str| good(&yaml(body, "x"), Format::Yaml);
    let top = enc(" top", "comment", ":");
    assert_eq!(
        in_yaml(&format!(
            "#{top}\nl:\n    #{comment}\n    - {comment}\n    - {item} #{comment}\n    - {comment}\n#{top}\n"
        )),
        "# top\nl:\n    # c\n    # c\n    - x # c\n    # c\n# top\n"
    );
    // Nothing but comments: an empty list, not null.
    assert_eq!(
        in_yaml(&format!(
            "l:\n    - {comment}\n    - {comment}\nk_unencrypted: x\n"
        )),
        "l:\n    # c\n    # c\n    []\nk_unencrypted: x\n"
    );
    assert_eq!(
        in_yaml(&format!("l:\n- {comment}\n- {item}\n")),
        "l:\n# c\n- x\n"
    );
    let nested = good(
        &yaml(
            &format!("l:\n    - - {comment}\n      - {item}\n    - - {comment}\n"),
            "x",
        ),
        Format::Yaml,
    );
    assert_eq!(nested, "l:\n    - # c\n      - x\n    - # c\n      []\n");
    // Those that do not open stay, as with sops; they are no data.
    let other = enc(" c", "comment", "elsewhere:");
    assert_eq!(
        in_yaml(&format!("#{other}\nl:\n    - {item}\n")),
        format!("#{other}\nl:\n    - x\n")
    );
    let breaking = enc("a\nevil: 1", "comment", ":");
    assert_eq!(
        in_yaml(&format!("#{breaking}\nl:\n    - {item}\n")),
        format!("#{breaking}\nl:\n    - x\n")
    );
    let error = open(&yaml(&format!("l: [\"{comment}\"]\n"), ""), Format::Yaml).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("1:5: $.l.[0]: {}", ValueProblem::Unwritable)
    );
}

#[test]
fn a_value_stays_one_value_wherever_it_stands() {
    for plain in [
        "a\nb: 1\n",
        "x\n---\ny: 1\n",
        "#",
        " # x",
        "*a",
        "a\nsops:\n  mac: x\n",
        "'\"",
        "\n",
        "!!map {}",
        "{{ x }}",
        "- a\n- b",
    ] {
        for (body, path) in [
            ("k: @\n", "k:"),
            ("k: \"@\"\n", "k:"),
            ("k: '@' # c\n", "k:"),
            ("k: >-\n    @\n", "k:"),
            ("k:\n  @\n", "k:"),
            ("r: {k: \"@\", z: {}}\n", "r:k:"),
            ("r: [\"@\", []]\n", "r:"),
            ("r:\n- - @\n", "r:"),
            ("? k\n: @\n", "k:"),
            ("k: |\n    @\n", "k:"),
            ("a:\n       b:\n         c: @\n", "a:b:c:"),
            ("k: !!str @\n", "k:"),
            ("k: &a @\n", "k:"),
        ] {
            // A literal block's text ends with a line feed, so it is no encrypted value.
            if body.contains("|\n") {
                continue;
            }
            let text = yaml(&body.replace('@', &enc(plain, "str", path)), plain);
            let decrypted =
                open(&text, Format::Yaml).unwrap_or_else(|error| panic!("{error}\n{text}"));
            let [leaf] = &decrypted.leaves[..] else {
                panic!("{text}")
            };
            assert_eq!(leaf.text, Plaintext::from(plain));
        }
    }
}

#[test]
fn json_numbers_of_old_and_new_versions() {
    for (number, old, new) in [
        ("9007199254740993", "9007199254740992", "9007199254740993"),
        ("-0", "-0", "0"),
        ("1e3", "1000", "1000"),
    ] {
        let members = format!("\"k_unencrypted\":{number}");
        for mac in [old, new] {
            assert_eq!(
                good(&json(&members, mac), Format::Json),
                format!("{{{members}}}")
            );
        }
        assert_eq!(
            open(&json(&members, "1"), Format::Json).unwrap_err(),
            SopsError::Mac
        );
    }
}

#[test]
fn dotenv_lines() {
    let value = enc("a\nb", "str", "K:");
    let comment = enc("c", "comment", ":");
    let text = dotenv(
        &format!("#{comment}\n\n# open\nK={value}\nO_unencrypted=x\\ny\nE=\n"),
        "a\nbx\ny",
    );
    assert_eq!(
        good(&text, Format::Dotenv),
        "#c\n# open\nK=a\\nb\nO_unencrypted=x\\ny\nE=\n"
    );
    for (line, error) in [
        (
            "no equals sign",
            "1:1: a line that is neither KEY=VALUE nor a comment",
        ),
        (
            "E=\nE=\n",
            "2:1: the key \"E\" stands here a second time: one of the two values would be lost",
        ),
    ] {
        assert_eq!(
            open(&dotenv(&format!("{line}\n"), ""), Format::Dotenv)
                .unwrap_err()
                .to_string(),
            error
        );
    }
}
