//! AES-256-GCM with a nonce of any length: sops takes 32 bytes, other writers 12, and a length that is
//! known at run time only has no place in the aead crates' types. Hash, counter and block cipher are theirs.

use aes_gcm::aes::Aes256;
use ctr::Ctr32BE;
use ctr::cipher::{KeyIvInit, StreamCipher};
use ghash::universal_hash::UniversalHash;
use ghash::{Block, GHash};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Bytes of the key.
pub(super) const KEY_LEN: usize = 32;
/// Bytes of a tag; shorter ones could be forged.
pub(super) const TAG_LEN: usize = 16;

/// The key, the nonce, the tag, the text or the additional data is not the right one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Forged;

/// Decrypts, after the tag was verified.
pub(super) fn open(
    key: &[u8],
    nonce: &[u8],
    additional: &[u8],
    sealed: &[u8],
    tag: &[u8],
) -> Result<Zeroizing<Vec<u8>>, Forged> {
    if nonce.is_empty() {
        return Err(Forged);
    }
    let (mut stream, hash, mask) = begin(key, nonce)?;
    let wanted = authenticate(hash, mask, additional, sealed);
    if !bool::from(wanted.as_slice().ct_eq(tag)) {
        return Err(Forged);
    }
    let mut plain = Zeroizing::new(sealed.to_vec());
    stream.try_apply_keystream(&mut plain).map_err(|_| Forged)?;
    Ok(plain)
}

/// The keystream after its first block, the keyed hash, and that first block, which masks the tag.
fn begin(key: &[u8], nonce: &[u8]) -> Result<(Ctr32BE<Aes256>, GHash, Block), Forged> {
    let zero = [0; 16];
    let mut raw = Ctr32BE::<Aes256>::new_from_slices(key, &zero).map_err(|_| Forged)?;
    let mut hash_key = Block::default();
    raw.try_apply_keystream(&mut hash_key).map_err(|_| Forged)?;
    let hash = GHash::new(&hash_key);
    let first = first_counter(&hash, nonce);
    let mut stream = Ctr32BE::<Aes256>::new_from_slices(key, &first).map_err(|_| Forged)?;
    let mut mask = Block::default();
    stream.try_apply_keystream(&mut mask).map_err(|_| Forged)?;
    Ok((stream, hash, mask))
}

/// Twelve bytes are the counter's beginning; any other length is hashed.
fn first_counter(hash: &GHash, nonce: &[u8]) -> Block {
    let mut block = Block::default();
    if let Ok(short) = <[u8; 12]>::try_from(nonce) {
        let tail = [0, 0, 0, 1];
        let whole = short.into_iter().chain(tail);
        block
            .iter_mut()
            .zip(whole)
            .for_each(|(to, from)| *to = from);
        return block;
    }
    let mut hash = hash.clone();
    hash.update_padded(nonce);
    hash.update(&[lengths(0, nonce.len())]);
    hash.finalize()
}

fn authenticate(mut hash: GHash, mask: Block, additional: &[u8], sealed: &[u8]) -> Block {
    hash.update_padded(additional);
    hash.update_padded(sealed);
    hash.update(&[lengths(additional.len(), sealed.len())]);
    let mut tag = hash.finalize();
    tag.iter_mut().zip(mask).for_each(|(to, from)| *to ^= from);
    tag
}

/// Two lengths in bits, as the hash ends with them.
fn lengths(first: usize, second: usize) -> Block {
    let bits = |bytes: usize| (bytes as u64).wrapping_mul(8).to_be_bytes();
    let mut block = Block::default();
    let whole = bits(first).into_iter().chain(bits(second));
    block
        .iter_mut()
        .zip(whole)
        .for_each(|(to, from)| *to = from);
    block
}

