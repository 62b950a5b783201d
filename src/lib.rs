//! `entry`, the container entrypoint of a Rails team, and `entryctl`, its operator's tool.

pub mod sys;
pub mod vault;
pub mod yaml;
