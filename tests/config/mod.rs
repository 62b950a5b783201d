//! The loaders, on real folders.

mod bad;
mod folder;
mod good;
pub mod reference;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

/// Stands in no message, whatever goes wrong.
pub const CANARY: &str = "canary-4711";

/// The container's environment of these tests.
pub fn variable(name: &str) -> Option<OsString> {
    match name {
        "CANARY" => Some(CANARY.into()),
        "SECONDS_SECRET" => Some("4711".into()),
        "EMPTY" => Some(OsString::new()),
        "BINARY" => Some(OsString::from_vec(b"\xff".to_vec())),
        _ => None,
    }
}
