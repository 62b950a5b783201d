//! The ciphers themselves: bytes to bytes, keys and vectors of the right length or an error.

use super::options::Cipher;
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::aead::consts::U12;
use aes_gcm::aead::{Aead, AeadCore, KeyInit, Nonce};
use aes_gcm::{AesGcm, aes};
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt, BlockModeEncrypt, KeyIvInit,
    StreamCipher,
};
use chacha20poly1305::ChaCha20Poly1305;
use des::TdesEde3;
use zeroize::Zeroizing;

/// Bytes of an AEAD tag; a reader that took shorter ones could be forged.
pub(super) const TAG_LEN: usize = 16;

/// The key, the vector, the padding or the tag is wrong; which of them is nobody's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CipherError;

/// Encrypts; an AEAD's tag is at the end of the result.
pub(super) fn encrypt(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, CipherError> {
    match cipher {
        Cipher::Aes128Cbc => cbc_encrypt::<Aes128>(key, iv, plain),
        Cipher::Aes192Cbc => cbc_encrypt::<Aes192>(key, iv, plain),
        Cipher::Aes256Cbc => cbc_encrypt::<Aes256>(key, iv, plain),
        Cipher::DesEde3Cbc => cbc_encrypt::<TdesEde3>(key, iv, plain),
        Cipher::Aes256Ctr => ctr(key, iv, plain),
        Cipher::Aes128Gcm => seal::<AesGcm<Aes128, U12>>(key, iv, plain),
        Cipher::Aes192Gcm => seal::<AesGcm<Aes192, U12>>(key, iv, plain),
        Cipher::Aes256Gcm => seal::<AesGcm<Aes256, U12>>(key, iv, plain),
        Cipher::ChaCha20Poly1305 => seal::<ChaCha20Poly1305>(key, iv, plain),
    }
}

/// Decrypts; an AEAD's tag is at the end of `sealed`.
pub(super) fn decrypt(
    cipher: Cipher,
    key: &[u8],
    iv: &[u8],
    sealed: &[u8],
) -> Result<Zeroizing<Vec<u8>>, CipherError> {
    match cipher {
        Cipher::Aes128Cbc => cbc_decrypt::<Aes128>(key, iv, sealed),
        Cipher::Aes192Cbc => cbc_decrypt::<Aes192>(key, iv, sealed),
        Cipher::Aes256Cbc => cbc_decrypt::<Aes256>(key, iv, sealed),
        Cipher::DesEde3Cbc => cbc_decrypt::<TdesEde3>(key, iv, sealed),
        Cipher::Aes256Ctr => ctr(key, iv, sealed),
        Cipher::Aes128Gcm => open::<AesGcm<Aes128, U12>>(key, iv, sealed),
        Cipher::Aes192Gcm => open::<AesGcm<Aes192, U12>>(key, iv, sealed),
        Cipher::Aes256Gcm => open::<AesGcm<Aes256, U12>>(key, iv, sealed),
        Cipher::ChaCha20Poly1305 => open::<ChaCha20Poly1305>(key, iv, sealed),
    }
    .map(Zeroizing::new)
}

fn cbc_encrypt<C>(key: &[u8], iv: &[u8], plain: &[u8]) -> Result<Vec<u8>, CipherError>
where
    C: BlockCipherEncrypt,
    cbc::Encryptor<C>: KeyIvInit + BlockModeEncrypt,
{
    let mode = cbc::Encryptor::<C>::new_from_slices(key, iv).map_err(|_| CipherError)?;
    Ok(mode.encrypt_padded_vec::<Pkcs7>(plain))
}

fn cbc_decrypt<C>(key: &[u8], iv: &[u8], sealed: &[u8]) -> Result<Vec<u8>, CipherError>
where
    C: BlockCipherDecrypt,
    cbc::Decryptor<C>: KeyIvInit + BlockModeDecrypt,
{
    let mode = cbc::Decryptor::<C>::new_from_slices(key, iv).map_err(|_| CipherError)?;
    mode.decrypt_padded_vec::<Pkcs7>(sealed)
        .map_err(|_| CipherError)
}

fn ctr(key: &[u8], iv: &[u8], input: &[u8]) -> Result<Vec<u8>, CipherError> {
    let mut mode = ctr::Ctr128BE::<Aes256>::new_from_slices(key, iv).map_err(|_| CipherError)?;
    let mut bytes = input.to_vec();
    mode.try_apply_keystream(&mut bytes)
        .map_err(|_| CipherError)?;
    Ok(bytes)
}

fn seal<A: Aead + AeadCore + KeyInit>(
    key: &[u8],
    iv: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, CipherError> {
    let nonce = Nonce::<A>::try_from(iv).map_err(|_| CipherError)?;
    let aead = A::new_from_slice(key).map_err(|_| CipherError)?;
    aead.encrypt(&nonce, plain).map_err(|_| CipherError)
}

fn open<A: Aead + AeadCore + KeyInit>(
    key: &[u8],
    iv: &[u8],
    sealed: &[u8],
) -> Result<Vec<u8>, CipherError> {
    let nonce = Nonce::<A>::try_from(iv).map_err(|_| CipherError)?;
    let aead = A::new_from_slice(key).map_err(|_| CipherError)?;
    aead.decrypt(&nonce, sealed).map_err(|_| CipherError)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cipher_takes_its_own_lengths_only() {
        for name in Cipher::NAMES {
            let cipher = Cipher::from_name(name).unwrap();
            let (key, iv) = (vec![7; cipher.key_len()], vec![9; cipher.iv_len()]);
            let sealed = encrypt(cipher, &key, &iv, b"text").unwrap();
            assert_eq!(
                *decrypt(cipher, &key, &iv, &sealed).unwrap(),
                b"text",
                "{name}"
            );
            assert_eq!(
                encrypt(cipher, &key[1..], &iv, b""),
                Err(CipherError),
                "{name}"
            );
            assert_eq!(
                encrypt(cipher, &key, &iv[1..], b""),
                Err(CipherError),
                "{name}"
            );
            assert!(decrypt(cipher, &key, &iv[1..], &sealed).is_err(), "{name}");
        }
    }

    /// NIST SP 800-38A, F.5.5: the counter is the whole block, big-endian, as OpenSSL has it.
    #[test]
    fn ctr_is_openssls() {
        let key = hex::decode("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4")
            .unwrap();
        let iv = hex::decode("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff").unwrap();
        let plain = hex::decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51")
            .unwrap();
        let sealed = encrypt(Cipher::Aes256Ctr, &key, &iv, &plain).unwrap();
        assert_eq!(
            hex::encode(sealed),
            "601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5"
        );
    }
}
