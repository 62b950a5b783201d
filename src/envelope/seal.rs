//! Writing: a body and its envelope as the V2 or V3 client writes them.

use super::cipher::{self, CipherError, TAG_LEN};
use super::commitment::{self, NONCE, SUITE};
use super::context::{self, Context};
use super::error::shown;
use super::names::{
    CEK_ALG, COMMITMENT_V3, COMMITTING_GCM, CONTENT_V3, CONTEXT_CEK_ALG, CONTEXT_V3, GCM, IV,
    KEY_V2, KEY_V3, KMS_CONTEXT, KMS_CONTEXT_V3, MATDESC, MESSAGE_ID_V3, OF_CONTENT_V3, PLAIN_LEN,
    TAG_BITS, TAG_LEN as TAG_LEN_NAME, WRAP_ALG, WRAP_V3,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// What S3 takes as user metadata, names and values together.
const MAX_METADATA: usize = 2048;

/// Which client's format.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// AES-GCM, which every client since 2020 reads.
    #[default]
    V2,
    /// AES-GCM with key commitment, for the clients since 2025.
    V3,
}

/// Where the envelope goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Place {
    #[default]
    Metadata,
    InstructionFile,
}

/// Writes objects of one format, place and context.
#[derive(Clone, Debug)]
pub struct Sealer {
    format: Format,
    place: Place,
    context: Vec<(String, String)>,
}

/// An object to be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// User metadata, names without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// The content of the object beside it, if its envelope goes there.
    pub instruction_file: Option<Vec<u8>>,
}

/// Why nothing is written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The name is the clients' own.
    #[error(
        "the encryption context may not hold {0}: the encryption clients set it themselves; leave it out"
    )]
    Reserved(&'static str),
    /// KMS takes no empty name, and metadata would come back changed if it were not ASCII.
    #[error(
        "the encryption context's {} is empty or not printable ASCII, which S3 may give back changed: choose \
         another text", shown(.0)
    )]
    NotAscii(String),
    /// Too much for metadata.
    #[error(
        "the envelope has {0} bytes, and S3 takes {MAX_METADATA} as metadata: use an instruction file, or shorten the context"
    )]
    TooLarge(usize),
    /// The caller's mistake.
    #[error("{what} has {got} bytes, not {want}")]
    Length {
        what: &'static str,
        got: usize,
        want: usize,
    },
    /// More than one key may encrypt.
    #[error("the content is too large for one object")]
    Cipher,
}

impl Sealer {
    /// `context` is the caller's own, to be given again by whoever reads the object.
    pub fn new(
        format: Format,
        place: Place,
        context: &BTreeMap<String, String>,
    ) -> Result<Sealer, SealError> {
        let printable = |text: &str| text.bytes().all(|b| matches!(b, b' '..=b'~'));
        for (name, value) in context {
            if name.is_empty() || !printable(name) || !printable(value) {
                return Err(SealError::NotAscii(name.clone()));
            }
        }
        let context = context::with_cipher(context, format.cipher())
            .map_err(|_| SealError::Reserved(CONTEXT_CEK_ALG))?;
        Ok(Sealer {
            format,
            place,
            context: context::pairs(context),
        })
    }

    /// The encryption context that KMS must be told when it makes the data key.
    pub fn context(&self) -> &[(String, String)] {
        &self.context
    }

    /// How many random bytes `seal` takes, for one object each time.
    pub fn random_len(&self) -> usize {
        match self.format {
            Format::V2 => 12,
            Format::V3 => 28,
        }
    }

    /// Encrypts with a data key that is used for nothing else, and `wrapped_key`, its encrypted form.
    pub fn seal(
        &self,
        data_key: &[u8],
        wrapped_key: &[u8],
        random: &[u8],
        plain: &[u8],
    ) -> Result<Sealed, SealError> {
        let key = Zeroizing::new(exactly("the data key", data_key)?);
        let mut body = Vec::with_capacity(plain.len().saturating_add(TAG_LEN));
        body.extend_from_slice(plain);
        let mut members = match self.format {
            Format::V2 => self.version_2(&key, wrapped_key, random, &mut body)?,
            Format::V3 => self.version_3(&key, wrapped_key, random, &mut body)?,
        };
        let mut metadata = members.clone();
        let mut instruction_file = None;
        if self.place == Place::InstructionFile {
            metadata.retain(|name, _| OF_CONTENT_V3.contains(name));
            members.retain(|name, _| !OF_CONTENT_V3.contains(name));
            // A map of texts is always JSON.
            let file = serde_json::to_vec(&members).unwrap_or_default();
            instruction_file = Some(file);
        }
        if self.format == Format::V2 {
            metadata.insert(PLAIN_LEN, plain.len().to_string());
        }
        let size = metadata
            .iter()
            .map(|(name, value)| name.len() + value.len());
        let size = size.sum();
        if size > MAX_METADATA {
            return Err(SealError::TooLarge(size));
        }
        let owned = |(name, value): (&str, String)| (name.to_owned(), value);
        Ok(Sealed {
            metadata: metadata.into_iter().map(owned).collect(),
            body,
            instruction_file,
        })
    }

    fn version_2(
        &self,
        key: &[u8; 32],
        wrapped_key: &[u8],
        random: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<BTreeMap<&'static str, String>, SealError> {
        let iv = exactly("the vector", random)?;
        cipher::gcm_seal(key, iv, &[], body).map_err(|CipherError| SealError::Cipher)?;
        Ok(BTreeMap::from([
            (KEY_V2, STANDARD.encode(wrapped_key)),
            (IV, STANDARD.encode(iv)),
            (CEK_ALG, GCM.to_owned()),
            (TAG_LEN_NAME, TAG_BITS.to_owned()),
            (WRAP_ALG, KMS_CONTEXT.to_owned()),
            (MATDESC, self.context_text()),
        ]))
    }

    fn version_3(
        &self,
        key: &[u8; 32],
        wrapped_key: &[u8],
        random: &[u8],
        body: &mut Vec<u8>,
    ) -> Result<BTreeMap<&'static str, String>, SealError> {
        let message_id = exactly("the message id", random)?;
        let keys = commitment::derive(key, &message_id).ok_or(SealError::Cipher)?;
        cipher::gcm_seal(&keys.encrypt, NONCE, &SUITE, body)
            .map_err(|CipherError| SealError::Cipher)?;
        Ok(BTreeMap::from([
            (KEY_V3, STANDARD.encode(wrapped_key)),
            (CONTENT_V3, COMMITTING_GCM.to_owned()),
            (WRAP_V3, KMS_CONTEXT_V3.to_owned()),
            (CONTEXT_V3, self.context_text()),
            (COMMITMENT_V3, STANDARD.encode(keys.commitment)),
            (MESSAGE_ID_V3, STANDARD.encode(message_id)),
        ]))
    }

    fn context_text(&self) -> String {
        let context: Context = self.context.iter().cloned().collect();
        serde_json::to_string(&context).unwrap_or_default()
    }
}

impl Format {
    fn cipher(self) -> &'static str {
        match self {
            Format::V2 => GCM,
            Format::V3 => COMMITTING_GCM,
        }
    }
}

fn exactly<const N: usize>(what: &'static str, bytes: &[u8]) -> Result<[u8; N], SealError> {
    <[u8; N]>::try_from(bytes).map_err(|_| SealError::Length {
        what,
        got: bytes.len(),
        want: N,
    })
}
