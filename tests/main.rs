//! Everything that runs the real binaries, in one test binary.

// A test that cannot go on says so by ending.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod autoscale;
mod aws;
mod boot;
mod cli;
mod config;
mod deploy;
mod docs;
mod entrykit;
mod envelope;
mod fuzz;
mod image;
mod live;
mod pid1;
mod servers;
mod sops;
mod state;
mod support;
mod vault;
