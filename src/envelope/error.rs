//! Why an object's envelope is not read. Names and algorithms are told; keys and values of contexts are not.

use super::names;
use std::fmt;

/// Why there is no envelope that may be opened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// No data key anywhere.
    #[error(
        "it is not client-side encrypted: neither its metadata nor an instruction file holds a data key: \
         read it as a plain object, or check that its metadata was kept when it was copied"
    )]
    NotEncrypted,
    /// Part of it is there, but its data key is not.
    #[error(
        "its metadata has {0}, but its data key is missing with its instruction file: upload the object \
         again, or copy the instruction file to it"
    )]
    NoInstructionFile(&'static str),
    /// Two envelopes in one, which no client writes.
    #[error(
        "it has {0} and {1}, which do not belong together: somebody changed it; upload it again"
    )]
    Mixed(&'static str, &'static str),
    /// A member on the wrong side of an instruction file.
    #[error(
        "{name} stands in its {place}, where no client writes it: somebody changed it; upload it again"
    )]
    Misplaced {
        name: &'static str,
        place: &'static str,
    },
    /// A data key of a version that does not exist yet.
    #[error("its envelope is of an unknown version, {}: update entry", shown(.0))]
    UnknownVersion(String),
    /// A member is not there.
    #[error("its envelope has no {0}: upload it again")]
    Missing(&'static str),
    /// A member is not what it must be.
    #[error("its {name} {problem}: upload it again")]
    Member {
        name: &'static str,
        problem: Problem,
    },
    /// A cipher or wrapping that nobody has written yet.
    #[error("its {name} is {}, which is unknown: update entry, or upload it again with a V2 or V3 client", shown(.value))]
    Algorithm { name: &'static str, value: String },
    /// Both are known, but not together.
    #[error(
        "its {} is {wrap}, which no client uses with {content}: somebody changed it; upload it again",
        names::WRAP_ALG
    )]
    Combination {
        wrap: &'static str,
        content: &'static str,
    },
    /// Its master key is nowhere to be had.
    #[error(
        "its data key is wrapped by {0} under a master key outside KMS, which is not supported: upload it \
         again with a KMS key"
    )]
    OutsideKms(String),
    /// It can be read, but it is not protected as it should be.
    #[error(
        "it was written by a V1 client ({wrap}, {content}) and is not safe against changes: upload it again \
         with a V2 or V3 client, or set legacy to read it all the same"
    )]
    Legacy {
        wrap: &'static str,
        content: &'static str,
    },
    /// The caller's context is not the object's.
    #[error("its encryption context is not the one given: {0}")]
    Context(ContextDifference),
    /// A V1 client knows no context of the caller's.
    #[error(
        "a V1 client wrote it, which takes no encryption context from its caller: give none to read it"
    )]
    ContextOfLegacy,
    /// The name is the clients' own.
    #[error(
        "the encryption context may not hold {0}: the encryption clients set it themselves; leave it out"
    )]
    Reserved(&'static str),
    /// The file is no envelope.
    #[error("its instruction file {0}: upload the object again")]
    InstructionFile(Problem),
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    #[error("is not base64")]
    Base64,
    #[error("has {got} bytes, not {want}")]
    Length { got: usize, want: usize },
    #[error("has {got} bytes, not 1 to {most}")]
    Size { got: usize, most: usize },
    #[error("is not a JSON object of texts with each name once")]
    Json,
    #[error("is encoded by RFC 2047, as S3 does with what is not ASCII")]
    Rfc2047,
    #[error("has the unknown member {}", shown(.0))]
    UnknownMember(String),
    #[error("is {}, not {want}", shown(.got))]
    Value { got: String, want: &'static str },
    #[error("is {}, no number", shown(.0))]
    Number(String),
    #[error("has one value in its metadata and another in its instruction file")]
    TwoValues,
    #[error("names another cipher than {0}")]
    OtherCipher(&'static str),
}

/// Names of the context's members; their values may be telling.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContextDifference {
    /// In the object's only.
    pub not_given: Vec<String>,
    /// In the caller's only.
    pub not_there: Vec<String>,
    /// In both.
    pub different: Vec<String>,
}

impl fmt::Display for ContextDifference {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let parts = [
            (&self.not_given, "also give"),
            (&self.not_there, "do not give"),
            (&self.different, "give another value for"),
        ];
        let parts = parts.iter().filter(|(names, _)| !names.is_empty());
        let parts = parts.map(|(names, verb)| {
            let names: Vec<String> = names
                .iter()
                .take(MOST_NAMES)
                .map(|name| shown(name))
                .collect();
            format!("{verb} {}", names.join(", "))
        });
        f.write_str(&parts.collect::<Vec<String>>().join("; "))
    }
}

const MOST_NAMES: usize = 8;
const LONGEST: usize = 60;

/// A foreign word as part of a line of ours.
pub(super) fn shown(text: &str) -> String {
    let short: String = text.chars().take(LONGEST).collect();
    let more = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{more}")
}
