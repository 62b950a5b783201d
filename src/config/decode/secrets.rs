//! `secrets`: where they are, how to decrypt them, and where their values go.

use super::{Decoder, Fields, Fill, Item};
use crate::config::mode::{
    Cryptor, Export, ManagedSecret, Mode, Origin, ParameterSet, Passphrase, SecretItem,
    SecretSource, SopsFile, VaultFile, Write,
};
use crate::config::node::{At, Value};
use crate::config::problems::suggestion;
use crate::config::schema;
use crate::config::vault::{self, CRYPTORS, Kind, SOURCES, Written, Wrong};
use crate::sops::Format;
use crate::vault::{KeyPath, SimpleOptions};
use std::path::{Component, Path, PathBuf};

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

    fn cryptor(&mut self, fields: &Fields) -> Option<Cryptor> {
        let kind = match fields.get("cryptor") {
            Some(item) => self.choice(&item, "cryptor", &CRYPTORS),
            None => Some(Kind::Simple),
        };
        let options = self.options(fields);
        let passphrase = self.passphrase(
            fields,
            "passphrase_env",
            "passphrase_file",
            "YAML_VAULT_PASSPHRASE",
        );
        let sign_passphrase = self.passphrase(
            fields,
            "sign_passphrase_env",
            "sign_passphrase_file",
            "YAML_VAULT_SIGN_PASSPHRASE",
        );
        let key_id = fields.get("kms_key_id").map(|item| self.word(&item));
        let google = self.google(fields);
        match kind? {
            Kind::GcpKms => {
                if fields.get("gcp_kms_resource_id").is_none() {
                    let remedy =
                        "write gcp_kms_resource_id: projects/P/locations/L/keyRings/R/cryptoKeys/K";
                    self.problem(&fields.item, "gcp_kms_resource_id is missing", remedy);
                }
                google
            }
            Kind::Simple => Some(Cryptor::Simple {
                passphrase: passphrase?,
                sign_passphrase: sign_passphrase?,
                options: options?,
            }),
            Kind::AwsKms => Some(Cryptor::AwsKms {
                key_id: match key_id {
                    Some(text) => Some(text?.value),
                    None => None,
                },
            }),
        }
    }

    fn google(&mut self, fields: &Fields) -> Option<Cryptor> {
        let file = fields
            .get("gcp_credential_file")
            .map(|item| self.path(&item));
        let item = fields.get("gcp_kms_resource_id")?;
        let resource_id = self.word(&item)?.value;
        Some(Cryptor::GcpKms {
            resource_id,
            credential_file: match file {
                Some(path) => Some(path?),
                None => None,
            },
        })
    }

    fn options(&mut self, fields: &Fields) -> Option<SimpleOptions> {
        // `Some(None)` is written but could not be read.
        let text = |decoder: &mut Self, name| {
            let item = fields.get(name)?;
            Some(decoder.text(&item).map(|text| text.value))
        };
        let number = |decoder: &mut Self, name| {
            let item = fields.get(name)?;
            Some(decoder.number(&item, 0..=65535))
        };
        let (salt, cipher) = (text(self, "salt"), text(self, "cipher"));
        let (digest, kdf_digest) = (text(self, "digest"), text(self, "kdf_digest"));
        let (key_len, signature_key_len) =
            (number(self, "key_len"), number(self, "signature_key_len"));
        let unread = [&salt, &cipher, &digest, &kdf_digest]
            .iter()
            .any(|text| **text == Some(None))
            || [&key_len, &signature_key_len]
                .iter()
                .any(|number| **number == Some(None));
        let written = Written {
            salt: salt.flatten(),
            // Without the cipher that was meant, the length cannot be judged.
            key_len: key_len.flatten().filter(|_| cipher != Some(None)),
            cipher: cipher.flatten(),
            digest: digest.flatten(),
            signature_key_len: signature_key_len.flatten(),
            kdf_digest: kdf_digest.flatten(),
        };
        match vault::simple_options(&written) {
            Ok(options) => return (!unread).then_some(options),
            Err(wrongs) => wrongs
                .iter()
                .for_each(|wrong| self.wrong_option(fields, wrong)),
        }
        None
    }

    fn wrong_option(&mut self, fields: &Fields, wrong: &Wrong) {
        let Some(item) = fields.get(wrong.key) else {
            return;
        };
        // Read once more only to show it as written.
        let Some(text) = self.text(&item) else { return };
        let remedy = if wrong.known.is_empty() {
            String::new()
        } else {
            let word = if text.is_literal() {
                text.value.as_str()
            } else {
                ""
            };
            suggestion(word, "known", wrong.known)
        };
        self.problem(&item, format!("{} {}", text.shown(), wrong.message), remedy);
    }

    fn keys(&mut self, fields: &Fields) -> Option<Vec<KeyPath>> {
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

    fn passphrase(
        &mut self,
        fields: &Fields,
        env: &'static str,
        file: &'static str,
        default: &str,
    ) -> Option<Passphrase> {
        let name = fields.get(env).map(|item| self.variable_name(&item));
        let path = fields.get(file).map(|item| self.path(&item));
        match (name, path) {
            (Some(_), Some(_)) => {
                self.problem(
                    &fields.item,
                    format!("both {env} and {file}"),
                    "keep one of them",
                );
                None
            }
            (_, Some(path)) => path.map(Passphrase::File),
            (Some(name), None) => name.map(Passphrase::Variable),
            (None, None) => Some(Passphrase::Variable(default.to_owned())),
        }
    }

    fn write(&mut self, item: &Item, claims: &mut Claims) -> Option<Write> {
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

    fn exports(&mut self, item: &Item, claims: &mut Claims, may_replace: bool) -> Vec<Export> {
        let mut exports = Vec::new();
        let entries = self.map(item, "a map of variable names to key paths");
        if entries.is_empty() && matches!(item.node.value, Value::Map(_)) {
            self.problem(item, "exports nothing", "write NAME: KEYPATH");
        }
        for (key, item) in entries {
            let path = self.key_path(&item);
            let prefix = key.text.strip_suffix('*');
            let name = prefix.unwrap_or(&key.text);
            let wrong = match super::scalar::wrong_name(name) {
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
