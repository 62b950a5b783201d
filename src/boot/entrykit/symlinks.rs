//! `--symlink`: the links by which entry is called in `EntryKit`'s place.

use super::super::Failure;
use super::link::Link;
use std::fmt::Write;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// What becomes of a name.
enum Found {
    Free,
    /// It is entry, or a link to it.
    Entry,
}

/// Makes the links in a folder, or beside entry itself; tells what was done. If anything else has one of the
/// names, none is made.
pub fn make_links(folder: Option<&Path>) -> Result<String, Failure> {
    let failed =
        |path: &Path, problem: io::Error| Failure::one(format!("{}: {problem}", path.display()));
    let own = Path::new("/proc/self/exe");
    let entry = fs::canonicalize(own).map_err(|error| failed(own, error))?;
    let beside = entry.parent().unwrap_or(Path::new("/"));
    let folder = match folder {
        Some(folder) => fs::canonicalize(folder).map_err(|error| failed(folder, error))?,
        None => beside.to_owned(),
    };
    // So that the folder can be copied as a whole.
    let target = match entry.file_name() {
        Some(name) if folder == beside => PathBuf::from(name),
        _ => entry.clone(),
    };
    let mut problems = Vec::new();
    let mut names = Vec::new();
    for link in Link::ALL {
        let path = folder.join(link.name());
        match found(&path, &entry) {
            Ok(found) => names.push((path, found)),
            Err(problem) => problems.push(format!("{}: {problem}", path.display())),
        }
    }
    Failure::all(problems)?;
    let mut told = String::new();
    for (path, found) in names {
        let what = match found {
            Found::Free => {
                symlink(&target, &path).map_err(|error| failed(&path, error))?;
                "made"
            }
            Found::Entry => "there already",
        };
        let _ = writeln!(told, "{} -> {}: {what}", path.display(), entry.display());
    }
    Ok(told)
}

fn found(path: &Path, entry: &Path) -> Result<Found, String> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Free),
        Err(error) => Err(error.to_string()),
        Ok(_) if fs::canonicalize(path).is_ok_and(|leads_to| leads_to == entry) => Ok(Found::Entry),
        Ok(_) => {
            Err("is something else: remove it, or name another folder, as --symlink DIR".to_owned())
        }
    }
}
