//! Version 3 derives two keys from the data key: one encrypts, and the other is stored with the object, so
//! that a data key which was put in the place of the right one is found out before anything is decrypted.

use hkdf::Hkdf;
use sha2::Sha512;
use zeroize::Zeroizing;

/// The number of the cipher, in the derivations and as additional data.
pub const SUITE: [u8; 2] = [0x00, 0x73];

/// A key is used once only, so its nonce need not be another each time.
pub const NONCE: [u8; 12] = [1; 12];

const ENCRYPT: &[u8] = b"DERIVEKEY";
const COMMIT: &[u8] = b"COMMITKEY";

pub struct Keys {
    pub encrypt: Zeroizing<[u8; 32]>,
    pub commitment: [u8; 28],
}

/// `None` never, since HKDF gives far more bytes than these.
pub fn derive(data_key: &[u8; 32], message_id: &[u8; 28]) -> Option<Keys> {
    let hkdf = Hkdf::<Sha512>::new(Some(message_id), data_key);
    let mut encrypt = Zeroizing::new([0; 32]);
    hkdf.expand_multi_info(&[&SUITE, ENCRYPT], encrypt.as_mut_slice())
        .ok()?;
    let mut commitment = [0; 28];
    hkdf.expand_multi_info(&[&SUITE, COMMIT], &mut commitment)
        .ok()?;
    Some(Keys {
        encrypt,
        commitment,
    })
}
