//! What was written under `stop:`, checked but not yet filled in from the preset.

use super::{Preset, Target};
use crate::sys::signal::Sig;
use std::time::Duration;

/// A mode's `stop:`; what is `None` comes from the preset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    pub preset: Preset,
    /// Keep serving for so long before the first signal, while the load balancer turns away.
    pub drain: Option<Duration>,
    /// How long the first, graceful signal may take before the next one or KILL.
    pub grace: Option<Duration>,
    /// The signals that start the stop.
    pub on: Option<Vec<Sig>>,
    /// How long a stop is put off while the command may still end by itself (a migration).
    pub defer: Option<Duration>,
    /// In place of the preset's steps; never empty, and never without a signal.
    pub steps: Option<Vec<Step>>,
}

/// One step of a written plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Signal { signal: Sig, to: Target },
    Wait(Duration),
}