/// For tests of readers: the ciphertext and the tag.
#[cfg(test)]
pub(super) fn seal(
    key: &[u8],
    nonce: &[u8],
    additional: &[u8],
    plain: &[u8],
) -> (Vec<u8>, Vec<u8>) {
    let (mut stream, hash, mask) = begin(key, nonce).unwrap();
    let mut sealed = plain.to_vec();
    stream.apply_keystream(&mut sealed);
    let tag = authenticate(hash, mask, additional, &sealed);
    (sealed, tag.to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes_gcm::AesGcm;
    use aes_gcm::aead::consts::{U1, U12, U16, U32, U60};
    use aes_gcm::aead::{Aead, AeadCore, KeyInit, Nonce, Payload};

    fn agrees<A: Aead + AeadCore + KeyInit>() {
        let length = Nonce::<A>::default().len();
        let nonce: Vec<u8> = (0..length)
            .map(|n| u8::try_from(n).unwrap() ^ 0x5a)
            .collect();
        let key: Vec<u8> = (100..132).collect();
        for plain in [&b""[..], b"x", &[7; 16], &[9; 100]] {
            for additional in [&b""[..], b"a:b:", &[1; 33]] {
                let aead = A::new_from_slice(&key).unwrap();
                let payload = Payload {
                    msg: plain,
                    aad: additional,
                };
                let known = aead
                    .encrypt(&Nonce::<A>::try_from(&nonce[..]).unwrap(), payload)
                    .unwrap();
                let (sealed, tag) = known.split_at(plain.len());
                assert_eq!(
                    seal(&key, &nonce, additional, plain),
                    (sealed.to_vec(), tag.to_vec())
                );
                assert_eq!(*open(&key, &nonce, additional, sealed, tag).unwrap(), plain);
            }
        }
    }

    #[test]
    fn agrees_with_the_fixed_lengths_of_the_crate() {
        agrees::<AesGcm<Aes256, U1>>();
        agrees::<AesGcm<Aes256, U12>>();
        agrees::<AesGcm<Aes256, U16>>();
        agrees::<AesGcm<Aes256, U32>>();
        agrees::<AesGcm<Aes256, U60>>();
    }

    /// The GCM specification's cases 17 and 18: nonces of 8 and 60 bytes.
    #[test]
    fn the_specifications_own_cases() {
        let hex = |text: &str| hex::decode(text).unwrap();
        let key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
        let plain = hex(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
        );
        let additional = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let (_, tag) = seal(&key, &hex("cafebabefacedbad"), &additional, &plain);
        assert_eq!(hex::encode(tag), "3a337dbf46a792c45e454913fe2ea8f2");
        let nonce = hex(
            "9313225df88406e555909c5aff5269aa6a7a9538534f7da1e4c303d2a318a728c3c0c95156809539fcf0e2429a6b525416aedbf5a0de6a57a637b39b",
        );
        let (_, tag) = seal(&key, &nonce, &additional, &plain);
        assert_eq!(hex::encode(tag), "a44a8266ee1c8eb0c8b5d4cf5ae9f19a");
    }

    #[test]
    fn every_flipped_bit_is_refused() {
        let (key, nonce, additional) = ([3; 32], [4; 32], b"a:");
        let (sealed, tag) = seal(&key, &nonce, additional, b"some text");
        let parts = [&key[..], &nonce, additional, &sealed, &tag];
        for part in 0..parts.len() {
            for bit in 0..parts[part].len() * 8 {
                let mut changed: Vec<Vec<u8>> = parts.iter().map(|part| part.to_vec()).collect();
                changed[part][bit / 8] ^= 1 << (bit % 8);
                let [key, nonce, additional, sealed, tag] = &changed[..] else {
                    panic!()
                };
                assert_eq!(open(key, nonce, additional, sealed, tag), Err(Forged));
            }
        }
        assert_eq!(
            open(&key[1..], &nonce, additional, &sealed, &tag),
            Err(Forged)
        );
        assert_eq!(
            open(&key, &nonce, additional, &sealed, &tag[..12]),
            Err(Forged)
        );
        assert_eq!(open(&key, &[], additional, &sealed, &tag), Err(Forged));
    }
}
