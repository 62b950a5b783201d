//! Days of alarms in milliseconds: a file's decisions on a trace, against a model of ECS.
//!
//! `trace` reads what happened, `world` is the model, `timeline` is what came of it; `table` and `chart`
//! show that. The decisions are those of `decide`, and nothing else decides.

mod chart;
mod life;
mod run;
mod svg;
mod table;
mod timeline;
mod trace;
pub mod world;

pub use chart::chart;
pub use run::simulate;
pub use table::table;
pub use timeline::{Event, GroupLine, Line, ServiceLine, Timeline};
pub use trace::{Change, GroupStart, Trace, load};
