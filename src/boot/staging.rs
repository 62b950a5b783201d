//! Written files, all or nothing: each is staged without a name, with its final mode and owner, and
//! all get their names together at the end.
//!
//! Bytes come in parts. As long as they are those of the file that is there, nothing is written.

use super::folder::Folder;
use crate::program::users::Owner;
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags, OFlag, openat, renameat};
use nix::sys::stat::{Mode, fchmod};
use nix::unistd::{Gid, Uid, UnlinkatFlags, fchown, linkat, unlinkat};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek as _, Write as _};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use zeroize::Zeroizing;

/// Told of every name that comes into being, so that PID 1 can take it away if the boot fails later.
pub trait Journal {
    /// Before the name appears.
    fn made(&self, path: &Path);
    /// The name is gone, or was never ours.
    fn kept(&self, path: &Path);
    /// A folder or file that this entry's app uses, from now until its end.
    fn held(&self, path: &Path);
}

/// Why a file cannot be written. Nothing of it is left.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
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

/// What is to be written, and whose it is.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub target: &'a Path,
    pub mode: u32,
    pub owner: Owner,
}

/// A file that waits for its name.
pub struct Staged<'j> {
    target: PathBuf,
    mode: u32,
    owner: Owner,
    folder: Rc<Folder>,
    content: Content,
    journal: &'j dyn Journal,
}

enum Content {
    /// The file that is there, with this mode and owner; so many bytes of it have come.
    Same {
        file: File,
        equal: u64,
    },
    Unnamed(File),
    /// Where the filesystem has no unnamed files: a private name.
    Private(File, OsString),
}

impl<'j> Staged<'j> {
    /// Begins a file; it has no bytes yet.
    pub fn begin(
        wanted: &Wanted<'_>,
        folder: Rc<Folder>,
        journal: &'j dyn Journal,
    ) -> Result<Staged<'j>, StagingError> {
        let target = wanted.target.to_owned();
        let content = match std::fs::symlink_metadata(&target) {
            Err(_) => new(&target, &folder, journal)?,
            Ok(found) if !found.is_file() => return Err(StagingError::NotAFile { path: target }),
            Ok(found) => {
                let Owner { uid, gid } = wanted.owner;
                let dressed = found.mode() & 0o7777 == wanted.mode
                    && (found.uid(), found.gid()) == (uid, gid);
                let open = || {
                    OpenOptions::new()
                        .read(true)
                        .custom_flags(libc::O_NOFOLLOW)
                        .open(&target)
                };
                match dressed.then(open) {
                    Some(Ok(file)) => {
                        journal.held(&target);
                        Content::Same { file, equal: 0 }
                    }
                    _ => replacement(&target, &folder, journal)?,
                }
            }
        };
        Ok(Staged {
            target,
            mode: wanted.mode,
            owner: wanted.owner,
            folder,
            content,
            journal,
        })
    }

    /// Where it will be.
    pub fn target(&self) -> &Path {
        &self.target
    }

    /// Takes the next bytes.
    pub fn write(&mut self, part: &[u8]) -> Result<(), StagingError> {
        if let Content::Same { file, equal } = &mut self.content {
            let mut there = Zeroizing::new(vec![0; part.len()]);
            if file.read_exact(&mut there).is_ok() && there.as_slice() == part {
                *equal += part.len() as u64;
                return Ok(());
            }
            self.diverge()?;
        }
        let written = self.file().write_all(part);
        written.map_err(|cause| self.failed(errno_of(&cause)))
    }

    /// Forgets all bytes.
    pub fn restart(&mut self) -> Result<(), StagingError> {
        if let Content::Same { equal, .. } = &mut self.content {
            *equal = 0;
        }
        let done = self.file().rewind().and_then(|()| match &self.content {
            Content::Same { .. } => Ok(()),
            Content::Unnamed(file) | Content::Private(file, _) => file.set_len(0),
        });
        done.map_err(|cause| self.failed(errno_of(&cause)))
    }

    /// All bytes have come.
    pub fn finish(&mut self) -> Result<(), StagingError> {
        if let Content::Same { file, equal } = &self.content {
            if file.metadata().is_ok_and(|there| there.len() == *equal) {
                return Ok(());
            }
            self.diverge()?;
        }
        let mode = Mode::from_bits_truncate(self.mode);
        let dressed = fchmod(self.file(), mode);
        dressed.map_err(|errno| self.failed(errno))
    }

    /// The file that is there is another one: what was equal goes over to a new one.
    fn diverge(&mut self) -> Result<(), StagingError> {
        let new = replacement(&self.target, &self.folder, self.journal)?;
        let old = std::mem::replace(&mut self.content, new);
        let Content::Same {
            file: mut old,
            equal,
        } = old
        else {
            return Ok(());
        };
        let copied = old
            .rewind()
            .and_then(|()| io::copy(&mut old.take(equal), self.file()));
        match copied {
            Ok(copied) if copied == equal => Ok(()),
            // Somebody cut it meanwhile.
            Ok(_) => Err(self.failed(Errno::EIO)),
            Err(cause) => Err(self.failed(errno_of(&cause))),
        }
    }

    fn file(&mut self) -> &mut File {
        match &mut self.content {
            Content::Same { file, .. } | Content::Unnamed(file) | Content::Private(file, _) => file,
        }
    }

    fn failed(&self, errno: Errno) -> StagingError {
        let path = self.target.clone();
        StagingError::Write { path, errno }
    }

    /// Gives the file its name, in one step. Says whether something was written.
    pub fn publish(self) -> Result<bool, StagingError> {
        let failed = |errno| StagingError::Publish {
            path: self.target.clone(),
            errno,
        };
        let fd = &self.folder.fd;
        let name = self.target.file_name().unwrap_or_default();
        let (file, private) = match &self.content {
            // Whoever made it may have taken it away meanwhile.
            Content::Same { file, .. } if self.is_there(file) => return Ok(false),
            Content::Same { .. } => {
                let path = self.target.clone();
                return Err(StagingError::Differs { path });
            }
            Content::Private(file, private) => (file, private.clone()),
            Content::Unnamed(file) => {
                let private = private_name();
                self.journal.made(&self.folder.path.join(&private));
                let source = format!("/proc/self/fd/{}", file.as_raw_fd());
                let follow = AtFlags::AT_SYMLINK_FOLLOW;
                linkat(AT_FDCWD, source.as_str(), fd, private.as_os_str(), follow)
                    .map_err(failed)?;
                (file, private)
            }
        };
        // Only now: protected_hardlinks lets nobody but its owner link a file (proc_sys_fs(5)).
        give(file, self.owner).map_err(failed)?;
        let fresh = !self.target.exists();
        if fresh {
            self.journal.made(&self.target);
        }
        let named = renameat(fd, private.as_os_str(), fd, name);
        self.journal.kept(&self.folder.path.join(&private));
        if named.is_err() {
            self.journal.kept(&self.target);
            let _ = unlinkat(fd, private.as_os_str(), UnlinkatFlags::NoRemoveDir);
        }
        named.map_err(failed)?;
        self.journal.held(&self.target);
        Ok(true)
    }

    fn is_there(&self, file: &File) -> bool {
        let there = std::fs::symlink_metadata(&self.target).map(|found| (found.dev(), found.ino()));
        let ours = file.metadata().map(|found| (found.dev(), found.ino()));
        there.ok() == ours.ok()
    }
}

