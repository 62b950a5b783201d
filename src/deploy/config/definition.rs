//! Task definitions and services: AWS's fields beside a few of ours.

use super::fields::{self, Kind};
use super::json;
use super::layers;
use super::load::Reader;
use super::model::{Service, Task, TaskOf};
use super::names::in_aws_names;
use super::schema;
use crate::config::decode::Item;
use crate::config::node::{Node, Value as Written};
use crate::config::problems::{Problem, closest};
use crate::config::schema::Table;
use serde_json::{Map, Value};

/// In the answers of AWS's command line, the definition stands in one of these.
const WRAPPERS: [&str; 3] = ["service", "services", "taskDefinition"];

impl Reader<'_> {
    /// The definition with its `file` under it; `None` if that cannot be read.
    pub(super) fn with_file(&mut self, item: &Item, table: &'static Table) -> Option<Node> {
        let Written::Map(entries) = &item.node.value else {
            self.decoder
                .problem(item, "expected a path, or a map with AWS's fields", "");
            return None;
        };
        let Some(file) = item.fields(table).get("file") else {
            return Some(item.node.clone());
        };
        let path = self.decoder.word(&file)?;
        let text = match (self.read)(&path.value) {
            Ok(text) => text,
            Err((message, remedy)) => {
                let message = format!("{} {message}", path.shown());
                self.decoder.problem(&file, message, remedy);
                return None;
            }
        };
        let below = layers::parse(&text, &mut self.decoder.problems)?;
        let below = in_aws_names(unwrapped(&below), &mut self.decoder.problems);
        let mut own = entries.clone();
        own.retain(|(key, _)| key.text != "file");
        let own = Node {
            at: below.at.clone(),
            value: Written::Map(own),
        };
        Some(layers::lay(&below, &own))
    }

    pub(super) fn task(&mut self, name: &str, item: &Item, image: Option<&str>) -> Option<Task> {
        let node = self.with_file(item, &schema::TASK)?;
        let item = Item {
            path: item.path.clone(),
            node: &node,
        };
        self.known(&item, &fields::TASK, &schema::TASK);
        let containers = self.containers(&item);
        let mut request = self.members(&item, &fields::TASK, &schema::TASK)?;
        containers?;
        let family = text(&request, "family").unwrap_or(name).to_owned();
        request.insert("family".to_owned(), family.clone().into());
        self.images(&item, &mut request, image);
        Some(Task {
            name: name.to_owned(),
            family,
            request,
            filled: filled(&item),
        })
    }

    /// Every container has a name of its own.
    fn containers(&mut self, item: &Item) -> Option<()> {
        let missing = "write a list of maps, each with a name";
        let Some(node) = item.node.get("containerDefinitions") else {
            self.decoder
                .problem(item, "containerDefinitions is missing", missing);
            return None;
        };
        let list = Item {
            path: format!("{}.containerDefinitions", item.path),
            node,
        };
        let containers = self.decoder.list(&list, "a list of maps");
        if containers.is_empty() {
            if matches!(node.value, Written::List(_)) {
                self.decoder.problem(&list, "empty list", missing);
            }
            return None;
        }
        let mut names: Vec<String> = Vec::new();
        let mut fine = Some(());
        for container in &containers {
            self.known(container, &fields::CONTAINER, &NO_TABLE);
            let name = match container.node.get("name").map(|node| &node.value) {
                Some(Written::Scalar(scalar)) if !scalar.is_null() => scalar.text.clone(),
                _ => {
                    self.decoder
                        .problem(container, "the container has no name", "write name");
                    fine = None;
                    continue;
                }
            };
            if names.contains(&name) {
                let message = format!("a second container with the name {name}");
                self.decoder
                    .problem(container, message, "give it another one");
                fine = None;
            }
            names.push(name);
        }
        fine
    }

    /// A container without an image has the file's.
    fn images(&mut self, item: &Item, request: &mut Map<String, Value>, image: Option<&str>) {
        let Some(Value::Array(containers)) = request.get_mut("containerDefinitions") else {
            return;
        };
        let containers = containers.iter_mut().filter_map(Value::as_object_mut);
        for container in containers.filter(|container| !container.contains_key("image")) {
            if let Some(image) = image {
                container.insert("image".to_owned(), image.into());
            } else {
                let name = text(container, "name").unwrap_or_default();
                let message = format!("the container {name} has no image");
                self.decoder
                    .problem(item, message, "write image there, or for the whole file");
            }
        }
    }

    pub(super) fn service(&mut self, name: &str, item: &Item, tasks: &[&str]) -> Option<Service> {
        let node = self.with_file(item, &schema::SERVICE)?;
        let item = Item {
            path: item.path.clone(),
            node: &node,
        };
        self.known(&item, &fields::SERVICE, &schema::SERVICE);
        let own = item.fields(&schema::SERVICE);
        let decoder = &mut self.decoder;
        let wave = own.get("wave").map(|item| decoder.number(&item, 1..=100));
        let autoscaled = own.get("autoscaled").map(|item| decoder.boolean(&item));
        let delete = own.get("delete").map(|item| decoder.boolean(&item));
        let members = self.members(&item, &fields::SERVICE, &schema::SERVICE);
        let delete = delete.unwrap_or(Some(false))?;
        let mut fields = members?;
        let task = self.task_of(name, &item, &mut fields, tasks);
        let given = fields.remove("serviceName");
        let given = given.as_ref().and_then(Value::as_str).unwrap_or(name);
        // What the file's own says counts for all of them.
        fields.remove("cluster");
        Some(Service {
            name: given.to_owned(),
            task: task.or_else(|| delete.then(|| TaskOf::Fixed(String::new())))?,
            wave: wave.unwrap_or(Some(1))?,
            autoscaled: autoscaled.unwrap_or(Some(false))?,
            delete,
            fields,
        })
    }

    fn task_of(
        &mut self,
        name: &str,
        item: &Item,
        fields: &mut Map<String, Value>,
        tasks: &[&str],
    ) -> Option<TaskOf> {
        let fixed = fields.remove("taskDefinition");
        let fixed = fixed.as_ref().and_then(Value::as_str);
        if let Some(own) = item.fields(&schema::SERVICE).get("task") {
            if fixed.is_some() {
                let message = "names a task beside taskDefinition";
                self.decoder.problem(&own, message, "keep one of them");
            }
            return self.task_name(&own, tasks).map(TaskOf::File);
        }
        match fixed {
            Some(fixed) => Some(TaskOf::Fixed(fixed.to_owned())),
            None if tasks.contains(&name) => Some(TaskOf::File(name.to_owned())),
            None => {
                if item.fields(&schema::SERVICE).get("delete").is_none() {
                    let message = format!("there is no task {name}");
                    let remedy = "write task with a name below tasks, or taskDefinition";
                    self.decoder.problem(item, message, remedy);
                }
                None
            }
        }
    }

    /// AWS's fields of a definition.
    fn members(
        &mut self,
        item: &Item,
        kind: &Kind,
        table: &'static Table,
    ) -> Option<Map<String, Value>> {
        let entries = self.decoder.map(item, "a map");
        let own = table.names();
        let sent = entries.iter().filter(|(key, item)| {
            let key = key.text.as_str();
            !own.contains(&key) && !kind.answered.contains(&key) && !json::is_null(item)
        });
        let values: Vec<_> = sent
            .map(|(key, item)| {
                let value = json::field(&mut self.decoder, &key.text, item)?;
                Some((key.text.clone(), value))
            })
            .collect();
        values.into_iter().collect()
    }

    /// A field that is not known is passed on, but may be a slip of the pen.
    fn known(&mut self, item: &Item, kind: &Kind, table: &'static Table) {
        let own = table.names();
        for (key, _) in item.node.entries() {
            let word = key.text.as_str();
            if kind.sent.contains(&word) || kind.answered.contains(&word) || own.contains(&word) {
                continue;
            }
            let known = kind.sent.iter().chain(&own).copied();
            let remedy = match closest(word, known) {
                Some(meant) => format!("it is passed on as it is; did you mean {meant}?"),
                None => "it is passed on as it is".to_owned(),
            };
            self.warnings.push(Problem {
                place: Some(key.at.place),
                key: item.path.clone(),
                ..Problem::of(&*key.at.file, format!("{word} is not known here"), remedy)
            });
        }
    }
}

