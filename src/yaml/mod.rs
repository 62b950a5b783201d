//! YAML with places: events that know their bytes in the source, for error messages and for splicing.

mod events;

pub use crate::sys::libyaml::{RawEvent, Style};
pub use events::{Event, Place, SyntaxError, events};
