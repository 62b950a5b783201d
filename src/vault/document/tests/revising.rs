//! Edits, other keys and new values: what is not meant stays byte for byte, and what was written reads back.

use super::properties::{PLACES, cases, meaning, yamlish};
use super::*;
use crate::vault::document::{Before, Typing};
use proptest::prelude::*;

/// Another key's messages.
fn reseal(plain: &str) -> String {
    format!("NEW{}==", hex::encode(plain))
}

fn reopen(message: &str) -> Result<Plaintext, Reason> {
    let hex = message
        .strip_prefix("NEW")
        .ok_or(MessageError::NotAMessage)?;
    Ok(open(&format!("MSG{hex}"))?)
}

fn opened(message: &str) -> Result<Plaintext, Reason> {
    Ok(open(message)?)
}

/// An edit of an encrypted text: `edit` changes what it looks like decrypted.
fn edited(
    encrypted: &str,
    keys: &[&str],
    edit: impl FnOnce(&str) -> String,
) -> Result<(String, usize), Problems> {
    let (paths, affixes) = (paths(keys), Affixes::default());
    let encrypted = document(encrypted);
    let selection = encrypted.select(&paths, &affixes)?;
    let plain = encrypted.decrypt_selection(&selection, opened)?;
    let decrypted = document(plain.expose());
    let document = document(&edit(plain.expose()));
    let before = Before {
        encrypted: &encrypted,
        decrypted: &decrypted,
        selection: &selection,
    };
    let choice = document.choose_edited(&before, &paths, &affixes)?;
    let text = document.encrypt_choice(&choice, &affixes, |chosen| {
        Ok(seal(chosen.plaintext.expose()))
    })?;
    Ok((text, choice.scalars.len()))
}

#[test]
fn an_edit_keeps_how_messages_were_written() {
    // Each is written otherwise than encryption would.
    let written = "a: ! \"«1»\"\nb: \"«two\nlines»\"\nc: '«x\ny»' # c\nd: |4-\n    «z»\ne: >-\n  «folded»\nf: !foo '«tagged»'\ng: ! '«»'\n";
    let encrypted = sealed(written);
    let (same, count) = edited(&encrypted, &["$"], ToOwned::to_owned).unwrap();
    assert_eq!((same.as_str(), count), (encrypted.as_str(), 0));
    let (text, count) =
        edited(&encrypted, &["$"], |plain| format!("# new\n{plain}h: 2\n")).unwrap();
    let want = format!("# new\n{encrypted}h: {}\n", seal("2"));
    assert_eq!((text, count), (want, 1));
}

#[test]
fn blank_lines_after_a_block_are_the_editors() {
    let encrypted = sealed("a: |-\n  «x\n»\n\n\nb: |-\n  «\n\n»\n\n\nc: «1»\n");
    let (same, _) = edited(&encrypted, &["$"], ToOwned::to_owned).unwrap();
    assert_eq!(same, encrypted);
    let (text, count) = edited(&encrypted, &["$"], |plain| {
        plain.replacen("x\n\n\n", "x\n\n", 1)
    })
    .unwrap();
    let want = encrypted.replacen("\n\n\n", "\n\n", 1);
    assert_eq!((text, count), (want, 0));
}

#[test]
fn an_edit_of_quotes_alone_keeps_the_message() {
    let (text, count) = edited(&sealed("a: '«x»'\nb: «y»\n"), &["$"], |plain| {
        plain.replace("'x'", "\"x\"").replace("b: y", "b:   'y'")
    })
    .unwrap();
    assert_eq!((text, count), (sealed("a: \"«x»\"\nb:   '«y»'\n"), 0));
}

#[test]
fn equal_keys_are_told_apart_by_their_values() {
    let encrypted = sealed("- a: «1»\n  a: «2»\n  a: «2»\n");
    let (text, count) = edited(&encrypted, &["$"], |plain| {
        plain.replacen("  a: 2\n", "", 1)
    })
    .unwrap();
    assert_eq!((text, count), (sealed("- a: «1»\n  a: «2»\n"), 0));
    let (_, count) = edited(&encrypted, &["$"], |plain| plain.replacen('2', "1", 1)).unwrap();
    assert_eq!(count, 1);
}

