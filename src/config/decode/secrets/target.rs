//! Where values go: a file, or variables, each claimed by one item.

use super::{Claims, DEFAULT_MODE, Decoder, Fields, Item};
use crate::config::decode::scalar::wrong_name;
use crate::config::mode::{Export, Write};
use crate::config::node::Value;
use crate::config::schema;
use crate::config::vault;
use crate::vault::KeyPath;
use std::path::{Component, Path, PathBuf};

impl Decoder<'_> {
    pub(super) fn keys(&mut self, fields: &Fields) -> Option<Vec<KeyPath>> {
        let Some(item) = fields.get("keys") else {
            return vault::key_path("$").ok().map(|path| vec![path]);
        };
        let items = self.one_or_more(&item, "a key path such as $.production");
        let paths: Vec<Option<KeyPath>> = items.iter().map(|item| self.key_path(item)).collect();
        paths.into_iter().collect()
    }

    pub fn key_path(&mut self, item: &Item) -> Option<KeyPath> {
        let text = self.word(item)?;
        match vault::key_path(&text.value) {
            Ok(path) => Some(path),
            Err(why) => {
                // The parser quotes the path, which may hold the value of a variable.
                let hidden = || format!("{} is no key path", text.shown());
                let message = if text.is_literal() { why } else { hidden() };
                self.problem(item, message, "");
                None
            }
        }
    }

    pub(super) fn write(&mut self, item: &Item, claims: &mut Claims) -> Option<Write> {
        let (path_item, mode) = if matches!(item.node.value, Value::Scalar(_)) {
            (item.clone(), Some(DEFAULT_MODE))
        } else {
            let fields = self.table(item, &schema::WRITE)?;
            let mode = fields
                .get("mode")
                .map_or(Some(DEFAULT_MODE), |item| self.octal(&item));
            let Some(path) = fields.get("path") else {
                self.problem(item, "path is missing", "write path: /dev/shm/entry/…");
                return None;
            };
            (path, mode)
        };
        let path = self.target(&path_item, claims)?;
        Some(Write { path, mode: mode? })
    }

    /// A file to be written that nothing before it writes.
    pub fn target(&mut self, item: &Item, claims: &mut Claims) -> Option<PathBuf> {
        let text = self.word(item)?;
        if let Some(why) = wrong_target(&text.value) {
            self.problem(
                item,
                format!("{} {why}", text.shown()),
                "write it like /dev/shm/entry/secrets.yml",
            );
            return None;
        }
        self.claim(item, PathBuf::from(text.value), claims)
    }

    /// Takes a path for itself.
    pub fn claim(&mut self, item: &Item, path: PathBuf, claims: &mut Claims) -> Option<PathBuf> {
        if let Some((_, by)) = claims.paths.iter().find(|(known, _)| *known == path) {
            self.problem(item, format!("{by} writes this file too"), "");
            return None;
        }
        claims.paths.push((path.clone(), item.path.clone()));
        Some(path)
    }

    pub(super) fn exports(
        &mut self,
        item: &Item,
        claims: &mut Claims,
        may_replace: bool,
    ) -> Vec<Export> {
        let mut exports = Vec::new();
        let entries = self.map(item, "a map of variable names to key paths");
        if entries.is_empty() && matches!(item.node.value, Value::Map(_)) {
            self.problem(item, "exports nothing", "write NAME: KEYPATH");
        }
        for (key, item) in entries {
            let path = self.key_path(&item);
            let prefix = key.text.strip_suffix('*');
            let name = prefix.unwrap_or(&key.text);
            let wrong = match wrong_name(name) {
                // A lone `*` exports under the bare key names.
                Some(_) if prefix == Some("") => None,
                Some(why) => Some(why),
                None if name.contains('*') => Some("a * stands only at the end"),
                None => None,
            };
            if let Some(why) = wrong {
                self.problem_at(&key.at, &item.path, format!("no variable name: {why}"), "");
                continue;
            }
            let known = claims.names.iter().find(|(known, _)| *known == key.text);
            if let Some((_, by)) = known.filter(|_| !may_replace) {
                self.problem_at(
                    &key.at,
                    &item.path,
                    format!("{by} sets this variable too"),
                    "keep one of them, or write override: true",
                );
                continue;
            }
            claims.names.push((key.text.clone(), item.path.clone()));
            let Some(path) = path else { continue };
            exports.push(match prefix {
                Some(prefix) => Export::Subtree {
                    prefix: prefix.to_owned(),
                    path,
                },
                None => Export::One {
                    name: name.to_owned(),
                    path,
                },
            });
        }
        exports
    }
}

/// Why nothing can be written to `path`.
pub fn wrong_target(path: &str) -> Option<&'static str> {
    if !path.starts_with('/') {
        return Some("is not an absolute path");
    }
    if path.ends_with('/') || Path::new(path).file_name().is_none() {
        return Some("names a folder");
    }
    if Path::new(path)
        .components()
        .any(|part| part == Component::ParentDir)
    {
        return Some("holds a ..");
    }
    None
}
