//! YAML. Values are replaced in place, so that comments and order stay as sops wrote them; a decrypted file
//! is read again before it is given away.

mod comments;
mod cut;
mod read;
mod resolve;
mod style;
mod write;

pub(super) use read::read;
pub(super) use write::write;
