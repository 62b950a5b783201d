//! yaml_vault files: the gem's own vectors, awkward YAML, Ruby's reader, and the command line.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests"
)]

mod check;
mod cli;
mod compare;
mod corpus;
mod edit;
mod gcp;
mod get;
mod kms;
mod rekey;
mod ruby;
mod set;
mod vectors;

use entry::vault::{Affixes, Document, KeyPath, Problems, Secret, Simple, SimpleOptions};
use entry::yaml::{self, RawEvent};

fn events(text: &str) -> Vec<RawEvent> {
    let events = yaml::events(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    events.into_iter().map(|event| event.raw).collect()
}

fn paths(texts: &[&str]) -> Vec<KeyPath> {
    texts
        .iter()
        .map(|text| KeyPath::parse(text).unwrap())
        .collect()
}

fn simple() -> Simple {
    Simple::new(&SimpleOptions::default(), &Secret::from("pass"), None).unwrap()
}

/// Encrypts with vectors that count up, which only a test may do.
fn encrypt(
    simple: &Simple,
    text: &str,
    keys: &[KeyPath],
    affixes: &Affixes,
) -> Result<String, Problems> {
    let mut count = 0_u8;
    let sealed = Document::parse(text)
        .unwrap()
        .encrypt(keys, affixes, |plain| {
            count = count.wrapping_add(1);
            Ok::<_, Problems>(
                simple
                    .encrypt(plain, &vec![count; simple.iv_len()])
                    .unwrap(),
            )
        })?;
    Ok(sealed.text)
}

fn decrypt(
    simple: &Simple,
    text: &str,
    keys: &[KeyPath],
    affixes: &Affixes,
) -> Result<String, Problems> {
    let document = Document::parse(text).unwrap();
    let decrypted = document.decrypt(keys, affixes, |message| simple.decrypt(message))?;
    Ok(decrypted.text.expose().to_owned())
}
