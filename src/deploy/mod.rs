//! `entryctl deploy`: what the files say against what runs, and whether a deployment came to what it should.
//!
//! ```text
//! deploy.yml, deploy.production.yml, definitions (config) ─┐
//! DescribeTaskDefinition, DescribeServices (observe) ───────┴▶ Plan (plan) ─▶ shown, or applied
//! DescribeServices, events, stopped tasks ──▶ Observation ─▶ verdict, with what was seen before (verdict)
//! deployment history ──▶ which revision to go back to (rollback)
//! ```
//!
//! All but `observe`, `image::find`, `verify::gather` and `init::observe` is pure: no call, no clock. A definition stays the JSON that AWS will get, so that a field that AWS
//! adds tomorrow passes through.

pub mod config;
pub mod image;
pub mod init;
pub mod observe;
pub mod plan;
pub mod rollback;
pub mod verdict;
pub mod verify;
