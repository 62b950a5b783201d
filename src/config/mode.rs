//! A mode as it was meant: checked, interpolated, defaults merged.

use super::processes::{AfterHook, BeforeHook, Health, Output, Process};
use crate::envelope;
use crate::sops;
use crate::stop;
use crate::vault::{self, KeyPath, SimpleOptions};
use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

/// What `entry MODE` is to run, and how.
///
/// `Debug` leaves out the values of `env`, which may hold what a variable of the container held.
#[derive(Clone, Default)]
pub struct Mode {
    pub name: String,
    /// The words of `command`; `None` for a mode that only lends its environment (`oneoff`).
    pub command: Option<Vec<String>>,
    /// The command as it stands in the file, variables not filled in.
    pub written: String,
    pub args: ArgsPolicy,
    /// In the order written, `_defaults` first.
    pub env: Vec<Variable>,
    pub secrets: Vec<SecretItem>,
    pub files: Vec<FetchedFile>,
    pub render: Vec<Template>,
    pub aws: Aws,
    /// A name or a number, looked up in the image's `/etc/passwd` at boot.
    pub user: Option<String>,
    /// A name or a number, looked up in the image's `/etc/group` at boot.
    pub group: Option<String>,
    pub no_new_privs: bool,
    pub workdir: Option<PathBuf>,
    pub umask: Option<u32>,
    pub tty: TtyOwner,
    pub stop: stop::Spec,
    /// Exit code of the app to exit code of entry.
    pub exit: BTreeMap<u8, u8>,
    pub max_runtime: Option<Duration>,
    /// In order, before the app starts.
    pub before: Vec<BeforeHook>,
    /// In order, after the app ended.
    pub after: Vec<AfterHook>,
    /// In place of `command`.
    pub processes: Vec<Process>,
    pub output: Output,
    pub health: Option<Health>,
    /// Whether ECS is asked to leave the task alone while it runs.
    pub protect: bool,
    /// The mode that a one-off's first word looks like, for the message if no program has its name.
    pub meant: Option<String>,
}

impl fmt::Debug for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.env.iter().map(|one| one.name.as_str()).collect();
        f.debug_struct("Mode")
            .field("name", &self.name)
            .field("args", &self.args)
            .field("env", &names)
            .field("secrets", &self.secrets)
            .field("files", &self.files)
            .field("render", &self.render)
            .field("aws", &self.aws)
            .field("user", &self.user)
            .field("group", &self.group)
            .field("stop", &self.stop)
            .field("exit", &self.exit)
            .field("max_runtime", &self.max_runtime)
            .finish_non_exhaustive()
    }
}

/// One entry of `env:`.
#[derive(Clone)]
pub struct Variable {
    pub name: String,
    /// Interpolated; may hold what a variable of the container held.
    pub value: String,
    /// `modes/web.yml:7`, for messages.
    pub declared_at: String,
    /// From `_defaults`: secrets lie above it, but below what the mode itself says.
    pub is_default: bool,
}

/// What words after the mode's name do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ArgsPolicy {
    /// They are an error.
    #[default]
    None,
    /// They follow the command.
    Append,
    /// They follow the command, and at least one must be there.
    Required,
}

/// Who holds the terminal, where there is one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TtyOwner {
    /// The app, unless its stop preset translates INT.
    #[default]
    Auto,
    App,
    Entry,
}

/// One item of `secrets:`.
#[derive(Clone, Debug)]
pub struct SecretItem {
    /// `modes/web.yml:7`, for messages.
    pub declared_at: String,
    pub source: SecretSource,
    pub write: Option<Write>,
    pub env: Vec<Export>,
    /// Its variables may replace those of items before it.
    pub replaces: bool,
}

/// Where the values of an item come from.
#[derive(Clone, Debug)]
pub enum SecretSource {
    Vault(VaultFile),
    Sops(SopsFile),
    Ssm(ParameterSet),
    SecretsManager(ManagedSecret),
}

/// A yaml_vault file.
#[derive(Clone, Debug)]
pub struct VaultFile {
    pub path: PathBuf,
    pub cryptor: Cryptor,
    /// At least one; `$` where none was written.
    pub keys: Vec<KeyPath>,
    pub prefix: String,
    pub suffix: String,
}

/// A file that sops encrypted.
#[derive(Clone, Debug)]
pub struct SopsFile {
    pub path: PathBuf,
    pub format: sops::Format,
    /// Where age's identities are, besides those that sops itself would find.
    pub identities: Option<Passphrase>,
}

/// Parameters of SSM's Parameter Store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterSet {
    /// All below a path, directly or at any depth.
    Below {
        path: String,
        recursive: bool,
    },
    Named(Vec<String>),
}

/// A secret of Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManagedSecret {
    /// Its name or ARN.
    pub id: String,
    pub stage: Option<String>,
    pub version_id: Option<String>,
}

