//! From the texts of the files to what they mean. Pure: what a file names is read by the caller's function.

use super::definition::text;
use super::layers::{Files, Read};
use super::model::{Config, OneOff, Run, ScheduledTask, Service, Task};
use super::schema;
use crate::config::Lookup;
use crate::config::decode::{Decoder, Fields, Fill, Item};
use crate::config::problems::{Problems, suggestion};
use crate::config::scope::Scope;
use crate::state::Place;
use serde_json::Value;
use std::time::Duration;

/// As long as a large migration may take.
const ONE_OFF: Duration = Duration::from_hours(1);
const LONGEST_ONE_OFF: Duration = Duration::from_hours(24);

/// Files that can be used, and what is odd about them.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    pub warnings: Problems,
}

/// A value whose problem is noted.
pub(super) struct Broken;

/// Reads nodes, and collects problems and warnings.
pub(super) struct Reader<'a> {
    pub decoder: Decoder<'a>,
    pub warnings: Problems,
    pub read: Read<'a>,
}

/// What the files mean, or every problem of them.
pub fn load(files: &Files, lookup: Lookup) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let Some(root) = files.tree(&mut problems) else {
        return Err(problems);
    };
    let mut decoder = Decoder::new(Fill::Scope(Scope::new(lookup)));
    decoder.dialect = &schema::DIALECT;
    decoder.problems = problems;
    let mut reader = Reader {
        decoder,
        warnings: Problems::default(),
        read: files.read,
    };
    let config = reader.config(&Item::root(&root));
    let Reader {
        decoder, warnings, ..
    } = reader;
    match config {
        Some(config) => decoder.problems.or(Loaded { config, warnings }),
        None => Err(decoder.problems),
    }
}

