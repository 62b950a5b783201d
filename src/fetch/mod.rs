//! What `entry` at boot and `entryctl` fetch in the same way.

pub mod object;
pub mod sops;
