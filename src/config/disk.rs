//! The one place that reads: a file's text, a folder's names.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// A mode file has some kilobytes; anything larger was not meant to be one.
const LARGEST: u64 = 1 << 20;

/// The text of a regular file (links are followed), or what is wrong and the remedy.
pub fn text(path: &Path) -> Result<String, (String, &'static str)> {
    let cannot = |error: io::Error| (format!("cannot be read: {error}"), "");
    // Before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err(("is not a regular file".to_owned(), ""));
    }
    let mut bytes = Vec::new();
    let file = fs::File::open(path).map_err(cannot)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err(("is larger than 1 MiB".to_owned(), ""));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = 1 + error
            .as_bytes()
            .iter()
            .take(valid)
            .filter(|b| **b == b'\n')
            .count();
        (
            format!("is not UTF-8: byte {valid}, in line {line}"),
            "save it as UTF-8",
        )
    })
}

/// What stands at `path`: a folder's files, or nothing.
pub fn folder(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    match fs::read_dir(path) {
        Ok(entries) => {
            let files: io::Result<Vec<PathBuf>> = entries
                .map(|entry| entry.map(|entry| entry.path()))
                .collect();
            files.map(Some)
        }
        // A dangling link was meant to be a folder.
        Err(error)
            if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(path).is_err() =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}
