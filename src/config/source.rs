//! The modes of a container: which of them a command line asks for, and loading it.

use super::disk;
use super::folder::{DEFAULTS, Folder, ONEOFF};
use super::load::{Layers, Text, load};
use super::mode::Mode;
use super::problems::{Problem, Problems, closest, suggestion};
use super::scope::Lookup;
use super::shown;
use std::path::Path;

/// What a command line asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request<'a> {
    /// A mode by name.
    Mode(&'a str),
    /// A command of its own, with what another mode's process sees if `like` names one (`--as`).
    OneOff { like: Option<&'a str> },
}

/// The modes folder, or its absence.
#[derive(Clone, Debug)]
pub struct Source {
    folder: Folder,
}

impl Source {
    /// `flag` is the value of `--modes`.
    pub fn find(flag: Option<&Path>, lookup: Lookup) -> Result<Source, Problems> {
        Folder::find(flag, lookup).map(|folder| Source { folder })
    }

    /// Where the modes are, if anywhere.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.path.as_deref()
    }

    /// Names of modes, in order.
    #[must_use]
    pub fn mode_names(&self) -> Vec<&str> {
        self.folder.modes().collect()
    }

    /// The mode that `word` might have been meant for.
    #[must_use]
    pub fn closest_mode(&self, word: &str) -> Option<&str> {
        closest(word, self.folder.modes())
    }

    /// What the first word of a command line (without a `--` before it) asks for.
    ///
    /// A mode's name beside `--as` is refused, since either could be meant.
    pub fn request<'a>(
        &self,
        word: &'a str,
        like: Option<&'a str>,
    ) -> Result<Request<'a>, Problems> {
        let is_mode = self.folder.modes().any(|mode| mode == word);
        match like {
            None if is_mode => Ok(Request::Mode(word)),
            Some(like) if is_mode => Err(Problem::of(
                format!("--as {like}"),
                format!("{word} is a mode, and --as goes with a one-off"),
                format!("write --as {like} -- {word} for the program"),
            )
            .into()),
            like => Ok(Request::OneOff { like }),
        }
    }

    /// The mode, or every problem of its files.
    pub fn load(&self, request: Request, lookup: Lookup) -> Result<Mode, Problems> {
        let mut problems = Problems::default();
        let defaults = self.text(DEFAULTS, &mut problems);
        let (name, layers) = match request {
            Request::Mode(name) => {
                let mode = self.mode_text(name, &mut problems);
                (name, mode.map(|mode| Layers::Mode { defaults, mode }))
            }
            Request::OneOff { like } => {
                let own = self.text(ONEOFF, &mut problems);
                let like = like.and_then(|like| self.mode_text(like, &mut problems));
                (
                    ONEOFF,
                    Some(Layers::OneOff {
                        defaults,
                        own,
                        like,
                    }),
                )
            }
        };
        let loaded = layers.map(|layers| load(name, &layers, lookup));
        match loaded {
            Some(Ok(mode)) => problems.or(mode),
            Some(Err(more)) => {
                problems.extend(more);
                Err(problems)
            }
            None => Err(problems),
        }
    }

    /// Loads every mode and the one-off's files; all problems of the folder.
    #[must_use]
    pub fn check_all(&self, lookup: Lookup) -> Problems {
        let mut problems = self.folder.strays();
        let modes = self.folder.modes().map(Request::Mode);
        for request in modes.chain([Request::OneOff { like: None }]) {
            if let Err(more) = self.load(request, lookup) {
                problems.extend(more);
            }
        }
        problems
    }

    fn mode_text(&self, name: &str, problems: &mut Problems) -> Option<Text> {
        if !self.folder.modes().any(|mode| mode == name) {
            let modes = self.mode_names();
            let remedy = match self.folder() {
                Some(_) => suggestion(name, "modes", &modes),
                None => "there is no modes folder".to_owned(),
            };
            problems.push(Problem::of(
                self.folder.name(),
                format!("no mode {}", shown::value(name)),
                remedy,
            ));
            return None;
        }
        self.text(name, problems)
    }

    fn text(&self, name: &str, problems: &mut Problems) -> Option<Text> {
        let path = match self.folder.file(name) {
            Ok(path) => path?,
            Err(problem) => {
                problems.push(problem);
                return None;
            }
        };
        let file = path.display().to_string();
        match disk::text(path) {
            Ok(text) => Some(Text { file, text }),
            Err((message, remedy)) => {
                problems.push(Problem::of(file, message, remedy));
                None
            }
        }
    }
}
