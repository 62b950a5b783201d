//! The folder of a written file: made with its final mode, or checked before anything is put there.

use super::staging::Journal;
use crate::program::users::Identity;
use crate::sys::lock;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown};
use std::collections::BTreeMap;
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Only the app's group may pass, and nobody may list it.
const FOLDER_MODE: u32 = 0o710;

/// A folder that is fit to hold secrets.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub fd: OwnedFd,
    /// An entry that lives has files here: it holds a lock on the folder.
    pub in_use: bool,
}

/// The folders of a boot, each made or opened once: from then on this entry's own lock is on it, too.
#[derive(Default)]
pub struct Folders(BTreeMap<PathBuf, Rc<Folder>>);

impl Folders {
    /// The folder, which this user must be able to pass.
    pub fn ready(
        &mut self,
        path: &Path,
        user: &Identity,
        journal: &dyn Journal,
    ) -> Result<Rc<Folder>, FolderError> {
        if let Some(known) = self.0.get(path) {
            let stat = fstat(&known.fd).map_err(|cause| failed(path, cause))?;
            check(path, &stat, user)?;
            return Ok(Rc::clone(known));
        }
        let folder = Rc::new(Folder::ready(path, user, journal)?);
        journal.held(path);
        self.0.insert(path.to_owned(), Rc::clone(&folder));
        Ok(folder)
    }
}

/// Why a folder is not fit.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    #[error("folder {}: cannot be made: {cause}", path.display())]
    Make { path: PathBuf, cause: io::Error },
    #[error("folder {}: is a symbolic link or no folder: secrets are not written through links", path.display())]
    Link { path: PathBuf },
    #[error("folder {}: {cause}", path.display())]
    Open { path: PathBuf, cause: nix::Error },
    #[error("folder {}: others may write to it (mode {mode:04o}): chmod go-w it", path.display())]
    Wide { path: PathBuf, mode: u32 },
    #[error("folder {}: belongs to user {owner}, who could replace what is written there: remove it or choose another", path.display())]
    Owner { path: PathBuf, owner: u32 },
    #[error("folder {}: user {user} may not pass through it (mode {mode:04o}): chmod or chown it", path.display())]
    Closed { path: PathBuf, user: u32, mode: u32 },
}

impl Folder {
    /// Opens the folder, made if it is missing (its parent must be there).
    fn ready(path: &Path, app: &Identity, journal: &dyn Journal) -> Result<Folder, FolderError> {
        let made = match DirBuilder::new().mode(FOLDER_MODE).create(path) {
            Ok(()) => true,
            Err(cause) if cause.kind() == io::ErrorKind::AlreadyExists => false,
            Err(cause) => {
                return Err(FolderError::Make {
                    path: path.to_owned(),
                    cause,
                });
            }
        };
        if made {
            journal.made(path);
        }
        Folder::open(path, app, made).inspect_err(|_| {
            if made {
                let _ = std::fs::remove_dir(path);
            }
        })
    }

    fn open(path: &Path, app: &Identity, made: bool) -> Result<Folder, FolderError> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        let failed = |cause| failed(path, cause);
        let fd = open(path, flags, Mode::empty()).map_err(failed)?;
        if made {
            if Uid::effective().is_root() {
                fchown(&fd, None, Some(Gid::from_raw(app.gid))).map_err(failed)?;
            }
            // The boot's umask took the group's bit away.
            fchmod(&fd, Mode::from_bits_truncate(FOLDER_MODE)).map_err(failed)?;
        }
        check(path, &fstat(&fd).map_err(failed)?, app)?;
        Ok(Folder {
            path: path.to_owned(),
            in_use: lock::is_held(&fd),
            fd,
        })
    }
}

fn failed(path: &Path, cause: nix::Error) -> FolderError {
    let path = path.to_owned();
    match cause {
        nix::Error::ELOOP | nix::Error::ENOTDIR => FolderError::Link { path },
        cause => FolderError::Open { path, cause },
    }
}

fn check(path: &Path, stat: &FileStat, app: &Identity) -> Result<(), FolderError> {
    let (owner, mode) = (stat.st_uid, stat.st_mode & 0o7777);
    let sticky = mode & 0o1000 != 0;
    if mode & 0o022 != 0 && !sticky {
        return Err(FolderError::Wide {
            path: path.to_owned(),
            mode,
        });
    }
    if ![0, Uid::effective().as_raw(), app.uid].contains(&owner) {
        return Err(FolderError::Owner {
            path: path.to_owned(),
            owner,
        });
    }
    let passes = match app.uid {
        0 => true,
        uid if uid == owner => mode & 0o100 != 0,
        _ if app.groups.contains(&stat.st_gid) => mode & 0o010 != 0,
        _ => mode & 0o001 != 0,
    };
    if passes {
        Ok(())
    } else {
        Err(FolderError::Closed {
            path: path.to_owned(),
            user: app.uid,
            mode,
        })
    }
}
