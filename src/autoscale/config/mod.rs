//! ecs_auto_scaler's YAML file: read strictly, and every problem told at once.
//!
//! How it is loaded: `crate::config` makes the text a tree, `reader` reads its keys, and `load` the
//! root, bringing the old form into the new one; `group`, `service`, `entry` (schedules) and `scalar`
//! read the rest against the keys of `schema`. The result is `model`, in which nothing is optional that
//! a decision needs.

mod entry;
mod group;
mod load;
mod model;
mod reader;
mod scalar;
pub mod schema;
mod service;

pub use load::{Loaded, load};
pub use model::{
    Busy, Capacity, Config, DeployLock, Direction, Doubt, Fallback, Group, InsufficientData,
    LevelTimer, Levels, Queue, Rate, RateLimit, Removal, Schedules, Service, Trigger,
};
pub(super) use reader::Reader;
