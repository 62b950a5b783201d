//! `secrets`: where they are, how to decrypt them (`cryptor`), and where their values go (`target`).

mod cryptor;
mod target;

pub use target::wrong_target;

use super::{Decoder, Fields, Fill, Item};
use crate::config::mode::{
    Cryptor, ManagedSecret, Mode, Origin, ParameterSet, Passphrase, SecretItem, SecretSource,
    SopsFile, VaultFile,
};
use crate::config::node::{At, Value};
use crate::config::schema;
use crate::config::vault::{self, SOURCES};
use crate::sops::Format;
use std::path::{Path, PathBuf};

const FORMATS: [(&str, Format); 4] = [
    ("yaml", Format::Yaml),
    ("json", Format::Json),
    ("dotenv", Format::Dotenv),
    ("binary", Format::Binary),
];

pub const DEFAULT_MODE: u32 = 0o400;

/// What the items before this one claimed, with the dotted key that did.
#[derive(Default)]
pub struct Claims {
    paths: Vec<(PathBuf, String)>,
    names: Vec<(String, String)>,
    /// Variables of the mode's `env`.
    env: Vec<(String, String)>,
    /// Vaults that are neither written nor exported, with the item.
    idle: Vec<(PathBuf, At, String)>,
}

impl Decoder<'_> {
    /// `env_names` are the names under the mode's `env:`, none of which may hold a passphrase.
    pub fn secrets(
        &mut self,
        item: &Item,
        env_names: &[String],
        claims: &mut Claims,
    ) -> Vec<SecretItem> {
        for name in env_names {
            claims.env.push((name.clone(), format!("env.{name}")));
        }
        let items = self.list(item, "a list of maps");
        items
            .iter()
            .filter_map(|item| self.secret(item, claims))
            .collect()
    }

    fn secret(&mut self, item: &Item, claims: &mut Claims) -> Option<SecretItem> {
        let fields = self.table(item, &schema::SECRET)?;
        let source = self.source(&fields);
        let replaces = match fields.get("override") {
            Some(item) => self.boolean(&item),
            None => Some(false),
        };
        let write = fields.get("write").map(|item| self.write(&item, claims));
        let may_replace = replaces != Some(false);
        let env = fields
            .get("env")
            .map(|item| self.exports(&item, claims, may_replace));
        if let Some(SecretSource::Vault(VaultFile { cryptor, .. })) = &source {
            self.refuse_set(item, cryptor, claims);
        }
        if write.is_none() && env.is_none() {
            match &source {
                Some(SecretSource::Vault(file)) => {
                    let at = item.node.at.clone();
                    let idle = (file.path.clone(), at, item.path.clone());
                    claims.idle.push(idle);
                }
                // What is wrong with it was told, or its variables are not known yet.
                None if fields.get("vault").is_some() => {}
                _ => self.for_nothing(&item.node.at, &item.path),
            }
        }

        Some(SecretItem {
            declared_at: item.declared_at(),
            source: source?,
            write: write.flatten(),
            env: env.unwrap_or_default(),
            replaces: replaces?,
        })
    }

    /// What is decrypted must go somewhere; to a template or the key of an object, too.
    pub fn refuse_idle(&mut self, mode: &Mode, claims: &Claims) {
        // By itself a file does not know what the others do with its secrets.
        if matches!(self.fill, Fill::Literal) {
            return;
        }
        let values = mode.render.iter().flat_map(|one| one.values.values());
        let keys = mode.files.iter().filter_map(|file| match &file.from {
            Origin::S3(object) => object.customer_key.as_ref(),
            Origin::Local(_) => None,
        });
        let used: Vec<&Path> = values.chain(keys).map(|one| one.vault.as_path()).collect();
        for (vault, at, key) in &claims.idle {
            if !used.contains(&vault.as_path()) {
                self.for_nothing(at, key);
            }
        }
    }

    fn for_nothing(&mut self, at: &At, key: &str) {
        self.problem_at(
            at,
            key,
            "decrypted for nothing",
            "write where it goes: write: PATH, or env: {NAME: KEYPATH}",
        );
    }

    /// A passphrase is for the cryptor: a variable that the mode sets itself is not what was meant.
    fn refuse_set(&mut self, item: &Item, cryptor: &Cryptor, claims: &Claims) {
        for passphrase in cryptor.passphrases().into_iter().flatten() {
            let Passphrase::Variable(name) = passphrase else {
                continue;
            };
            let mut all = claims.env.iter().chain(&claims.names);
            if let Some((_, by)) = all.find(|(known, _)| known == name) {
                let message = format!("{by} sets the variable that its passphrase is read from");
                self.problem(item, message, "set it for the container instead");
            }
        }
    }

    /// What the item is. All of its keys are read, so that one run tells what is wrong with any of them.
    fn source(&mut self, fields: &Fields) -> Option<SecretSource> {
        let written: Vec<&'static str> = SOURCES
            .into_iter()
            .filter(|key| fields.get(key).is_some())
            .collect();
        let vault = self.vault(fields);
        let sops = self.sops(fields);
        let ssm = self.ssm(fields);
        let secret = self.managed(fields);
        let &[kind] = written.as_slice() else {
            let (message, remedy) = match written.as_slice() {
                [] => (
                    "vault is missing".to_owned(),
                    "write vault: FILE, or sops, ssm or secrets_manager",
                ),
                all => (
                    format!("it has {}", all.join(" and ")),
                    "make an item of each",
                ),
            };
            self.problem(&fields.item, message, remedy);
            return None;
        };
        let cryptor = match vault.as_ref().map(|file| &file.cryptor) {
            Some(Cryptor::AwsKms { .. }) => "cryptor: aws-kms",
            Some(Cryptor::GcpKms { .. }) => "cryptor: gcp-kms",
            _ => "cryptor: simple",
        };
        let reads = |owner: &str| owner == kind || (kind == "vault" && owner == cryptor);
        for (key, node) in fields.item.node.entries() {
            if let Some(owner) = vault::belongs_to(&key.text).filter(|owner| !reads(owner)) {
                let path = fields.item.child(&key.text, node).path;
                let with = if kind == "vault" { cryptor } else { kind };
                let remedy = format!("take it out: it belongs to {owner}");
                self.problem_at(
                    &node.at,
                    &path,
                    format!("means nothing with {with}"),
                    remedy,
                );
            }
        }
        match kind {
            "vault" => vault.map(SecretSource::Vault),
            "sops" => sops.map(SecretSource::Sops),
            "ssm" => ssm.map(SecretSource::Ssm),
            _ => secret.map(SecretSource::SecretsManager),
        }
    }

    fn vault(&mut self, fields: &Fields) -> Option<VaultFile> {
        let path = fields.get("vault").and_then(|item| self.path(&item));
        let cryptor = self.cryptor(fields);
        let keys = self.keys(fields);
        let mut affix = |name| match fields.get(name) {
            Some(item) => self.text(&item).map(|text| text.value),
            None => Some(String::new()),
        };
        let (prefix, suffix) = (affix("prefix"), affix("suffix"));
        Some(VaultFile {
            path: path?,
            cryptor: cryptor?,
            keys: keys?,
            prefix: prefix?,
            suffix: suffix?,
        })
    }

    fn sops(&mut self, fields: &Fields) -> Option<SopsFile> {
        let path = fields.get("sops").and_then(|item| self.path(&item));
        let written = fields
            .get("format")
            .map(|item| self.choice(&item, "format", &FORMATS));
        let key = |name| fields.get(name);
        let identities = match (key("age_key_env"), key("age_key_file")) {
            (None, None) => Some(None),
            _ => self
                .passphrase(fields, "age_key_env", "age_key_file", "SOPS_AGE_KEY")
                .map(Some),
        };
        let path = path?;
        let format = match written {
            Some(format) => format?,
            None => match Format::of(&path) {
                Ok(format) => format,
                Err(error) => {
                    let item = fields.get("sops")?;
                    self.problem(&item, error.to_string(), "");
                    return None;
                }
            },
        };
        Some(SopsFile {
            path,
            format,
            identities: identities?,
        })
    }

    fn ssm(&mut self, fields: &Fields) -> Option<ParameterSet> {
        let recursive = match fields.get("recursive") {
            Some(item) => self.boolean(&item),
            None => Some(false),
        };
        let item = fields.get("ssm")?;
        if let Value::List(_) = &item.node.value {
            let names = self.one_or_more(&item, "the names of parameters");
            let names: Vec<Option<String>> = names
                .iter()
                .map(|name| self.word(name).map(|text| text.value))
                .collect();
            if let Some(item) = fields.get("recursive") {
                self.problem(&item, "is for a path, not for names", "take it out");
            }
            return names
                .into_iter()
                .collect::<Option<_>>()
                .map(ParameterSet::Named);
        }
        let text = self.word(&item)?;
        if !text.value.starts_with('/') {
            let message = format!("{} is no path of parameters", text.shown());
            self.problem(&item, message, "write /PATH, or a list for names: [NAME]");
            return None;
        }
        Some(ParameterSet::Below {
            path: text.value,
            recursive: recursive?,
        })
    }

    fn managed(&mut self, fields: &Fields) -> Option<ManagedSecret> {
        let mut word = |name| {
            fields
                .get(name)
                .map(|item| self.word(&item).map(|text| text.value))
        };
        let (id, stage, version_id) = (word("secrets_manager"), word("stage"), word("version_id"));
        Some(ManagedSecret {
            id: id??,
            stage: stage.map_or(Some(None), |text| text.map(Some))?,
            version_id: version_id.map_or(Some(None), |text| text.map(Some))?,
        })
    }
}
