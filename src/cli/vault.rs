//! `entryctl vault encrypt` and `entryctl vault decrypt`.

use super::output::Privacy;
use super::{Failure, input, output, warn};
use crate::vault::document::Reason;
use crate::vault::{
    Affixes, Cipher, Digest, Document, KdfDigest, KeyPath, KeyPathError, MessageError, Problems,
    Simple, SimpleError, SimpleOptions,
};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::str::FromStr;

const PASSPHRASE: &str = "YAML_VAULT_PASSPHRASE";
const SIGN_PASSPHRASE: &str = "YAML_VAULT_SIGN_PASSPHRASE";

const DECRYPT_EXAMPLES: &str = "\
Passphrases are read from the environment: YAML_VAULT_PASSPHRASE, and
YAML_VAULT_SIGN_PASSPHRASE if one was used. All that is not an encrypted value stays
byte for byte: comments, order, quoting.

Exit codes: 0 done, 1 failed (nothing is written), 2 wrong usage.

Examples:
  entryctl vault decrypt config/secrets.yml
  entryctl vault decrypt config/secrets.yml.enc -o config/secrets.yml -k '$.production'
  entryctl vault decrypt secrets.yml -k '$.*.password' -k '$./^api_/' --prefix '{ENC:' --suffix '}'
  git show main:config/secrets.yml | entryctl vault decrypt - | less";

const ENCRYPT_EXAMPLES: &str = "\
Passphrases are read from the environment: YAML_VAULT_PASSPHRASE, and
YAML_VAULT_SIGN_PASSPHRASE if the signature is to have its own.

Exit codes: 0 done, 1 failed (nothing is written), 2 wrong usage.

Examples:
  entryctl vault encrypt secrets.yml -o secrets.yml -k '$.production'
  entryctl vault encrypt secrets.yml -k '$.*.password,$.*.key' --cipher aes-256-gcm";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Decrypt the values of a yaml_vault file
    #[command(after_help = DECRYPT_EXAMPLES)]
    Decrypt(Arguments),
    /// Encrypt values of a YAML file for yaml_vault
    #[command(after_help = ENCRYPT_EXAMPLES)]
    Encrypt(Arguments),
}

#[derive(Args)]
pub(super) struct Arguments {
    /// The file to read, `-` for standard input
    file: PathBuf,
    /// Write here, whole or not at all; new decrypted files are the owner's alone (0600) [default:
    /// standard output]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Which values: `$` all, `$.a.b` below a and b, `*` any key, `.[0]` an item, `./^x/` keys by
    /// regular expression, `.'a.b'` a key in quotes; repeatable, or several with commas between
    #[arg(short, long = "key", value_name = "KEYPATH", default_value = "$")]
    keys: Vec<KeyList>,
    /// How values are encrypted
    #[arg(long, value_enum, default_value_t = Cryptor::Simple)]
    cryptor: Cryptor,
    /// Text before each message
    #[arg(long, default_value = "", hide_default_value = true)]
    prefix: String,
    /// Text after each message
    #[arg(long, default_value = "", hide_default_value = true)]
    suffix: String,
    /// Salt of the keys
    #[arg(long, default_value = "", hide_default_value = true)]
    salt: String,
    /// Cipher of the messages
    #[arg(long, default_value = "aes-256-cbc", value_parser = names(&Cipher::NAMES, Cipher::from_name))]
    cipher: Cipher,
    /// Digest of the messages' signature
    #[arg(long, default_value = "SHA256", value_parser = names(&Digest::NAMES, Digest::from_name))]
    digest: Digest,
    /// Bytes of the key [default: what the cipher takes]
    #[arg(long, value_name = "BYTES")]
    key_len: Option<usize>,
    /// Bytes of the sign passphrase's key
    #[arg(long, value_name = "BYTES", default_value_t = 64)]
    signature_key_len: usize,
    /// Digest that keys are derived with; SHA256 for files written inside an app on Rails 7 defaults
    #[arg(long, default_value = "SHA1", value_parser = names(&KdfDigest::NAMES, KdfDigest::from_name))]
    kdf_digest: KdfDigest,
}

#[derive(Clone, Copy, ValueEnum)]
enum Cryptor {
    /// A passphrase
    Simple,
}

/// One `-k`.
#[derive(Clone)]
struct KeyList(Vec<KeyPath>);

impl FromStr for KeyList {
    type Err = KeyPathError;

