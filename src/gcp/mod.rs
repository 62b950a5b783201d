//! Google Cloud KMS, for yaml_vault's `gcp-kms` values: two calls (kms), a token for them from a
//! service-account file or the metadata server (token, account), and the same network as AWS's clients.

mod account;
mod kms;
mod token;

pub use kms::{CloudKms, GoogleKms};
