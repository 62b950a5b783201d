//! What a task definition tells of where it comes from: the commit, and who registered it.

use serde_json::{Map, Value};

/// A tag of a definition, or a label of a container, that names its commit.
const TAGS: [&str; 5] = ["commit", "git_sha", "git-sha", "revision", "sha"];
const LABEL: &str = "org.opencontainers.image.revision";

/// The commit that a definition is of.
#[must_use]
pub fn commit(definition: &Map<String, Value>) -> Option<String> {
    let tags = definition.get("tags").and_then(Value::as_array);
    let tagged = tags.into_iter().flatten().find_map(|tag| {
        let key = tag.get("key")?.as_str()?.to_ascii_lowercase();
        let value = tag.get("value")?.as_str()?;
        (TAGS.contains(&key.as_str()) && is_commit(value)).then_some(value)
    });
    let containers = definition.get("containerDefinitions");
    let containers = || containers.and_then(Value::as_array).into_iter().flatten();
    let labelled = || {
        containers().find_map(|container| {
            let value = container.get("dockerLabels")?.get(LABEL)?.as_str()?;
            is_commit(value).then_some(value)
        })
    };
    let of_image =
        || containers().find_map(|container| image_tag(container.get("image")?.as_str()?));
    let found = tagged.or_else(labelled).or_else(of_image)?;
    Some(found.to_ascii_lowercase())
}

/// `repository:TAG` or `repository:TAG@sha256:…`, if the tag is a commit's.
fn image_tag(image: &str) -> Option<&str> {
    let image = image.split('@').next()?;
    let (_, tag) = image.rsplit('/').next()?.split_once(':')?;
    is_commit(tag).then_some(tag)
}

/// A whole SHA, or the beginning of one with letters and digits: `20260131` is a date.
fn is_commit(word: &str) -> bool {
    let hex = word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let letter = word.bytes().any(|byte| byte.is_ascii_alphabetic());
    let digit = word.bytes().any(|byte| byte.is_ascii_digit());
    match word.len() {
        40 | 64 => hex,
        7..=39 => hex && letter && digit,
        _ => false,
    }
}

/// The last parts of who registered it: `deployer/ci-run-7`, `user/alice`.
pub fn registered_by(definition: &Map<String, Value>) -> Option<String> {
    let arn = definition.get("registeredBy")?.as_str()?;
    let name = arn.rsplit(':').next()?;
    let name = name.strip_prefix("assumed-role/").unwrap_or(name);
    (!name.is_empty()).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn map(value: Value) -> Map<String, Value> {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_definition_tells_its_commit() {
        let sha = "0123456789abcdef0123456789abcdef01234567";
        let image = |image: &str| json!({"containerDefinitions": [{"image": image}]});
        let table = [
            (image(&format!("repo/app:{sha}")), Some(sha)),
            (image(&format!("host:5000/app:{sha}@sha256:00")), Some(sha)),
            (image("app:0123ABC"), Some("0123abc")),
            // A date, a word, a version, a port, nothing.
            (image("app:20260131"), None),
            (image("app:facade"), None),
            (image("app:v1.2"), None),
            (image("host:5000/app"), None),
            (image("app"), None),
            (
                json!({"tags": [{"key": "Commit", "value": "deadbe7"}],
                    "containerDefinitions": [{"image": "app:0123abc"}]}),
                Some("deadbe7"),
            ),
            (
                json!({"containerDefinitions": [{"image": "sidecar:1"},
                    {"image": "app:latest", "dockerLabels": {LABEL: sha}}]}),
                Some(sha),
            ),
            (
                json!({"containerDefinitions": [{"image": "sidecar:1"}, {"image": "app:0123abc"}]}),
                Some("0123abc"),
            ),
        ];
        for (definition, expected) in table {
            let shown = definition.to_string();
            assert_eq!(commit(&map(definition)).as_deref(), expected, "{shown}");
        }
    }

    #[test]
    fn who_registered_it_is_named_shortly() {
        let table = [
            ("arn:aws:iam::1:user/alice", Some("user/alice")),
            ("arn:aws:sts::1:assumed-role/ci/run-7", Some("ci/run-7")),
            ("arn:aws:iam::1:root", Some("root")),
        ];
        for (arn, name) in table {
            let found = registered_by(&map(json!({"registeredBy": arn})));
            assert_eq!(found.as_deref(), name);
        }
        assert_eq!(registered_by(&map(json!({}))), None);
    }
}
