//! A program that is ready to run: found, its words checked, and what it is to find when it starts.

pub mod command;
pub mod privileges;
mod table;
pub mod users;

pub use command::CommandError;
pub use table::{Contents, Table, TableError};

use crate::exit::ENTRY_FAILED;
use crate::sys::exec::execve;
use crate::sys::hold::{InheritedMask, release_signals};
use crate::sys::limits::CoreLimit;
use crate::sys::terminal::Terminal;
use nix::unistd::chdir;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use users::Identity;

/// What entry was started with, and a program gets back unchanged.
#[derive(Clone, Copy, Debug)]
pub struct Inherited {
    pub mask: InheritedMask,
    pub core: CoreLimit,
    /// The terminal, if entry was started in its foreground.
    pub terminal: Option<Terminal>,
}

/// A program and its words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    pub path: PathBuf,
    pub argv: Vec<CString>,
}

/// What a program finds when it starts, besides its environment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setting {
    /// In place of entry's own.
    pub identity: Option<Identity>,
    /// Entered already; the program's user must be able to, too.
    pub workdir: Option<PathBuf>,
    pub no_new_privs: bool,
}

impl Program {
    /// Finds the program in the `PATH` that it will have.
    pub fn find(words: &[OsString], path: Option<&[u8]>) -> Result<Program, CommandError> {
        let argv = command::argv(words)?;
        let first = words.first().map_or(OsStr::new(""), OsString::as_os_str);
        let path = command::find(first, path)?;
        Ok(Program { path, argv })
    }

    /// Becomes the program; comes back with what went wrong. Signals must be held.
    pub fn execute(
        &self,
        setting: &Setting,
        environment: &[CString],
        inherited: Inherited,
    ) -> CommandError {
        if let Err(text) = setting.take_on() {
            return CommandError {
                text,
                code: ENTRY_FAILED,
            };
        }
        inherited.core.restore();
        inherited.mask.restore();
        self.replace_us(environment)
    }

    /// `execve`; comes back with what went wrong, and with signals released: saying why must not end us first.
    pub fn replace_us(&self, environment: &[CString]) -> CommandError {
        let path = CString::new(self.path.as_os_str().as_bytes()).unwrap_or_default();
        let errno = execve(&path, &self.argv, environment);
        release_signals();
        command::explain(&self.path, errno)
    }
}

impl Setting {
    /// Takes on the identity and gives up privileges, for good.
    pub fn take_on(&self) -> Result<(), String> {
        if let Some(identity) = &self.identity {
            privileges::become_user(identity).map_err(|error| error.to_string())?;
            if let Some(workdir) = &self.workdir {
                enter_again(workdir)?;
            }
        }
        if self.no_new_privs {
            nix::sys::prctl::set_no_new_privs()
                .map_err(|errno| format!("no_new_privs: {}", errno.desc()))?;
        }
        Ok(())
    }
}

/// Entered as root before; the app's user must be able to, too.
fn enter_again(workdir: &Path) -> Result<(), String> {
    chdir(".").map_err(|errno| {
        format!(
            "workdir {}, as the app's user: {}: let the user in",
            workdir.display(),
            errno.desc()
        )
    })
}
