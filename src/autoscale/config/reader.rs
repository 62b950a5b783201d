//! What reads a file: single values by `crate::config`'s decoder, and what is said about keys.

use super::schema;
use crate::autoscale::ServiceId;
use crate::config::decode::{Decoder, Fields, Fill, Item};
use crate::config::node::{Node, Value};
use crate::config::problems::{Problem, Problems};
use crate::config::scope::Scope;
use crate::config::{Lookup, Text, tree};
use jiff::tz::TimeZone;
use std::collections::BTreeMap;

/// Reads nodes, and collects problems and warnings.
pub(in crate::autoscale) struct Reader<'a> {
    pub decoder: Decoder<'a>,
    pub warnings: Problems,
    /// The file's own.
    pub zone: TimeZone,
    /// The group of each service.
    pub(super) masters: BTreeMap<ServiceId, String>,
}

/// `x-…` holds what anchors are put on.
fn without_notes(root: &mut Node) {
    if let Value::Map(entries) = &mut root.value {
        entries.retain(|(key, _)| !key.text.starts_with("x-"));
    }
}

impl<'a> Reader<'a> {
    /// The tree of a text, and what reads it.
    pub(in crate::autoscale) fn open(
        text: &Text,
        lookup: Lookup<'a>,
        problems: &mut Problems,
    ) -> Option<(Node, Reader<'a>)> {
        let most = schema::DIALECT.most_values;
        let mut root = tree::parse(&text.file, &text.text, most, problems)?;
        without_notes(&mut root);
        let mut decoder = Decoder::new(Fill::Scope(Scope::new(lookup)));
        decoder.dialect = &schema::DIALECT;
        let reader = Reader {
            decoder,
            warnings: Problems::default(),
            zone: TimeZone::UTC,
            masters: BTreeMap::new(),
        };
        Some((root, reader))
    }

    pub(super) fn warn(&mut self, item: &Item, message: impl Into<String>, remedy: &str) {
        let at = &item.node.at;
        self.warnings.push(Problem {
            place: Some(at.place),
            key: item.path.clone(),
            ..Problem::of(&*at.file, message, remedy)
        });
    }

    /// A key that must be written.
    pub(in crate::autoscale) fn needed<T>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        remedy: &str,
        read: impl FnOnce(&mut Decoder<'a>, &Item) -> Option<T>,
    ) -> Option<T> {
        let Some(item) = fields.get(name) else {
            self.decoder
                .problem(&fields.item, format!("{name} is missing"), remedy);
            return None;
        };
        read(&mut self.decoder, &item)
    }

    /// A key with a default.
    pub(in crate::autoscale) fn optional<T>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        default: T,
        read: impl FnOnce(&mut Decoder<'a>, &Item) -> Option<T>,
    ) -> Option<T> {
        match fields.get(name) {
            Some(item) => read(&mut self.decoder, &item),
            None => Some(default),
        }
    }

    /// A key whose absence means something else than any value; also `None` if its value is a problem.
    pub(super) fn maybe<T>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        read: impl FnOnce(&mut Decoder<'a>, &Item) -> Option<T>,
    ) -> Option<T> {
        fields
            .get(name)
            .and_then(|item| read(&mut self.decoder, &item))
    }

    /// A map that may be left out.
    pub(super) fn optional_map<T: Default>(
        &mut self,
        fields: &Fields,
        name: &'static str,
        read: impl FnOnce(&mut Self, &Item) -> Option<T>,
    ) -> Option<T> {
        match fields.get(name) {
            Some(item) => read(self, &item),
            None => Some(T::default()),
        }
    }
}
