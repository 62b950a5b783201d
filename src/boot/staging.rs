//! Written files, all or nothing: each is staged without a name, with its final mode and owner, and
//! all get their names together at the end.

use super::folder::Folder;
use super::users::Identity;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, linkat, unlinkat};
use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Told of every name that comes into being, so that PID 1 can take it away if the boot fails later.
pub trait Journal {
    /// Before the name appears.
    fn made(&mut self, path: &Path);
    /// The name is gone, or was never ours.
    fn kept(&mut self, path: &Path);
}

/// Why a file cannot be written. Nothing of it is left.
#[derive(Debug, thiserror::Error)]
pub enum StagingError {
    #[error("{}: cannot be written: {}", path.display(), errno.desc())]
    Write { path: PathBuf, errno: Errno },
    #[error("{}: cannot get its name: {}", path.display(), errno.desc())]
    Publish { path: PathBuf, errno: Errno },
    #[error("{}: is a folder or a link: remove it, or write elsewhere", path.display())]
    NotAFile { path: PathBuf },
    #[error("{}: differs from what the running entry wrote: its app would see other secrets; restart the task instead", path.display())]
    Differs { path: PathBuf },
}

/// A file that waits for its name.
pub struct Staged {
    target: PathBuf,
    folder: Folder,
    name: OsString,
    content: Content,
}

enum Content {
    /// The same file is there already.
    Same,
    Unnamed(File),
    /// Where the filesystem has no unnamed files: a private name.
    Private(File, OsString),
}

/// What is to be written, and how.
pub struct Wanted<'a> {
    pub target: &'a Path,
    pub bytes: &'a [u8],
    pub mode: u32,
}

impl Staged {
    /// Writes the file without giving it its name.
    pub fn stage(
        wanted: &Wanted<'_>,
        folder: Folder,
        app: &Identity,
        journal: &mut dyn Journal,
    ) -> Result<Staged, StagingError> {
        let target = wanted.target.to_owned();
        let name = target.file_name().unwrap_or_default().to_owned();
        if folder.made {
            journal.made(&folder.path);
        }
        if same(wanted, app)? {
            return Ok(Staged {
                target,
                folder,
                name,
                content: Content::Same,
            });
        }
        if target.exists() && folder.in_use() {
            return Err(StagingError::Differs { path: target });
        }
        let failed = |errno| StagingError::Write {
            path: target.clone(),
            errno,
        };
        let (mut file, content) = create(&folder, journal).map_err(failed)?;
        let written = file
            .write_all(wanted.bytes)
            .map_err(|cause| errno_of(&cause));
        written
            .and_then(|()| fchmod(&file, Mode::from_bits_truncate(wanted.mode)))
            .map_err(failed)?;
        let content = match content {
            Some(private) => Content::Private(file, private),
            None => Content::Unnamed(file),
        };
        Ok(Staged {
            target,
            folder,
            name,
            content,
        })
    }

    /// Gives the file its name, in one step. Says whether something was written.
    pub fn publish(self, app: &Identity, journal: &mut dyn Journal) -> Result<bool, StagingError> {
        let failed = |errno| StagingError::Publish {
            path: self.target.clone(),
            errno,
        };
        let fd = &self.folder.fd;
        let (file, private) = match &self.content {
            Content::Same => return Ok(false),
            Content::Private(file, private) => (file, private.clone()),
            Content::Unnamed(file) => {
                let private = private_name();
                journal.made(&self.folder.path.join(&private));
                let source = format!("/proc/self/fd/{}", file.as_raw_fd());
                let follow = AtFlags::AT_SYMLINK_FOLLOW;
                linkat(AT_FDCWD, source.as_str(), fd, private.as_os_str(), follow)
                    .map_err(failed)?;
                (file, private)
            }
        };
        // Only now: protected_hardlinks lets nobody but its owner link a file (proc_sys_fs(5)).
        give(file, app).map_err(failed)?;
        let fresh = !self.target.exists();
        if fresh {
            journal.made(&self.target);
        }
        let named = renameat(fd, private.as_os_str(), fd, self.name.as_os_str());
        journal.kept(&self.folder.path.join(&private));
        if named.is_err() {
            journal.kept(&self.target);
            let _ = unlinkat(fd, private.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
        named.map(|()| true).map_err(failed)
    }

    /// The folder of the file.
    pub fn folder(&self) -> &Path {
        &self.folder.path
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if let Content::Private(_, private) = &self.content {
            let _ = unlinkat(
                &self.folder.fd,
                private.as_os_str(),
                UnlinkatFlags::NoRemoveDir,
            );
        }
    }
}

/// A file that nobody else can open: unnamed, else under a private name.
fn create(folder: &Folder, journal: &mut dyn Journal) -> nix::Result<(File, Option<OsString>)> {
    let flags = OFlag::O_WRONLY | OFlag::O_CLOEXEC;
    // An unnamed file gets its name through /proc, which a container may lack.
    if Path::new("/proc/self/fd").exists() {
        match openat(&folder.fd, ".", flags | OFlag::O_TMPFILE, Mode::empty()) {
            Ok(fd) => return Ok((File::from(fd), None)),
            // open(2): what filesystems and kernels without O_TMPFILE answer.
            Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => {}
            Err(errno) => return Err(errno),
        }
    }
    let private = private_name();
    journal.made(&folder.path.join(&private));
    let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    let fd = openat(&folder.fd, private.as_os_str(), flags, Mode::empty())?;
    Ok((File::from(fd), Some(private)))
}

fn private_name() -> OsString {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(".entry-{}-{number}", std::process::id()).into()
}

/// The final owner. The mode is set before, while the file is ours.
fn give(file: &File, app: &Identity) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(app.uid), Gid::from_raw(app.gid));
    if Uid::effective() == uid && Gid::effective() == gid {
        return Ok(());
    }
    fchown(file, Some(uid), Some(gid))
}

/// Whether the very file is there: content, mode and owner.
fn same(wanted: &Wanted<'_>, app: &Identity) -> Result<bool, StagingError> {
    let Ok(found) = std::fs::symlink_metadata(wanted.target) else {
        return Ok(false);
    };
    if !found.is_file() {
        return Err(StagingError::NotAFile {
            path: wanted.target.to_owned(),
        });
    }
    let dressed =
        found.mode() & 0o7777 == wanted.mode && found.uid() == app.uid && found.gid() == app.gid;
    if !dressed || found.len() != wanted.bytes.len() as u64 {
        return Ok(false);
    }
    let mut content = zeroize::Zeroizing::new(Vec::new());
    let read = File::open(wanted.target).and_then(|mut file| file.read_to_end(&mut content));
    Ok(read.is_ok() && content.as_slice() == wanted.bytes)
}

fn errno_of(cause: &io::Error) -> Errno {
    cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
