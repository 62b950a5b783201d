//! The options of a new cryptor, `--new-…`: what is not given is as before.

use super::account::Account;
use super::cryptor::Cryptor;
use super::kms_options::KmsOptions;
use super::options::{CryptorOptions, Kind, names, simple};
use crate::cli::Failure;
use crate::vault::{Affixes, Cipher, Digest, KdfDigest, SimpleOptions};
use clap::Args;
use std::time::Duration;

const NEW_PASSPHRASE: &str = "YAML_VAULT_NEW_PASSPHRASE";
const NEW_SIGN_PASSPHRASE: &str = "YAML_VAULT_NEW_SIGN_PASSPHRASE";

/// How values are to be encrypted from now on.
#[derive(Args)]
#[expect(clippy::struct_field_names, reason = "clap makes the options of them")]
#[command(next_help_heading = "Options of the new encryption (each as before if not given)")]
pub(super) struct NewOptions {
    /// How values are to be encrypted
    #[arg(long, value_enum, value_name = "CRYPTOR")]
    new_cryptor: Option<Kind>,
    /// Text before each new message
    #[arg(long, value_name = "PREFIX")]
    new_prefix: Option<String>,
    /// Text after each new message
    #[arg(long, value_name = "SUFFIX")]
    new_suffix: Option<String>,
    /// Salt of the new keys
    #[arg(long, value_name = "SALT")]
    new_salt: Option<String>,
    /// Cipher of the new messages
    #[arg(long, value_name = "CIPHER", value_parser = names(&Cipher::NAMES, Cipher::from_name))]
    new_cipher: Option<Cipher>,
    /// Digest of the new messages' signature
    #[arg(long, value_name = "DIGEST", value_parser = names(&Digest::NAMES, Digest::from_name))]
    new_digest: Option<Digest>,
    /// Bytes of the new key [default: what the cipher takes]
    #[arg(long, value_name = "BYTES")]
    new_key_len: Option<usize>,
    /// Bytes of the new sign passphrase's key
    #[arg(long, value_name = "BYTES")]
    new_signature_key_len: Option<usize>,
    /// Digest that the new keys are derived with
    #[arg(long, value_name = "DIGEST", value_parser = names(&KdfDigest::NAMES, KdfDigest::from_name))]
    new_kdf_digest: Option<KdfDigest>,
    /// The KMS key to encrypt with from now on
    #[arg(long, value_name = "KEY")]
    new_aws_kms_key_id: Option<String>,
    /// Its region
    #[arg(long, value_name = "REGION")]
    new_aws_region: Option<String>,
    /// A profile that may encrypt with it
    #[arg(long, value_name = "NAME")]
    new_aws_profile: Option<String>,
    /// An access key that may encrypt with it
    #[arg(long, value_name = "ID", requires = "new_aws_secret_access_key")]
    new_aws_access_key_id: Option<String>,
    /// Its secret
    #[arg(long, value_name = "KEY", requires = "new_aws_access_key_id")]
    new_aws_secret_access_key: Option<String>,
    /// The key of Google's KMS to encrypt with from now on
    #[arg(long, value_name = "KEY")]
    new_gcp_kms_resource_id: Option<String>,
    /// The key file of a service account that may encrypt with it
    #[arg(long, value_name = "FILE")]
    new_gcp_credential_file: Option<String>,
}

impl NewOptions {
    /// The new cryptor, with the old one's options where it has none of its own.
    pub fn encryptor(&self, old: &CryptorOptions) -> Result<Cryptor, Failure> {
        let kind = self.new_cryptor.unwrap_or(old.kind());
        let kms = self.kms_options(old.kms.timeout);
        kms.are_for(kind, "new-")?;
        let kms = kms.or(&old.kms);
        let account = match kind {
            Kind::Simple => {
                let options = self.simple_options(&old.simple.options());
                return simple(&options, NEW_PASSPHRASE, NEW_SIGN_PASSPHRASE);
            }
            Kind::AwsKms => Account::aws(&kms),
            Kind::GcpKms => Account::google(&kms, "--new-gcp-kms-resource-id")?,
        };
        let cryptor = Cryptor::kms(account, kms.timeout)?;
        cryptor.can_encrypt("--new-aws-kms-key-id")?;
        Ok(cryptor)
    }

    fn simple_options(&self, old: &SimpleOptions) -> SimpleOptions {
        let cipher = self.new_cipher.unwrap_or(old.cipher);
        let salt = self.new_salt.as_ref().unwrap_or(&old.salt);
        SimpleOptions {
            salt: salt.clone(),
            cipher,
            digest: self.new_digest.unwrap_or(old.digest),
            key_len: self.new_key_len.unwrap_or(cipher.key_len()),
            signature_key_len: self.new_signature_key_len.unwrap_or(old.signature_key_len),
            kdf_digest: self.new_kdf_digest.unwrap_or(old.kdf_digest),
        }
    }

    fn kms_options(&self, timeout: Duration) -> KmsOptions {
        KmsOptions {
            aws_kms_key_id: self.new_aws_kms_key_id.clone(),
            aws_region: self.new_aws_region.clone(),
            aws_profile: self.new_aws_profile.clone(),
            aws_access_key_id: self.new_aws_access_key_id.clone(),
            aws_secret_access_key: self.new_aws_secret_access_key.clone(),
            gcp_kms_resource_id: self.new_gcp_kms_resource_id.clone(),
            gcp_credential_file: self.new_gcp_credential_file.clone(),
            timeout,
        }
    }

    pub fn affixes(&self, old: &Affixes) -> Affixes {
        Affixes {
            prefix: self.new_prefix.as_ref().unwrap_or(&old.prefix).clone(),
            suffix: self.new_suffix.as_ref().unwrap_or(&old.suffix).clone(),
        }
    }
}
