//! What commands read: a file or standard input, and passphrases, which come from the environment only.

use super::Failure;
use crate::vault::Secret;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use zeroize::Zeroizing;

/// Standard input or output, for file arguments.
pub(super) const DASH: &str = "-";

/// A whole file.
pub(super) fn bytes(path: &Path) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = if path == Path::new(DASH) {
        io::stdin().read_to_end(&mut bytes).map(drop)
    } else {
        fs::File::open(path).and_then(|mut file| file.read_to_end(&mut bytes).map(drop))
    };
    let name = name(path);
    read.map_err(|error| Failure::Lines(vec![format!("cannot read {name}: {error}")]))?;
    Ok(bytes)
}

/// A whole file as text.
pub(super) fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let bytes = bytes(path)?;
    let name = name(path);
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        let line = format!(
            "{name} is not UTF-8 at byte {}: convert it first",
            error.valid_up_to()
        );
        Failure::Lines(vec![line])
    })?;
    Ok(Zeroizing::new(text.to_owned()))
}

/// How messages name a file argument.
pub(super) fn name(path: &Path) -> String {
    if path == Path::new(DASH) {
        "standard input".to_owned()
    } else {
        path.display().to_string()
    }
}

/// A passphrase from the environment, if the variable is set at all.
pub(super) fn passphrase(variable: &str) -> Result<Option<Secret>, Failure> {
    let text = std::env::var_os(variable)
        .map(OsString::into_string)
        .transpose();
    text.map(|text| text.map(Secret::new)).map_err(|_| {
        let line = format!("{variable} is not UTF-8: choose a passphrase of valid text");
        Failure::Lines(vec![line])
    })
}
