//! What commands write: standard output, or a file that appears whole or not at all.

use super::{Failure, input};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{Gid, Uid, fchown};
use serde::Serialize;
use std::fs::{self, File, Metadata, OpenOptions, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// A value for scripts, as lines.
pub(super) fn pretty(value: &impl Serialize) -> String {
    // Nothing of ours has keys that are no strings.
    serde_json::to_string_pretty(value).unwrap_or_default() + "\n"
}

/// Who may read a file that did not exist before.
#[derive(Clone, Copy, Debug)]
pub(super) enum Privacy {
    /// The owner alone.
    Secret,
    /// Whom the umask lets.
    Public,
}

/// Writes to a file, or to standard output for none or `-`.
pub(super) fn write(
    path: Option<&Path>,
    content: impl AsRef<[u8]>,
    privacy: Privacy,
) -> Result<(), Failure> {
    let content = content.as_ref();
    match path.filter(|path| *path != Path::new(input::DASH)) {
        None => print(content),
        Some(path) => replace(path, content, privacy).map_err(|error| {
            Failure::Lines(vec![format!("cannot write {}: {error}", path.display())])
        }),
    }
}

/// Writes to standard output.
pub(super) fn print(content: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    let done = out.write_all(content).and_then(|()| out.flush());
    done.map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Failure::BrokenPipe,
        _ => Failure::Lines(vec![format!("cannot write standard output: {error}")]),
    })
}

/// A temporary file's name, which goes away unless the file was put in place.
struct Temporary(Option<PathBuf>);

impl Drop for Temporary {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            // Nothing more can be done about a file that cannot be removed.
            let _ = fs::remove_file(path);
        }
    }
}

fn replace(path: &Path, content: &[u8], privacy: Privacy) -> io::Result<()> {
    // The shell's own redirection stands behind these, perhaps a file that is appended to.
    if ["/dev/stdout", "/dev/stderr"]
        .iter()
        .any(|stream| path == Path::new(stream))
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd")
    {
        return OpenOptions::new()
            .append(true)
            .open(path)?
            .write_all(content);
    }
    let existing = match fs::metadata(path) {
        Ok(existing) => Some(existing),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if existing.as_ref().is_some_and(|file| !file.is_file()) {
        // A device or pipe, such as /dev/stdout, is there to be written to, not to be replaced.
        return OpenOptions::new()
            .write(true)
            .open(path)?
            .write_all(content);
    }
    // A link stays a link: what it points to is replaced.
    let target = if existing.is_some() {
        fs::canonicalize(path)?
    } else {
        path.to_owned()
    };
    let (Some(name), Some(folder)) = (target.file_name(), target.parent()) else {
        return Err(io::Error::new(
            ErrorKind::InvalidInput,
            "it is not a file's name",
        ));
    };
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    let random = getrandom::u64().map_err(io::Error::other)?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{random:016x}"));
    let temporary = folder.join(hidden);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temporary)?;
    let mut guard = Temporary(Some(temporary.clone()));
    set_mode(&file, existing.as_ref(), privacy)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, &target)?;
    guard.0 = None;
    Ok(())
}

/// Before any content: the mode and owner of the file that was there, else what privacy asks for.
fn set_mode(file: &File, existing: Option<&Metadata>, privacy: Privacy) -> io::Result<()> {
    let mode = match (existing, privacy) {
        (Some(existing), _) => {
            let ours = file.metadata()?;
            let same = (ours.uid(), ours.gid()) == (existing.uid(), existing.gid());
            let owner = Uid::from_raw(existing.uid());
            let group = Gid::from_raw(existing.gid());
            let kept = same || fchown(file, Some(owner), Some(group)).is_ok();
            // With another owner or group, bits for them would let others in.
            existing.mode() & if kept { 0o777 } else { 0o700 }
        }
        (None, Privacy::Secret) => 0o600,
        (None, Privacy::Public) => 0o666 & !current_umask().bits(),
    };
    file.set_permissions(Permissions::from_mode(mode))
}

/// It can only be read by setting it; this program has one thread.
fn current_umask() -> Mode {
    let mask = umask(Mode::from_bits_truncate(0o077));
    umask(mask);
    mask
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o777
    }

    fn names(folder: &Path) -> Vec<std::ffi::OsString> {
        let files = fs::read_dir(folder).unwrap();
        files.map(|file| file.unwrap().file_name()).collect()
    }

    #[test]
    fn new_files_are_private_and_old_ones_keep_their_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.yml");
        replace(&path, b"one", Privacy::Secret).unwrap();
        assert_eq!(
            (fs::read(&path).unwrap(), mode(&path)),
            (b"one".to_vec(), 0o600)
        );
        for kept in [0o640, 0o400, 0o666] {
            fs::set_permissions(&path, Permissions::from_mode(kept)).unwrap();
            let before = File::open(&path).unwrap().metadata().unwrap().ino();
            replace(&path, b"two", Privacy::Secret).unwrap();
            // Another file under the same name: nobody ever reads half of it.
            assert_ne!(fs::metadata(&path).unwrap().ino(), before);
            assert_eq!(
                (fs::read(&path).unwrap(), mode(&path)),
                (b"two".to_vec(), kept)
            );
        }
        assert_eq!(names(folder.path()), ["out.yml"]);
    }

    #[test]
    fn a_failure_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder");
        fs::create_dir(&path).unwrap();
        assert!(replace(&path, b"x", Privacy::Secret).is_err());
        assert!(replace(&folder.path().join("none/out"), b"x", Privacy::Secret).is_err());
        assert!(replace(Path::new("/"), b"x", Privacy::Secret).is_err());
        assert!(replace(&folder.path().join(".."), b"x", Privacy::Secret).is_err());
        assert_eq!(names(folder.path()), ["folder"]);
    }

    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out"), folder.path().join("link"));
        fs::write(&path, "old").unwrap();
        std::os::unix::fs::symlink("out", &link).unwrap();
        replace(&link, b"new", Privacy::Secret).unwrap();
        assert_eq!(fs::read_link(&link).unwrap(), Path::new("out"));
        assert_eq!(fs::read(&path).unwrap(), b"new");
        replace(Path::new("/dev/null"), b"x", Privacy::Secret).unwrap();
        assert!(!fs::metadata("/dev/null").unwrap().is_file());
    }
}
