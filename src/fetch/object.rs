//! A client-side encrypted object in memory: one call for the object, one for its instruction file if it
//! has one, one for its data key.

use crate::aws::{AwsError, Get, Kind, Kms, S3};
use crate::envelope::{
    Envelope, INSTRUCTION_SUFFIX, MAX_INSTRUCTION_FILE, OpenError, Policy, ReadError,
    needs_instruction_file,
};
use std::time::Instant;
use zeroize::Zeroizing;

/// The object, and what is accepted as one.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    pub get: &'a Get,
    pub policy: &'a Policy,
    /// The only KMS key that may have encrypted it: an id, an ARN or `alias/NAME`. Without one, whoever may
    /// write the object chooses among all the keys that the role may use.
    pub key_id: Option<&'a str>,
}

/// Why there is no plaintext. Each message names the object.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObjectError {
    /// The object did not come.
    #[error(transparent)]
    Object(AwsError),
    /// Its instruction file did not come, although it may exist.
    #[error("{url}: its metadata has no data key, and its instruction file did not come: {error}")]
    InstructionFile { url: String, error: AwsError },
    /// It has no envelope, or one that is not accepted.
    #[error("{url}: {error}")]
    Read { url: String, error: ReadError },
    /// KMS does not decrypt its data key.
    #[error("{url}: its data key: {error}")]
    DataKey { url: String, error: AwsError },
    /// It is not what was encrypted.
    #[error("{url}: {error}")]
    Open { url: String, error: OpenError },
}

impl ObjectError {
    /// What AWS said, for a caller that knows more to say with it.
    pub fn aws(&mut self) -> Option<&mut AwsError> {
        match self {
            ObjectError::Object(error)
            | ObjectError::InstructionFile { error, .. }
            | ObjectError::DataKey { error, .. } => Some(error),
            ObjectError::Read { .. } | ObjectError::Open { .. } => None,
        }
    }
}

/// Gets, verifies and decrypts the whole object.
pub async fn open(
    s3: &dyn S3,
    kms: &dyn Kms,
    sealed: &Sealed<'_>,
    deadline: Instant,
) -> Result<Zeroizing<Vec<u8>>, ObjectError> {
    let Sealed {
        get,
        policy,
        key_id,
    } = *sealed;
    let url = get.url();
    let mut body = Vec::new();
    let info = s3.get(get, &mut body, deadline).await;
    let metadata = info.map_err(ObjectError::Object)?.metadata;
    let file = if needs_instruction_file(&metadata) {
        instruction_file(s3, get, deadline).await?
    } else {
        None
    };
    let envelope = Envelope::read(&metadata, file.as_deref(), policy);
    let envelope = envelope.map_err(|error| ObjectError::Read {
        url: url.clone(),
        error,
    })?;
    let (wrapped, context) = (envelope.wrapped_key(), envelope.context());
    let key = kms.decrypt(key_id, wrapped, context, deadline);
    let key = key.await.map_err(|error| ObjectError::DataKey {
        url: url.clone(),
        error,
    })?;
    envelope
        .open(&key, body)
        .map_err(|error| ObjectError::Open { url, error })
}

/// `None` if there is none.
async fn instruction_file(
    s3: &dyn S3,
    get: &Get,
    deadline: Instant,
) -> Result<Option<Vec<u8>>, ObjectError> {
    let beside = Get {
        key: format!("{}{INSTRUCTION_SUFFIX}", get.key),
        // It has versions of its own.
        version_id: None,
        max_bytes: MAX_INSTRUCTION_FILE as u64,
        ..get.clone()
    };
    let mut file = Vec::new();
    match s3.get(&beside, &mut file, deadline).await {
        Ok(_) => Ok(Some(file)),
        Err(error) if error.kind == Kind::NotFound => Ok(None),
        Err(error) => Err(ObjectError::InstructionFile {
            url: get.url(),
            error,
        }),
    }
}