impl Reader<'_> {
    fn config(&mut self, root: &Item) -> Option<Config> {
        let fields = self.decoder.table(root, &schema::ROOT)?;
        let region = self.text(fields.get("region"));
        let image = self.text(fields.get("image"));
        let pin = fields.get("pin").map(|item| self.decoder.boolean(&item));
        let cluster = fields.get("cluster");
        if cluster.is_none() {
            let remedy = "write the name of the services' cluster";
            self.decoder.problem(root, "cluster is missing", remedy);
        }
        let cluster = cluster.and_then(|item| self.decoder.word(&item));
        let state = fields.get("state").map(|item| self.place(&item));
        let lock = self.text(fields.get("lock"));
        let named = self.named(&fields, "tasks");
        let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
        // Where it is a problem, its absence is not a second one.
        let image = image.unwrap_or_else(|Broken| Some(String::new()));
        let tasks: Vec<Option<Task>> = named
            .iter()
            .map(|(name, item)| self.task(name, item, image.as_deref()))
            .collect();
        let known: Vec<&Task> = tasks.iter().flatten().collect();
        let families: Vec<Option<&str>> = tasks
            .iter()
            .map(|task| task.as_ref().map(|task| task.family.as_str()))
            .collect();
        self.distinct("family", &named, &families);
        let named = self.named(&fields, "services");
        let services: Vec<Option<Service>> = named
            .iter()
            .map(|(name, item)| self.service(name, item, &names))
            .collect();
        let own_names: Vec<Option<&str>> = services
            .iter()
            .map(|service| service.as_ref().map(|service| service.name.as_str()))
            .collect();
        self.distinct("name", &named, &own_names);
        let scheduled: Vec<Option<ScheduledTask>> = self
            .named(&fields, "scheduled_tasks")
            .iter()
            .map(|(name, item)| self.scheduled(name, item, &names, &known))
            .collect();
        let before = self.one_offs(&fields, "before", &names, &known);
        let after = self.one_offs(&fields, "after", &names, &known);
        let mut services = services.into_iter().collect::<Option<Vec<_>>>()?;
        services.sort_by_key(|service| service.wave);
        Some(Config {
            region: region.ok()?,
            cluster: cluster?.value,
            state: state.transpose().ok()?,
            lock: lock.ok()?,
            pin: pin.unwrap_or(Some(true))?,
            tasks: tasks.into_iter().collect::<Option<_>>()?,
            services,
            scheduled_tasks: scheduled.into_iter().collect::<Option<_>>()?,
            before: before?,
            after: after?,
        })
    }

    /// The entries of a map with names of the writer's choice.
    fn named<'n>(&mut self, fields: &Fields<'n>, key: &'static str) -> Vec<(String, Item<'n>)> {
        let item = fields.get(key);
        let entries = item.map(|item| self.decoder.map(&item, "a map"));
        let entries = entries.unwrap_or_default().into_iter();
        entries
            // An environment takes a whole entry away with it.
            .filter(|(_, item)| !super::json::is_null(item))
            .map(|(key, item)| (key.text.clone(), item))
            .collect()
    }

    /// Two definitions of one name in AWS would each undo the other.
    fn distinct(&mut self, what: &str, items: &[(String, Item)], values: &[Option<&str>]) {
        for (place, (value, (_, item))) in values.iter().zip(items).enumerate() {
            let mut before = values.iter().zip(items).take(place);
            if let Some((_, (first, _))) =
                before.find(|(known, _)| value.is_some() && *known == value)
            {
                let message = format!("has the {what} of {first}");
                self.decoder.problem(
                    item,
                    message,
                    "give it another one, or take one of them out",
                );
            }
        }
    }

    /// A text that may be left out.
    pub(super) fn text(&mut self, item: Option<Item>) -> Result<Option<String>, Broken> {
        let text = item.map(|item| self.decoder.word(&item).ok_or(Broken));
        Ok(text.transpose()?.map(|text| text.value))
    }

    /// Where shared state is kept.
    fn place(&mut self, item: &Item) -> Result<Place, Broken> {
        let text = self.decoder.word(item).ok_or(Broken)?;
        Place::parse(&text.value).ok_or_else(|| {
            let message = format!("{} is no place on S3", text.shown());
            self.decoder
                .problem(item, message, "write s3://BUCKET/PREFIX");
            Broken
        })
    }

    /// The name of a task of this file.
    pub(super) fn task_name(&mut self, item: &Item, tasks: &[&str]) -> Option<String> {
        let text = self.decoder.word(item)?;
        if tasks.contains(&text.value.as_str()) {
            return Some(text.value);
        }
        let word = if text.is_literal() { &*text.value } else { "" };
        let remedy = suggestion(word, "tasks", tasks);
        let message = format!("{} is no task of this file", text.shown());
        self.decoder.problem(item, message, remedy);
        None
    }

    fn one_offs(
        &mut self,
        fields: &Fields,
        key: &'static str,
        tasks: &[&str],
        known: &[&Task],
    ) -> Option<Vec<OneOff>> {
        let Some(item) = fields.get(key) else {
            return Some(Vec::new());
        };
        let items = self.decoder.list(&item, "a list of maps");
        let one_offs: Vec<_> = items
            .iter()
            .map(|item| {
                let fields = self.decoder.table(item, &schema::ONE_OFF)?;
                let timeout = fields.get("timeout");
                let timeout =
                    timeout.map(|item| self.decoder.duration(&item, false, LONGEST_ONE_OFF));
                Some(OneOff {
                    run: self.run(&fields, None, tasks, known)?,
                    timeout: timeout.unwrap_or(Some(ONE_OFF))?,
                })
            })
            .collect();
        one_offs.into_iter().collect()
    }

    /// `task`, `command` and `container`.
    pub(super) fn run(
        &mut self,
        fields: &Fields,
        default: Option<&str>,
        tasks: &[&str],
        known: &[&Task],
    ) -> Option<Run> {
        let command = fields.get("command");
        let command = command.map(|item| self.decoder.command(&item));
        let task = match (fields.get("task"), default) {
            (Some(item), _) => self.task_name(&item, tasks),
            (None, Some(name)) if tasks.contains(&name) => Some(name.to_owned()),
            (None, _) => {
                let remedy = suggestion("", "tasks", tasks);
                self.decoder
                    .problem(&fields.item, "task is missing", remedy);
                None
            }
        };
        let task = task?;
        // Its own problems are told already.
        let definition = known.iter().find(|known| known.name == task)?;
        let container = self.container(fields, definition);
        Some(Run {
            container: container?,
            command: command.unwrap_or_else(|| Some(Vec::new()))?,
            task,
        })
    }

    fn container(&mut self, fields: &Fields, task: &Task) -> Option<String> {
        let containers = task.request.get("containerDefinitions");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        let names: Vec<&str> = containers
            .filter_map(|container| text(container.as_object()?, "name"))
            .collect();
        match (fields.get("container"), names.as_slice()) {
            (Some(item), names) => {
                let known: Vec<(&str, &str)> = names.iter().map(|name| (*name, *name)).collect();
                let name = self.decoder.word(&item)?;
                if known.iter().any(|(known, _)| *known == name.value) {
                    return Some(name.value);
                }
                let message = format!("{} is no container of the task {}", name.shown(), task.name);
                let remedy = suggestion("", "containers", names);
                self.decoder.problem(&item, message, remedy);
                None
            }
            (None, [only]) => Some((*only).to_owned()),
            (None, names) => {
                let message = format!("the task {} has several containers", task.name);
                let remedy = format!("write container: one of {}", names.join(", "));
                self.decoder.problem(&fields.item, message, remedy);
                None
            }
        }
    }
}
