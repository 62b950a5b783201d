//! Asking a server of this container whether it is there. Blocks: never for PID 1 itself.

mod address;
mod ask;
mod exchange;
mod wait;

pub use address::{Address, HttpTarget};
pub use ask::{Unwell, accepts, answers};
pub use exchange::{Answer, Exchange, page_of};
pub use wait::{Sought, wait};
