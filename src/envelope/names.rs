//! The names and words of envelopes. A client of one version knows those of its own and of older ones.

/// Wrapped data key, version 1: under a master key outside KMS.
pub const KEY_V1: &str = "x-amz-key";
/// Wrapped data key, version 2; the V1 client writes it too, if its master key is in KMS.
pub const KEY_V2: &str = "x-amz-key-v2";
/// Wrapped data key, version 3.
pub const KEY_V3: &str = "x-amz-3";

pub const IV: &str = "x-amz-iv";
pub const CEK_ALG: &str = "x-amz-cek-alg";
pub const WRAP_ALG: &str = "x-amz-wrap-alg";
pub const TAG_LEN: &str = "x-amz-tag-len";
pub const MATDESC: &str = "x-amz-matdesc";

pub const CONTENT_V3: &str = "x-amz-c";
pub const WRAP_V3: &str = "x-amz-w";
pub const CONTEXT_V3: &str = "x-amz-t";
/// What `x-amz-t` is for a master key outside KMS.
pub const MATDESC_V3: &str = "x-amz-m";
pub const COMMITMENT_V3: &str = "x-amz-d";
pub const MESSAGE_ID_V3: &str = "x-amz-i";

/// Bytes of the plaintext; beside every version but the third, and not protected by itself.
pub const PLAIN_LEN: &str = "x-amz-unencrypted-content-length";
/// Stands in an instruction file's own metadata, in rare cases in the file, and says nothing more.
pub const INSTRUCTION_MARK: &str = "x-amz-crypto-instr-file";

/// The member of the encryption context that binds the content's cipher; callers may not set it.
pub const CONTEXT_CEK_ALG: &str = "aws:x-amz-cek-alg";

pub const GCM: &str = "AES/GCM/NoPadding";
/// Two names of one padding.
pub const CBC: [&str; 2] = ["AES/CBC/PKCS5Padding", "AES/CBC/PKCS7Padding"];
pub const COMMITTING_GCM: &str = "115";

pub const KMS: &str = "kms";
pub const KMS_CONTEXT: &str = "kms+context";
pub const KMS_CONTEXT_V3: &str = "12";
/// Wrappings by a master key that KMS does not hold, in all the clients' words.
pub const OUTSIDE_KMS: [&str; 4] = [
    "AES/GCM",
    "AESWrap",
    "RSA-OAEP-SHA1",
    "RSA/ECB/OAEPWithSHA-256AndMGF1Padding",
];
pub const OUTSIDE_KMS_V3: [(&str, &str); 2] = [("02", "AES/GCM"), ("22", "RSA-OAEP-SHA1")];

/// Bits of the tag.
pub const TAG_BITS: &str = "128";

/// The data keys, of which an object has one.
pub const KEYS: [&str; 3] = [KEY_V1, KEY_V2, KEY_V3];
/// What stands beside `x-amz-key` and `x-amz-key-v2`.
pub const OLDER: [&str; 5] = [IV, CEK_ALG, WRAP_ALG, TAG_LEN, MATDESC];
/// What stands beside `x-amz-3`, wherever that is.
pub const BESIDE_KEY_V3: [&str; 3] = [WRAP_V3, CONTEXT_V3, MATDESC_V3];
/// What stands in the metadata in version 3 even if there is an instruction file.
pub const OF_CONTENT_V3: [&str; 3] = [CONTENT_V3, COMMITMENT_V3, MESSAGE_ID_V3];

/// The known name that is equal to a text; the plaintext's length is none, since it may stand anywhere.
pub fn known(text: &str) -> Option<&'static str> {
    let all = KEYS.iter().chain(&OLDER).chain(&BESIDE_KEY_V3);
    all.chain(&OF_CONTENT_V3)
        .copied()
        .find(|name| *name == text)
}
