//! What `RunTask` is asked for: pure.

use crate::deploy::plan::short;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// Of ECS to stop a task, beside the time that its containers have.
const STOPPED: Duration = Duration::from_mins(10);

/// Work for a task that runs once.
#[derive(Clone, Debug, PartialEq)]
pub struct Job {
    pub cluster: String,
    /// The definition, as `DescribeTaskDefinition` has it.
    pub definition: Map<String, Value>,
    /// The container that does the work.
    pub container: String,
    /// The container's own if empty.
    pub command: Vec<String>,
    /// Where it runs: members of `RunTask`.
    pub placement: Map<String, Value>,
}

impl Job {
    /// The definition's ARN.
    pub fn arn(&self) -> &str {
        text(&self.definition, "taskDefinitionArn")
    }

    pub fn family(&self) -> &str {
        text(&self.definition, "family")
    }

    /// How long its task may take to end, once ECS was told to stop it: its containers' own time, and that of ECS.
    /// One whose machine is out of reach stays as it was.
    pub fn stops_within(&self) -> Duration {
        let containers = self.definition.get("containerDefinitions");
        let containers = containers.and_then(Value::as_array).into_iter().flatten();
        let own = containers.filter_map(|one| one.get("stopTimeout")?.as_u64());
        Duration::from_secs(own.max().unwrap_or_default()) + STOPPED
    }

    /// What tells this work from other work.
    pub fn words(&self) -> Vec<&str> {
        // A cluster may be given by its name or by its ARN.
        let mut words = vec![short(&self.cluster), self.arn(), self.container.as_str()];
        words.extend(self.command.iter().map(String::as_str));
        words
    }
}

fn text<'m>(map: &'m Map<String, Value>, key: &str) -> &'m str {
    map.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// Where a service's tasks run, as members of `RunTask` for a definition. A network is only for tasks that have
/// one of their own, and a strategy stands in place of a launch type.
pub fn placement(
    service: &Map<String, Value>,
    definition: &Map<String, Value>,
) -> Map<String, Value> {
    let mut members = Map::new();
    let mut copy = |key: &str| {
        let value = service.get(key);
        let is_empty = |value: &Value| {
            value.is_null()
                || value.as_array().is_some_and(Vec::is_empty)
                || value.as_str().is_some_and(str::is_empty)
        };
        let value = value.filter(|value| !is_empty(value));
        if let Some(value) = value {
            members.insert(key.to_owned(), value.clone());
        }
        value.is_some()
    };
    if !copy("capacityProviderStrategy") {
        copy("launchType");
    }
    copy("platformVersion");
    copy("placementConstraints");
    copy("placementStrategy");
    if text(definition, "networkMode") == "awsvpc" {
        copy("networkConfiguration");
    }
    if service.get("enableECSManagedTags") == Some(&Value::Bool(true)) {
        members.insert("enableECSManagedTags".to_owned(), true.into());
    }
    members
}

/// The container that a command is for: the one that is asked for, else the only one.
pub fn container(definition: &Map<String, Value>, asked: Option<&str>) -> Result<String, String> {
    let containers = definition
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let names: Vec<&str> = containers
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let arn = short(text(definition, "taskDefinitionArn"));
    let all = names.join(", ");
    match (asked, names.as_slice()) {
        (Some(asked), names) if names.contains(&asked) => Ok(asked.to_owned()),
        (Some(asked), _) => Err(format!("{arn} has no container {asked:?}, but {all}")),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => Err(format!(
            "{arn} has several containers: name one with --container: {all}"
        )),
    }
}

/// The members of `RunTask`.
pub fn run_task(job: &Job, started_by: &str, token: &str) -> Map<String, Value> {
    let mut members = job.placement.clone();
    let mut set = |key: &str, value: Value| members.insert(key.to_owned(), value);
    set("cluster", job.cluster.as_str().into());
    set("taskDefinition", job.arn().into());
    set("count", 1.into());
    set("startedBy", started_by.into());
    set("clientToken", token.into());
    if !job.command.is_empty() {
        let container = json!({"name": job.container, "command": job.command});
        set("overrides", json!({"containerOverrides": [container]}));
    }
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(value: &Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn a_task_runs_where_the_service_s_do() {
        let network = json!({"awsvpcConfiguration": {"subnets": ["s"]}});
        let awsvpc = map(&json!({"networkMode": "awsvpc"}));
        let bridge = map(&json!({"networkMode": "bridge"}));
        let fargate = json!({"launchType": "FARGATE", "platformVersion": "1.4.0", "desiredCount": 2,
            "networkConfiguration": network, "capacityProviderStrategy": [], "placementConstraints": [],
            "enableECSManagedTags": true, "loadBalancers": [{}]});
        let strategy = json!([{"capacityProvider": "spot", "weight": 1}]);
        let spot = json!({"capacityProviderStrategy": strategy, "networkConfiguration": network,
            "placementConstraints": [{"type": "memberOf", "expression": "x"}], "launchType": null});
        let table = [
            (
                &fargate,
                &awsvpc,
                json!({"launchType": "FARGATE", "platformVersion": "1.4.0",
                    "networkConfiguration": network, "enableECSManagedTags": true}),
            ),
            (
                &spot,
                &bridge,
                json!({"capacityProviderStrategy": strategy,
                    "placementConstraints": [{"type": "memberOf", "expression": "x"}]}),
            ),
            (&json!({}), &awsvpc, json!({})),
        ];
        for (service, definition, expected) in table {
            assert_eq!(placement(&map(service), definition), map(&expected));
        }
    }

    #[test]
    fn a_command_is_for_one_container() {
        let of = |names: &[&str]| {
            let containers: Vec<Value> = names.iter().map(|name| json!({"name": name})).collect();
            map(&json!({"taskDefinitionArn": "arn:a/web:2", "containerDefinitions": containers}))
        };
        assert_eq!(container(&of(&["app"]), None), Ok("app".to_owned()));
        let two = of(&["app", "nginx"]);
        assert_eq!(container(&two, Some("nginx")), Ok("nginx".to_owned()));
        assert_eq!(
            container(&two, None).unwrap_err(),
            "web:2 has several containers: name one with --container: app, nginx"
        );
        assert_eq!(
            container(&two, Some("web")).unwrap_err(),
            "web:2 has no container \"web\", but app, nginx"
        );
    }

    #[test]
    fn a_command_overrides_only_if_there_is_one() {
        let job = Job {
            cluster: "arn:aws:ecs:x:1:cluster/main".to_owned(),
            definition: map(&json!({"taskDefinitionArn": "arn:a/web:2", "family": "web"})),
            container: "app".to_owned(),
            command: vec!["rake".to_owned(), "x y".to_owned()],
            placement: map(&json!({"launchType": "EC2"})),
        };
        let expected = json!({
            "cluster": "arn:aws:ecs:x:1:cluster/main", "taskDefinition": "arn:a/web:2", "count": 1,
            "startedBy": "me", "clientToken": "t", "launchType": "EC2",
            "overrides": {"containerOverrides": [{"name": "app", "command": ["rake", "x y"]}]},
        });
        assert_eq!(run_task(&job, "me", "t"), map(&expected));
        assert_eq!(job.words(), ["main", "arn:a/web:2", "app", "rake", "x y"]);
        let job = Job {
            command: Vec::new(),
            ..job
        };
        assert_eq!(run_task(&job, "me", "t").get("overrides"), None);
    }
}
