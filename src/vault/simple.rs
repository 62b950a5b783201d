//! The gem's cryptor `simple`: keys from passphrases, and ActiveSupport's messages.
//!
//! The keys are derived once, since PBKDF2 with its 65536 rounds is the slow part.

use super::cipher::{self, TAG_LEN};
use super::marshal::{self, MarshalError};
use super::options::{Digest, KdfDigest, OptionsError, SimpleOptions};
use super::secret::{Plaintext, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use std::fmt;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// What ActiveSupport's key generator does.
const ROUNDS: u32 = 65_536;

/// The cryptor, with its keys.
pub struct Simple {
    options: SimpleOptions,
    key: Zeroizing<Vec<u8>>,
    sign_key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Simple {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simple")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// Why there is no cryptor.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimpleError {
    /// Nothing but white space, which the gem's command line refuses too.
    #[error("the passphrase is blank")]
    BlankPassphrase,
    /// See the cause.
    #[error(transparent)]
    Options(#[from] OptionsError),
}

/// Why a message cannot be read. No variant holds any of its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// The text has not a message's shape.
    #[error("it is not an encrypted message: encrypt it, or keep it out of the key paths")]
    NotAMessage,
    /// Shape and signature do not agree.
    #[error(
        "the signature does not match: wrong passphrase, sign passphrase, salt, digest or key length, or a changed message"
    )]
    Signature,
    /// An AEAD's tag does not match, or a padding is wrong.
    #[error(
        "it cannot be decrypted: wrong passphrase, salt, cipher or key length, or a changed message"
    )]
    Cipher,
    /// The decrypted bytes are not what the gem encrypts.
    #[error("it was decrypted, but {0}")]
    Content(#[from] MarshalError),
    /// The vector handed in does not fit the cipher.
    #[error("the initialisation vector has {got} bytes, not {want}")]
    Iv { got: usize, want: usize },
}

impl SimpleOptions {
    /// Whether a text has the shape of a message under these options, whatever its key.
    #[must_use]
    pub fn is_message(&self, text: &str) -> bool {
        if self.cipher.is_aead() {
            aead_parts(text, self.cipher.iv_len()).is_ok()
        } else {
            signed_parts(text).is_ok()
        }
    }
}

fn signed_parts(message: &str) -> Result<(&str, &str), MessageError> {
    let (data, signature) = message.split_once("--").ok_or(MessageError::NotAMessage)?;
    let hex = |c: char| matches!(c, '0'..='9' | 'a'..='f');
    if !is_base64(data) || signature.is_empty() || !signature.chars().all(hex) {
        return Err(MessageError::NotAMessage);
    }
    Ok((data, signature))
}

/// The vector, and the ciphertext with its tag at the end.
fn aead_parts(message: &str, iv_len: usize) -> Result<(Vec<u8>, Vec<u8>), MessageError> {
    let parts: Vec<&str> = message.split("--").collect();
    let &[sealed, iv, tag] = parts.as_slice() else {
        return Err(MessageError::NotAMessage);
    };
    let (mut sealed, iv, tag) = (decode(sealed)?, decode(iv)?, decode(tag)?);
    if tag.len() != TAG_LEN || iv.len() != iv_len {
        return Err(MessageError::NotAMessage);
    }
    sealed.extend(tag);
    Ok((iv, sealed))
}

impl Simple {
    /// Derives the keys.
    pub fn new(
        options: &SimpleOptions,
        passphrase: &Secret,
        sign_passphrase: Option<&Secret>,
    ) -> Result<Simple, SimpleError> {
        options.check()?;
        if passphrase.expose().trim().is_empty() {
            return Err(SimpleError::BlankPassphrase);
        }
        let key = derive(options, passphrase, options.key_len);
        let sign_key = match sign_passphrase {
            Some(other) if !options.cipher.is_aead() => {
                derive(options, other, options.signature_key_len)
            }
            _ => key.clone(),
        };
        Ok(Simple {
            options: options.clone(),
            key,
            sign_key,
        })
    }

    /// Bytes of the vector that `encrypt` takes.
    #[must_use]
    pub fn iv_len(&self) -> usize {
        self.options.cipher.iv_len()
    }

    /// Whether a text has the shape of a message of this cipher, whatever its key.
    #[must_use]
    pub fn is_message(&self, text: &str) -> bool {
        self.options.is_message(text)
    }

