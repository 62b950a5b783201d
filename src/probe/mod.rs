//! Asking a server of this container whether it is there.

mod address;

pub use address::{Address, HttpTarget};
