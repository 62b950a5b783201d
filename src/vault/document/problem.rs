//! What went wrong with single scalars: all of them together, each with key path and place.

use super::super::simple::MessageError;
use crate::yaml::Place;
use std::fmt;

/// Why a scalar cannot be decrypted, encrypted or written. No variant holds any of its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// ERB inside.
    #[error(
        "the value holds ERB, which is not run here: take it out of the value, or the value out of the key paths"
    )]
    Erb,
    /// The cryptor's own words.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// The gem leaves later values in clear text.
    #[error(
        "it is not an encrypted message; the gem loses its way after the key at {0}, which is no scalar, and leaves later values in clear text"
    )]
    AfterComplexKey(Place),
    /// Another cryptor's words.
    #[error("{0}")]
    Cryptor(String),
    /// Another value's failure is this one's, too, so that it was not tried.
    #[error("not tried")]
    NotTried,
    /// No way of writing the value here reads back as the same value.
    #[error("its value cannot be written in this place of the file")]
    Unwritable,
    /// Aliases of aliases of aliases.
    #[error("its aliases and merge keys unfold to too many values")]
    TooManyAliases,
    /// The gem's reader would leave later values alone.
    #[error(
        "a mapping's key that is a collection or an alias makes the gem's reader skip the values after it: use a scalar key"
    )]
    ComplexKey,
    /// Nobody could restore the tag.
    #[error("the tag {0} would be lost: only `!local` and `!!standard` tags survive encryption")]
    Tag(String),
}

/// A scalar, its place and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The scalar's key path.
    pub path: String,
    /// Where it begins.
    pub place: Place,
    /// What is wrong.
    pub reason: Reason,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.place, self.path, self.reason)
    }
}

/// At least one problem; Display has a line for each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    pub(super) fn none_or<T>(problems: Vec<Problem>, value: T) -> Result<T, Problems> {
        if problems.is_empty() {
            Ok(value)
        } else {
            Err(Problems(problems))
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, problem) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
