//! PID 1: waits for signals, children and deadlines, asks the machine, and acts.
//!
//! `machine` decides and `stopping` holds a stop in progress, both pure; `run` is the loop around them.

pub mod event;

pub mod lines;
pub mod machine;
pub mod message;
pub mod run;
pub mod stopping;
mod targets;
