//! The known keys, as data: the loader refuses all others, and a test holds `docs/deploy.md` to them.

use crate::config::schema::{Dialect, Table, key};

/// Every table there is.
pub const TABLES: [&Table; 5] = [&ROOT, &TASK, &SERVICE, &SCHEDULED_TASK, &ONE_OFF];

pub const ROOT: Table = Table {
    name: "The file",
    keys: &[
        key("region", "string", "`$AWS_REGION`"),
        key("cluster", "name or ARN", ""),
        key("image", "string", ""),
        key("state", "`s3://BUCKET/PREFIX`", ""),
        key("lock", "string", "the cluster's name"),
        key("pin", "`true` or `false`", "`true`"),
        key("tasks", "map of name to task definition", ""),
        key("services", "map of name to service", ""),
        key("scheduled_tasks", "map of name to scheduled task", ""),
        key("before", "list of maps", ""),
        key("after", "list of maps", ""),
    ],
};

/// Beside AWS's own.
pub const TASK: Table = Table {
    name: "`tasks`",
    keys: &[key("file", "path", "")],
};

/// Beside AWS's own.
pub const SERVICE: Table = Table {
    name: "`services`",
    keys: &[
        key("file", "path", ""),
        key("task", "name below `tasks`", "the service's name"),
        key("wave", "number", "`1`"),
        key("autoscaled", "`true` or `false`", "`false`"),
        key("delete", "`true` or `false`", "`false`"),
    ],
};

pub const SCHEDULED_TASK: Table = Table {
    name: "`scheduled_tasks`",
    keys: &[
        key("schedule", "`cron(…)` or `rate(…)`", ""),
        key("task", "name below `tasks`", "the scheduled task's name"),
        key("command", "list of words, or a string", ""),
        key("container", "name", "the task's only container"),
        key("count", "number", "`1`"),
        key("enabled", "`true` or `false`", "`true`"),
        key("description", "string", ""),
        key("role_arn", "string", ""),
        key("target_id", "string", "the task's family"),
        key("launch_type", "string", "a service's"),
        key("capacity_provider_strategy", "list of maps", "a service's"),
        key("platform_version", "string", "a service's"),
        key("network_configuration", "map", "a service's"),
        key("group", "string", ""),
        key("delete", "`true` or `false`", "`false`"),
    ],
};

pub const ONE_OFF: Table = Table {
    name: "`before` and `after`",
    keys: &[
        key("task", "name below `tasks`", ""),
        key("command", "list of words, or a string", ""),
        key("container", "name", "the task's only container"),
        key("timeout", "duration", "`1h`"),
    ],
};

/// Some services with a hundred variables each.
pub const DIALECT: Dialect = Dialect {
    mistakes: &[
        ("default_cluster", "write cluster"),
        ("ecs_services", "write services"),
        ("ecs_tasks", "write tasks"),
        ("ecs_scheduled_tasks", "write scheduled_tasks"),
        ("schedule_expression", "write schedule"),
        ("task_definition_name", "write task"),
        ("waves", "write wave: NUMBER for each service"),
    ],
    unset: "set it for this command",
    most_values: 50_000,
};
