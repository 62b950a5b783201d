//! The running autoscaler: observe, decide, act, again and again.
//!
//! ```text
//!            orders (signals)       source (the file, read anew when it changes)
//!                  │                   │
//! lead ─ follows ──┴─▶ scaler ◀────────┘        a follower asks for nothing but the lease
//!   └─── leads ──▶ cloud.observe ──▶ decide ──▶ lead.keep(memory) ──▶ cloud.act
//!                                      └─▶ log, emf
//! ```
//!
//! Nothing is done unless this copy's lease, with the memory of what is about to be done in it, was written in the
//! same poll and is not over: a leader that is cut off from S3 stops, and the next one knows what was begun.

mod aws;
mod beside;
mod cloud;
mod emf;
mod lead;
mod log;
mod orders;
mod pulse;
mod scaler;
mod signals;
mod source;
pub mod stored;

pub use aws::Aws;
pub use cloud::{Cloud, Later, Observed, Outcome};
pub use lead::{Clock, LEASE, Lead, takeover};
pub use log::{Format, Level, Log};
pub use orders::{Order, Orders};
pub use scaler::{Parts, Scaler};
pub use signals::Signals;
pub use source::{File, Fresh, Source};
