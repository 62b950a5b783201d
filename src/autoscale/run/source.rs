//! The autoscaler's file, read again when it is another one.

use crate::autoscale::config::{Config, Loaded, load};
use crate::config::problems::Problem;
use crate::config::{Text, disk};
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// A file that was read anew.
pub struct Fresh {
    /// `None`: it cannot be used.
    pub config: Option<Config>,
    /// What is wrong with it, or odd about it.
    pub told: Vec<String>,
}

/// Where the configuration comes from.
pub trait Source {
    /// The file, if it is another one than the last time, or anyway.
    fn look(&mut self, anyway: bool) -> Option<Fresh>;
}

/// A file on disk.
pub struct File {
    path: PathBuf,
    seen: Option<Stamp>,
    lookup: fn(&str) -> Option<OsString>,
}

/// What differs when a file was written or replaced: device, inode, size, and the times of content and inode.
type Stamp = (u64, u64, u64, [i64; 4]);

impl File {
    /// `lookup` gives the variables that it may name.
    #[must_use]
    pub fn new(path: &Path, lookup: fn(&str) -> Option<OsString>) -> File {
        File {
            path: path.to_owned(),
            seen: None,
            lookup,
        }
    }

    fn stamp(&self) -> Option<Stamp> {
        let file = fs::metadata(&self.path).ok()?;
        let times = [
            file.mtime(),
            file.mtime_nsec(),
            file.ctime(),
            file.ctime_nsec(),
        ];
        Some((file.dev(), file.ino(), file.len(), times))
    }

    fn read(&self) -> Fresh {
        let file = self.path.display().to_string();
        let text = match disk::text(&self.path) {
            Ok(text) => text,
            Err((message, remedy)) => {
                let problem = Problem::of(file, message, remedy);
                return Fresh {
                    config: None,
                    told: vec![problem.to_string()],
                };
            }
        };
        let lines = |problems: &crate::config::Problems| {
            let lines = problems.iter().map(ToString::to_string);
            lines.collect::<Vec<_>>()
        };
        match load(&Text { file, text }, &self.lookup) {
            Ok(Loaded { config, warnings }) => Fresh {
                config: Some(config),
                told: lines(&warnings),
            },
            Err(problems) => Fresh {
                config: None,
                told: lines(&problems),
            },
        }
    }
}

impl Source for File {
    fn look(&mut self, anyway: bool) -> Option<Fresh> {
        // Before it is read: what is written meanwhile is read the next time.
        let stamp = self.stamp();
        if stamp == self.seen && !anyway {
            return None;
        }
        self.seen = stamp;
        Some(self.read())
    }
}
