//! The folder that a template's includes are read from, and nothing outside of it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use zeroize::Zeroizing;

/// As for mode files: anything larger was not meant to be a template.
pub const MAX_TEMPLATE: u64 = 1 << 20;

/// Why an include that may be missing is left out.
pub const MISSING: &str = "no such file";

/// A folder of templates.
#[derive(Clone, Debug)]
pub struct Root(pub PathBuf);

impl Root {
    /// The text of a template below the folder, or why there is none.
    pub fn text(&self, name: &str) -> Result<Zeroizing<String>, String> {
        text(&self.file(name)?)
    }

    /// An include's path for messages.
    pub fn shown(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    fn file(&self, name: &str) -> Result<PathBuf, String> {
        let relative = Path::new(name);
        for part in relative.components() {
            match part {
                Component::Normal(_) | Component::CurDir => {}
                Component::ParentDir => return Err(format!("holds a ..: {}", self.remedy())),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(format!("is an absolute path: {}", self.remedy()));
                }
            }
        }
        let found = |path: &Path| fs::canonicalize(path).map_err(|cause| told(&cause));
        let root = found(&self.0)?;
        let file = found(&root.join(relative))?;
        if file.starts_with(&root) {
            Ok(file)
        } else {
            Err(format!("is a link to the outside: {}", self.remedy()))
        }
    }

    fn remedy(&self) -> String {
        format!("name a file below {}", self.0.display())
    }
}

/// A template's text, or what is wrong with the file.
pub fn text(path: &Path) -> Result<Zeroizing<String>, String> {
    let cannot = |cause: std::io::Error| told(&cause);
    // Before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return Err("is not a regular file".to_owned());
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_TEMPLATE + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_TEMPLATE {
        return Err("is larger than 1 MiB".to_owned());
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err("is not UTF-8: save it as UTF-8".to_owned()),
    }
}

fn told(cause: &std::io::Error) -> String {
    if cause.kind() == std::io::ErrorKind::NotFound {
        MISSING.to_owned()
    } else {
        format!("cannot be read: {cause}")
    }
}
