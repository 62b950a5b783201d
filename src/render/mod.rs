//! `render:`: a template and the names it may use become text, or everything that is wrong with it.
//!
//! The language is Jinja's, by minijinja. Errors name template and line, and never hold a value. Only `root`
//! touches the disk.

pub mod entrykit;
mod error;
mod filters;
mod names;
mod root;

#[cfg(test)]
mod tests;

pub use error::Error;
pub use names::Names;

use error::{NotIncluded, explain};
use minijinja::{Environment, ErrorKind, UndefinedBehavior, Value};
use names::{Missing, Scope};
use regex::Regex;
use root::{Refused, Root, text};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// No configuration file needs more, and `/dev/shm` has 64 MiB in Docker.
pub const MAX_OUTPUT: usize = 4 << 20;

/// Instructions of a template, about a second's worth: one that loops by mistake must not hold up a boot.
pub const MAX_STEPS: u64 = 10_000_000;

const NOT_THERE: &str = "no such file: is it in the image, and the working directory right?";

/// Names that one run tells to be unset.
const MAX_UNSET: usize = 50;

/// A template's text, and where its includes are.
#[derive(Debug)]
pub struct Template {
    /// For messages, as it stands in the mode file.
    name: String,
    text: Zeroizing<String>,
    root: Root,
}

/// What a template became.
pub struct Rendered {
    pub text: Zeroizing<Vec<u8>>,
    /// It looked at a secret, whether or not that shows.
    pub is_secret: bool,
}

impl Template {
    /// Reads a template, `root` being the folder of its includes; both start at `base` if they are relative.
    pub fn read(base: &Path, from: &Path, root: &Path) -> Result<Template, Error> {
        let name = from.display().to_string();
        match text(&base.join(from)) {
            Ok(text) => Ok(Template {
                name,
                text,
                root: Root::new(base, root),
            }),
            Err(Refused::Missing) => Err(Error::of(name, NOT_THERE.to_owned())),
            Err(Refused::For(cause)) => Err(Error::of(name, cause)),
        }
    }

    /// The text, with every name that is not set told at once.
    pub fn render(&self, names: &Arc<Names>) -> Result<Rendered, Vec<Error>> {
        let mut environment = self.environment();
        environment.set_fuel(Some(MAX_STEPS));
        let globals = environment.globals();
        let globals = globals.map(|(name, _)| name.to_owned()).collect();
        let scope = Scope::new(Arc::clone(names), globals);
        filters::excuse(&mut environment, &scope);
        let template = environment
            .template_from_named_str(&self.name, &self.text)
            .map_err(|error| vec![self.explain(&error, None)])?;
        let mut unset: Vec<Error> = Vec::new();
        loop {
            let mut output = Limited(Zeroizing::default());
            let context = Value::from_object(scope.clone());
            let error = match template.render_captured_to(context, &mut output) {
                Ok(_) if unset.is_empty() => {
                    break Ok(Rendered {
                        text: output.0,
                        is_secret: scope.used_secret(),
                    });
                }
                Ok(_) => break Err(unset),
                Err(error) => error,
            };
            match self.missing(&error, &scope) {
                // As if it were there, to find the next one.
                Some(missing) if unset.len() < MAX_UNSET => {
                    unset.push(self.explain(&error, Some(&missing)));
                    scope.assume(missing);
                }
                // After one that is not set, it may come of that.
                _ if unset.is_empty() => break Err(vec![self.explain(&error, None)]),
                _ => break Err(unset),
            }
        }
    }

    /// The text of a template of `EntryKit`'s, which sees variables only.
    pub fn render_entrykit(&self, names: &Names) -> Result<Rendered, Vec<Error>> {
        let is_secret = Cell::new(false);
        let lookup = |name: &str| {
            let (value, secret) = names.text(name)?;
            is_secret.set(is_secret.get() || secret);
            Some(value.to_owned())
        };
        let text = entrykit::render(&self.text, &self.name, &lookup)?;
        Ok(Rendered {
            text: Zeroizing::new(text.into_bytes()),
            is_secret: is_secret.get(),
        })
    }

    /// What is wrong without any value: syntax, and includes that are not there.
    pub fn check(&self) -> Vec<Error> {
        let environment = self.environment();
        let mut errors = Vec::new();
        let mut known = BTreeSet::new();
        let mut next = vec![(self.name.clone(), self.text.clone())];
        while let Some((name, text)) = next.pop() {
            if let Err(error) = environment.template_from_named_str(&name, &text) {
                errors.push(explain(&error, &name, &text, None));
                continue;
            }
            for (line, include) in includes(&text) {
                if !known.insert(include.clone()) {
                    continue;
                }
                match self.root.text(&include) {
                    Ok(text) => next.push((self.root.shown(&include), text)),
                    Err(refused) => errors.push(Error {
                        line: Some(line),
                        ..Error::of(name.clone(), NotIncluded::told(&include, &refused))
                    }),
                }
            }
        }
        errors
    }