#[test]
fn bytes_that_are_no_text_get_another_key_as_binary() {
    let message = "MSGff00==";
    for (node, want) in [
        (format!("a: {message}\n"), "a: !binary /wA=\n"),
        (format!("a: '{message}'\n"), "a: !binary '/wA='\n"),
        (format!("a: |-\n  {message}\n"), "a: !binary |-\n  /wA=\n"),
    ] {
        let encrypted = document(&node);
        let selection = encrypted
            .select(&paths(&["$"]), &Affixes::default())
            .unwrap();
        let choice = encrypted.choose_again(&selection, opened).unwrap();
        let again = encrypted.encrypt_choice(&choice, &Affixes::default(), |chosen| {
            Ok(reseal(chosen.plaintext.expose()))
        });
        let again = document(&again.unwrap());
        let selection = again.select(&paths(&["$"]), &Affixes::default()).unwrap();
        let plain = again.decrypt_selection(&selection, reopen).unwrap();
        assert_eq!(plain.expose(), want, "{node}");
    }
}

#[test]
fn failures_of_a_choice_are_told_together_and_with_their_places() {
    let text = document("a: 1\nb: 2\nc: 3\n");
    let choice = text.choose_plaintexts(&paths(&["$"])).unwrap();
    let failed = text.encrypt_choice(&choice, &Affixes::default(), |chosen| {
        match chosen.path.as_str() {
            "$.b" => Ok(seal("2")),
            _ => Err(Reason::Cryptor("no".to_owned())),
        }
    });
    assert_eq!(
        failed.unwrap_err().to_string(),
        "1:4: $.a: no\n3:4: $.c: no"
    );
}

