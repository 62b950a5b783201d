//! Where a container writes to: pure.

use serde_json::{Map, Value};

/// A stream of `CloudWatch` Logs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Stream {
    /// Empty: the command's own.
    pub region: String,
    pub group: String,
    /// What the streams of the definition's tasks begin with, `PREFIX/`; empty without one.
    pub prefix: String,
    pub name: String,
}

/// The stream of a task's container, or why nothing of it can be read. `runtime` is the container's id on its
/// machine, which ECS tells once it runs.
pub fn stream(
    definition: &Map<String, Value>,
    container: &str,
    task: &str,
    runtime: Option<&str>,
) -> Result<Stream, String> {
    let containers = definition
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let found = containers
        .into_iter()
        .flatten()
        .find(|one| one["name"] == container);
    let found = found.ok_or_else(|| format!("the definition has no container {container}"))?;
    let log = &found["logConfiguration"];
    match log["logDriver"].as_str() {
        Some("awslogs") => {}
        Some(driver) => {
            return Err(format!(
                "{container} logs with {driver}, which cannot be read from here"
            ));
        }
        None => {
            return Err(format!(
                "{container} has no logConfiguration: its output stays on its machine"
            ));
        }
    }
    let option = |name: &str| log["options"][name].as_str().unwrap_or_default();
    let group = option("awslogs-group");
    if group.is_empty() {
        return Err(format!("{container} names no awslogs-group"));
    }
    let id = task.rsplit('/').next().unwrap_or(task);
    let (prefix, name) = match (option("awslogs-stream-prefix"), runtime) {
        ("", None) => {
            return Err(format!(
                "{container} has no awslogs-stream-prefix: its stream has no name yet"
            ));
        }
        ("", Some(runtime)) => (String::new(), runtime.to_owned()),
        (prefix, _) => (format!("{prefix}/"), format!("{prefix}/{container}/{id}")),
    };
    Ok(Stream {
        region: option("awslogs-region").to_owned(),
        group: group.to_owned(),
        prefix,
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const TASK: &str = "arn:aws:ecs:us-east-1:1:task/main/abc";

    fn definition(log: &Value) -> Map<String, Value> {
        let one = json!({"name": "app", "logConfiguration": log});
        let value = json!({"containerDefinitions": [{"name": "nginx"}, one]});
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_stream_has_its_name_from_the_prefix_or_from_its_machine() {
        let log = |options: Value| json!({"logDriver": "awslogs", "options": options});
        let named = log(json!({
            "awslogs-group": "/app", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "a/b",
        }));
        let found = stream(&definition(&named), "app", TASK, None).unwrap();
        let expected = Stream {
            region: "eu-west-1".to_owned(),
            group: "/app".to_owned(),
            prefix: "a/b/".to_owned(),
            name: "a/b/app/abc".to_owned(),
        };
        assert_eq!(found, expected);
        let bare = log(json!({"awslogs-group": "/app"}));
        let found = stream(&definition(&bare), "app", TASK, Some("f00")).unwrap();
        assert_eq!((found.prefix.as_str(), found.name.as_str()), ("", "f00"));
        assert!(stream(&definition(&bare), "app", TASK, None).is_err());
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let table = [
            (
                json!({"logDriver": "fluentd"}),
                "app logs with fluentd, which cannot be read from here",
            ),
            (
                Value::Null,
                "app has no logConfiguration: its output stays on its machine",
            ),
            (
                json!({"logDriver": "awslogs"}),
                "app names no awslogs-group",
            ),
        ];
        for (log, why) in table {
            let found = stream(&definition(&log), "app", TASK, Some("f00"));
            assert_eq!(found, Err(why.to_owned()));
        }
        let found = stream(&definition(&Value::Null), "web", TASK, None);
        assert_eq!(found, Err("the definition has no container web".to_owned()));
    }
}
