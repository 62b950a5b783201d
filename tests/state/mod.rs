//! Leases and the audit: one holder at a time, whatever happens to calls, clocks and processes.

mod audit;
mod hold;
pub mod moto;
