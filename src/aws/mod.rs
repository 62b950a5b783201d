//! AWS for a boot that must be quick, bounded and clear when it fails: one file a service, each a small
//! trait in our own types and its SDK implementation. The SDK is named nowhere else in this crate.
//!
//! ```text
//! Clients::load   region (region, task), credentials (credentials), endpoints, retries off in the SDK
//!   Kms, S3       one attempt is one SDK call (kms, s3, sts); what failed and why (error, classify)
//!   Ssm, SecretsManager   the same without an SDK crate of their own (protocol): our JSON (json), signed (call,
//!                 endpoint)
//!   Calls         any operation of services that only operators call (calls), for Ecs and others; some of
//!                 them take forms and answer in XML (query, xml)
//!     retry       attempts with jitter, until the caller's deadline
//!   plain         no signature: for other clouds, over the same connector
//!       web       one connector for all: DNS in Rust (dns), TLS roots (roots), proxies
//! ```

mod application_auto_scaling;
mod auto_scaling;
mod call;
mod calls;
mod classify;
mod clients;
mod cloudwatch;
mod counters;
mod credentials;
mod decrypt_all;
mod decrypt_under;
mod dns;
mod ec2;
mod ecr;
mod ecs;
mod ecs_nodes;
mod elb;
mod encrypt_all;
mod endpoint;
mod error;
mod events;
mod existence;
mod iam;
mod json;
mod kms;
mod logs;
mod plain;
mod protocol;
mod query;
mod region;
mod retry;
mod revisions;
mod roots;
mod s3;
mod secrets_manager;
mod secrets_reply;
mod sqs;
mod ssm;
mod sts;
mod task;
mod web;
mod xml;

pub use application_auto_scaling::scalable;
pub use auto_scaling::AutoScaling;
pub use calls::{Call, Calls};
pub use clients::{Clients, Settings, StaticKeys};
pub use cloudwatch::CloudWatch;
pub use counters::{Counters, Counts};
pub use decrypt_all::decrypt_all;
pub use decrypt_under::Wrapped;
pub use ec2::Ec2;
pub use ecr::{Ecr, ImageId, Repository, Tagged};
pub use ecs::{Ecs, Write};
pub use elb::{Elb, TargetGroup, TargetHealth};
pub use encrypt_all::encrypt_all;
pub use endpoint::Service;
pub use error::{AwsError, Kind};
pub use events::{Events, Rule, RuleWrite};
pub use existence::Existence;
pub use iam::{Decision, Iam, Role};
pub use kms::{Ciphertext, DataKey, DataKeys, Encrypted, Kms};
pub use logs::{LogEvent, LogPage, Logs, TimePage};
pub use protocol::{Api, Protocol};
pub use s3::{CustomerKey, Get, ObjectInfo, OnlyIf, Put, S3, Sink};
pub use secrets_manager::{SecretId, SecretValue, SecretsManager, Version};
pub use sqs::{Message, Sqs};
pub use ssm::{Parameter, Ssm};

// The network for other clouds.
pub(crate) use error::one_line;
pub(crate) use plain::{Answer, Ask, Plain};
pub(crate) use retry::call as retried;
pub(crate) use web::{reaches, variable};

use std::future::Future;
use std::pin::Pin;

/// What a service's trait returns: a future of one thread.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, AwsError>> + 'a>>;

/// Batches under way at once: a whole fleet that starts shares 40 calls a second of Parameter Store.
const IN_FLIGHT: usize = 5;

/// The runtime that everything here runs on: this thread, and no other.
pub fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
}
