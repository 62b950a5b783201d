//! From body to plaintext. What can be verified is verified before a byte of it is returned.

use super::cipher::{self, BLOCK_LEN, CipherError, TAG_LEN};
use super::commitment::{self, NONCE, SUITE};
use super::names::{COMMITMENT_V3, PLAIN_LEN};
use super::read::{Content, Envelope};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Why a body is not opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// KMS decrypted something else than a data key.
    #[error("its data key has {0} bytes, not 32: no encryption client wrote it; upload it again")]
    DataKey(usize),
    /// No cipher gives a body of this length.
    #[error(
        "its body has {0} bytes, which is no length of an encrypted object: it was cut off; upload it again"
    )]
    Length(u64),
    /// The writer told another length.
    #[error(
        "its {PLAIN_LEN} is {told}, but {got} bytes are encrypted: it was cut off or changed; upload it again"
    )]
    PlainLength { told: u64, got: u64 },
    /// The data key is not the one that the object was encrypted with.
    #[error(
        "its {COMMITMENT_V3} is not that of its data key: somebody changed its envelope; upload it again"
    )]
    Commitment,
    /// The tag is not that of body, data key and vector.
    #[error("its tag does not match: the body or its envelope was changed; upload it again")]
    Tag,
    /// All that CBC shows of a wrong key or a changed body, and not every time.
    #[error("its padding is wrong: the body or its envelope was changed; upload it again")]
    Padding,
}

impl Envelope {
    /// Decrypts the whole body with the data key that KMS gave for `wrapped_key`.
    pub fn open(&self, data_key: &[u8], body: Vec<u8>) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let mut body = Zeroizing::new(body);
        let key = <[u8; 32]>::try_from(data_key).map(Zeroizing::new);
        let key = key.map_err(|_| OpenError::DataKey(data_key.len()))?;
        self.check_length(count(&body))?;
        match &self.content {
            Content::Gcm { iv } => {
                let opened = cipher::gcm_open(&key, *iv, &[], &mut body);
                opened.map_err(|CipherError| OpenError::Tag)?;
            }
            Content::CommittingGcm {
                message_id,
                commitment,
            } => {
                let keys = commitment::derive(&key, message_id).ok_or(OpenError::Commitment)?;
                if !bool::from(keys.commitment.ct_eq(commitment)) {
                    return Err(OpenError::Commitment);
                }
                let opened = cipher::gcm_open(&keys.encrypt, NONCE, &SUITE, &mut body);
                opened.map_err(|CipherError| OpenError::Tag)?;
            }
            Content::Cbc { iv } => {
                let opened = cipher::cbc_open(&key, *iv, &mut body);
                opened.map_err(|CipherError| OpenError::Padding)?;
            }
        }
        self.check_plain_length(count(&body))?;
        Ok(body)
    }

    /// As far as the length of a body tells anything by itself.
    fn check_length(&self, got: u64) -> Result<(), OpenError> {
        let wrong = OpenError::Length(got);
        if let Content::Cbc { .. } = self.content {
            let whole = got > 0 && got.is_multiple_of(BLOCK_LEN as u64);
            return if whole { Ok(()) } else { Err(wrong) };
        }
        let plain = got.checked_sub(TAG_LEN as u64).ok_or(wrong)?;
        self.check_plain_length(plain)
    }

    fn check_plain_length(&self, got: u64) -> Result<(), OpenError> {
        match self.plain_len {
            Some(told) if told != got => Err(OpenError::PlainLength { told, got }),
            _ => Ok(()),
        }
    }
}

fn count(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}
