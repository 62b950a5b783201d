//! The modes folder: which one it is, and which of its files are modes.

use super::disk;
use super::problems::{Problem, Problems, closest};
use super::scope::Lookup;
use super::shown;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The name of the file that lies under every mode.
pub const DEFAULTS: &str = "_defaults";
/// The name of the file that lies under every one-off.
pub const ONEOFF: &str = "oneoff";

/// A place where the folder may be.
#[derive(Debug, PartialEq, Eq)]
struct Candidate {
    path: PathBuf,
    /// What named it, if somebody did: then it must be there.
    named_by: Option<&'static str>,
}

/// The files of the folder by their name without the ending.
#[derive(Clone, Debug, Default)]
pub struct Folder {
    /// As it was named; `None` if there is no folder.
    pub path: Option<PathBuf>,
    files: BTreeMap<String, Vec<PathBuf>>,
    /// YAML files whose names can be no mode's.
    strays: Vec<PathBuf>,
}

impl Folder {
    /// The first of `--modes`, `$ENTRY_MODES`, `./modes` and `/etc/entry/modes`.
    pub fn find(flag: Option<&Path>, lookup: Lookup) -> Result<Folder, Problems> {
        Folder::first(candidates(flag, lookup))
    }

    fn first(candidates: Vec<Candidate>) -> Result<Folder, Problems> {
        for Candidate { path, named_by } in candidates {
            let name = named_by.map_or_else(
                || path.display().to_string(),
                |by| format!("{by} {}", shown::value(&path.to_string_lossy())),
            );
            match disk::folder(&path) {
                Ok(Some(files)) => return Ok(Folder::of(path, files)),
                Ok(None) if named_by.is_none() => {}
                Ok(None) => {
                    let remedy = "name the folder that holds the mode files";
                    return Err(Problem::of(name, "no such folder", remedy).into());
                }
                Err(error) => {
                    return Err(Problem::of(name, format!("cannot be read: {error}"), "").into());
                }
            }
        }
        Ok(Folder::default())
    }

    fn of(path: PathBuf, paths: Vec<PathBuf>) -> Folder {
        let mut folder = Folder {
            path: Some(path),
            ..Folder::default()
        };
        for path in paths {
            let yaml = path
                .extension()
                .is_some_and(|end| end == "yml" || end == "yaml");
            let stem = path.file_stem().and_then(|stem| stem.to_str());
            match stem {
                Some(stem) if yaml && (is_mode_name(stem) || stem == DEFAULTS) => {
                    folder.files.entry(stem.to_owned()).or_default().push(path);
                }
                Some(stem)
                    if yaml && stem.starts_with('_') && closest(stem, [DEFAULTS]).is_none() => {}
                _ if yaml => folder.strays.push(path),
                _ => {}
            }
        }
        folder.strays.sort();
        folder.files.values_mut().for_each(|paths| paths.sort());
        folder
    }

    /// The folder's name for messages.
    #[must_use]
    pub fn name(&self) -> String {
        self.path
            .as_ref()
            .map_or_else(|| "modes".to_owned(), |path| path.display().to_string())
    }

    /// Names of modes, in order; `oneoff` is none.
    pub fn modes(&self) -> impl Iterator<Item = &str> {
        self.files
            .keys()
            .map(String::as_str)
            .filter(|name| *name != DEFAULTS && *name != ONEOFF)
    }

    /// The one file of this name.
    pub fn file(&self, name: &str) -> Result<Option<&Path>, Problem> {
        match self.files.get(name).map(Vec::as_slice) {
            None | Some([]) => Ok(None),
            Some([path]) => Ok(Some(path)),
            Some([first, second, ..]) => Err(Problem::of(
                second.display().to_string(),
                format!("{} has the same name", first.display()),
                "keep one of them",
            )),
        }
    }

    /// YAML files that nothing will ever read.
    pub fn strays(&self) -> Problems {
        let mut problems = Problems::default();
        for path in &self.strays {
            let stem = path
                .file_stem()
                .map(|stem| stem.to_string_lossy())
                .unwrap_or_default();
            let (message, remedy) = if stem.starts_with('_') {
                (
                    "is no mode and not _defaults.yml",
                    "did you mean _defaults.yml?",
                )
            } else {
                (
                    "its name can be no mode's",
                    "write it with a-z, 0-9, - and _, beginning with a letter or digit",
                )
            };
            problems.push(Problem::of(path.display().to_string(), message, remedy));
        }
        problems
    }
}

fn candidates(flag: Option<&Path>, lookup: Lookup) -> Vec<Candidate> {
    let named = |path: PathBuf, by| {
        vec![Candidate {
            path,
            named_by: Some(by),
        }]
    };
    if let Some(path) = flag {
        return named(path.to_owned(), "--modes");
    }
    if let Some(path) = lookup("ENTRY_MODES") {
        return named(path.into(), "ENTRY_MODES");
    }
    let usual = |path: &str| Candidate {
        path: path.into(),
        named_by: None,
    };
    vec![usual("modes"), usual("/etc/entry/modes")]
}

/// `[a-z0-9][a-z0-9_-]*`
#[must_use]
pub fn is_mode_name(name: &str) -> bool {
    let begins = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    name.starts_with(begins) && name.chars().all(|c| begins(c) || c == '_' || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsString;

    fn paths(flag: Option<&str>, variable: Option<&str>) -> Vec<(String, Option<&'static str>)> {
        let variable = variable.map(OsString::from);
        let lookup = move |name: &str| variable.clone().filter(|_| name == "ENTRY_MODES");
        candidates(flag.map(Path::new), &lookup)
            .into_iter()
            .map(|candidate| (candidate.path.display().to_string(), candidate.named_by))
            .collect()
    }

    #[test]
    fn a_named_folder_is_the_only_candidate() {
        let usual = [
            ("modes".to_owned(), None),
            ("/etc/entry/modes".to_owned(), None),
        ];
        assert_eq!(paths(None, None), usual);
        assert_eq!(
            paths(None, Some("v")),
            [("v".to_owned(), Some("ENTRY_MODES"))]
        );
        assert_eq!(
            paths(Some("f"), Some("v")),
            [("f".to_owned(), Some("--modes"))]
        );
    }

    #[test]
    fn only_unnamed_folders_may_be_missing() {
        let dir = tempfile::tempdir().unwrap();
        let candidate = |name: &str| Candidate {
            path: dir.path().join(name),
            named_by: None,
        };
        let first =
            |names: &[&str]| Folder::first(names.iter().map(|name| candidate(name)).collect());
        assert_eq!(first(&["a", "b"]).unwrap().path, None);
        std::fs::create_dir(dir.path().join("b")).unwrap();
        assert_eq!(first(&["a", "b"]).unwrap().path, Some(dir.path().join("b")));
        std::os::unix::fs::symlink("nowhere", dir.path().join("a")).unwrap();
        assert!(
            first(&["a", "b"]).is_err(),
            "a dangling link is no missing folder"
        );
    }

    #[test]
    fn mode_names() {
        for (name, is) in [
            ("web", true),
            ("a-b_1", true),
            ("0", true),
            ("", false),
            ("_x", false),
            ("-x", false),
            ("Web", false),
            ("a.b", false),
            ("é", false),
            ("a/b", false),
        ] {
            assert_eq!(is_mode_name(name), is, "{name}");
        }
    }
}
