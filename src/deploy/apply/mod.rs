//! Carries a plan out: `entryctl deploy`.
//!
//! ```text
//! lock (lock) ─▶ plan ─▶ register what changed ─▶ before ─▶ wave by wave: update, wait ─▶ after ─▶ unlock   (run)
//!                        │                        │          │ services, what goes back (services, back)
//!                        └────────────────────────┴──────────┴▶ every change is one call of Writer (writer)
//! ```
//!
//! Nothing of a deploy is kept but what AWS has: killed anywhere, the same command again observes how far it came.
//! A revision that was registered is found and used, a deployment that goes on is waited for, and a one-off task
//! that has run is known by its record at ECS. Only that `after` is still owed, when all services are there already,
//! no answer of AWS tells: the lock's record does.

mod back;
mod lock;
mod on_ecs;
mod one_offs;
mod rules;
mod run;
mod scope;
mod services;
mod through;
mod writer;

pub use lock::{Kept, Lock, Who};
pub use on_ecs::OnEcs;
pub use one_offs::{Ended, LogTail, OneOffs, Request, Tail};
pub use run::{Deploy, Done, Options, Planner, Planning, code};
pub use scope::{forced, only};
pub use through::Through;
pub use writer::{Changes, Writer};
