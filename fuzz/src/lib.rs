//! What each target does with an input. The package's own tests run the kept corpus through the same bodies.

mod document;
mod envelope;
mod marshal;
mod message;
mod sops;

pub use document::document;
pub use envelope::envelope;
pub use marshal::marshal;
pub use message::message;
pub use sops::sops;