/// Everything encrypted, if that is possible.
fn all_sealed(text: &str) -> Option<String> {
    Document::parse(text).ok()?;
    encrypt(text, &["$"]).ok().map(|done| done.text)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases()) })]

    /// An edit that changes nothing gives the very same bytes; blanks around a value that is not written
    /// at all are the only exception.
    #[test]
    fn no_edit_no_change(text in yamlish()) {
        let Some(encrypted) = all_sealed(&text.replace('\t', " ")) else { return Ok(()) };
        let mut has_empty = false;
        let done = edited(&encrypted, &["$"], |plain| {
            let plain = document(plain);
            has_empty = plain.tree.value_scalars().any(|id| plain.source_text(id).is_empty());
            plain.text.to_string()
        });
        let (again, count) = match done {
            Ok(done) => done,
            // Shapes such as a block scalar in the first column, which libyaml takes and nobody writes.
            Err(problems) => {
                prop_assert!(problems.0.iter().all(|one| one.reason == Reason::Unwritable));
                return Ok(());
            }
        };
        prop_assert_eq!(count, 0);
        if has_empty {
            prop_assert_eq!(meaning(&again), meaning(&encrypted));
        } else {
            prop_assert_eq!(again, encrypted);
        }
    }

    /// One value is edited: all that is before it and behind it stays.
    #[test]
    fn one_edit_one_change(text in yamlish(), pick in any::<prop::sample::Index>(), value in "[ab0-9:#' \\n]{1,9}") {
        let Some(encrypted) = all_sealed(&text.replace('\t', " ")) else { return Ok(()) };
        let old = document(&encrypted);
        let ids: Vec<_> = old.tree.value_scalars().collect();
        if ids.is_empty() { return Ok(()) }
        let id = *pick.get(&ids);
        let span = old.event(id).unwrap().span.clone();
        let same = old.scalar(id).unwrap().value == seal(&value);
        let mut has_empty = false;
        let done = edited(&encrypted, &["$"], |plain| {
            let plain = document(plain);
            has_empty = plain.tree.value_scalars().any(|id| plain.source_text(id).is_empty());
            let changed = plain.splice(&[(id, Plaintext::from(value.as_str()))]);
            changed.map_or_else(|_| plain.text.to_string(), |text| text.expose().to_owned())
        });
        let Ok((again, count)) = done else { return Ok(()) };
        prop_assert!(count <= 1, "{}", again);
        if !same && !has_empty {
            prop_assert!(again.starts_with(&encrypted[..span.start]), "{}\n===\n{}", encrypted, again);
            prop_assert!(again.ends_with(&encrypted[span.end..]), "{}\n===\n{}", encrypted, again);
        }
    }

    /// Another key changes the messages and no other byte, and the values are the same.
    #[test]
    fn another_key_changes_messages_only(text in yamlish()) {
        let Some(encrypted) = all_sealed(&text.replace('\t', " ")) else { return Ok(()) };
        let (old, affixes) = (document(&encrypted), Affixes::default());
        let selection = old.select(&paths(&["$"]), &affixes).unwrap();
        let choice = old.choose_again(&selection, opened).unwrap();
        let again = old.encrypt_choice(&choice, &affixes, |chosen| Ok(reseal(chosen.plaintext.expose())));
        let again = again.map_err(|problems| TestCaseError::fail(problems.to_string()))?;
        let new = document(&again);
        let reselected = new.select(&paths(&["$"]), &affixes).unwrap();
        for (one, other) in selection.scalars.iter().zip(&reselected.scalars) {
            prop_assert_eq!(one.message.strip_prefix("MSG"), other.message.strip_prefix("NEW"));
        }
        prop_assert_eq!(again.replace("NEW", "MSG"), encrypted);
    }

    /// A new value in every place: the bytes around stay, and it reads back with its type.
    #[test]
    fn a_set_value_reads_back(value in prop_oneof![any::<String>(), "[ab0-9:#,'\"\\n!&*~ -]{0,8}"], typing in prop::sample::select(vec![Typing::Sure, Typing::Text, Typing::Plain])) {
        for place in PLACES {
            let text = place.replacen('M', &seal("old"), 1);
            let old = document(&text);
            let id = old.tree.value_scalars().next().unwrap();
            let path = KeyPath::parse(&old.path(id)).unwrap();
            if old.only(&path).is_err() { continue }
            let Ok(choice) = old.choose_value(&path, Secret::from(value.as_str()), typing) else {
                prop_assert_eq!(typing, Typing::Sure);
                continue
            };
            let done = old.encrypt_choice(&choice, &Affixes::default(), |chosen| Ok(seal(chosen.plaintext.expose())));
            let done = done.map_err(|problems| TestCaseError::fail(format!("{place:?}: {problems}")))?;
            let span = old.event(id).unwrap().span.clone();
            prop_assert!(done.starts_with(&text[..span.start]) && done.ends_with(&text[span.end..]), "{:?}\n{}", text, done);
            let new = document(&done);
            let scalar = new.scalar(id).unwrap();
            prop_assert_eq!(scalar.value, seal(&value));
            let kind = crate::vault::psych::resolve(&value);
            if typing == Typing::Plain {
                prop_assert!(scalar.is_plain_like(), "{:?}", place);
            } else if kind != crate::vault::psych::Kind::String || tag::split(&value, true).0.is_some() {
                prop_assert!(!scalar.is_plain_like(), "{:?}: {}", place, done);
            }
        }
    }

    /// A key is added by a line of its own, or refused.
    #[test]
    fn an_added_key_is_one_more(text in yamlish(), path in "\\$(\\.(a|b|k)){0,2}\\.(new|'x: y'|~)") {
        let Ok(old) = Document::parse(&text) else { return Ok(()) };
        let path = KeyPath::parse(&path).unwrap();
        let Ok(added) = old.added(&path) else { return Ok(()) };
        let new = document(&added);
        prop_assert_eq!(new.events.len(), old.events.len() + 2);
        prop_assert!(new.only(&path).is_ok() || old.only(&path).is_ok());
        prop_assert!(added.len() > text.len());
    }
}
