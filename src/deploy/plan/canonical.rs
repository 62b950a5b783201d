//! What the file says and what AWS answers, brought into one form.

use crate::deploy::config::fields;
use serde_json::{Map, Value};

/// A task definition. What only stands in answers stays: whoever compares or shows takes away what is not sent.
pub fn task(definition: &Map<String, Value>) -> Map<String, Value> {
    let mut task = definition.clone();
    for (key, unit) in [("cpu", "vcpu"), ("memory", "gb")] {
        if let Some(Value::String(size)) = task.get_mut(key) {
            *size = in_units(size, unit);
        }
    }
    let mode = task.get("networkMode").and_then(Value::as_str);
    let own_address = matches!(mode, Some("awsvpc" | "host"));
    let containers = task.get_mut("containerDefinitions");
    let containers = containers.and_then(Value::as_array_mut).into_iter();
    for container in containers.flatten() {
        let ports = container.get_mut("portMappings");
        let ports = ports.and_then(Value::as_array_mut).into_iter();
        for port in ports.flatten().filter_map(Value::as_object_mut) {
            host_port(port, own_address);
        }
    }
    without_tags_of_aws(&mut task);
    task
}

/// Nobody else can set them.
fn without_tags_of_aws(map: &mut Map<String, Value>) {
    if let Some(Value::Array(tags)) = map.get_mut("tags") {
        let key = |tag: &Value| Some(tag.get("key")?.as_str()?.starts_with("aws:"));
        tags.retain(|tag| key(tag) != Some(true));
    }
}

/// Takes away what is neither known here nor in the file: AWS has begun to answer it.
pub fn without_unknown(have: &mut Map<String, Value>, want: &Map<String, Value>) {
    let kept = |kind: &fields::Kind, key: &str, want: &Map<String, Value>| {
        kind.sent.contains(&key) || want.contains_key(key)
    };
    have.retain(|key, _| kept(&fields::TASK, key, want));
    let wanted: Vec<&Map<String, Value>> = containers(want).collect();
    let there = have.get_mut("containerDefinitions");
    let there = there.and_then(Value::as_array_mut).into_iter().flatten();
    for container in there.filter_map(Value::as_object_mut) {
        container.retain(|key, _| {
            wanted
                .iter()
                .any(|want| kept(&fields::CONTAINER, key, want))
        });
    }
}

fn containers(task: &Map<String, Value>) -> impl Iterator<Item = &Map<String, Value>> {
    let containers = task.get("containerDefinitions").and_then(Value::as_array);
    containers
        .into_iter()
        .flatten()
        .filter_map(Value::as_object)
}

/// A port of the host is the container's where both share an address, else AWS chooses one.
fn host_port(port: &mut Map<String, Value>, own_address: bool) {
    let chosen = port.get("hostPort").is_none_or(|port| *port == 0);
    let Some(inner) = port.get("containerPort").filter(|_| chosen) else {
        return;
    };
    let outer = if own_address { inner.clone() } else { 0.into() };
    port.insert("hostPort".to_owned(), outer);
}

/// `0.5 vCPU` and `1 GB` in the units of a registered definition, of which each has 1024.
fn in_units(size: &str, unit: &str) -> String {
    let lower = size.to_ascii_lowercase();
    let number = lower.strip_suffix(unit).map(str::trim);
    match number.and_then(|number| number.parse::<f64>().ok()) {
        Some(number) => (number * 1024.0).round().to_string(),
        None => size.trim().to_owned(),
    }
}

/// A service with the fields of a request where an answer has them elsewhere.
pub fn service(described: &Map<String, Value>) -> Map<String, Value> {
    let mut service = described.clone();
    let deployments = service.get("deployments").and_then(Value::as_array);
    let primary = deployments.and_then(|all| all.iter().find(|one| one["status"] == "PRIMARY"));
    let primary = primary
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for key in [
        "serviceConnectConfiguration",
        "volumeConfigurations",
        "vpcLatticeConfigurations",
    ] {
        if let Some(value) = primary.get(key) {
            service.entry(key).or_insert_with(|| value.clone());
        }
    }
    if let Some(role) = service.remove("roleArn") {
        service.insert("role".to_owned(), role);
    }
    service.retain(|_, value| !value.is_null());
    without_tags_of_aws(&mut service);
    service
}

/// Running, under what a file names of it: a map that is sent replaces what was there.
pub fn over(have: Option<&Value>, want: &Value) -> Value {
    match (have, want) {
        (Some(Value::Object(have)), Value::Object(want)) => {
            let mut all = have.clone();
            for (key, value) in want {
                all.insert(key.clone(), over(have.get(key), value));
            }
            Value::Object(all)
        }
        _ => want.clone(),
    }
}

/// The last part of an ARN, `app:7`.
pub fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
