//! The servers whose stops we know. Each one's total stays under 28 s, within ECS's default
//! `stopTimeout` of 30 s.

use super::Send;
use crate::sys::signal::Sig;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Who gets a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Target {
    /// The server's own process: a master drains its workers itself.
    #[default]
    Main,
    /// The server's process group.
    Group,
}

/// A server whose stop we know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Preset {
    #[default]
    Plain,
    Unicorn,
    Puma,
    Sidekiq,
    Resque,
    DelayedJob,
    SolidQueue,
    GoodJob,
    Shoryuken,
    Thruster,
    Nginx,
}

impl Preset {
    /// Every preset, under the name that a mode file uses.
    pub const ALL: [(&'static str, Preset); 11] = [
        ("plain", Preset::Plain),
        ("unicorn", Preset::Unicorn),
        ("puma", Preset::Puma),
        ("sidekiq", Preset::Sidekiq),
        ("resque", Preset::Resque),
        ("delayed_job", Preset::DelayedJob),
        ("solid_queue", Preset::SolidQueue),
        ("good_job", Preset::GoodJob),
        ("shoryuken", Preset::Shoryuken),
        ("thruster", Preset::Thruster),
        ("nginx", Preset::Nginx),
    ];

    /// The preset of this name.
    pub fn from_name(name: &str) -> Option<Preset> {
        Preset::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, preset)| *preset)
    }
}

/// What a preset says where the mode's file is silent.
pub(super) struct Defaults {
    pub on: &'static [Sig],
    /// Only this server catches it, so its handler tells that the server has set its traps.
    pub ready: Option<Sig>,
    pub drain: Duration,
    pub sends: Vec<Send>,
    /// The plan translates the signal that asks for the stop.
    pub translates: bool,
}

const ANY_STOP: &[Sig] = &[Sig::TERM, Sig::INT, Sig::QUIT];

impl Preset {
    /// The name that a mode file uses.
    pub fn name(self) -> &'static str {
        Preset::ALL
            .iter()
            .find(|(_, preset)| *preset == self)
            .map_or("plain", |(name, _)| name)
    }

    pub(super) fn defaults(self) -> Defaults {
        match self {
            // QUIT stays with the app: a JVM and a Go program answer it with a dump.
            Preset::Plain => Defaults {
                on: &[Sig::TERM, Sig::INT],
                ready: None,
                drain: Duration::ZERO,
                sends: vec![Send {
                    signal: None,
                    to: Target::Group,
                    wait: secs(25),
                }],
                translates: false,
            },
            // The master's TERM and INT drop every request; QUIT lets the workers finish.
            Preset::Unicorn => web(Sig::QUIT, Some(Sig::TTOU)),
            Preset::Nginx => web(Sig::QUIT, Some(Sig::WINCH)),
            // No marker: puma's traps are those that Ruby's VM sets anyway, and TERM is right at any age.
            Preset::Puma | Preset::Thruster => web(Sig::TERM, None),
            // TERM stops the fetching at once; sidekiq pushes jobs back at its own -t (25 s).
            Preset::Sidekiq => worker(&[(Sig::TERM, 27)], Some(Sig::TSTP)),
            Preset::DelayedJob | Preset::SolidQueue | Preset::GoodJob => {
                worker(&[(Sig::TERM, 27)], None)
            }
            // QUIT waits for the forked job; TERM kills it, so that it can still requeue itself.
            Preset::Resque => worker(&[(Sig::QUIT, 20), (Sig::TERM, 7)], Some(Sig::CONT)),
            // USR1 waits for every message in work; TERM gives them 8 s by default.
            Preset::Shoryuken => worker(&[(Sig::USR1, 18), (Sig::TERM, 9)], Some(Sig::TTIN)),
        }
    }
}

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn web(graceful: Sig, ready: Option<Sig>) -> Defaults {
    let sends = vec![Send {
        signal: Some(graceful),
        to: Target::Main,
        wait: secs(20),
    }];
    Defaults {
        on: ANY_STOP,
        ready,
        drain: secs(5),
        sends,
        translates: true,
    }
}

fn worker(sends: &[(Sig, u64)], ready: Option<Sig>) -> Defaults {
    let sends = sends
        .iter()
        .map(|(signal, wait)| Send {
            signal: Some(*signal),
            to: Target::Main,
            wait: secs(*wait),
        })
        .collect();
    Defaults {
        on: ANY_STOP,
        ready,
        drain: Duration::ZERO,
        sends,
        translates: true,
    }
}
