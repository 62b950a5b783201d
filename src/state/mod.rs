//! What operators' commands share through S3: who may act just now (leases), and who did what (audit).
//!
//! ```text
//! s3://bucket/prefix (place) ┬ locks/NAME.json   one Record: holder, until when, what it keeps (lease, hold)
//!                            └ audit/TIME-ID.json  one for each call that changes something (audit)
//! ```
//!
//! S3 writes an object only if it is what was read before (`If-None-Match`, `If-Match`): of two writers one gets a
//! conflict. <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html>

mod audit;
mod hold;
mod lease;
mod place;

pub use audit::{Audit, Entry};
pub use hold::{Held, Hold, Lost, read};
pub use lease::{Record, SKEW, Step, acquire};
pub use place::Place;
