//! What a mode's `stop:` key says, and the plan that it means for a server.
//!
//! Pure: the plan is data, with its length known before anything is signalled.

mod plan;
mod presets;
mod spec;

pub use plan::{Plan, Send, StopTimeout};
pub use presets::{Preset, Target};
pub use spec::{Spec, Step};
