//! Client-side encrypted S3 objects: the envelopes of the AWS encryption clients V1, V2 and V3, wrapped by KMS.
//!
//! ```text
//! metadata, instruction file ─▶ Envelope::read ─▶ wrapped key and context, for kms:Decrypt
//!                   data key, body ─▶ open ─▶ plaintext, after commitment and tag
//! Sealer::new ─▶ context, for kms:GenerateDataKey; data key, plaintext ─▶ seal ─▶ metadata, body, file
//! ```
//!
//! Pure: no I/O, no clock; random bytes are handed in.

mod cipher;
mod commitment;
mod context;
mod error;
mod members;
mod names;
mod open;
mod read;
mod seal;
mod text_map;

#[cfg(test)]
mod tests;

pub use error::{Problem, ReadError};
pub use members::needs_instruction_file;
pub use open::OpenError;
pub use read::{Envelope, Policy};
pub use seal::{Format, Place, SealError, Sealed, Sealer};

/// What the clients append to an object's key for its instruction file.
pub const INSTRUCTION_SUFFIX: &str = ".instruction";

/// More than KMS and S3 let into an envelope; a caller needs to fetch no more.
pub const MAX_INSTRUCTION_FILE: usize = 64 * 1024;
