//! A service: its counts, its triggers, and how fast it may change.

use super::model::{
    Capacity, Direction, Doubt, Fallback, InsufficientData, LevelTimer, Levels, Rate, RateLimit,
    Schedules, Service, Trigger,
};
use super::reader::Reader;
use super::schema;
use crate::autoscale::schedule::Schedule;
use crate::autoscale::{AlarmId, AlarmState, ClusterId, ServiceId};
use crate::config::decode::{Decoder, Fields, Item};
use jiff::tz::TimeZone;
use std::time::Duration;

/// ecs_auto_scaler's, which its README does not tell.
const IDLE: Duration = Duration::from_mins(1);

const LEVEL_TIMERS: [(&str, LevelTimer); 2] = [
    ("sticky", LevelTimer::Sticky),
    ("sustained", LevelTimer::Sustained),
];

const INSUFFICIENT_DATA: [(&str, InsufficientData); 2] = [
    ("ignore", InsufficientData::Ignore),
    ("hold", InsufficientData::Hold),
];

fn tasks(decoder: &mut Decoder, item: &Item) -> Option<u32> {
    decoder.tasks(item, 0)
}

fn step(decoder: &mut Decoder, item: &Item) -> Option<u32> {
    decoder.tasks(item, 1)
}

fn period(decoder: &mut Decoder, item: &Item) -> Option<Duration> {
    decoder.seconds(item, false)
}

fn wait(decoder: &mut Decoder, item: &Item) -> Option<Duration> {
    decoder.seconds(item, true)
}

