//! What the fuzz targets do with an input, on every input that was kept.

#[path = "../../fuzz/src/lib.rs"]
mod targets;

use crate::support::repository;
use std::fs;
use std::panic::catch_unwind;

fn all_pass(target: fn(&[u8]), corpus: &str) {
    let folder = repository("fuzz/corpus").join(corpus);
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(Result::unwrap).collect();
    assert!(files.len() > 10, "the corpus is gone");
    let fails = |file: &fs::DirEntry| {
        let input = fs::read(file.path()).unwrap();
        catch_unwind(|| target(&input)).is_err()
    };
    let failed: Vec<_> = files.iter().filter(|file| fails(file)).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

#[test]
fn documents() {
    all_pass(targets::document, "document");
}

#[test]
fn envelopes() {
    all_pass(targets::envelope, "envelope");
}

#[test]
fn marshalled_values() {
    all_pass(targets::marshal, "marshal");
}

#[test]
fn messages() {
    all_pass(targets::message, "message");
}

#[test]
fn sops_files() {
    all_pass(targets::sops, "sops");
}
