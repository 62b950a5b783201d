//! What an item of `secrets` gave: values to look up, and the content to write.

use super::exports::Exports;
use crate::config::SecretItem;
use crate::vault::{Document, Found};
use zeroize::Zeroizing;

/// An item whose values are known.
pub struct Given<'m> {
    pub item: &'m SecretItem,
    /// The values; `None` for content that is none, such as a key file.
    pub values: Option<Document>,
    pub content: Zeroizing<Vec<u8>>,
    /// How many values were decrypted or read.
    pub count: u32,
    pub warnings: Vec<String>,
    /// Whether a value is still a message that nobody decrypted.
    pub is_encrypted: Box<dyn Fn(&Found) -> bool + 'm>,
}

/// Begins every line about an item.
pub fn place(item: &SecretItem) -> String {
    format!("{}: {}", item.declared_at, item.source)
}

impl<'m> Given<'m> {
    /// Values that were never encrypted one by one.
    pub fn whole(
        item: &'m SecretItem,
        values: Option<Document>,
        content: Zeroizing<Vec<u8>>,
        count: usize,
    ) -> Given<'m> {
        Given {
            item,
            values,
            content,
            count: u32::try_from(count).unwrap_or(u32::MAX),
            warnings: Vec::new(),
            is_encrypted: Box::new(|_| false),
        }
    }

    /// Adds the item's variables; tells what is wrong with them.
    pub fn export(&self, exports: &mut Exports) -> Vec<String> {
        let Some(values) = &self.values else {
            let none = "env: it holds no values that have names: write it to a file";
            return self
                .item
                .env
                .iter()
                .take(1)
                .map(|_| none.to_owned())
                .collect();
        };
        let added = self.item.env.iter().filter_map(|export| {
            exports
                .add(export, values, &self.is_encrypted, self.item)
                .err()
        });
        added.collect()
    }
}