    fn from_str(text: &str) -> Result<KeyList, KeyPathError> {
        KeyPath::parse_list(text).map(KeyList)
    }
}

/// clap knows the names, so that it lists them and finds the nearest.
fn names<T: Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
    from_name: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names)
        .try_map(move |name| from_name(&name).ok_or("not one of the names"))
}

impl Command {
    pub(super) fn run(self) -> Result<(), Failure> {
        match self {
            Command::Decrypt(arguments) => arguments.decrypt(),
            Command::Encrypt(arguments) => arguments.encrypt(),
        }
    }
}

impl Arguments {
    fn decrypt(&self) -> Result<(), Failure> {
        let document = self.document()?;
        let simple = self.simple()?;
        let decrypted = document
            .decrypt(&self.paths(), &self.affixes(), |message| {
                simple.decrypt(message)
            })
            .map_err(|problems| self.failure(&problems))?;
        for complaint in decrypted
            .selection
            .complaints(|text| simple.is_message(text))
        {
            warn(&complaint);
        }
        output::write(
            self.output.as_deref(),
            decrypted.text.expose(),
            Privacy::Secret,
        )
    }

    fn encrypt(&self) -> Result<(), Failure> {
        let document = self.document()?;
        let simple = self.simple()?;
        let encrypted = document
            .encrypt(&self.paths(), &self.affixes(), |plain| seal(&simple, plain))
            .map_err(|error| match error {
                SealError::Problems(problems) => self.failure(&problems),
                error => Failure::new(&error),
            })?;
        for warning in &encrypted.choice.warnings {
            warn(&format!("{}:{warning}", input::name(&self.file)));
        }
        for unmatched in &encrypted.choice.unmatched {
            warn(&unmatched.to_string());
        }
        output::write(self.output.as_deref(), &encrypted.text, Privacy::Public)
    }

    fn document(&self) -> Result<Document, Failure> {
        let text = input::read(&self.file)?;
        Document::parse(&text)
            .map_err(|error| Failure::Lines(vec![format!("{}:{error}", input::name(&self.file))]))
    }

    fn simple(&self) -> Result<Simple, Failure> {
        let Cryptor::Simple = self.cryptor;
        let options = SimpleOptions {
            salt: self.salt.clone(),
            cipher: self.cipher,
            digest: self.digest,
            key_len: self.key_len.unwrap_or(self.cipher.key_len()),
            signature_key_len: self.signature_key_len,
            kdf_digest: self.kdf_digest,
        };
        // A variable that is not set and one that is blank need the same remedy.
        let passphrase = input::passphrase(PASSPHRASE)?.unwrap_or_default();
        let sign = input::passphrase(SIGN_PASSPHRASE)?;
        Simple::new(&options, &passphrase, sign.as_ref()).map_err(|error| match error {
            SimpleError::BlankPassphrase => {
                let line = format!("no passphrase: set the environment variable {PASSPHRASE}");
                Failure::Lines(vec![line])
            }
            error @ SimpleError::Options(_) => Failure::new(&error),
        })
    }

    fn paths(&self) -> Vec<KeyPath> {
        self.keys.iter().flat_map(|list| list.0.clone()).collect()
    }

    fn affixes(&self) -> Affixes {
        Affixes {
            prefix: self.prefix.clone(),
            suffix: self.suffix.clone(),
        }
    }

    fn failure(&self, problems: &Problems) -> Failure {
        let name = input::name(&self.file);
        let mut lines: Vec<String> = problems
            .0
            .iter()
            .map(|one| format!("{name}:{one}"))
            .collect();
        let signature = |one: &Reason| matches!(one, Reason::Message(MessageError::Signature));
        if problems.0.len() > 1 && problems.0.iter().all(|one| signature(&one.reason)) {
            lines.push(format!(
                "no signature matches at all: is {PASSPHRASE} the right one?"
            ));
        }
        Failure::Lines(lines)
    }
}

/// Why a value was not encrypted.
#[derive(Debug, thiserror::Error)]
enum SealError {
    #[error(transparent)]
    Problems(#[from] Problems),
    #[error("cannot encrypt")]
    Message(#[from] MessageError),
    #[error("the kernel gives no random bytes")]
    Random(#[source] getrandom::Error),
}

fn seal(simple: &Simple, plain: &str) -> Result<String, SealError> {
    let mut iv = vec![0; simple.iv_len()];
    getrandom::fill(&mut iv).map_err(SealError::Random)?;
    Ok(simple.encrypt(plain, &iv)?)
}
