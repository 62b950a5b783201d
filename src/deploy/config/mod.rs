//! `deploy.yml`: read strictly where the keys are ours, and passed through where they are AWS's.
//!
//! How it is loaded: `crate::config` makes each file a tree. `names` gives the keys of definitions AWS's own
//! names, so that files in either spelling can be laid over each other (`layers`): `deploy.yml`, over it
//! `deploy.ENV.yml`, under a definition the `file` that it names. `load` reads our keys against `schema`, and
//! `json` makes a definition the JSON that AWS gets, with variables filled in. The result is `model`.

mod definition;
pub mod fields;
mod json;
mod layers;
mod load;
mod model;
pub mod names;
mod scheduled;
pub mod schema;
mod source;

pub use layers::Files;
pub use load::{Loaded, load};
pub use model::{Config, OneOff, Run, ScheduledTask, Service, Task, TaskOf};
pub use source::open;
