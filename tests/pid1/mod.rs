//! entry as an init: codes, signals, orphans, descriptors, terminals.

mod early;
mod exits;
mod inheritance;
mod processes;
mod signals;
mod stopping;

use crate::support::Entry;

/// Both ways to run: as a subreaper and as PID 1.
pub fn both() -> [fn() -> Entry; 2] {
    [Entry::new, Entry::pid1]
}
