//! `files`: what is fetched beside the secrets, and where it goes.

use super::secrets::{Claims, DEFAULT_MODE};
use super::{Decoder, Fields, Fill, Item, Text};
use crate::config::mode::{
    ClientSide, FetchedFile, Origin, S3Origin, SecretItem, SecretSource, ValuePlace, Write,
};
use crate::config::node::Value;
use crate::config::schema::{self, Table};
use crate::envelope::Policy;
use bytesize::ByteSize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What Docker gives `/dev/shm` unless told otherwise.
const MAX_SIZE: ByteSize = ByteSize::mib(64);

impl Decoder<'_> {
    /// `secrets` are the mode's, one of which may hold the key of an object.
    pub fn files(
        &mut self,
        item: &Item,
        secrets: &[SecretItem],
        claims: &mut Claims,
    ) -> Vec<FetchedFile> {
        let items = self.list(item, "a list of maps");
        items
            .iter()
            .filter_map(|item| self.file(item, secrets, claims))
            .collect()
    }

    fn file(
        &mut self,
        item: &Item,
        secrets: &[SecretItem],
        claims: &mut Claims,
    ) -> Option<FetchedFile> {
        let fields = self.table(item, &schema::FILE)?;
        for (key, remedy) in [
            ("from", "write from: s3://BUCKET/KEY"),
            ("to", "write to: /dev/shm/entry/…"),
        ] {
            if fields.get(key).is_none() {
                self.problem(item, format!("{key} is missing"), remedy);
            }
        }
        let from = self.origin(&fields, secrets);
        let to = fields.get("to").and_then(|item| self.target(&item, claims));
        let mode = match fields.get("mode") {
            Some(item) => self.octal(&item),
            None => Some(DEFAULT_MODE),
        };
        let user = fields.get("user").map(|item| self.account(&item));
        let group = fields.get("group").map(|item| self.account(&item));
        let max_size = match fields.get("max_size") {
            Some(item) => self.size(&item),
            None => Some(MAX_SIZE.as_u64()),
        };

        Some(FetchedFile {
            declared_at: item.declared_at(),
            from: from?,
            to: Write {
                path: to?,
                mode: mode?,
            },
            user: user.flatten(),
            group: group.flatten(),
            max_bytes: max_size?,
        })
    }

    fn origin(&mut self, fields: &Fields, secrets: &[SecretItem]) -> Option<Origin> {
        let version_id = fields.get("version_id").map(|item| self.word(&item));
        let customer_key = fields
            .get("customer_key")
            .map(|item| self.value_place(&item, &schema::CUSTOMER_KEY, secrets));
        let client_side = fields
            .get("client_side")
            .map(|item| self.client_side(&item));
        let item = fields.get("from")?;
        let text = self.word(&item)?;
        let origin = self.location(&item, &text)?;
        let Origin::S3(mut object) = origin else {
            for key in ["version_id", "customer_key", "client_side"] {
                if let Some(item) = fields.get(key) {
                    self.problem(&item, "is for objects on S3", "take it out");
                }
            }
            return Some(origin);
        };
        object.version_id = match version_id {
            Some(text) => Some(text?.value),
            None => None,
        };
        object.customer_key = match customer_key {
            Some(place) => Some(place?),
            None => None,
        };
        object.client_side = match client_side {
            Some(sealed) => Some(sealed?),
            None => None,
        };
        Some(Origin::S3(object))
    }

    /// `s3://BUCKET/KEY`, the key as it is, without escapes; or `file:///PATH`.
    fn location(&mut self, item: &Item, text: &Text) -> Option<Origin> {
        const REMEDY: &str = "write s3://BUCKET/KEY or file:///PATH";
        if let Some(path) = text.value.strip_prefix("file://") {
            if path.starts_with('/') && path.len() > 1 {
                return Some(Origin::Local(PathBuf::from(path)));
            }
            let message = format!("{} names no absolute path", text.shown());
            self.problem(item, message, REMEDY);
            return None;
        }
        let parts = text.value.strip_prefix("s3://");
        let parts = parts.and_then(|rest| rest.split_once('/'));
        match parts {
            Some((bucket, key)) if is_bucket(bucket) && !key.is_empty() && !key.ends_with('/') => {
                Some(Origin::S3(S3Origin {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                    version_id: None,
                    customer_key: None,
                    client_side: None,
                }))
            }
            _ => {
                let message = format!("{} is no place of a file", text.shown());
                self.problem(item, message, REMEDY);
                None
            }
        }
    }

    /// One value of a vault that the mode decrypts.
    pub fn value_place(
        &mut self,
        item: &Item,
        table: &'static Table,
        secrets: &[SecretItem],
    ) -> Option<ValuePlace> {
        let fields = self.table(item, table)?;
        for key in ["vault", "key"] {
            if fields.get(key).is_none() {
                let remedy = "write {vault: FILE, key: KEYPATH}";
                self.problem(item, format!("{key} is missing"), remedy);
            }
        }
        let vault = fields.get("vault").and_then(|item| self.path(&item));
        let key = fields.get("key").and_then(|item| self.key_path(&item));
        let (vault, key) = (vault?, key?);
        // By itself a file does not know the secrets of the defaults.
        let merged = matches!(self.fill, Fill::Scope(_));
        let is_it = |secret: &SecretItem| matches!(&secret.source, SecretSource::Vault(file) if file.path == vault);
        if merged && !secrets.iter().any(is_it) {
            let message = "no item of secrets decrypts this vault";
            self.problem(item, message, "name one of theirs");
            return None;
        }
        Some(ValuePlace { vault, key })
    }

    /// `true`, or what is to be known of the sealed object.
    fn client_side(&mut self, item: &Item) -> Option<ClientSide> {
        if matches!(item.node.value, Value::Scalar(_)) {
            if self.boolean(item)? {
                return Some(ClientSide::default());
            }
            self.problem(item, "false is what it is without it", "take it out");
            return None;
        }
        let fields = self.table(item, &schema::CLIENT_SIDE)?;
        let key_id = fields.get("kms_key_id").map(|item| self.word(&item));
        let legacy = match fields.get("legacy") {
            Some(item) => self.boolean(&item),
            None => Some(false),
        };
        let mut context = BTreeMap::new();
        if let Some(item) = fields.get("context") {
            for (key, item) in self.map(&item, "a map of names to values") {
                let value = self.word(&item).map(|text| text.value);
                context.extend(value.map(|value| (key.text.clone(), value)));
            }
        }
        Some(ClientSide {
            policy: Policy {
                legacy: legacy?,
                context,
            },
            key_id: match key_id {
                Some(text) => Some(text?.value),
                None => None,
            },
        })
    }

    /// `64MiB`, `10MB`, `1GiB`; more than nothing.
    fn size(&mut self, item: &Item) -> Option<u64> {
        let text = self.word(item)?;
        let parsed = text.value.parse::<ByteSize>().ok();
        let bytes = parsed.map(|size| size.as_u64()).filter(|bytes| *bytes > 0);
        if bytes.is_none() {
            let message = format!("{} is no size", text.shown());
            self.problem(item, message, "write it like 64MiB");
        }
        bytes
    }
}

/// S3's rule, without its finer points: lower case, digits, dots, hyphens.
fn is_bucket(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'.' || b == b'-';
    text.len() >= 3 && text.bytes().all(plain)
}
