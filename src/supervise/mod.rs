//! PID 1: waits for signals, children and deadlines, asks the machine, and acts.
//!
//! `machine` decides for one app, `group` for codependent processes, and `stopping` holds a stop in progress,
//! all pure; `run` is the loop around them, and `app`, `processes` and `closing` carry out what they say.

mod app;
mod closing;
pub mod event;
pub mod group;
mod host;

pub mod lines;
pub mod machine;
pub mod message;
mod prefix;
mod processes;
mod relay;
pub mod run;
pub mod stopping;
mod successor;
mod targets;
