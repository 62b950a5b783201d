//! Changes that somebody without the data key could make.

use super::super::ValueProblem;
use super::*;

/// The error of a vector after a change of its text.
fn error(id: &str, change: impl Fn(&str) -> String) -> SopsError {
    let (bytes, format) = encrypted(id);
    let text = String::from_utf8(bytes).unwrap();
    let changed = change(&text);
    assert_ne!(changed, text, "nothing was changed");
    let key = data_key(&file(id));
    match File::parse(changed.as_bytes(), format).and_then(|file| file.decrypt(&key)) {
        Ok(_) => panic!("it was decrypted:\n{changed}"),
        Err(error) => error,
    }
}

fn swapped_lines(text: &str, first: usize, second: usize) -> String {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.swap(first, second);
    lines.join("\n") + "\n"
}

#[test]
fn the_mac_sees_what_no_value_shows() {
    let id = "01_kms_yaml";
    let line = |text: &str, begin: &str| {
        text.lines()
            .position(|line| line.starts_with(begin))
            .unwrap()
    };
    // Removed, re-ordered, added.
    assert_eq!(
        error(id, |text| text
            .lines()
            .filter(|line| !line.starts_with("int:"))
            .collect::<Vec<_>>()
            .join("\n")),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| swapped_lines(
            text,
            line(text, "int:"),
            line(text, "neg:")
        )),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| text.replace(
            "plain_unencrypted: visible",
            "plain_unencrypted: visible\nmore_unencrypted: x"
        )),
        SopsError::Mac
    );
    // Clear values.
    assert_eq!(
        error(id, |text| text.replace("visible", "visiblE")),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| text.replace("deep: 1", "deep: 2")),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| text.replace("b: true", "b: false")),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| text.replace("b: true", "b: \"true\"")),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| text.replace("        - two\n", "")),
        SopsError::Mac
    );
    assert_eq!(
        error(id, |text| text.replace(
            "t: 2020-01-02T03:04:05.678+09:00",
            "t: 2020-01-01T18:04:05.678Z"
        )),
        SopsError::Mac
    );
    // An item that is made a comment is missing in the MAC.
    assert_eq!(
        error(id, |text| {
            let (head, tail) = text.split_once("    - ENC[AES256_GCM,data:vYDv").unwrap();
            format!(
                "{head}    - ENC[AES256_GCM,data:vYDv{}",
                tail.replacen("type:str", "type:comment", 1)
            )
        }),
        SopsError::Mac
    );
}

#[test]
fn the_same_clear_value_written_otherwise_is_the_same() {
    let (bytes, format) = encrypted("01_kms_yaml");
    let text = String::from_utf8(bytes).unwrap();
    let changed = text
        .replace("o: 493", "o: 0755")
        .replace("h: 31", "h: 0x1F")
        .replace("f: 2.5\n", "f: 2.50\n");
    let decrypted = decrypt(changed.as_bytes(), format).unwrap();
    assert!(String::from_utf8_lossy(&decrypted.content).contains("o: 0755"));
}

#[test]
fn values_stay_where_they_are() {
    let forged = |path: &str, line: usize, column: usize, error: &SopsError| {
        assert_eq!(
            error.to_string(),
            format!("{line}:{column}: {path}: {}", ValueProblem::Forged)
        );
    };
    // Swapped, moved, and a key renamed.
    let swapped = error("10_kms_and_age", |text| {
        text.replace("a: ENC", "x: ENC")
            .replace("\nc: ENC", "\na: ENC")
            .replace("x: ENC", "c: ENC")
    });
    forged("$.c", 1, 4, &swapped);
    forged(
        "$.data.name",
        2,
        11,
        &error("12_unencrypted_regex", |text| {
            text.replacen("user:", "name:", 1)
        }),
    );
    forged(
        "$.list.[0]",
        7,
        7,
        &error("12_unencrypted_regex", |text| {
            let mut lines: Vec<&str> = text.lines().collect();
            let user = lines[1].replace("    user:", "    -");
            lines[6] = &user;
            lines.join("\n")
        }),
    );
    forged(
        "$.NUM",
        2,
        1,
        &error("08_age_dotenv", |text| {
            text.replace("FOO=ENC", "TMP=ENC")
                .replace("NUM=ENC", "FOO=ENC")
                .replace("TMP=ENC", "NUM=ENC")
        }),
    );
    let json = error("20_shamir_2of2", |text| {
        text.replace("\"a\": \"ENC", "\"b\": \"ENC")
    });
    forged("$.b", 2, 7, &json);
}