impl fmt::Display for SecretSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SecretSource::Vault(VaultFile { path, .. })
            | SecretSource::Sops(SopsFile { path, .. }) => path.display().fmt(f),
            SecretSource::Ssm(ParameterSet::Below { path, .. }) => write!(f, "ssm {path}"),
            SecretSource::Ssm(ParameterSet::Named(names)) => write!(f, "ssm {}", names.join(", ")),
            SecretSource::SecretsManager(secret) => write!(f, "secrets_manager {}", secret.id),
        }
    }
}

/// How the values of a yaml_vault file are encrypted.
#[derive(Clone, Debug)]
pub enum Cryptor {
    /// With a passphrase.
    Simple {
        passphrase: Passphrase,
        sign_passphrase: Passphrase,
        options: SimpleOptions,
    },
    /// By AWS KMS. Each message names its key itself; where one is given, another one's is refused.
    AwsKms { key_id: Option<String> },
    /// By Google's KMS, with a key of this resource name; the file holds a service account's key.
    GcpKms {
        resource_id: String,
        credential_file: Option<PathBuf>,
    },
}

impl Cryptor {
    /// Whether a text without its affixes has the shape of a message, whatever its key.
    #[must_use]
    pub fn is_message(&self, text: &str) -> bool {
        match self {
            Cryptor::Simple { options, .. } => options.is_message(text),
            Cryptor::AwsKms { .. } | Cryptor::GcpKms { .. } => vault::kms::is_message(text),
        }
    }

    /// Where its passphrases are read from, if it has any.
    #[must_use]
    pub fn passphrases(&self) -> [Option<&Passphrase>; 2] {
        match self {
            Cryptor::Simple {
                passphrase,
                sign_passphrase,
                ..
            } => [Some(passphrase), Some(sign_passphrase)],
            Cryptor::AwsKms { .. } | Cryptor::GcpKms { .. } => [None, None],
        }
    }
}

/// A place to read a passphrase from; never the passphrase itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passphrase {
    /// An environment variable, which does not reach the app.
    Variable(String),
    /// A file; one line feed at its end is not part of the passphrase.
    File(PathBuf),
}

/// Where a decrypted file is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    pub path: PathBuf,
    /// Permission bits, 0400 where none were written.
    pub mode: u32,
}

/// One item of `files:`.
#[derive(Clone, Debug)]
pub struct FetchedFile {
    /// `modes/web.yml:12`, for messages.
    pub declared_at: String,
    pub from: Origin,
    pub to: Write,
    /// In place of the mode's.
    pub user: Option<String>,
    pub group: Option<String>,
    /// A larger file is refused before a byte of it is read.
    pub max_bytes: u64,
}

/// Where a file comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    Local(PathBuf),
    S3(S3Origin),
}

/// An object on S3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct S3Origin {
    pub bucket: String,
    pub key: String,
    pub version_id: Option<String>,
    pub customer_key: Option<ValuePlace>,
    pub client_side: Option<ClientSide>,
}

/// An object that an encryption client sealed before it sent it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientSide {
    pub policy: envelope::Policy,
    /// The one key that may have wrapped its data key.
    pub key_id: Option<String>,
}

/// Where a single secret is: a value of a yaml_vault file that the mode decrypts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ValuePlace {
    /// As in the `vault` of an item of `secrets:`.
    pub vault: PathBuf,
    pub key: KeyPath,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Local(path) => write!(f, "file://{}", path.display()),
            Origin::S3(S3Origin { bucket, key, .. }) => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

/// One item of `render:`.
#[derive(Clone, Debug)]
pub struct Template {
    /// `modes/web.yml:12`, for messages.
    pub declared_at: String,
    pub from: PathBuf,
    /// Relative only where it follows from a relative `from`.
    pub to: PathBuf,
    pub language: Language,
    /// How many of the mode's `before` hooks run first.
    pub after_hooks: usize,
    /// Permission bits; unwritten, they depend on whether a secret is in it.
    pub mode: Option<u32>,
    /// In place of the mode's.
    pub user: Option<String>,
    pub group: Option<String>,
    /// The folder of its includes.
    pub root: PathBuf,
    /// What it sees under `secrets`.
    pub values: BTreeMap<String, ValuePlace>,
}

/// What a template is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Language {
    #[default]
    Jinja,
    /// Its output has the template's own permission bits, unless a secret is in it.
    EntryKit,
}

impl Template {
    /// Permission bits of output without a secret.
    pub const PUBLIC: u32 = 0o644;
    /// Permission bits of output with one.
    pub const SECRET: u32 = 0o400;
}

/// How AWS is called during the boot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aws {
    pub region: Option<String>,
    /// For all that is fetched, from the first call to the last byte.
    pub timeout: Duration,
    /// Calls of a kind that are under way together.
    pub in_flight: usize,
}

impl Default for Aws {
    fn default() -> Aws {
        Aws {
            region: None,
            timeout: Duration::from_mins(1),
            in_flight: 32,
        }
    }
}

/// One item of a secret's `env:`.
#[derive(Clone, Debug)]
pub enum Export {
    /// `NAME: $.key.path`
    One { name: String, path: KeyPath },
    /// `PREFIX_*: $.key.path`: every scalar below the path, its keys joined by `_` in upper case.
    Subtree { prefix: String, path: KeyPath },
}
