//! Schedules on days with 23 to 25 hours, minute by minute, against an oracle that knows of no time zones:
//! offsets and the moments of their change, written down here.

use super::support::config;
use entry::autoscale::schedule::Schedule;
use jiff::Timestamp;

/// A zone in 2026: seconds east of Greenwich at first, and from each moment on.
struct Zone {
    name: &'static str,
    first: i64,
    changes: [(i64, i64); 2],
}

const ZONES: [Zone; 5] = [
    Zone {
        name: "Europe/Berlin",
        first: 3600,
        changes: [(1_774_746_000, 7200), (1_792_890_000, 3600)],
    },
    Zone {
        name: "America/New_York",
        first: -18_000,
        changes: [(1_772_953_200, -14_400), (1_793_512_800, -18_000)],
    },
    // Half an hour.
    Zone {
        name: "Australia/Lord_Howe",
        first: 39_600,
        changes: [(1_775_314_800, 37_800), (1_791_041_400, 39_600)],
    },
    // At midnight.
    Zone {
        name: "Africa/Cairo",
        first: 7200,
        changes: [(1_776_981_600, 10_800), (1_793_307_600, 7200)],
    },
    // At a quarter to three, by offsets of three quarters.
    Zone {
        name: "Pacific/Chatham",
        first: 49_500,
        changes: [(1_775_311_200, 45_900), (1_790_431_200, 49_500)],
    },
];

/// `from` and `to` in minutes, and whether it opens on Sundays only.
const WINDOWS: [(i64, i64, bool); 10] = [
    (30, 90, false),
    (90, 120, false),
    (120, 150, false),
    (135, 165, true),
    (150, 300, false),
    (1320, 240, false),
    (1410, 30, true),
    (1439, 1, false),
    (0, 1440, true),
    (5, 0, false),
];

const MINUTES_OF_DAY: i64 = 1440;

impl Zone {
    /// Minutes of the wall clock since 1970.
    fn wall(&self, minute: i64) -> i64 {
        let second = minute * 60;
        let passed = self.changes.iter().rev().find(|(from, _)| *from <= second);
        minute + passed.map_or(self.first, |(_, offset)| *offset) / 60
    }
}

/// The minutes in which the window is open: from the first that shows `from` or more on its day, to the
/// last that shows `to` or less.
fn oracle(zone: &Zone, minutes: std::ops::Range<i64>, window: (i64, i64, bool)) -> Vec<bool> {
    let (from, to, sundays) = window;
    let wall: Vec<i64> = minutes.clone().map(|minute| zone.wall(minute)).collect();
    let mut open = vec![false; wall.len()];
    let days = wall[0] / MINUTES_OF_DAY - 1..=wall[wall.len() - 1] / MINUTES_OF_DAY + 1;
    for day in days {
        // The first of January 1970 was a Thursday.
        if sundays && (day + 4) % 7 != 0 {
            continue;
        }
        let midnight = day * MINUTES_OF_DAY;
        let end = if from <= to { to } else { to + MINUTES_OF_DAY };
        let opens = wall.iter().position(|shown| *shown >= midnight + from);
        let closes = wall.iter().rposition(|shown| *shown <= midnight + end);
        if let (Some(opens), Some(closes)) = (opens, closes)
            && opens <= closes
        {
            open[opens..=closes].fill(true);
        }
    }
    open
}

fn clock(minutes: i64) -> String {
    format!("{}:{:02}", minutes / 60, minutes % 60)
}

fn schedule(zone: &str, (from, to, sundays): (i64, i64, bool)) -> Schedule {
    let days = if sundays { ", days: sun" } else { "" };
    let text = format!(
        "time_zone: {zone}\nsimple_scaling: [{{name: g, services: [{{name: s, min_task_count: 0, \
         max_task_count: 9, scheduled_min_task_count: [{{from: {}, to: {}, count: 7{days}}}]}}]}}]",
        clock(from),
        clock(to)
    );
    config(&text).groups[0].services[0].schedules.min.clone()
}

#[test]
fn every_minute_of_the_days_on_which_clocks_change() {
    let mut opened = 0;
    for zone in &ZONES {
        for (change, _) in zone.changes {
            // The oracle sees a day more on either side than is compared.
            let around = change / 60 - 3 * MINUTES_OF_DAY..change / 60 + 3 * MINUTES_OF_DAY;
            let compared = around.start + 1500..around.end - MINUTES_OF_DAY;
            for window in WINDOWS {
                let schedule = schedule(zone.name, window);
                let expected = oracle(zone, around.clone(), window);
                for (index, minute) in around.clone().enumerate() {
                    if !compared.contains(&minute) {
                        continue;
                    }
                    let now = Timestamp::from_second(minute * 60).unwrap();
                    let found = schedule.count(now).is_some();
                    let (name, shown) = (zone.name, clock(zone.wall(minute) % MINUTES_OF_DAY));
                    assert_eq!(
                        found, expected[index],
                        "{name} {window:?} at {shown} ({now})"
                    );
                    opened += u32::from(found);
                }
            }
        }
    }
    assert!(opened > 90_000, "{opened}");
}

/// What no change of clocks is needed for.
#[test]
fn windows() {
    let count = |entries: &str, time: &str| {
        let text = format!(
            "time_zone: Asia/Tokyo\nsimple_scaling: [{{name: g, services: [{{name: s, min_task_count: 1, \
             max_task_count: 9, scheduled_min_task_count: [{entries}]}}]}}]"
        );
        let service = config(&text).groups[0].services[0].clone();
        service.min_at(format!("{time}+09:00").parse().unwrap())
    };
    let night = "{from: 22:00, to: 4:00, count: 5}";
    let christmas =
        "{from: 0:00, to: 24:00, count: 8, dates: [2026-12-24..2026-12-26, 2027-01-01]}";
    let workdays = "{from: 9:00, to: 18:00, count: 4, days: [mon-thu, Friday]}";
    let weekend = "{from: 22:00, to: 4:00, count: 3, days: fri-mon}";
    for (entries, time, expected) in [
        (night, "2026-06-01T21:59:59", 1),
        (night, "2026-06-01T22:00:00", 5),
        (night, "2026-06-02T03:30:00", 5),
        (night, "2026-06-02T04:00:00", 5),
        (night, "2026-06-02T04:00:01", 1),
        (christmas, "2026-12-23T23:59:59", 1),
        (christmas, "2026-12-24T00:00:00", 8),
        (christmas, "2026-12-26T23:59:59", 8),
        (christmas, "2026-12-27T00:00:01", 1),
        (christmas, "2027-01-01T12:00:00", 8),
        // The sixth of June 2026 is a Saturday.
        (workdays, "2026-06-05T12:00:00", 4),
        (workdays, "2026-06-06T12:00:00", 1),
        // Over midnight it belongs to the day on which it opens.
        (weekend, "2026-06-05T03:00:00", 1),
        (weekend, "2026-06-05T23:00:00", 3),
        (weekend, "2026-06-09T03:00:00", 3),
        (weekend, "2026-06-09T23:00:00", 1),
        // The first that is open counts, though it is less.
        (&format!("{night}, {christmas}"), "2026-12-24T23:00:00", 5),
        (&format!("{christmas}, {night}"), "2026-12-24T23:00:00", 8),
    ] {
        assert_eq!(count(entries, time), expected, "{entries} at {time}");
    }
}