impl Drop for Staged<'_> {
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

/// A new file in place of the one that is there, which an entry that lives may need as it is.
fn replacement(
    target: &Path,
    folder: &Folder,
    journal: &dyn Journal,
) -> Result<Content, StagingError> {
    if folder.in_use {
        let path = target.to_owned();
        return Err(StagingError::Differs { path });
    }
    new(target, folder, journal)
}

/// A file that nobody else can open: unnamed, else under a private name.
fn new(target: &Path, folder: &Folder, journal: &dyn Journal) -> Result<Content, StagingError> {
    let failed = |errno| StagingError::Write {
        path: target.to_owned(),
        errno,
    };
    let flags = OFlag::O_RDWR | OFlag::O_CLOEXEC;
    // An unnamed file gets its name through /proc, which a container may lack.
    if Path::new("/proc/self/fd").exists() {
        match openat(&folder.fd, ".", flags | OFlag::O_TMPFILE, Mode::empty()) {
            Ok(fd) => return Ok(Content::Unnamed(File::from(fd))),
            // open(2): what filesystems and kernels without O_TMPFILE answer.
            Err(Errno::EOPNOTSUPP | Errno::EISDIR | Errno::EINVAL) => {}
            Err(errno) => return Err(failed(errno)),
        }
    }
    let private = private_name();
    journal.made(&folder.path.join(&private));
    let flags = flags | OFlag::O_CREAT | OFlag::O_EXCL | OFlag::O_NOFOLLOW;
    let fd = openat(&folder.fd, private.as_os_str(), flags, Mode::empty()).map_err(failed)?;
    Ok(Content::Private(File::from(fd), private))
}

fn private_name() -> OsString {
    use std::sync::atomic::{AtomicU32, Ordering};
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    format!(".entry-{}-{number}", std::process::id()).into()
}

/// The final owner. The mode is set before, while the file is ours.
fn give(file: &File, owner: Owner) -> nix::Result<()> {
    let (uid, gid) = (Uid::from_raw(owner.uid), Gid::from_raw(owner.gid));
    if Uid::effective() == uid && Gid::effective() == gid {
        return Ok(());
    }
    fchown(file, Some(uid), Some(gid))
}

fn errno_of(cause: &io::Error) -> Errno {
    cause.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}
