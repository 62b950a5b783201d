//! `entry`, the container entrypoint of a Rails team, and `entryctl`, its operator's tool.

pub mod cli;
pub mod config;
pub mod stop;
pub mod vault;
pub mod yaml;

pub mod sys;
