//! The kernel's side of things: the only module with `unsafe`, each block with its reason.
#![allow(unsafe_code)]

pub mod cgroup;
pub mod child;
pub mod environment;
pub mod exec;
pub mod hold;
pub mod libyaml;
pub mod limits;
pub mod lock;
pub mod memory;
pub mod name;
pub mod process;
pub mod procfs;
pub mod signal;
pub mod stderr;
pub mod terminal;
