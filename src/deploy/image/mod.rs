//! Images of ECR: whether they are there before anything is registered, and pinned to the digests that their
//! tags stand for now. Images of other registries are left as they are.
//!
//! ```text
//! Config ─▶ references (reference) ─▶ ECR (find) ─▶ Found ─▶ pinned Config
//!                                       └ what is missing, with the closest tags (closest)
//! ```

mod closest;
mod find;
mod reference;

pub(super) use closest::commit;
pub use closest::{Closest, closest};
pub use find::{Found, Missing, find};
pub use reference::Reference;

use super::config::{Config, Task};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// By image as the file has it, the digest that it stands for.
pub type Digests = BTreeMap<String, String>;

/// The images of all tasks, each once.
#[must_use]
pub fn images(config: &Config) -> BTreeSet<String> {
    let containers = config.tasks.iter().flat_map(containers);
    let images = containers.filter_map(|container| container.get("image")?.as_str());
    images.map(str::to_owned).collect()
}

/// The config with each of these images pinned, `repository:tag@sha256:…`: the digest is what is pulled, and
/// the tag still tells people, and a rollback, which commit it is.
#[must_use]
pub fn pinned(config: &Config, digests: &Digests) -> Config {
    let mut config = config.clone();
    if !config.pin {
        return config;
    }
    for task in &mut config.tasks {
        let containers = task.request.get_mut("containerDefinitions");
        let containers = containers.and_then(Value::as_array_mut).into_iter();
        for container in containers.flatten().filter_map(Value::as_object_mut) {
            let Some(Value::String(image)) = container.get_mut("image") else {
                continue;
            };
            if let Some(digest) = digests.get(image).filter(|_| !image.contains('@')) {
                image.push('@');
                image.push_str(digest);
            }
        }
    }
    config
}

fn containers(task: &Task) -> impl Iterator<Item = &Map<String, Value>> {
    let containers = task.request.get("containerDefinitions");
    let containers = containers.and_then(Value::as_array).into_iter().flatten();
    containers.filter_map(Value::as_object)
}
