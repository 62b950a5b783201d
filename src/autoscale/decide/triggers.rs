//! What a service's alarms ask for.

use super::snapshot::Alarm;
use crate::autoscale::config::{Service, Trigger};
use crate::autoscale::{AlarmId, AlarmState};
use std::collections::BTreeMap;

/// The alarms of a poll.
pub struct Alarms<'a>(pub &'a BTreeMap<AlarmId, Alarm>);

/// What they ask for.
pub struct Wishes<'c> {
    /// The largest step that matches.
    pub up: Option<&'c Trigger>,
    /// The same, of those that count beside `up`.
    pub down: Option<&'c Trigger>,
    pub unknown: Option<&'c AlarmId>,
    pub no_data: Option<&'c AlarmId>,
}

impl Alarms<'_> {
    fn state(&self, id: &AlarmId) -> Option<AlarmState> {
        Some(self.0.get(id)?.state)
    }

    /// The order of the triggers in the file means nothing.
    pub fn wishes<'c>(&self, service: &'c Service) -> Wishes<'c> {
        let matches = |trigger: &&Trigger| self.state(&trigger.alarm) == Some(trigger.state);
        let step = |trigger: &&Trigger| trigger.step;
        // The first of equals, as the log of ecs_auto_scaler has it.
        let up = service
            .upscale
            .iter()
            .filter(matches)
            .rev()
            .max_by_key(step);
        let down = service.downscale.iter().filter(matches);
        let down = down.filter(|trigger| up.is_none() || trigger.prioritized);
        let down = down.rev().max_by_key(step);
        let all = || service.upscale.iter().chain(&service.downscale);
        let alarms = || all().map(|trigger| &trigger.alarm);
        let silent = AlarmState::InsufficientData;
        let meant = |alarm: &AlarmId| {
            all().any(|trigger| trigger.alarm == *alarm && trigger.state == silent)
        };
        Wishes {
            up,
            down,
            unknown: alarms().find(|alarm| self.state(alarm).is_none()),
            no_data: alarms().find(|alarm| self.state(alarm) == Some(silent) && !meant(alarm)),
        }
    }
}
