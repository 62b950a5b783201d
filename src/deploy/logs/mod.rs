//! What tasks write, as `CloudWatch` Logs has it.
//!
//! ```text
//! definition's logConfiguration, task ─▶ Stream (stream)
//! one container, every line, from the first: GetLogEvents, page by page (tail)
//! many tasks by time: FilterLogEvents for each group and prefix (follow), put together (merge), told whose each
//!   line is (book), on and on (read)
//! a line for a terminal (show)
//! ```
//!
//! A container's driver sends its lines in bundles, and AWS shows them some seconds later: that a container
//! has ended does not say that all of its lines are there.

mod book;
mod follow;
mod merge;
mod read;
mod show;
mod stream;
mod tail;

pub use book::{Book, Label, Wanted};
pub use follow::{Scope, scopes};
pub use read::{Read, read};
pub use show::for_terminal;
pub use stream::{Stream, stream};
pub use tail::{Tail, last_lines};

use crate::aws::Call;
use std::rc::Rc;
use std::time::Duration;

/// The calls of a region, by its name; an empty one is the command's own.
pub type CallsIn<'c> = &'c dyn Fn(&str) -> Rc<dyn Call + 'c>;

/// One call with its retries.
pub(super) const CALL: Duration = Duration::from_secs(30);
