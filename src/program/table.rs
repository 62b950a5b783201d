//! The programs that PID 1 starts after the boot has gone, in a sealed memfd.
//!
//! The environment holds secrets, so PID 1 keeps the descriptor and never reads it: a child that it
//! forked does, on its way to `execve`.

use super::users::Identity;
use super::{Program, Setting};
use nix::fcntl::{FcntlArg, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};
use serde::{Deserialize, Serialize};
use std::ffi::{CString, OsString};
use std::fs::File;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// The memfd, which is there before the fork, so that both sides have it.
#[derive(Debug)]
pub struct Table(File);

/// What a table holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contents {
    pub environment: Vec<CString>,
    pub setting: Setting,
    pub umask: u32,
    pub programs: Vec<Program>,
}

/// Why a table cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    #[error("the processes' table: {0}")]
    Io(#[from] std::io::Error),
    #[error("the processes' table: {}", .0.desc())]
    System(#[from] nix::errno::Errno),
    #[error("the processes' table cannot be encoded: a word or path in it is not whole")]
    Encoding(#[from] postcard::Error),
}

/// As it is encoded: bytes, since paths and words need not be UTF-8.
#[derive(Serialize, Deserialize)]
struct Encoded {
    environment: Vec<Vec<u8>>,
    identity: Option<(u32, u32, Vec<u32>)>,
    workdir: Option<Vec<u8>>,
    no_new_privs: bool,
    umask: u32,
    programs: Vec<(Vec<u8>, Vec<Vec<u8>>)>,
}

impl Table {
    /// An empty one. Its name is the same for every mode.
    pub fn create() -> nix::Result<Table> {
        let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
        memfd_create(c"entry", flags).map(|fd: OwnedFd| Table(File::from(fd)))
    }

    /// Fills it, once, and seals it.
    pub fn write(&self, contents: Contents) -> Result<(), TableError> {
        let bytes = |words: Vec<CString>| words.into_iter().map(CString::into_bytes).collect();
        let programs = contents.programs.into_iter();
        let encoded = Encoded {
            environment: bytes(contents.environment),
            identity: contents
                .setting
                .identity
                .map(|identity| (identity.uid, identity.gid, identity.groups)),
            workdir: contents
                .setting
                .workdir
                .map(|path| path.into_os_string().into_vec()),
            no_new_privs: contents.setting.no_new_privs,
            umask: contents.umask,
            programs: programs
                .map(|program| {
                    (
                        program.path.as_os_str().as_bytes().to_vec(),
                        bytes(program.argv),
                    )
                })
                .collect(),
        };
        let encoded = Zeroizing::new(postcard::to_allocvec(&encoded)?);
        (&self.0).write_all(&encoded)?;
        let all = SealFlag::F_SEAL_WRITE
            | SealFlag::F_SEAL_SHRINK
            | SealFlag::F_SEAL_GROW
            | SealFlag::F_SEAL_SEAL;
        fcntl(&self.0, FcntlArg::F_ADD_SEALS(all))?;
        Ok(())
    }

    /// Reads all of it. For a child of PID 1, never for PID 1.
    pub fn read(&self) -> Result<Contents, TableError> {
        let length = usize::try_from(self.0.metadata()?.len()).unwrap_or(usize::MAX);
        let mut bytes = Zeroizing::new(vec![0; length]);
        self.0.read_exact_at(&mut bytes, 0)?;
        let encoded: Encoded = postcard::from_bytes(&bytes)?;
        let strings = |words: Vec<Vec<u8>>| {
            let strings = words.into_iter().map(CString::new);
            strings
                .collect::<Result<Vec<_>, _>>()
                .map_err(|_| postcard::Error::DeserializeBadEncoding)
        };
        let path = |bytes: Vec<u8>| PathBuf::from(OsString::from_vec(bytes));
        let programs = encoded.programs.into_iter().map(|(place, argv)| {
            Ok(Program {
                path: path(place),
                argv: strings(argv)?,
            })
        });
        Ok(Contents {
            programs: programs.collect::<Result<_, postcard::Error>>()?,
            environment: strings(encoded.environment)?,
            setting: Setting {
                identity: encoded.identity.map(|(uid, gid, groups)| Identity {
                    uid,
                    gid,
                    groups,
                    name: None,
                    home: PathBuf::from("/"),
                }),
                workdir: encoded.workdir.map(path),
                no_new_privs: encoded.no_new_privs,
            },
            umask: encoded.umask,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents() -> Contents {
        Contents {
            environment: vec![c"A=\xff".to_owned(), c"B=".to_owned()],
            setting: Setting {
                identity: Some(Identity {
                    uid: 7,
                    gid: 8,
                    groups: vec![8, 9],
                    name: None,
                    home: PathBuf::from("/"),
                }),
                workdir: Some(PathBuf::from("/srv")),
                no_new_privs: true,
            },
            umask: 0o27,
            programs: vec![Program {
                path: PathBuf::from("/bin/true"),
                argv: vec![c"true".to_owned(), c"".to_owned()],
            }],
        }
    }

    #[test]
    fn what_was_written_is_read_any_number_of_times() {
        let table = Table::create().unwrap();
        table.write(contents()).unwrap();
        for _ in 0..2 {
            assert_eq!(table.read().unwrap(), contents());
        }
    }

    #[test]
    fn nobody_writes_to_a_sealed_table() {
        let table = Table::create().unwrap();
        table.write(contents()).unwrap();
        assert!((&table.0).write_all(b"x").is_err());
        assert!(table.0.set_len(0).is_err());
    }
}
