//! What runs, as short as it can be written in a file: the same without what AWS fills in.

use super::canonical;
use super::defaults::{self, Defaults};
use crate::deploy::config::fields::{self, Kind};
use serde_json::{Map, Value, json};

/// A definition for a file, and the members that were left out because they are not known here.
#[derive(Clone, Debug, PartialEq)]
pub struct Bare {
    pub members: Map<String, Value>,
    pub unknown: Vec<String>,
}

/// A task definition as `DescribeTaskDefinition` has it, its family in it.
#[must_use]
pub fn bare_task(definition: &Map<String, Value>) -> Bare {
    let mut task = canonical::task(definition);
    let mut unknown = known(&mut task, &fields::TASK, "");
    let mode = task.get("networkMode").and_then(Value::as_str);
    let own_address = matches!(mode, Some("awsvpc" | "host"));
    let containers = task.get_mut("containerDefinitions");
    let containers = containers.and_then(Value::as_array_mut).into_iter();
    for container in containers.flatten().filter_map(Value::as_object_mut) {
        let place = container.get("name").and_then(Value::as_str);
        let place = format!("containerDefinitions[{}].", place.unwrap_or_default());
        unknown.extend(known(container, &fields::CONTAINER, &place));
        let ports = container.get_mut("portMappings");
        let ports = ports.and_then(Value::as_array_mut).into_iter();
        for port in ports.flatten().filter_map(Value::as_object_mut) {
            let outer = port.get("hostPort").cloned();
            let given = if own_address {
                port.get("containerPort").cloned()
            } else {
                Some(json!(0))
            };
            if outer == given {
                port.remove("hostPort");
            }
        }
    }
    Bare {
        members: stripped(&task, "", &[defaults::TASK]),
        unknown,
    }
}

/// A service as `DescribeServices` has it, without its name, cluster and task definition.
#[must_use]
pub fn bare_service(described: &Map<String, Value>) -> Bare {
    let mut service = canonical::service(described);
    for key in ["cluster", "serviceName", "taskDefinition"] {
        service.remove(key);
    }
    let unknown = known(&mut service, &fields::SERVICE, "");
    let role = service.get("role").and_then(Value::as_str);
    // It is there by itself, and cannot be asked for.
    if role.is_some_and(|role| role.contains("/aws-service-role/")) {
        service.remove("role");
    }
    let mut tables = vec![defaults::SERVICE];
    if service.get("schedulingStrategy") == Some(&json!("DAEMON")) {
        tables.insert(0, defaults::DAEMON);
        service.remove("desiredCount");
    }
    Bare {
        members: stripped(&service, "", &tables),
        unknown,
    }
}

/// Takes away what may not be sent; what is not known at all is named.
fn known(map: &mut Map<String, Value>, kind: &Kind, place: &str) -> Vec<String> {
    let names = map.keys().filter(|key| {
        let key = key.as_str();
        !kind.sent.contains(&key) && !kind.answered.contains(&key)
    });
    let unknown = names.map(|key| format!("{place}{key}")).collect();
    map.retain(|key, _| kind.sent.contains(&key.as_str()));
    unknown
}

fn stripped(map: &Map<String, Value>, path: &str, tables: &[Defaults]) -> Map<String, Value> {
    let kept = map.iter().filter_map(|(key, value)| {
        let path = match path {
            "" => key.clone(),
            path => format!("{path}.{key}"),
        };
        if defaults::of(tables, &path).as_ref() == Some(value) {
            return None;
        }
        let value = match value {
            Value::Object(map) => Value::Object(stripped(map, &path, tables)),
            Value::Array(items) => items
                .iter()
                .map(|item| match item {
                    Value::Object(map) => Value::Object(stripped(map, &path, tables)),
                    other => other.clone(),
                })
                .collect(),
            other => other.clone(),
        };
        let empty = match &value {
            Value::Object(map) => map.is_empty(),
            Value::Array(items) => items.is_empty(),
            Value::Null => true,
            _ => false,
        };
        (!empty).then(|| (key.clone(), value))
    });
    kept.collect()
}
