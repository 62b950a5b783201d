//! Scheduled tasks: keys of ours, and how their tasks are placed, in the names that `RunTask` has.

use super::json;
use super::load::Reader;
use super::model::{Run, ScheduledTask, Task};
use super::names::in_aws_names;
use super::schema;
use crate::config::decode::{Fields, Item};
use serde_json::{Map, Value};

/// The most that `EventBridge` takes for the name of a rule and the id of a target.
const LONGEST_NAME: usize = 64;

/// Keys of ours, and what `RunTask` calls them.
const WORDS: [(&str, &str); 3] = [
    ("launch_type", "launchType"),
    ("platform_version", "platformVersion"),
    ("group", "group"),
];

impl Reader<'_> {
    pub(super) fn scheduled(
        &mut self,
        name: &str,
        item: &Item,
        tasks: &[&str],
        known: &[&Task],
    ) -> Option<ScheduledTask> {
        let fields = self.decoder.table(item, &schema::SCHEDULED_TASK)?;
        self.rule_name(item, name);
        let decoder = &mut self.decoder;
        let delete = fields.get("delete").map(|item| decoder.boolean(&item));
        let delete = delete.unwrap_or(Some(false))?;
        let schedule = match fields.get("schedule") {
            Some(item) => self.schedule(&item),
            None if delete => Some(String::new()),
            None => {
                let remedy = "write cron(…) or rate(…), as EventBridge has them";
                self.decoder.problem(item, "schedule is missing", remedy);
                None
            }
        };
        // Its task may have gone before it.
        let run = if delete && fields.get("task").is_none() && !tasks.contains(&name) {
            Some(Run {
                task: name.to_owned(),
                container: String::new(),
                command: Vec::new(),
            })
        } else {
            self.run(&fields, Some(name), tasks, known)
        };
        let decoder = &mut self.decoder;
        let count = fields
            .get("count")
            .map(|item| decoder.number(&item, 1..=10));
        let enabled = fields.get("enabled").map(|item| decoder.boolean(&item));
        let description = self.text(fields.get("description"));
        let role_arn = self.text(fields.get("role_arn"));
        let target_id = self.text(fields.get("target_id"));
        if let (Some(item), Ok(Some(id))) = (fields.get("target_id"), &target_id) {
            self.rule_name(&item, id);
        }
        let placed = self.placed(&fields);
        Some(ScheduledTask {
            name: name.to_owned(),
            schedule: schedule?,
            run: run?,
            count: count.unwrap_or(Some(1))?,
            enabled: enabled.unwrap_or(Some(true))?,
            description: description.ok()?,
            role_arn: role_arn.ok()?,
            target_id: target_id.ok()?,
            placed: placed?,
            delete,
        })
    }

    /// Rules and targets have names of one kind.
    fn rule_name(&mut self, item: &Item, name: &str) {
        let fine = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if name.is_empty() || name.len() > LONGEST_NAME || !name.bytes().all(fine) {
            let message = format!("{name:?} is no name that EventBridge takes");
            let remedy = "write at most 64 letters, digits, dots, hyphens and underscores";
            self.decoder.problem(item, message, remedy);
        }
    }

    fn schedule(&mut self, item: &Item) -> Option<String> {
        let text = self.decoder.word(item)?;
        let inner = |kind: &str| text.value.strip_prefix(kind)?.strip_suffix(')');
        let words = |inner: &str| inner.split_whitespace().count();
        let fine = inner("cron(").is_some_and(|inner| words(inner) == 6)
            || inner("rate(").is_some_and(|inner| words(inner) == 2);
        if !fine {
            let message = format!("{} is no schedule", text.shown());
            let remedy = "write cron(MINUTE HOUR DAY MONTH WEEKDAY YEAR) or rate(5 minutes)";
            self.decoder.problem(item, message, remedy);
            return None;
        }
        Some(text.value)
    }

    /// Where and how the tasks run, as far as the file says.
    fn placed(&mut self, fields: &Fields) -> Option<Map<String, Value>> {
        let mut placed = Map::new();
        let mut fine = Some(());
        for (key, name) in WORDS {
            if let Some(item) = fields.get(key) {
                match self.decoder.word(&item) {
                    Some(word) => drop(placed.insert(name.to_owned(), word.value.into())),
                    None => fine = None,
                }
            }
        }
        if let Some(item) = fields.get("network_configuration") {
            self.decoder.map(&item, "a map");
            let network = self.in_aws_words("networkConfiguration", &item);
            match network {
                Some(network) => drop(placed.insert("networkConfiguration".to_owned(), network)),
                None => fine = None,
            }
        }
        if let Some(item) = fields.get("capacity_provider_strategy") {
            for item in self.decoder.list(&item, "a list of maps") {
                self.decoder.map(&item, "a map");
            }
            let strategy = self.in_aws_words("capacityProviderStrategy", &item);
            match strategy {
                Some(one) => drop(placed.insert("capacityProviderStrategy".to_owned(), one)),
                None => fine = None,
            }
            if let Some(second) = fields.get("launch_type") {
                let message = "stands beside capacity_provider_strategy";
                self.decoder
                    .problem(&second, message, "keep one of the two");
            }
        }
        fine.map(|()| placed)
    }

    fn in_aws_words(&mut self, key: &str, item: &Item) -> Option<Value> {
        let node = in_aws_names(item.node, &mut self.decoder.problems);
        let item = Item {
            path: item.path.clone(),
            node: &node,
        };
        json::field(&mut self.decoder, key, &item)
    }
}
