//! `entryctl deploy`: what the files say against what runs, and whether a deployment came to what it should.
//!
//! ```text
//! deploy.yml, deploy.production.yml, definitions (config) ─┐
//! DescribeTaskDefinition, DescribeServices (observe) ───────┴▶ Plan (plan) ─▶ shown, or applied
//! DescribeServices, events, stopped tasks ──▶ Observation ─▶ verdict, with what was seen before (verdict)
//! Plan ─▶ lock, register, before, waves, after (apply) ─▶ each wave proven (wait) ─▶ said as events (report)
//! deployment history ──▶ which revision to go back to (rollback)
//! RunTask, DescribeTasks ──▶ a task that runs once, its output and its exit code (oneoff, logs)
//! ```
//!
//! All but `observe`, `apply`, `wait`, `oneoff`, `logs`, `image::find`, `verify::gather` and `init::observe` is pure: no
//! call, no clock. A definition stays the JSON that AWS will get, so that a field that AWS adds tomorrow passes through.

pub mod apply;
pub mod config;
pub mod guard;
pub mod history;
pub mod image;
pub mod init;
pub mod logs;
pub mod observe;
pub mod oneoff;
pub mod plan;
pub mod report;
pub mod rollback;
pub mod scale;
pub mod schedules;
pub mod tasks;
pub mod verdict;
pub mod verify;
pub mod wait;
