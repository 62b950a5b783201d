//! The names that entry is called by in `EntryKit`'s place.

use std::ffi::OsStr;
use std::fmt;
use std::path::Path;

/// One of `EntryKit`'s commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Runs another command where the last word is its name.
    Switch,
    /// Renders templates.
    Render,
    /// Runs commands to their ends.
    Prehook,
    /// Runs commands that end together.
    Codep,
    /// All of them, from variables or a file.
    Entrykit,
}

impl Link {
    /// Every link.
    pub const ALL: [Link; 5] = [
        Link::Switch,
        Link::Render,
        Link::Prehook,
        Link::Codep,
        Link::Entrykit,
    ];

    /// The file's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Link::Switch => "switch",
            Link::Render => "render",
            Link::Prehook => "prehook",
            Link::Codep => "codep",
            Link::Entrykit => "entrykit",
        }
    }

    /// The link that a program was called by, if it was by one.
    #[must_use]
    pub fn called(program: &OsStr) -> Option<Link> {
        Path::new(program).file_name().and_then(Link::named)
    }

    /// The link of this name. In a chain, a path is a program's.
    #[must_use]
    pub fn named(word: &OsStr) -> Option<Link> {
        Link::ALL.into_iter().find(|link| word == link.name())
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
