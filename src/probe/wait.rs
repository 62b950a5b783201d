//! Waiting until a server is there.

use super::ask::{accepts, answers};
use super::{Address, HttpTarget};
use std::path::Path;
use std::time::Duration;

/// The sign that is waited for.
pub enum Sought<'a> {
    Tcp(&'a Address),
    Http(&'a HttpTarget),
    File(&'a Path),
}

/// Between two looks: short beside what a server's boot takes, long beside what a look costs.
const BETWEEN: Duration = Duration::from_millis(50);
/// For one look; a server that is overwhelmed by its own boot gets another.
const LOOK: Duration = Duration::from_secs(5);

/// Looks until the sign is there, however long that takes; zero, the exit code of a process that does just
/// this.
pub fn wait(sought: &Sought) -> u8 {
    let is_there = || match sought {
        Sought::Tcp(address) => accepts(address, LOOK).is_ok(),
        Sought::Http(page) => answers(page, LOOK).is_ok(),
        Sought::File(path) => path.exists(),
    };
    while !is_there() {
        std::thread::sleep(BETWEEN);
    }
    0
}
