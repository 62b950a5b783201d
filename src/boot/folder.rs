//! The folder of a written file: made with its final mode, or checked before anything is put there.

use super::users::Identity;
use crate::sys::lock;
use nix::fcntl::{OFlag, open};
use nix::sys::stat::{FileStat, Mode, fchmod, fstat};
use nix::unistd::{Gid, Uid, fchown};
use std::fs::DirBuilder;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

/// Only the app's group may pass, and nobody may list it.
const FOLDER_MODE: u32 = 0o710;

/// A folder that is fit to hold secrets.
#[derive(Debug)]
pub struct Folder {
    pub path: PathBuf,
    pub fd: OwnedFd,
    /// It was not there before.
    pub made: bool,
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
    pub fn ready(path: &Path, app: &Identity) -> Result<Folder, FolderError> {
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
        Folder::open(path, app, made).inspect_err(|_| {
            if made {
                let _ = std::fs::remove_dir(path);
            }
        })
    }

    fn open(path: &Path, app: &Identity, made: bool) -> Result<Folder, FolderError> {
        let flags = OFlag::O_DIRECTORY | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC | OFlag::O_RDONLY;
        let failed = |cause| match cause {
            nix::Error::ELOOP | nix::Error::ENOTDIR => FolderError::Link {
                path: path.to_owned(),
            },
            cause => FolderError::Open {
                path: path.to_owned(),
                cause,
            },
        };
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
            fd,
            made,
        })
    }

    /// Whether an entry that lives has written files here: it holds a lock on the folder.
    pub fn in_use(&self) -> bool {
        lock::is_held(&self.fd)
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
