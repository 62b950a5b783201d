//! Awkward YAML: encrypted and decrypted again, `identical/` gives the same bytes, and `meaning/`, which
//! is written in ways that a value alone cannot tell, the same nodes with the same comments.

use super::{decrypt, encrypt, events, paths, simple};
use entry::vault::{Affixes, Cipher, Document, KeyPath, Secret, Simple, SimpleOptions, psych};
use entry::yaml::{RawEvent, Style};
use std::fs;
use std::path::Path;

fn corpus(folder: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/corpus")
        .join(folder);
    let mut files: Vec<(String, String)> = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap())
        .map(|file| {
            let name = file.file_name().into_string().unwrap();
            (name, fs::read_to_string(file.path()).unwrap())
        })
        .collect();
    files.sort();
    assert!(files.len() > 10, "the corpus is gone");
    files
}

/// Two ciphers and all kinds of affixes: some that may stand in a plain scalar and some that may not.
fn ways() -> Vec<(Simple, Affixes)> {
    let gcm = SimpleOptions::with_cipher(Cipher::Aes256Gcm);
    let gcm = || Simple::new(&gcm, &Secret::from("pass"), None).unwrap();
    let affixes = |prefix: &str, suffix: &str| Affixes {
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    };
    vec![
        (simple(), Affixes::default()),
        (gcm(), affixes("{ENC:", "}")),
        (gcm(), affixes("ENC: ", " #end")),
        (gcm(), affixes("it's\"", "")),
    ]
}

/// Events as Psych tells them apart: `! 'x'` is plain to it, and quotes and blocks are all strings.
fn meaning(text: &str) -> Vec<RawEvent> {
    let plain = |event: RawEvent| match event {
        RawEvent::Scalar {
            anchor,
            tag,
            value,
            style,
        } => {
            let bang = tag.as_deref() == Some("!");
            let is_plain = bang || (tag.is_none() && style == Style::Plain);
            let is_plain = is_plain && psych::resolve(&value) != psych::Kind::String;
            let tag = tag.filter(|_| !bang);
            // A tag alone says what the value is.
            let style = if is_plain || tag.is_some() {
                Style::Plain
            } else {
                Style::DoubleQuoted
            };
            RawEvent::Scalar {
                anchor,
                tag,
                value,
                style,
            }
        }
        other => other,
    };
    events(text).into_iter().map(plain).collect()
}

fn comments(text: &str) -> Vec<&str> {
    text.split(['\n', '\r'])
        .filter_map(|line| line.find("# c").and_then(|at| line.get(at..)))
        .collect()
}

/// Encrypts and decrypts everything, each file in each way; `check` gets the source, the encrypted text
/// and the result.
fn there_and_back(folder: &str, check: impl Fn(&str, &str, &str) -> bool) {
    let all = [KeyPath::default()];
    let mut failures = Vec::new();
    for (simple, affixes) in ways() {
        for (name, text) in corpus(folder) {
            let Ok(_) = Document::parse(&text) else {
                panic!("{name}: {:?}", Document::parse(&text));
            };
            let failure = match encrypt(&simple, &text, &all, &affixes) {
                Err(problems) => problems.to_string(),
                Ok(sealed) => match decrypt(&simple, &sealed, &all, &affixes) {
                    Err(problems) => format!("{problems}\n{sealed}"),
                    Ok(back) if check(&text, &sealed, &back) => continue,
                    Ok(back) => format!("{sealed}\n=== and back\n{back}"),
                },
            };
            failures.push(format!("=== {name} {affixes:?}\n{failure}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn identical_bytes() {
    there_and_back("identical", |text, sealed, back| {
        let changed = sealed != text || !text.contains("secret");
        // A plain node with a tag that had to be quoted for the affixes stays quoted.
        let quoted =
            text.contains('!') && sealed.contains(": ! '") && meaning(back) == meaning(text);
        changed && comments(sealed) == comments(text) && (back == text || quoted)
    });
}

#[test]
fn same_meaning() {
    there_and_back("meaning", |text, _, back| {
        meaning(back) == meaning(text) && comments(back) == comments(text)
    });
}

/// Nothing but the lines of the secret changes, in any file.
#[test]
fn only_what_is_asked_for() {
    let secret = paths(&["$.secret"]);
    let simple = simple();
    for (name, text) in [corpus("identical"), corpus("meaning")].concat() {
        let sealed = encrypt(&simple, &text, &secret, &Affixes::default())
            .unwrap_or_else(|problems| panic!("{name}: {problems}"));
        let back = decrypt(&simple, &sealed, &secret, &Affixes::default()).unwrap();
        let selection = Document::parse(&sealed).unwrap();
        let selection = selection.select(&secret, &Affixes::default()).unwrap();
        if selection.scalars.is_empty() {
            assert_eq!(sealed, text, "{name}");
        }
        assert_eq!(meaning(&back), meaning(&text), "{name}\n{sealed}\n{back}");
        let before = |text: &str| text.split("secret").next().unwrap().to_owned();
        assert_eq!(before(&back), before(&text), "{name}");
        let after = |text: &str| {
            text.lines()
                .rev()
                .take(2)
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        if !text
            .lines()
            .rev()
            .take(3)
            .any(|line| line.contains("secret") || line.starts_with(' '))
        {
            assert_eq!(after(&back), after(&text), "{name}\n{back}");
        }
    }
}
