//! The options of all cryptors, under the gem's names.

use super::account::Account;
use super::cryptor::Cryptor;
use super::kms_options::KmsOptions;
use super::{PASSPHRASE, SIGN_PASSPHRASE};
use crate::cli::{Failure, input};
use crate::vault::{Cipher, Digest, KdfDigest, Simple, SimpleError, SimpleOptions, kms};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

/// How values are encrypted.
#[derive(Args)]
pub(super) struct CryptorOptions {
    /// How values are encrypted
    #[arg(long, value_enum, default_value_t = Kind::Simple)]
    cryptor: Kind,
    #[command(flatten)]
    pub simple: SimpleArguments,
    #[command(flatten)]
    pub kms: KmsOptions,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// A passphrase
    Simple,
    /// A key of AWS KMS
    #[value(alias = "kms")]
    AwsKms,
    /// A key of Google Cloud KMS
    GcpKms,
}

/// The options of the cryptor `simple`.
#[derive(Args)]
pub(super) struct SimpleArguments {
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

/// clap knows the names, so that it lists them and finds the nearest.
pub(super) fn names<T: Clone + Send + Sync + 'static>(
    names: &'static [&'static str],
    from_name: fn(&str) -> Option<T>,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(names)
        .try_map(move |name| from_name(&name).ok_or("not one of the names"))
}

impl SimpleArguments {
    pub fn options(&self) -> SimpleOptions {
        SimpleOptions {
            salt: self.salt.clone(),
            cipher: self.cipher,
            digest: self.digest,
            key_len: self.key_len.unwrap_or(self.cipher.key_len()),
            signature_key_len: self.signature_key_len,
            kdf_digest: self.kdf_digest,
        }
    }
}

impl CryptorOptions {
    pub fn kind(&self) -> Kind {
        self.cryptor
    }

    /// Whether a text has the shape of a message, which needs no key to tell.
    pub fn is_message(&self, text: &str) -> bool {
        match self.cryptor {
            Kind::Simple => self.simple.options().is_message(text),
            Kind::AwsKms | Kind::GcpKms => kms::is_message(text),
        }
    }

    /// The cryptor with its keys at hand.
    pub fn cryptor(&self) -> Result<Cryptor, Failure> {
        self.kms.are_for(self.cryptor, "")?;
        let account = match self.cryptor {
            Kind::Simple => {
                return simple(&self.simple.options(), PASSPHRASE, SIGN_PASSPHRASE);
            }
            Kind::AwsKms => Account::aws(&self.kms),
            Kind::GcpKms => Account::google(&self.kms, "--gcp-kms-resource-id")?,
        };
        Cryptor::kms(account, self.kms.timeout)
    }

    /// The same where values will be encrypted.
    pub fn encryptor(&self) -> Result<Cryptor, Failure> {
        let cryptor = self.cryptor()?;
        cryptor.can_encrypt("--aws-kms-key-id")?;
        Ok(cryptor)
    }
}

/// The cryptor `simple` with passphrases from these variables.
pub(super) fn simple(
    options: &SimpleOptions,
    passphrase: &'static str,
    sign_passphrase: &str,
) -> Result<Cryptor, Failure> {
    // A variable that is not set and one that is blank need the same remedy.
    let secret = input::passphrase(passphrase)?.unwrap_or_default();
    let sign = input::passphrase(sign_passphrase)?;
    match Simple::new(options, &secret, sign.as_ref()) {
        Ok(simple) => Ok(Cryptor::Simple {
            simple: Box::new(simple),
            passphrase,
        }),
        Err(SimpleError::BlankPassphrase) => Err(Failure::line(format!(
            "no passphrase: set the environment variable {passphrase}"
        ))),
        Err(error @ SimpleError::Options(_)) => Err(Failure::new(&error)),
    }
}
