//! The texts of the files. Pure.

use super::Seen;
use super::image::Images;
use crate::deploy::config::fields::AS_MAP;
use crate::deploy::plan::{bare_service, bare_task, short};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The folder of task definitions.
const FOLDER: &str = "tasks";

/// Parts of names of variables that most often hold secrets.
const SECRET: [&str; 9] = [
    "API_KEY",
    "CREDENTIAL",
    "DATABASE_URL",
    "MASTER_KEY",
    "PASSPHRASE",
    "PASSWORD",
    "PRIVATE_KEY",
    "SECRET",
    "TOKEN",
];

/// A file, relative to the folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct File {
    pub path: String,
    pub text: String,
}

/// What to write, and what to say of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub files: Vec<File>,
    /// Lines for a reader; no value of a variable is in them.
    pub notes: Vec<String>,
    /// The commit that runs.
    pub sha: Option<String>,
}

/// `deploy.yml` and a file for each task definition.
pub fn written(seen: &Seen) -> Result<Written, serde_yaml::Error> {
    let images = Images::of(seen.definitions.values());
    let mut written = Written {
        sha: images.sha.clone(),
        ..Written::default()
    };
    let mut tasks = Map::new();
    let mut services = Map::new();
    let mut families = BTreeSet::new();
    for service in &seen.services {
        let text = |key: &str| service.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, arn) = (
            text("serviceName").to_owned(),
            text("taskDefinition").to_owned(),
        );
        let bare = bare_service(service);
        unknown(
            &format!("service {name}"),
            &bare.unknown,
            &mut written.notes,
        );
        let mut members = Map::new();
        let family = short(&arn).split(':').next().unwrap_or_default().to_owned();
        // The revision that the family's file has, or another one, that only its ARN can name.
        let known = tasks.get(&family).is_some_and(|_| families.contains(&arn));
        if !known && tasks.contains_key(&family) {
            let note = format!(
                "service {name}: it runs another revision of {family} than the service before it, and keeps it: taskDefinition is written in place of task"
            );
            written.notes.push(note);
            members.insert("taskDefinition".to_owned(), short(&arn).into());
        } else {
            if !known && let Some(definition) = seen.definitions.get(&arn) {
                let path = format!("{FOLDER}/{family}.yml");
                let text = task(&family, definition, &images, &path, &mut written.notes)?;
                written.files.push(File {
                    path: path.clone(),
                    text,
                });
                tasks.insert(family.clone(), path.into());
                families.insert(arn);
            }
            if family != name {
                members.insert("task".to_owned(), family.into());
            }
        }
        members.extend(for_file(&bare.members));
        services.insert(name, Value::Object(members));
    }
    let main = main(seen, &images, &tasks, &services, &mut written.notes)?;
    written.files.insert(0, main);
    Ok(written)
}

fn main(
    seen: &Seen,
    images: &Images,
    tasks: &Map<String, Value>,
    services: &Map<String, Value>,
    notes: &mut Vec<String>,
) -> Result<File, serde_yaml::Error> {
    let mut head = Map::new();
    head.insert("region".to_owned(), seen.region.clone().into());
    head.insert("cluster".to_owned(), escaped(&seen.cluster).into());
    if images.unpinned {
        head.insert("pin".to_owned(), false.into());
        notes.push(
            "pin: false is written, since images run without their digests: take it out to pin them"
                .to_owned(),
        );
    }
    if let Some(sha) = &images.sha {
        notes.push(format!("${{SHA}} stands for {sha}, which runs now"));
    }
    for other in &images.other_shas {
        notes.push(format!("{other} runs, too, and is written as it is"));
    }
    if services
        .values()
        .any(|one| one.get("desiredCount").is_some())
    {
        notes.push(
            "desiredCount is written as it is now: add autoscaled: true where something else sets it"
                .to_owned(),
        );
    }
    // One map would be sorted by its keys.
    let parts = [
        json!(head),
        json!({"tasks": tasks}),
        json!({"services": services}),
    ];
    let mut text = String::new();
    for part in &parts {
        text.push_str(&serde_yaml::to_string(part)?);
    }
    Ok(File {
        path: "deploy.yml".to_owned(),
        text,
    })
}

fn task(
    family: &str,
    definition: &Map<String, Value>,
    images: &Images,
    path: &str,
    notes: &mut Vec<String>,
) -> Result<String, serde_yaml::Error> {
    let mut bare = bare_task(definition);
    unknown(&format!("task {family}"), &bare.unknown, notes);
    bare.members.remove("family");
    let containers = bare.members.get("containerDefinitions");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    for container in containers {
        for name in suspicious(container) {
            let container = container
                .get("name")
                .and_then(Value::as_str)
                .unwrap_or_default();
            notes.push(format!(
                "task {family}: container {container}: {name} looks like a secret, and {path} has its value: move it to secrets"
            ));
        }
    }
    let mut members = for_file(&bare.members);
    let containers = members.get_mut("containerDefinitions");
    let containers = containers
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    for container in containers {
        if let Some(Value::String(image)) = container.get_mut("image") {
            *image = images.written(image);
        }
    }
    serde_yaml::to_string(&members)
}

fn unknown(place: &str, names: &[String], notes: &mut Vec<String>) {
    if !names.is_empty() {
        let names = names.join(", ");
        notes.push(format!("{place}: {names} is not known here, and left out"));
    }
}

/// Names of variables with values, which most often hold secrets.
fn suspicious(container: &Value) -> Vec<&str> {
    let variables = container.get("environment").and_then(Value::as_array);
    let named = variables.into_iter().flatten().filter(|one| {
        one.get("value")
            .and_then(Value::as_str)
            .is_some_and(|value| !value.is_empty())
    });
    let names = named.filter_map(|one| one.get("name")?.as_str());
    let looks = |name: &&str| {
        let upper = name.to_ascii_uppercase();
        SECRET.iter().any(|part| upper.contains(part))
    };
    names.filter(looks).collect()
}

/// With `${` as a literal, and variables, secrets and tags as maps.
fn for_file(members: &Map<String, Value>) -> Map<String, Value> {
    let pairs = members.iter().map(|(key, value)| {
        let value = as_map(key, value).unwrap_or_else(|| value.clone());
        (key.clone(), nested(&value))
    });
    pairs.collect()
}

fn nested(value: &Value) -> Value {
    match value {
        Value::String(text) => escaped(text).into(),
        Value::Array(items) => items.iter().map(nested).collect(),
        Value::Object(map) => Value::Object(for_file(map)),
        other => other.clone(),
    }
}

fn escaped(text: &str) -> String {
    text.replace("${", "$${")
}

fn as_map(key: &str, value: &Value) -> Option<Value> {
    let (_, name, inner) = AS_MAP.iter().find(|(known, _, _)| *known == key)?;
    let items = value.as_array()?;
    let mut map = Map::new();
    for item in items {
        let item = item.as_object().filter(|item| item.len() == 2)?;
        let key = item.get(*name)?.as_str()?;
        let value = item.get(*inner)?.as_str()?;
        // A key is taken by its letters, and `<<` merges.
        if key.is_empty() || key == "<<" || map.insert(key.to_owned(), value.into()).is_some() {
            return None;
        }
    }
    Some(Value::Object(map))
}