#[test]
fn clear_text_where_none_may_be() {
    let problem = |error: SopsError| match error {
        SopsError::Value { problem, .. } => problem,
        other => panic!("{other}"),
    };
    for value in ["open", "1", "true", "2020-01-02", "enc[x]"] {
        let error = error("06_kms_context", |text| {
            let end = text.find('\n').unwrap();
            format!("a: {value}{}", &text[end..])
        });
        assert_eq!(problem(error), ValueProblem::NotEncrypted, "{value}");
    }
    // A rule that was taken away, or changed.
    assert_eq!(
        problem(error("12_unencrypted_regex", |text| text
            .replace("    unencrypted_regex: ^(kind|port)$\n", ""))),
        ValueProblem::NotEncrypted
    );
    assert_eq!(
        error("12_unencrypted_regex", |text| text
            .replace("^(kind|port)$", "^(kind|port|user)$")),
        SopsError::Mac
    );
    let two = error("12_unencrypted_regex", |text| {
        text.replace(
            "    unencrypted_regex",
            "    encrypted_suffix: x\n    unencrypted_regex",
        )
    });
    assert!(
        two.to_string().contains("a file has one rule at most"),
        "{two}"
    );
}

#[test]
fn every_flipped_bit_of_mac_and_values_is_refused() {
    let (bytes, format) = encrypted("06_kms_context");
    let text = String::from_utf8(bytes).unwrap();
    let key = data_key(&file("06_kms_context"));
    let mac = text.find("    mac: ").unwrap();
    let spans = [
        0..text.find('\n').unwrap(),
        mac + 9..mac + text[mac..].find('\n').unwrap(),
    ];
    let mut refused = 0;
    for at in spans.into_iter().flatten() {
        for bit in 0..8 {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1 << bit;
            let decrypted = File::parse(&changed, format).and_then(|file| file.decrypt(&key));
            // `a: ENC` may become `b: ENC`, but never be decrypted.
            assert!(decrypted.is_err(), "bit {bit} of byte {at}");
            refused += 1;
        }
    }
    assert!(refused > 2000);
}

#[test]
fn the_mac_is_bound_to_its_time_and_must_be_there() {
    let changed = error("06_kms_context", |text| {
        text.replace("lastmodified: \"2026", "lastmodified: \"2025")
    });
    assert_eq!(changed, SopsError::MacSeal(ValueProblem::Forged));
    let none = error("06_kms_context", |text| {
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains("mac: "))
            .collect();
        lines.join("\n")
    });
    assert_eq!(none.to_string(), "the sops metadata's mac: it is missing");
    let empty = error("06_kms_context", |text| {
        let lines: Vec<&str> = text
            .lines()
            .map(|line| {
                if line.contains("mac: ") {
                    "    mac: x"
                } else {
                    line
                }
            })
            .collect();
        lines.join("\n")
    });
    assert_eq!(empty, SopsError::MacSeal(ValueProblem::Seal));
    // Another file's MAC of the same key does not exist, but the one of a value does.
    let other = error("06_kms_context", |text| {
        let value = text.lines().next().unwrap().strip_prefix("a: ").unwrap();
        let lines = text.lines().map(|line| {
            if line.contains("mac: ") {
                format!("    mac: {value}")
            } else {
                line.to_owned()
            }
        });
        lines.collect::<Vec<_>>().join("\n")
    });
    assert_eq!(other, SopsError::MacSeal(ValueProblem::Forged));
}

#[test]
fn a_wrong_key_is_told_first() {
    let file = file("18_multidoc");
    for key in [vec![0; 32], vec![0; 31], vec![]] {
        let error = file.decrypt(&Zeroizing::new(key)).unwrap_err();
        assert_eq!(error, SopsError::MacSeal(ValueProblem::Forged));
    }
}

#[test]
fn documents_cannot_be_swapped_dropped_or_cut() {
    let id = "18_multidoc";
    let swapped = error(id, |text| {
        let mut documents: Vec<&str> = text.trim_end().split("\n---\n").collect();
        documents.swap(0, 1);
        documents.join("\n---\n")
    });
    assert_eq!(swapped, SopsError::Mac);
    let (bytes, format) = encrypted(id);
    let text = String::from_utf8(bytes).unwrap();
    let key = data_key(&file(id));
    // Each byte fewer but the last line's end, wherever the cut is.
    for end in 0..text.len() - 1 {
        let cut = File::parse(&text.as_bytes()[..end], format).and_then(|file| file.decrypt(&key));
        assert!(cut.is_err(), "{}", &text[..end]);
    }
}
