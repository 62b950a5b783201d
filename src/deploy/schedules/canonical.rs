//! A target in the words of `RunTask`, and back.

use crate::deploy::plan::over;
use serde_json::{Map, Value, json};

/// Members of `EcsParameters` that are compared, and what `RunTask` calls them.
const PARAMETERS: [(&str, &str); 6] = [
    ("CapacityProviderStrategy", "capacityProviderStrategy"),
    ("Group", "group"),
    ("LaunchType", "launchType"),
    ("NetworkConfiguration", "networkConfiguration"),
    ("PlatformVersion", "platformVersion"),
    ("TaskCount", "count"),
];

/// Within `awsvpcConfiguration`, which alone is spelled as elsewhere.
const NETWORK: [(&str, &str); 3] = [
    ("AssignPublicIp", "assignPublicIp"),
    ("SecurityGroups", "securityGroups"),
    ("Subnets", "subnets"),
];

/// What is compared of a target.
pub fn target(found: &Map<String, Value>) -> Map<String, Value> {
    let mut all = Map::new();
    for (key, name) in [("Arn", "cluster"), ("RoleArn", "roleArn")] {
        if let Some(value) = found.get(key) {
            all.insert(name.to_owned(), value.clone());
        }
    }
    let parameters = found.get("EcsParameters").and_then(Value::as_object);
    for (key, name) in PARAMETERS {
        let value = parameters.and_then(|all| all.get(key));
        if let Some(value) = value.filter(|value| !value.is_null()) {
            let value = network(key, value, |(theirs, _)| theirs, |(_, ours)| ours);
            all.insert(name.to_owned(), value);
        }
    }
    all
}

/// A target with `want` laid over it.
pub fn with(found: &Map<String, Value>, want: &Map<String, Value>) -> Map<String, Value> {
    let have = target(found);
    let mut all = found.clone();
    for (key, name) in [("Arn", "cluster"), ("RoleArn", "roleArn")] {
        if let Some(value) = want.get(name) {
            all.insert(key.to_owned(), value.clone());
        }
    }
    let parameters = all.remove("EcsParameters");
    let mut parameters = match parameters {
        Some(Value::Object(parameters)) => parameters,
        _ => Map::new(),
    };
    for (key, name) in PARAMETERS {
        if let Some(value) = want.get(name) {
            let value = over(have.get(name), value);
            let value = network(key, &value, |(_, ours)| ours, |(theirs, _)| theirs);
            parameters.insert(key.to_owned(), value);
        }
    }
    // Each of the two excludes the other.
    if want.contains_key("capacityProviderStrategy") {
        parameters.remove("LaunchType");
    } else if want.contains_key("launchType") {
        parameters.remove("CapacityProviderStrategy");
    }
    all.insert("EcsParameters".to_owned(), parameters.into());
    all
}

type Names = (&'static str, &'static str);

/// The value with the keys of a network configuration in the other spelling.
fn network(
    key: &str,
    value: &Value,
    from: fn(Names) -> &'static str,
    to: fn(Names) -> &'static str,
) -> Value {
    let inner = value.get("awsvpcConfiguration").and_then(Value::as_object);
    let Some(inner) = inner.filter(|_| key == "NetworkConfiguration") else {
        return value.clone();
    };
    let renamed = inner.iter().map(|(key, value)| {
        let known = NETWORK.into_iter().find(|names| from(*names) == key);
        let key = known.map_or_else(|| key.clone(), |names| to(names).to_owned());
        (key, value.clone())
    });
    json!({"awsvpcConfiguration": renamed.collect::<Map<String, Value>>()})
}

/// The command that a target gives a container; `None` for the container's own.
pub fn command(found: &Map<String, Value>, container: &str) -> Option<Vec<String>> {
    let input = input(found);
    let overrides = input.get("containerOverrides")?.as_array()?;
    let own = overrides.iter().find(|one| one["name"] == container)?;
    let words = own.get("command")?.as_array()?;
    let words = words.iter().map(|word| word.as_str().map(str::to_owned));
    words.collect()
}

/// The target's input with another command for a container; what it says of others stays.
pub fn with_command(found: &mut Map<String, Value>, container: &str, command: &[String]) {
    let mut input = input(found);
    let overrides = input.remove("containerOverrides");
    let mut overrides = match overrides {
        Some(Value::Array(overrides)) => overrides,
        _ => Vec::new(),
    };
    let place = overrides.iter().position(|one| one["name"] == container);
    let mut own = match place.map(|place| overrides.remove(place)) {
        Some(Value::Object(own)) => own,
        _ => Map::new(),
    };
    own.remove("command");
    if !command.is_empty() {
        own.insert("command".to_owned(), json!(command));
    }
    own.insert("name".to_owned(), container.into());
    // A name alone overrides nothing.
    if own.len() > 1 {
        let place = place.unwrap_or(overrides.len());
        overrides.insert(place, own.into());
    }
    if !overrides.is_empty() {
        input.insert("containerOverrides".to_owned(), overrides.into());
    }
    // Only one of these may be there.
    for key in ["Input", "InputPath", "InputTransformer"] {
        found.remove(key);
    }
    if !input.is_empty() {
        found.insert("Input".to_owned(), Value::Object(input).to_string().into());
    }
}

fn input(found: &Map<String, Value>) -> Map<String, Value> {
    let text = found.get("Input").and_then(Value::as_str);
    let parsed = text.and_then(|text| serde_json::from_str(text).ok());
    parsed.unwrap_or_default()
}
