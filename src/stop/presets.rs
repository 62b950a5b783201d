//! The servers whose stops we know.

/// Who gets a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    #[must_use]
    pub fn from_name(name: &str) -> Option<Preset> {
        Preset::ALL
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, preset)| *preset)
    }
}