    /// Reads a message.
    pub fn decrypt(&self, message: &str) -> Result<Plaintext, MessageError> {
        let (iv, sealed) = if self.options.cipher.is_aead() {
            aead_parts(message, self.iv_len())?
        } else {
            let (data, signature) = signed_parts(message)?;
            let wanted = self.signature(data);
            // The length is the digest's and public; the contents are compared in constant time.
            if !bool::from(wanted.as_bytes().ct_eq(signature.as_bytes())) {
                return Err(MessageError::Signature);
            }
            inner_parts(data)?
        };
        let plain = cipher::decrypt(self.options.cipher, &self.key, &iv, &sealed)
            .map_err(|_| MessageError::Cipher)?;
        Ok(marshal::load(&plain)?)
    }

    /// Writes a message; `iv` must be random and used once.
    pub fn encrypt(&self, plaintext: &str, iv: &[u8]) -> Result<String, MessageError> {
        let wrong_iv = |_| MessageError::Iv {
            got: iv.len(),
            want: self.iv_len(),
        };
        let plain = marshal::dump(plaintext);
        let sealed =
            cipher::encrypt(self.options.cipher, &self.key, iv, &plain).map_err(wrong_iv)?;
        let iv = STANDARD.encode(iv);
        if self.options.cipher.is_aead() {
            let (sealed, tag) = sealed.split_at(sealed.len().saturating_sub(TAG_LEN));
            let (sealed, tag) = (STANDARD.encode(sealed), STANDARD.encode(tag));
            return Ok(format!("{sealed}--{iv}--{tag}"));
        }
        let data = STANDARD.encode(format!("{}--{iv}", STANDARD.encode(sealed)));
        let signature = self.signature(&data);
        Ok(format!("{data}--{signature}"))
    }

    /// `data--signature`, both of plausible shape.
    pub(super) fn signature(&self, data: &str) -> String {
        let sign: fn(&[u8], &[u8]) -> String = match self.options.digest {
            Digest::Md5 => sign::<Hmac<md5::Md5>>,
            Digest::Sha1 => sign::<Hmac<sha1::Sha1>>,
            Digest::Sha224 => sign::<Hmac<sha2::Sha224>>,
            Digest::Sha256 => sign::<Hmac<sha2::Sha256>>,
            Digest::Sha384 => sign::<Hmac<sha2::Sha384>>,
            Digest::Sha512 => sign::<Hmac<sha2::Sha512>>,
        };
        sign(&self.sign_key, data.as_bytes())
    }
}

/// The ciphertext and vector inside signed data; a signature that matched makes failures unlikely.
fn inner_parts(data: &str) -> Result<(Vec<u8>, Vec<u8>), MessageError> {
    let inner = String::from_utf8(decode(data)?).map_err(|_| MessageError::Cipher)?;
    let (sealed, iv) = inner.split_once("--").ok_or(MessageError::Cipher)?;
    Ok((decode(iv)?, decode(sealed)?))
}

fn decode(text: &str) -> Result<Vec<u8>, MessageError> {
    STANDARD.decode(text).map_err(|_| MessageError::NotAMessage)
}

fn is_base64(text: &str) -> bool {
    !text.is_empty() && decode(text).is_ok()
}

fn derive(options: &SimpleOptions, passphrase: &Secret, length: usize) -> Zeroizing<Vec<u8>> {
    let mut key = Zeroizing::new(vec![0; length]);
    let (passphrase, salt) = (passphrase.expose().as_bytes(), options.salt.as_bytes());
    match options.kdf_digest {
        KdfDigest::Sha1 => pbkdf2::pbkdf2_hmac::<sha1::Sha1>(passphrase, salt, ROUNDS, &mut key),
        KdfDigest::Sha256 => {
            pbkdf2::pbkdf2_hmac::<sha2::Sha256>(passphrase, salt, ROUNDS, &mut key);
        }
    }
    key
}

fn sign<M: Mac + KeyInit>(key: &[u8], data: &[u8]) -> String {
    // HMAC takes keys of every length, so the error cannot happen; an empty text would match nothing.
    <M as KeyInit>::new_from_slice(key).map_or_else(
        |_| String::new(),
        |mac| hex::encode(mac.chain_update(data).finalize().into_bytes()),
    )
}
