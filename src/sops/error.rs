//! What can be wrong with a sops file. No variant holds a value's text or a key; key paths are no secrets,
//! since sops leaves a file's keys in clear text.

use crate::yaml::Place;

/// Why a file cannot be read, or not be decrypted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SopsError {
    /// sops's sections are not read here.
    #[error("sops files of the format ini are not read here: use yaml, json or dotenv")]
    Ini,
    /// Another encoding, or no text at all.
    #[error("it is not UTF-8 at byte {0}: no sops file is")]
    NotUtf8(usize),
    /// Not the format it should have.
    #[error("{place}: it is not {format}: {problem}")]
    Syntax {
        place: Place,
        format: &'static str,
        problem: String,
    },
    /// The format is right, but not what sops writes in it.
    #[error("{place}: {problem}")]
    Shape { place: Place, problem: Shape },
    /// Nothing about keys in it.
    #[error(
        "it has no sops metadata: encrypt it with `sops encrypt`, or say its format if that is another one"
    )]
    NoMetadata,
    /// The metadata's member and what is wrong with it.
    #[error("the sops metadata's {member}: {problem}")]
    Metadata { member: String, problem: String },
    /// No key of a kind that is known here, for enough groups.
    #[error(
        "its data key is encrypted with {0} only, which is not supported here: add an age or AWS KMS key with `sops updatekeys`"
    )]
    UnsupportedKeys(String),
    /// The data key's parts are too few or do not fit.
    #[error("its data key cannot be put together: {0}")]
    Parts(String),
    /// A value, where it is and what is wrong with it.
    #[error("{place}: {path}: {problem}")]
    Value {
        path: String,
        place: Place,
        problem: ValueProblem,
    },
    /// The stored MAC itself cannot be read.
    #[error("the sops metadata's mac: {0}")]
    MacSeal(ValueProblem),
    /// Values are not those that were encrypted.
    #[error(
        "its MAC does not match: a value was changed, added, removed or moved after encryption without sops; take the last good version, or check the file and encrypt it again"
    )]
    Mac,
}

/// What a format allows and sops does not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Shape {
    /// A list or a scalar at the top.
    #[error("a mapping should begin here: sops encrypts mappings only")]
    Root,
    /// `1: x`, or a collection.
    #[error("a key that is not a string: sops writes none")]
    Key,
    /// Twice in one mapping.
    #[error("the key {0:?} stands here a second time: one of the two values would be lost")]
    Duplicate(String),
    /// sops writes what an alias stands for in its place.
    #[error("an alias: sops writes none, so put the value itself in its place")]
    Alias,
    /// Nesting.
    #[error("collections are nested too deeply")]
    TooDeep,
    /// Long keys above many values.
    #[error("its key paths are too long to be hashed in time")]
    TooLong,
    /// The documents of one file.
    #[error(
        "a document without the sops metadata of the first one: the file was cut, or put together"
    )]
    OtherMetadata,
    /// No `=`.
    #[error("a line that is neither KEY=VALUE nor a comment")]
    Line,
    /// Not what `sops encrypt` makes of a binary file.
    #[error(
        "a sops file of the format binary holds `data` and `sops` only: say its format if it is another one"
    )]
    NotBinary,
}

/// What is wrong with one value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValueProblem {
    /// Clear text where the file's rule wants none.
    #[error(
        "it is in clear text, but the file's rule says that it is encrypted: encrypt the file again"
    )]
    NotEncrypted,
    /// `ENC[`, and then something else.
    #[error("it is not what sops writes for an encrypted value: it was cut or changed")]
    Seal,
    /// The tag does not match.
    #[error(
        "it cannot be decrypted: the value or its key was changed or moved, or the data key is another one"
    )]
    Forged,
    /// A type of a newer sops.
    #[error("its type is unknown here")]
    UnknownType,
    /// `type:int` around what is no number.
    #[error("what was decrypted is not of the type {0}")]
    Type(&'static str),
    /// A clear scalar that go-yaml does not read either.
    #[error("its tag does not fit its text")]
    Tag,
    /// 64 bits are too few.
    #[error("the number is too large for sops")]
    TooLarge,
    /// Nothing reads back as the same value in that place.
    #[error("its value cannot be written in this place of the file")]
    Unwritable,
}
