//! The known keys, as data: the loader refuses all others, and a test holds `docs/autoscale.md` to them.

use crate::config::schema::{Dialect, Table, key};

/// Every table there is.
pub const TABLES: [&Table; 14] = [
    &ROOT,
    &GROUP,
    &FLEET,
    &SIMPLE,
    &SERVICE,
    &TRIGGER,
    &ENTRY,
    &DIRECTION,
    &RATE,
    &FALLBACK,
    &REMOVAL,
    &TRACE,
    &TRACE_GROUP,
    &CHANGE,
];

pub const ROOT: Table = Table {
    name: "The file",
    keys: &[
        key("polling_interval", "seconds", "`30`"),
        key("time_zone", "time zone", "`$TZ`, else `UTC`"),
        key("state", "`s3://bucket/prefix`", ""),
        key("spot_instance_intrp_warns_queue_urls", "list of URLs", ""),
        key("deploys", "list of URLs", ""),
        key("auto_scaling_groups", "list of maps", ""),
        key("spot_fleet_requests", "list of maps", ""),
        key("simple_scaling", "list of maps", ""),
        key("services", "list of maps", ""),
    ],
};

pub const GROUP: Table = Table {
    name: "`auto_scaling_groups`",
    keys: &[
        key("name", "string", ""),
        key("region", "string", "the SDK's"),
        key("cluster", "string", "`default`"),
        key("buffer", "decimal", "`0`"),
        key("disable_draining", "`true` or `false`", "`false`"),
        key("removal", "map", ""),
        key("services", "list of maps", ""),
    ],
};

pub const FLEET: Table = Table {
    name: "`spot_fleet_requests`",
    keys: &[
        key("id", "string", ""),
        key("region", "string", "the SDK's"),
        key("cluster", "string", "`default`"),
        key("buffer", "decimal", "`0`"),
        key("disable_draining", "`true` or `false`", "`false`"),
        key("removal", "map", ""),
        key("services", "list of maps", ""),
    ],
};

pub const SIMPLE: Table = Table {
    name: "`simple_scaling`",
    keys: &[
        key("name", "string", ""),
        key("region", "string", "the SDK's"),
        key("cluster", "string", "`default`"),
        key("services", "list of maps", ""),
    ],
};

pub const SERVICE: Table = Table {
    name: "`services`",
    keys: &[
        key("name", "string", ""),
        key("min_task_count", "number", ""),
        key("max_task_count", "number, or a list of them", ""),
        key("step", "number", ""),
        key("idle_time", "seconds", "`60`"),
        key("cooldown_time_for_reach_max", "seconds", ""),
        key("level_timer", "`sticky` or `sustained`", "`sticky`"),
        key("required_capacity", "decimal", "`1`"),
        key("upscale_triggers", "list of maps", ""),
        key("downscale_triggers", "list of maps", ""),
        key("scheduled_min_task_count", "list of maps", ""),
        key("scheduled_max_task_count", "list of maps", ""),
        key("schedule_bypasses_levels", "`true` or `false`", "`false`"),
        key("time_zone", "time zone", "the file's"),
        key("scale_out", "map", ""),
        key("scale_in", "map", ""),
        key("insufficient_data", "`ignore` or `hold`", "`ignore`"),
        key("fallback", "map", ""),
        key("region", "string", "the group's"),
        key("cluster", "string", "the group's"),
        key("auto_scaling_group_name", "string", ""),
        key("spot_fleet_request_id", "string", ""),
    ],
};

pub const TRIGGER: Table = Table {
    name: "`upscale_triggers`, `downscale_triggers`",
    keys: &[
        key("alarm_name", "string", ""),
        key("region", "string", "the service's"),
        key("state", "`OK`, `ALARM` or `INSUFFICIENT_DATA`", ""),
        key("step", "number", "the service's"),
        key(
            "prioritized_over_upscale_triggers",
            "`true` or `false`",
            "`false`",
        ),
    ],
};

pub const ENTRY: Table = Table {
    name: "`scheduled_min_task_count`, `scheduled_max_task_count`",
    keys: &[
        key("from", "time of day", ""),
        key("to", "time of day", ""),
        key("count", "number", ""),
        key("days", "weekday, or a list of them", "every day"),
        key("dates", "date, or a list of them", "every day"),
    ],
};

pub const DIRECTION: Table = Table {
    name: "`scale_out`, `scale_in`",
    keys: &[
        key("stabilization", "seconds", ""),
        key("rates", "list of maps", ""),
    ],
};

pub const RATE: Table = Table {
    name: "`rates`",
    keys: &[
        key("tasks", "number", ""),
        key("percent", "number", ""),
        key("per", "seconds", ""),
    ],
};

pub const FALLBACK: Table = Table {
    name: "`fallback`",
    keys: &[key("after", "seconds", ""), key("count", "number", "")],
};

pub const REMOVAL: Table = Table {
    name: "`removal`",
    keys: &[
        key("per_poll", "number", "`5`"),
        key("per_hour", "number", "`60`"),
        key("wait", "seconds", "`3600`"),
        key("busy", "`keep` or `drain`", "`keep`"),
        key("orphan_percent", "number", "`25`"),
    ],
};

pub const TRACE: Table = Table {
    name: "A trace",
    keys: &[
        key("from", "time", ""),
        key("to", "time", ""),
        key("time_zone", "time zone", "`UTC`"),
        key("boot", "seconds", "`180`"),
        key("start", "seconds", "`30`"),
        key("stop", "seconds", "`30`"),
        key("services", "map of name to number", "their minima"),
        key("groups", "map of name to map", ""),
        key("alarms", "list of maps", ""),
    ],
};

pub const TRACE_GROUP: Table = Table {
    name: "`groups`",
    keys: &[
        key("nodes", "number", "as needed"),
        key("min", "number", "`0`"),
        key("max", "number", "`100000`"),
        key("zones", "name, or a list of them", "`[a, b]`"),
        key("units", "number", "`1`, of a spot fleet `4`"),
    ],
};

pub const CHANGE: Table = Table {
    name: "`alarms`",
    keys: &[
        key("at", "time, or time of day", ""),
        key("alarm", "string", ""),
        key("state", "a trigger's, or `UNKNOWN`", ""),
    ],
};

/// The autoscaler's file: a large one has some hundred services of forty values each.
pub const DIALECT: Dialect = Dialect {
    mistakes: &[
        ("min", "write min_task_count"),
        ("max", "write max_task_count"),
        (
            "cooldown",
            "write idle_time, or cooldown_time_for_reach_max",
        ),
        ("asg_name", "write auto_scaling_group_name"),
        ("timezone", "write time_zone"),
        ("alarm", "write alarm_name"),
        ("stabilisation", "write stabilization"),
        ("rate", "write rates, a list"),
    ],
    unset: "set it for the autoscaler",
    most_values: 200_000,
};
