//! The AWS layer against moto and against faults, each call in a process of its own.

mod credentials;
mod gcp;
mod kms;
pub mod probe;
mod query;
mod s3;
mod secrets_manager;
mod ssm;
pub mod store;
mod tls;