    /// The names that it asks for, its includes' too, such as `DATABASE_URL` or `secrets.password`.
    pub fn asks_for(&self) -> BTreeSet<String> {
        let environment = self.environment();
        let mut names = BTreeSet::new();
        let mut known = BTreeSet::new();
        let mut next = vec![self.text.clone()];
        while let Some(text) = next.pop() {
            if let Ok(template) = environment.template_from_named_str(&self.name, &text) {
                names.extend(template.undeclared_variables(true));
            }
            for (_, include) in includes(&text) {
                if known.insert(include.clone()) {
                    next.extend(self.root.text(&include));
                }
            }
        }
        names
    }

    fn environment(&self) -> Environment<'_> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.set_keep_trailing_newline(true);
        // It would print every value there is.
        environment.remove_global("debug");
        environment.set_formatter(filters::format);
        filters::add(&mut environment);
        let root = self.root.clone();
        environment.set_loader(move |name| match root.text(name) {
            Ok(text) => Ok(Some(String::clone(&text))),
            Err(Refused::Missing) => Ok(None),
            Err(Refused::For(cause)) => {
                let error = minijinja::Error::new(ErrorKind::InvalidOperation, "include");
                let name = name.to_owned();
                Err(error.with_source(NotIncluded { name, cause }))
            }
        });
        environment
    }

    /// The name that an error is about, if it is about one that is not set.
    fn missing(&self, error: &minijinja::Error, scope: &Scope) -> Option<Missing> {
        let error = error::deepest(error);
        if !error::may_be_unset(error) {
            return None;
        }
        let text = self.text_of(error.name()?)?;
        let tag = tag(&text, error.line()?);
        let missing = scope.last_missing()?;
        tag.contains(&missing.name).then_some(missing)
    }

    fn explain(&self, error: &minijinja::Error, missing: Option<&Missing>) -> Error {
        let error = error::deepest(error);
        let name = error.name().unwrap_or(&self.name);
        let text = self.text_of(name).unwrap_or_default();
        let shown = if name == self.name {
            name.to_owned()
        } else {
            self.root.shown(name)
        };
        explain(error, &shown, &text, missing)
    }

    /// The text of this template, or of one that it includes.
    fn text_of(&self, name: &str) -> Option<Zeroizing<String>> {
        if name == self.name {
            Some(self.text.clone())
        } else {
            self.root.text(name).ok()
        }
    }
}

/// The templates that a text names in so many words, with their lines. One that may be missing is none.
fn includes(text: &str) -> Vec<(usize, String)> {
    let Ok(tags) = Regex::new(
        r#"(?s)\{#.*?#\}|\{%[-+]?\s*raw\s*[-+]?%\}.*?\{%[-+]?\s*endraw\s*[-+]?%\}|\{%[-+]?\s*(?:include|extends|import|from)\s+(?:"([^"\\]*)"|'([^'\\]*)')([^%]*)%\}"#,
    ) else {
        return Vec::new();
    };
    let found = tags.captures_iter(text).filter_map(|tag| {
        let name = tag.get(1).or_else(|| tag.get(2))?;
        let may_be_missing = tag
            .get(3)
            .is_some_and(|rest| rest.as_str().contains("ignore missing"));
        let before = text.get(..name.start()).unwrap_or_default();
        let line = 1 + before.bytes().filter(|byte| *byte == b'\n').count();
        (!may_be_missing).then(|| (line, name.as_str().to_owned()))
    });
    found.collect()
}

/// A line, from the start of the tag that it goes on with.
fn tag(text: &str, line: usize) -> &str {
    let mut lines = text.split_inclusive('\n');
    let start: usize = lines
        .by_ref()
        .take(line.saturating_sub(1))
        .map(str::len)
        .sum();
    let end = start + lines.next().map_or(0, str::len);
    let (before, _) = text.split_at(start);
    let last = |marks: [&str; 2]| marks.iter().filter_map(|mark| before.rfind(mark)).max();
    let start = match (last(["{{", "{%"]), last(["}}", "%}"])) {
        (Some(open), Some(close)) if close > open => start,
        (Some(open), _) => open,
        (None, _) => start,
    };
    text.get(start..end).unwrap_or_default()
}

/// Takes as many bytes as a file may have.
struct Limited(Zeroizing<Vec<u8>>);

impl io::Write for Limited {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        if self.0.len() + part.len() > MAX_OUTPUT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The folder of a template's includes, unless another one is written.
#[must_use]
pub fn own_folder(from: &Path) -> PathBuf {
    match from.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}
