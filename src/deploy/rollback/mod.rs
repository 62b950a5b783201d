//! Which revision a service goes back to, chosen by what was deployed, never by revision numbers: a revision that
//! was only registered never ran, and the next lower number may be what was rolled back from.
//!
//! ```text
//! History of each service ─▶ choose ─▶ Choice (back) ─┐
//! rules of the cluster (facts) ───────────────────────┴▶ Plan (back), which a deploy's apply carries out
//! proven ─▶ what still refers to the bad revision (facts) ─▶ retire ─▶ deregistered
//! ```

mod back;
mod choose;
mod facts;

pub use back::{Back, Choice, and_there, choice, moves, plan};
pub use choose::{Refusal, choose, retire};
pub use facts::{of_the_same_commit, referred, retired, rules};

/// A deployment that ended, or that goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// ARN of the task definition that it brought.
    pub definition: String,
    /// Commit, where image or tags tell it.
    pub sha: Option<String>,
    pub ended: Ended,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It served.
    Good,
    /// It failed, was stopped, or was rolled back by ECS.
    Bad,
    InProgress,
}

/// What to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// What served before what is there now.
    LastGood,
    /// As many such steps.
    Steps(usize),
    /// A revision's number, `family:number` or ARN.
    Revision(String),
    /// The beginning of a commit.
    Sha(String),
}
