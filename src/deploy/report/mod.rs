//! What a deploy says while it runs: events, told as lines, as JSON, or on a terminal with a live view below.

mod event;
mod json;
mod lines;
mod live;

pub use event::{Change, Event, When};
pub use json::Json;
pub use lines::{Lines, line};
pub use live::Live;

/// Takes events, in their order. What cannot be written is not written: a deploy does not end for want of a reader.
pub trait Report {
    fn tell(&self, event: &Event);

    /// Time goes on without an event.
    fn tick(&self) {}
}
