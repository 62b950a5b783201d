//! A folder for a text in clear: the owner's alone, in memory, and gone when dropped.

use crate::cli::Failure;
use nix::sys::statfs::{TMPFS_MAGIC, statfs};
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder; whatever an editor leaves beside the file goes with it.
pub(super) struct PrivateFolder(PathBuf);

impl PrivateFolder {
    /// In memory; on a disk only where that is allowed.
    pub fn make(allow_disk: bool) -> Result<PrivateFolder, Failure> {
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
        let in_memory = runtime.into_iter().chain([PathBuf::from("/dev/shm")]);
        let on_disk = allow_disk.then(std::env::temp_dir);
        let places = in_memory.filter(|place| is_memory(place)).chain(on_disk);
        let mut last = None;
        for place in places {
            match make_in(&place) {
                Ok(folder) => return Ok(folder),
                Err(error) => last = Some((place, error)),
            }
        }
        Err(Failure::line(match last {
            Some((place, error)) => {
                format!("cannot make a folder in {}: {error}", place.display())
            }
            None => "no folder in memory for the text in clear, neither $XDG_RUNTIME_DIR nor \
                     /dev/shm: mount a tmpfs there, or allow a disk with --allow-disk"
                .to_owned(),
        }))
    }

    /// A new file in it, the owner's alone.
    pub fn file(&self, name: &Path, text: &str) -> io::Result<PathBuf> {
        let path = self.0.join(name);
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(text.as_bytes())?;
        Ok(path)
    }
}

impl Drop for PrivateFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            let folder = self.0.display();
            crate::cli::warn(&format!(
                "{folder} holds a text in clear and cannot be removed: {error}"
            ));
        }
    }
}

fn is_memory(folder: &Path) -> bool {
    statfs(folder).is_ok_and(|found| found.filesystem_type() == TMPFS_MAGIC)
}

fn make_in(place: &Path) -> io::Result<PrivateFolder> {
    let random = getrandom::u64().map_err(io::Error::other)?;
    let folder = place.join(format!("entryctl-{random:016x}"));
    DirBuilder::new().mode(0o700).create(&folder)?;
    Ok(PrivateFolder(folder))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn it_is_private_and_goes_with_all_that_is_in_it() {
        let folder = PrivateFolder::make(false).unwrap();
        let path = folder.file(Path::new("s.yml"), "a: 1\n").unwrap();
        fs::write(path.with_file_name(".s.yml.swp"), "a").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
        assert_eq!((mode(&folder.0), mode(&path)), (0o700, 0o600));
        let gone = folder.0.clone();
        drop(folder);
        assert!(!gone.exists());
    }
}
