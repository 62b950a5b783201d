//! What an object's envelope says: which key KMS is asked for, and how the body is to be opened.

use super::context::{self, Context};
use super::error::{Problem, ReadError};
use super::members::Members;
use super::names::{
    CBC, CEK_ALG, COMMITMENT_V3, COMMITTING_GCM, CONTENT_V3, CONTEXT_CEK_ALG, CONTEXT_V3, GCM, IV,
    KEY_V1, KEY_V2, KEY_V3, KMS, KMS_CONTEXT, KMS_CONTEXT_V3, MATDESC, MESSAGE_ID_V3, OUTSIDE_KMS,
    OUTSIDE_KMS_V3, TAG_BITS, TAG_LEN, WRAP_ALG, WRAP_V3,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;

/// What KMS takes at most.
const MAX_WRAPPED_KEY: usize = 6144;

/// What a caller accepts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Objects of V1 clients, too, although nothing protects some of them against changes.
    pub legacy: bool,
    /// The encryption context that was given when the object was written, without what the clients add.
    pub context: BTreeMap<String, String>,
}

/// An envelope that may be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    wrapped_key: Vec<u8>,
    context: Vec<(String, String)>,
    pub(super) content: Content,
    /// Bytes of the plaintext, if the writer told.
    pub(super) plain_len: Option<u64>,
}

/// How the body is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Content {
    Cbc {
        iv: [u8; 16],
    },
    Gcm {
        iv: [u8; 12],
    },
    CommittingGcm {
        message_id: [u8; 28],
        commitment: [u8; 28],
    },
}

impl Envelope {
    /// Reads the envelope from an object's user metadata (names without `x-amz-meta-`), or from its
    /// instruction file where `needs_instruction_file` says so.
    pub fn read(
        metadata: &BTreeMap<String, String>,
        instruction_file: Option<&[u8]>,
        policy: &Policy,
    ) -> Result<Envelope, ReadError> {
        if policy.context.contains_key(CONTEXT_CEK_ALG) {
            return Err(ReadError::Reserved(CONTEXT_CEK_ALG));
        }
        let members = Members::gather(metadata, instruction_file)?;
        let (content, context) = match members.key {
            KEY_V3 => version_3(&members, &policy.context)?,
            KEY_V2 => version_2(&members, policy)?,
            _ => return Err(ReadError::OutsideKms(KEY_V1.to_owned())),
        };
        Ok(Envelope {
            wrapped_key: wrapped_key(&members)?,
            context: context::pairs(context),
            content,
            plain_len: members.plain_len()?,
        })
    }

    /// The data key as KMS encrypted it.
    pub fn wrapped_key(&self) -> &[u8] {
        &self.wrapped_key
    }

    /// The encryption context that KMS must be told with it.
    pub fn context(&self) -> &[(String, String)] {
        &self.context
    }
}

/// An envelope of the V2 clients, or of a V1 client whose master key is in KMS.
fn version_2(members: &Members, policy: &Policy) -> Result<(Content, Context), ReadError> {
    let wrap = match members.get(WRAP_ALG)? {
        KMS => KMS,
        KMS_CONTEXT => KMS_CONTEXT,
        other if OUTSIDE_KMS.contains(&other) => {
            return Err(ReadError::OutsideKms(other.to_owned()));
        }
        other => return Err(unknown(WRAP_ALG, other)),
    };
    let cipher = members.get(CEK_ALG)?;
    let name = [GCM].into_iter().chain(CBC).find(|name| *name == cipher);
    let name = name.ok_or_else(|| unknown(CEK_ALG, cipher))?;
    match (wrap, name) {
        (KMS_CONTEXT, GCM) => {}
        (KMS_CONTEXT, content) => return Err(ReadError::Combination { wrap, content }),
        (_, content) if !policy.legacy => return Err(ReadError::Legacy { wrap, content }),
        _ if !policy.context.is_empty() => return Err(ReadError::ContextOfLegacy),
        _ => {}
    }
    let context = context::parse(MATDESC, members.get(MATDESC)?)?;
    if wrap == KMS_CONTEXT {
        context::check(MATDESC, &context, &policy.context, (CEK_ALG, name))?;
    }
    let content = if name == GCM {
        only(members, TAG_LEN, TAG_BITS)?;
        Content::Gcm {
            iv: bytes(members, IV)?,
        }
    } else {
        // One client writes an empty one.
        match members.find(TAG_LEN) {
            None | Some("") => {}
            Some(_) => return Err(ReadError::Mixed(CEK_ALG, TAG_LEN)),
        }
        Content::Cbc {
            iv: bytes(members, IV)?,
        }
    };
    Ok((content, context))
}

fn version_3(members: &Members, given: &Context) -> Result<(Content, Context), ReadError> {
    match members.get(WRAP_V3)? {
        KMS_CONTEXT_V3 => {}
        other => {
            let outside = OUTSIDE_KMS_V3.iter().find(|(number, _)| *number == other);
            return Err(outside.map_or_else(
                || unknown(WRAP_V3, other),
                |(_, name)| ReadError::OutsideKms((*name).to_owned()),
            ));
        }
    }
    match members.get(CONTENT_V3)? {
        COMMITTING_GCM => {}
        other => return Err(unknown(CONTENT_V3, other)),
    }
    let context = context::parse(CONTEXT_V3, members.get(CONTEXT_V3)?)?;
    context::check(CONTEXT_V3, &context, given, (CONTENT_V3, COMMITTING_GCM))?;
    let content = Content::CommittingGcm {
        message_id: bytes(members, MESSAGE_ID_V3)?,
        commitment: bytes(members, COMMITMENT_V3)?,
    };
    Ok((content, context))
}

fn unknown(name: &'static str, value: &str) -> ReadError {
    ReadError::Algorithm {
        name,
        value: value.to_owned(),
    }
}

/// A member that can have one value only.
fn only(members: &Members, name: &'static str, want: &'static str) -> Result<(), ReadError> {
    let got = members.get(name)?;
    if got == want {
        return Ok(());
    }
    let got = got.to_owned();
    let problem = Problem::Value { got, want };
    Err(ReadError::Member { name, problem })
}

fn wrapped_key(members: &Members) -> Result<Vec<u8>, ReadError> {
    let key = decoded(members, members.key)?;
    if !key.is_empty() && key.len() <= MAX_WRAPPED_KEY {
        return Ok(key);
    }
    Err(ReadError::Member {
        name: members.key,
        problem: Problem::Size {
            got: key.len(),
            most: MAX_WRAPPED_KEY,
        },
    })
}

/// Exactly as many bytes as the format has.
fn bytes<const N: usize>(members: &Members, name: &'static str) -> Result<[u8; N], ReadError> {
    let decoded = decoded(members, name)?;
    let got = decoded.len();
    <[u8; N]>::try_from(decoded).map_err(|_| ReadError::Member {
        name,
        problem: Problem::Length { got, want: N },
    })
}

fn decoded(members: &Members, name: &'static str) -> Result<Vec<u8>, ReadError> {
    let text = members.get(name)?;
    let wrong = |_| ReadError::Member {
        name,
        problem: Problem::Base64,
    };
    STANDARD.decode(text).map_err(wrong)
}
