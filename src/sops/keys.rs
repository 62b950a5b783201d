//! Where the data key's parts can be had, and how they make the key. Getting a part from KMS is the caller's.

use super::error::SopsError;
use super::gcm::KEY_LEN;
use super::shamir;
use zeroize::Zeroizing;

/// The key that all of a file's values are encrypted with, or a part of it.
pub type DataKey = Zeroizing<Vec<u8>>;

/// Keys of which any one gives the group's part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// Those that can be used here, in the order to try them.
    pub sources: Vec<KeySource>,
    /// The metadata's names of other kinds of keys that are there too.
    pub unsupported: Vec<&'static str>,
}

/// One encrypted copy of a group's part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    Age(AgeSource),
    Kms(KmsSource),
}

/// Encrypted for an age recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgeSource {
    /// `age1…`; empty where the file does not tell.
    pub recipient: String,
    /// The age file in its armor.
    pub armored: String,
}

/// Encrypted by AWS KMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KmsSource {
    pub arn: String,
    /// The ARN's own.
    pub region: String,
    /// To be assumed first.
    pub role: Option<String>,
    /// Whose credentials to take.
    pub profile: Option<String>,
    /// What KMS must be told again, sorted by name.
    pub context: Vec<(String, String)>,
    pub ciphertext: Vec<u8>,
}

/// The data key out of the parts of some groups: any one group's, or `threshold` of several groups'.
pub(super) fn combine(
    groups: usize,
    threshold: usize,
    parts: &[DataKey],
) -> Result<DataKey, SopsError> {
    let failed = |reason: String| SopsError::Parts(reason);
    if parts.len() < threshold {
        return Err(failed(format!(
            "{threshold} groups' parts are needed, but {} are there",
            parts.len()
        )));
    }
    let key = match parts {
        [key] if groups == 1 => key.clone(),
        parts if groups > 1 => {
            shamir::combine(parts).ok_or_else(|| failed("the parts do not fit together".into()))?
        }
        _ => return Err(failed("there is one group, but not one part".into())),
    };
    if key.len() == KEY_LEN {
        Ok(key)
    } else {
        Err(failed(format!("it has {} bytes, not {KEY_LEN}", key.len())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(length: usize, last: u8) -> DataKey {
        let mut bytes = vec![9; length];
        bytes.push(last);
        Zeroizing::new(bytes)
    }

    #[test]
    fn one_group_or_enough_groups() {
        let key = part(31, 9);
        assert_eq!(combine(1, 1, std::slice::from_ref(&key)).unwrap(), key);
        assert!(combine(1, 1, &[]).is_err());
        assert!(combine(1, 1, &[key.clone(), key.clone()]).is_err());
        assert!(combine(1, 1, &[part(32, 1)]).is_err());
        assert_eq!(
            *combine(3, 2, &[part(32, 1), part(32, 2)]).unwrap(),
            [9; 32]
        );
        assert_eq!(
            combine(3, 2, &[part(32, 1)]).unwrap_err().to_string(),
            "its data key cannot be put together: 2 groups' parts are needed, but 1 are there"
        );
        assert!(combine(2, 2, &[part(32, 1), part(32, 1)]).is_err());
        assert!(combine(2, 2, &[part(30, 1), part(30, 2)]).is_err());
    }
}
