//! AWS KMS: the two calls that values need, and the one that objects need besides.

use super::classify::classify;
use super::counters::Counters;
use super::error::{AwsError, Kind};
use super::{Pending, retry};
use aws_config::SdkConfig;
use aws_sdk_kms::Client;
use aws_sdk_kms::config::Builder;
use aws_sdk_kms::primitives::Blob;
use aws_sdk_kms::types::DataKeySpec;
use std::collections::HashMap;
use std::time::Instant;
use zeroize::Zeroizing;

const DECRYPT: &str = "kms:Decrypt";
const ENCRYPT: &str = "kms:Encrypt";
const GENERATE: &str = "kms:GenerateDataKey";

/// What KMS encrypted, as it came.
pub type Ciphertext = Vec<u8>;

/// A ciphertext to decrypt, and the one key that may have made it, if there is such.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encrypted {
    pub ciphertext: Ciphertext,
    pub key_id: Option<String>,
}

impl From<Ciphertext> for Encrypted {
    fn from(ciphertext: Ciphertext) -> Encrypted {
        Encrypted {
            ciphertext,
            key_id: None,
        }
    }
}

/// The encryption context: what was said when the value was encrypted must be said again.
type Context = [(String, String)];

/// Encrypts and decrypts with keys that never leave KMS.
pub trait Kms {
    /// The ciphertext itself names its key; where `key_id` is given, another one's is refused.
    fn decrypt<'a>(
        &'a self,
        key_id: Option<&'a str>,
        ciphertext: &'a [u8],
        context: &'a Context,
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>>;

    /// `key_id` is an id, an ARN or `alias/NAME`; the plaintext has at most 4096 bytes.
    fn encrypt<'a>(
        &'a self,
        key_id: &'a str,
        plaintext: &'a [u8],
        context: &'a Context,
        deadline: Instant,
    ) -> Pending<'a, Ciphertext>;
}

/// A key for one object, which KMS makes and hands out in both forms.
pub struct DataKey {
    pub plaintext: Zeroizing<[u8; 32]>,
    pub ciphertext: Ciphertext,
}

/// Keys for what is too large for KMS itself; they are decrypted as values are.
pub trait DataKeys {
    /// Makes a new one under the key `key_id`.
    fn generate_data_key<'a>(
        &'a self,
        key_id: &'a str,
        context: &'a Context,
        deadline: Instant,
    ) -> Pending<'a, DataKey>;
}

/// KMS itself.
pub(super) struct SdkKms {
    client: Client,
    counters: Counters,
}

impl SdkKms {
    pub fn new(config: &SdkConfig, counters: Counters) -> SdkKms {
        SdkKms {
            client: Client::from_conf(Builder::from(config).build()),
            counters,
        }
    }

    async fn decrypt_once(
        &self,
        key_id: Option<&str>,
        ciphertext: &[u8],
        context: &Context,
    ) -> Result<Zeroizing<Vec<u8>>, AwsError> {
        let key = key_id.unwrap_or_default();
        let call = self.client.decrypt().ciphertext_blob(Blob::new(ciphertext));
        let call = call.set_key_id(key_id.map(str::to_owned));
        let sent = call.set_encryption_context(map(context)).send().await;
        let output = sent.map_err(|error| classify(DECRYPT, key, &error))?;
        let plaintext = output
            .plaintext
            .map(|blob| Zeroizing::new(blob.into_inner()));
        plaintext.ok_or_else(|| incomplete(DECRYPT, key, "Plaintext"))
    }

    async fn encrypt_once(
        &self,
        key_id: &str,
        plaintext: &[u8],
        context: &Context,
    ) -> Result<Ciphertext, AwsError> {
        let call = self
            .client
            .encrypt()
            .key_id(key_id)
            .plaintext(Blob::new(plaintext));
        let sent = call.set_encryption_context(map(context)).send().await;
        let output = sent.map_err(|error| classify(ENCRYPT, key_id, &error))?;
        let ciphertext = output.ciphertext_blob.map(Blob::into_inner);
        ciphertext.ok_or_else(|| incomplete(ENCRYPT, key_id, "CiphertextBlob"))
    }
}

impl Kms for SdkKms {
    fn decrypt<'a>(
        &'a self,
        key_id: Option<&'a str>,
        ciphertext: &'a [u8],
        context: &'a Context,
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>> {
        self.counters.kms_call();
        Box::pin(retry::call(
            &self.counters,
            deadline,
            move || unanswered(DECRYPT, key_id.unwrap_or_default()),
            async move || self.decrypt_once(key_id, ciphertext, context).await,
        ))
    }

    fn encrypt<'a>(
        &'a self,
        key_id: &'a str,
        plaintext: &'a [u8],
        context: &'a Context,
        deadline: Instant,
    ) -> Pending<'a, Ciphertext> {
        self.counters.kms_call();
        Box::pin(retry::call(
            &self.counters,
            deadline,
            || unanswered(ENCRYPT, key_id),
            async || self.encrypt_once(key_id, plaintext, context).await,
        ))
    }
}

impl SdkKms {
    async fn generate_once(&self, key_id: &str, context: &Context) -> Result<DataKey, AwsError> {
        let call = self.client.generate_data_key().key_id(key_id);
        let call = call.key_spec(DataKeySpec::Aes256);
        let sent = call.set_encryption_context(map(context)).send().await;
        let output = sent.map_err(|error| classify(GENERATE, key_id, &error))?;
        let plaintext = output
            .plaintext
            .map(|blob| Zeroizing::new(blob.into_inner()));
        let plaintext = plaintext.and_then(|bytes| bytes.as_slice().try_into().ok());
        let plaintext = plaintext.map(Zeroizing::new);
        let ciphertext = output.ciphertext_blob.map(Blob::into_inner);
        let absent = |member| incomplete(GENERATE, key_id, member);
        Ok(DataKey {
            plaintext: plaintext.ok_or_else(|| absent("Plaintext of 32 bytes"))?,
            ciphertext: ciphertext.ok_or_else(|| absent("CiphertextBlob"))?,
        })
    }
}

impl DataKeys for SdkKms {
    fn generate_data_key<'a>(
        &'a self,
        key_id: &'a str,
        context: &'a Context,
        deadline: Instant,
    ) -> Pending<'a, DataKey> {
        self.counters.kms_call();
        Box::pin(retry::call(
            &self.counters,
            deadline,
            || unanswered(GENERATE, key_id),
            async || self.generate_once(key_id, context).await,
        ))
    }
}

fn map(context: &Context) -> Option<HashMap<String, String>> {
    (!context.is_empty()).then(|| context.iter().cloned().collect())
}

fn unanswered(action: &str, key: &str) -> AwsError {
    AwsError::new(Kind::Timeout, action, key, "until the deadline")
}

fn incomplete(action: &str, key: &str, member: &str) -> AwsError {
    AwsError::new(Kind::Reply, action, key, format!("no {member} in it"))
}