impl Reader<'_> {
    /// `cluster` is the group's.
    pub(super) fn service(&mut self, item: &Item, cluster: &ClusterId) -> Option<Service> {
        let fields = self.decoder.table(item, &schema::SERVICE)?;
        let name = self.needed(&fields, "name", "write the service's name", Decoder::name);
        let remedy = "write the least number of tasks, 0 for none";
        let min = self.needed(&fields, "min_task_count", remedy, tasks);
        let levels = self.levels(&fields);
        let upscale = self.triggers(&fields, "upscale_triggers", cluster);
        let downscale = self.triggers(&fields, "downscale_triggers", cluster);
        let schedules = self.schedules(&fields);
        let idle = self.optional(&fields, "idle_time", IDLE, wait);
        let one = Capacity::units(1);
        let capacity = self.optional(&fields, "required_capacity", one, Decoder::capacity);
        let out = self.optional_map(&fields, "scale_out", Self::direction);
        let down = self.optional_map(&fields, "scale_in", Self::direction);
        let doubt = self.doubt(&fields);
        if let (Some(min), Some(levels), Some(schedules)) = (min, &levels, &schedules) {
            self.check_counts(&fields, min, levels.last(), schedules);
        }
        Some(Service {
            id: ServiceId {
                cluster: cluster.clone(),
                name: name?,
            },
            min: min?,
            levels: levels?,
            idle: idle?,
            required_capacity: capacity?,
            upscale: upscale?,
            downscale: downscale?,
            schedules: schedules?,
            scale_out: out?,
            scale_in: down?,
            doubt: doubt?,
        })
    }

    fn levels(&mut self, fields: &Fields) -> Option<Levels> {
        let maxima = self.maxima(fields);
        let cooldown = fields.get("cooldown_time_for_reach_max");
        let cooldown = cooldown.map(|item| wait(&mut self.decoder, &item));
        let timer = self.optional(
            fields,
            "level_timer",
            LevelTimer::Sticky,
            |decoder, item| decoder.choice(item, "level timer", &LEVEL_TIMERS),
        );
        let maxima = maxima?;
        if maxima.len() > 1 && cooldown.is_none() {
            let message = "cooldown_time_for_reach_max is missing, without it no level is left";
            let remedy = "write how long a level's maximum must have been reached";
            self.decoder.problem(&fields.item, message, remedy);
            return None;
        }
        Some(Levels {
            maxima,
            cooldown: cooldown.unwrap_or(Some(Duration::ZERO))?,
            timer: timer?,
        })
    }

    fn maxima(&mut self, fields: &Fields) -> Option<Vec<u32>> {
        let remedy = "write the largest number of tasks, or a list of levels";
        let maxima = self.needed(fields, "max_task_count", remedy, |decoder, item| {
            let items = decoder.one_or_more(item, "a number of tasks");
            let maxima: Vec<_> = items.iter().map(|item| step(decoder, item)).collect();
            maxima.into_iter().collect::<Option<Vec<u32>>>()
        });
        let mut maxima = maxima.filter(|maxima| !maxima.is_empty())?;
        maxima.sort_unstable();
        maxima.dedup();
        Some(maxima)
    }

    fn schedules(&mut self, fields: &Fields) -> Option<Schedules> {
        let zone = self.zone.clone();
        let zone = self.optional(fields, "time_zone", zone, Decoder::zone);
        // Its windows are looked at all the same.
        let within = zone.clone().unwrap_or(TimeZone::UTC);
        let mut schedule = |name| match fields.get(name) {
            Some(item) => self.schedule(&item, &within),
            None => Some(Schedule::default()),
        };
        let min = schedule("scheduled_min_task_count");
        let max = schedule("scheduled_max_task_count");
        let name = "schedule_bypasses_levels";
        let bypasses_levels = self.optional(fields, name, false, Decoder::ruby_boolean);
        zone?;
        Some(Schedules {
            min: min?,
            max: max?,
            bypasses_levels: bypasses_levels?,
        })
    }

    /// A minimum above the maximum is a slip: the maximum would always win.
    fn check_counts(&mut self, fields: &Fields, min: u32, max: u32, schedules: &Schedules) {
        let remedy = "lower the one or raise the other";
        if min > max {
            let message = format!("min_task_count {min} is more than max_task_count {max}");
            self.decoder.problem(&fields.item, message, remedy);
        }
        let Some(item) = fields.get("scheduled_min_task_count") else {
            return;
        };
        let most = schedules.max.entries.iter().map(|entry| entry.count);
        let most = most.max().unwrap_or(0).max(max);
        for (entry, item) in schedules.min.entries.iter().zip(item.items()) {
            if entry.count > most {
                let message = format!(
                    "the count {} is more than max_task_count {most}",
                    entry.count
                );
                self.decoder.problem(&item, message, remedy);
            } else if entry.count < min {
                let message = format!(
                    "the count {} is less than min_task_count {min}",
                    entry.count
                );
                self.warn(&item, message, "it lowers the minimum while it is open");
            }
        }
    }

    fn triggers(
        &mut self,
        fields: &Fields,
        name: &'static str,
        cluster: &ClusterId,
    ) -> Option<Vec<Trigger>> {
        let default = fields.get("step");
        // Even if every trigger has its own.
        let step = self.optional(fields, "step", 0, step);
        let items = fields.get(name);
        let items = items.map(|item| self.decoder.list(&item, "a list of maps"));
        let items = items.unwrap_or_default();
        let read = |item| self.trigger(item, default.as_ref(), cluster);
        let triggers: Vec<Option<Trigger>> = items.iter().map(read).collect();
        step?;
        triggers.into_iter().collect()
    }

    /// `default` is the service's own step.
    fn trigger(
        &mut self,
        item: &Item,
        default: Option<&Item>,
        cluster: &ClusterId,
    ) -> Option<Trigger> {
        let fields = self.decoder.table(item, &schema::TRIGGER)?;
        let name = "write the alarm's name";
        let name = self.needed(&fields, "alarm_name", name, Decoder::name);
        let remedy = "write the state that sets it off, such as ALARM";
        let state = self.needed(&fields, "state", remedy, |decoder, item| {
            decoder.choice(item, "state of an alarm", &AlarmState::ALL)
        });
        let region = cluster.region.clone();
        let region = self.optional(&fields, "region", region, |decoder, item| {
            decoder.name(item).map(Some)
        });
        let by = if let Some(written) = fields.get("step").as_ref().or(default) {
            step(&mut self.decoder, written)
        } else {
            let remedy = "write it here, or for all triggers of the service";
            self.decoder.problem(item, "step is missing", remedy);
            None
        };
        let prioritized = "prioritized_over_upscale_triggers";
        let prioritized = self.optional(&fields, prioritized, false, Decoder::ruby_boolean);
        Some(Trigger {
            alarm: AlarmId {
                region: region?,
                name: name?,
            },
            state: state?,
            step: by?,
            prioritized: prioritized?,
        })
    }

    fn direction(&mut self, item: &Item) -> Option<Direction> {
        let fields = self.decoder.table(item, &schema::DIRECTION)?;
        let stabilization = self.optional(&fields, "stabilization", Duration::ZERO, wait);
        let rates = match fields.get("rates") {
            Some(item) => {
                let items = self.decoder.list(&item, "a list of maps");
                let rates: Vec<_> = items.iter().map(|item| self.rate(item)).collect();
                rates.into_iter().collect::<Option<Vec<Rate>>>()
            }
            None => Some(Vec::new()),
        };
        Some(Direction {
            stabilization: stabilization?,
            rates: rates?,
        })
    }

    fn rate(&mut self, item: &Item) -> Option<Rate> {
        let fields = self.decoder.table(item, &schema::RATE)?;
        let per = self.needed(&fields, "per", "write the period, such as 10m", period);
        let count = fields
            .get("tasks")
            .map(|item| step(&mut self.decoder, &item));
        let percent = fields.get("percent");
        let percent = percent.map(|item| self.decoder.number(&item, 1..=10_000));
        let limit = match (count, percent) {
            (Some(count), None) => count.map(RateLimit::Tasks),
            (None, Some(percent)) => percent.map(RateLimit::Percent),
            _ => {
                let message = "expected either tasks or percent";
                self.decoder
                    .problem(item, message, "write another rate for the other");
                None
            }
        };
        Some(Rate {
            limit: limit?,
            per: per?,
        })
    }

    fn doubt(&mut self, fields: &Fields) -> Option<Doubt> {
        let ignore = InsufficientData::Ignore;
        let data = self.optional(fields, "insufficient_data", ignore, |decoder, item| {
            decoder.choice(item, "way with missing data", &INSUFFICIENT_DATA)
        });
        let fallback = match fields.get("fallback") {
            Some(item) => self.fallback(&item).map(Some),
            None => Some(None),
        };
        Some(Doubt {
            insufficient_data: data?,
            fallback: fallback?,
        })
    }

    fn fallback(&mut self, item: &Item) -> Option<Fallback> {
        let fields = self.decoder.table(item, &schema::FALLBACK)?;
        let after = "write how long alarms must be unknown, such as 10m";
        let after = self.needed(&fields, "after", after, wait);
        let count = self.needed(&fields, "count", "write a number of tasks", tasks);
        Some(Fallback {
            after: after?,
            count: count?,
        })
    }
}
