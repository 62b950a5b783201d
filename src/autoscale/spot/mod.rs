//! Spot instances that AWS wants back: messages from SQS, and what is done at once.
//!
//! ```text
//! one long poll ──▶ notice(message) ──▶ what_to_do(notice, config, snapshot) ──▶ drain, replace
//!      ◀── deleted, unless it is to be looked at again: a bad one never blocks the others
//! ```

mod message;
mod respond;
mod verdict;

pub use message::{Notice, Warned, notice};
pub use respond::{Report, turn};
pub use verdict::{Step, Verdict, what_to_do};
