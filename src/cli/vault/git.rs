//! A file as a git revision has it.

use crate::cli::Failure;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use zeroize::Zeroizing;

/// A file's content in a revision.
pub(super) struct Blob {
    /// Where git is run.
    folder: PathBuf,
    /// `REV:PATH`.
    spec: OsString,
}

impl Blob {
    /// `REV:PATH` as git itself reads it: from the top of the repository, or relative with `./`.
    pub fn named(spec: &str) -> Blob {
        Blob {
            folder: PathBuf::from("."),
            spec: spec.into(),
        }
    }

    /// A file of the working tree in a revision.
    pub fn of_file(revision: &str, file: &Path) -> Blob {
        let folder = file.parent().filter(|path| !path.as_os_str().is_empty());
        let mut spec = OsString::from(format!("{revision}:./"));
        spec.push(file.file_name().unwrap_or_default());
        Blob {
            folder: folder.unwrap_or(Path::new(".")).to_owned(),
            spec,
        }
    }

    pub fn read(&self) -> Result<Zeroizing<String>, Failure> {
        let spec = self.spec.display();
        if self.spec.as_encoded_bytes().starts_with(b"-") {
            return Err(Failure::line(format!("{spec} is no git revision")));
        }
        let mut git = Command::new("git");
        git.arg("-C").arg(&self.folder).args(["cat-file", "blob"]);
        let output = git.arg(&self.spec).output();
        let output = output.map_err(|error| Failure::line(format!("cannot run git: {error}")))?;
        if !output.status.success() {
            let told = String::from_utf8_lossy(&output.stderr);
            let told = told.trim().lines().next().unwrap_or("it failed").to_owned();
            return Err(Failure::line(format!("git has no {spec}: {told}")));
        }
        let text = String::from_utf8(output.stdout).map(Zeroizing::new);
        text.map_err(|_| Failure::line(format!("{spec} is not UTF-8: convert it first")))
    }
}