const NO_TABLE: Table = Table {
    name: "",
    keys: &[],
};

fn unwrapped(node: &Node) -> &Node {
    let inner = WRAPPERS.iter().find_map(|name| {
        node.get(name)
            .or_else(|| node.get(&name.replace('D', "_d")))
    });
    match inner.map(|inner| (&inner.value, inner)) {
        Some((Written::Map(_), inner)) => inner,
        Some((Written::List(items), _)) => match items.as_slice() {
            [one] => one,
            _ => node,
        },
        _ => node,
    }
}

pub(super) fn text<'m>(map: &'m Map<String, Value>, key: &str) -> Option<&'m str> {
    map.get(key).and_then(Value::as_str)
}

/// Names of variables of containers whose values hold `${…}`.
fn filled(item: &Item) -> Vec<String> {
    let list = |node: &Node, key: &str| match node.get(key).map(|node| &node.value) {
        Some(Written::List(items)) => items.clone(),
        _ => Vec::new(),
    };
    let containers = list(item.node, "containerDefinitions");
    let variables = containers.iter().flat_map(|node| list(node, "environment"));
    let scalar = |node: &Node, key: &str| match node.get(key).map(|node| &node.value) {
        Some(Written::Scalar(scalar)) => scalar.text.clone(),
        _ => String::new(),
    };
    variables
        .filter(|node| {
            scalar(node, "value")
                .replace("$${", "")
                .replace("${SHA}", "")
                .contains("${")
        })
        .map(|node| scalar(&node, "name"))
        .collect()
}
