//! The folder that a template's includes are read from, and nothing outside of it.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Component, Path, PathBuf};
use zeroize::Zeroizing;

/// As for mode files: anything larger was not meant to be a template.
const MAX_TEMPLATE: u64 = 1 << 20;

/// A folder of templates.
#[derive(Clone, Debug)]
pub struct Root {
    path: PathBuf,
    /// As it is written.
    shown: PathBuf,
}

/// Why there is no text.
#[derive(Clone, Debug)]
pub enum Refused {
    Missing,
    For(String),
}

impl Root {
    pub fn new(base: &Path, root: &Path) -> Root {
        Root {
            path: base.join(root),
            shown: root.to_owned(),
        }
    }

    /// The text of a template below the folder.
    pub fn text(&self, name: &str) -> Result<Zeroizing<String>, Refused> {
        text(&self.file(name)?)
    }

    /// An include's path for messages.
    pub fn shown(&self, name: &str) -> String {
        self.shown.join(name).display().to_string()
    }

    fn file(&self, name: &str) -> Result<PathBuf, Refused> {
        let relative = Path::new(name);
        for part in relative.components() {
            match part {
                Component::Normal(_) | Component::CurDir => {}
                Component::ParentDir => return Err(self.outside("holds a ..")),
                Component::RootDir | Component::Prefix(_) => {
                    return Err(self.outside("is an absolute path"));
                }
            }
        }
        let found = |path: &Path| fs::canonicalize(path).map_err(|cause| told(&cause));
        let root = found(&self.path)?;
        let file = found(&root.join(relative))?;
        if file.starts_with(&root) {
            Ok(file)
        } else {
            Err(self.outside("is a link to the outside"))
        }
    }

    fn outside(&self, why: &str) -> Refused {
        let root = self.shown.display();
        Refused::For(format!("{why}: name a file below {root}"))
    }
}

/// A template's text, or what is wrong with the file.
pub fn text(path: &Path) -> Result<Zeroizing<String>, Refused> {
    let refused = |why: &str| Err(Refused::For(why.to_owned()));
    let cannot = |cause: std::io::Error| told(&cause);
    // Before it is opened: opening a pipe would wait for a writer.
    if !fs::metadata(path).map_err(cannot)?.is_file() {
        return refused("is not a regular file");
    }
    let mut bytes = Zeroizing::new(Vec::new());
    let file = File::open(path).map_err(cannot)?;
    file.take(MAX_TEMPLATE + 1)
        .read_to_end(&mut bytes)
        .map_err(cannot)?;
    if bytes.len() as u64 > MAX_TEMPLATE {
        return refused("is larger than 1 MiB");
    }
    match std::str::from_utf8(&bytes) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => refused("is not UTF-8: save it as UTF-8"),
    }
}

fn told(cause: &std::io::Error) -> Refused {
    if cause.kind() == std::io::ErrorKind::NotFound {
        Refused::Missing
    } else {
        Refused::For(format!("cannot be read: {cause}"))
    }
}
