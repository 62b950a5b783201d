//! The ciphers of bodies, in place: an object is in memory once.

use aes_gcm::aead::{AeadInOut, KeyInit};
use aes_gcm::{Aes256Gcm, aes::Aes256};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt, KeyIvInit};
use zeroize::Zeroizing;

/// Bytes of the tag at a body's end.
pub const TAG_LEN: usize = 16;
/// Bytes of a block of CBC.
pub const BLOCK_LEN: usize = 16;

/// The key, the vector, the additional data, the tag or the padding is wrong.
#[derive(Debug, PartialEq, Eq)]
pub struct CipherError;

/// Verifies the tag at the end, then decrypts.
pub fn gcm_open(
    key: &[u8; 32],
    nonce: [u8; 12],
    aad: &[u8],
    body: &mut Zeroizing<Vec<u8>>,
) -> Result<(), CipherError> {
    Aes256Gcm::new(key.into())
        .decrypt_in_place(&nonce.into(), aad, &mut **body)
        .map_err(|_| CipherError)
}

/// Encrypts and appends the tag; `body` should have room for it.
pub fn gcm_seal(
    key: &[u8; 32],
    nonce: [u8; 12],
    aad: &[u8],
    body: &mut Vec<u8>,
) -> Result<(), CipherError> {
    Aes256Gcm::new(key.into())
        .encrypt_in_place(&nonce.into(), aad, body)
        .map_err(|_| CipherError)
}

/// Decrypts and takes the padding off.
pub fn cbc_open(
    key: &[u8; 32],
    iv: [u8; 16],
    body: &mut Zeroizing<Vec<u8>>,
) -> Result<(), CipherError> {
    let mode = cbc::Decryptor::<Aes256>::new(key.into(), &iv.into());
    let plain = mode.decrypt_padded::<Pkcs7>(body);
    let length = plain.map_err(|_| CipherError)?.len();
    body.truncate(length);
    Ok(())
}
