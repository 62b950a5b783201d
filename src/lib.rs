//! `entry`, the container entrypoint of a Rails team, and `entryctl`, its operator's tool.
//!
//! ```text
//! PID 1 (start, supervise)            boot process (boot)
//! hold every signal, fork ──────────▶ command line, modes/web.yml      (config)
//!   ◀── plan, over a pipe ─────────── decrypt secrets                  (vault)
//! wait: signals, children, deadlines  publish files, drop privileges
//! TERM → the mode's stop plan (stop)  execve: this process is the app
//! reap every orphan, exit as the app did
//! ```
//!
//! An import points only downwards in the list below.

mod start;
pub use start::start;

pub mod autoscale;
pub mod boot;
pub mod check;
pub mod deploy;
pub mod iam;
pub mod supervise;

pub mod cli;
pub mod config;
pub mod fetch;
pub mod state;

pub mod envelope;
pub mod render;
pub mod sops;
pub mod stop;
pub mod vault;
pub mod yaml;

pub mod ecs;
pub mod gcp;
pub mod probe;
pub mod program;

pub mod aws;

pub mod exit;
pub mod report;
pub mod sys;
