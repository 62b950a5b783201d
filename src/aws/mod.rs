//! AWS for a boot that must be quick, bounded and clear when it fails: one file a service, each a small
//! trait in our own types and its SDK implementation. The SDK is named nowhere else in this crate.
//!
//! ```text
//! Clients::load   region (region, task), credentials (credentials), endpoints, retries off in the SDK
//!   Kms, S3       one attempt is one SDK call (kms, s3); what failed and why (error, classify)
//!     retry       attempts with jitter, until the caller's deadline
//!       web       one connector for all: DNS in Rust (dns), TLS roots (roots), proxies
//! ```

mod classify;
mod clients;
mod counters;
mod credentials;
mod decrypt_all;
mod dns;
mod error;
mod kms;
mod region;
mod retry;
mod roots;
mod s3;
mod task;
mod web;

pub use clients::{Clients, Settings, StaticKeys};
pub use counters::{Counters, Counts};
pub use decrypt_all::decrypt_all;
pub use error::{AwsError, Kind};
pub use kms::{Ciphertext, DataKey, DataKeys, Kms};
pub use s3::{CustomerKey, Get, ObjectInfo, Put, S3, Sink};

use std::future::Future;
use std::pin::Pin;

/// What a service's trait returns: a future of one thread.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, AwsError>> + 'a>>;

/// The runtime that everything here runs on: this thread, and no other.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
}
