//! `entryctl autoscale`: task counts and EC2 nodes from CloudWatch alarms, as ecs_auto_scaler has them.
//!
//! ```text
//! config::load(text) ──▶ Config ─┐
//! what AWS answers ──▶ Snapshot ─┼─▶ decide(config, snapshot, memory, now) ──▶ Decision
//!        memory of the last poll ┘      services: triggers → bounds → levels → pace → capacity
//!                                       groups:   need → scale out, or choose → drain → end
//!   actions, each with its reason ◀──── Decision ────▶ memory of the next poll
//! ```
//!
//! All of this is a function of its arguments: no clock, no network, no file. A wait is a state of
//! the memory, never a pause; whatever was lost on the way (a reply, the memory itself) is found again
//! in the next snapshot. `simulate` runs `decide` against a small model of ECS, `run` against AWS.

pub mod act;
pub mod config;
pub mod decide;
mod id;
pub mod observe;
pub mod policy;
pub mod run;
pub mod schedule;
pub mod simulate;
pub mod spot;

pub use id::{AlarmId, AlarmState, ClusterId, GroupId, GroupKind, Region, ServiceId};
