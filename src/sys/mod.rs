//! The kernel's side of things: the only module with `unsafe`, each block with its reason.
#![allow(unsafe_code)]

pub mod libyaml;
pub mod signal;
