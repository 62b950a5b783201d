//! ECS, as far as it is read: definitions, services, their deployments and stopped tasks, as AWS's own JSON.

use super::counters::Counters;
use super::endpoint::Service;
use super::error::{AwsError, Kind, some_of};
use super::json::{Api, Json};
use super::{IN_FLIGHT, Pending};
use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

const API: Api = Api {
    service: Service {
        id: "ECS",
        name: "ecs",
        signed_as: "ecs",
        plain_in_gov: false,
    },
    version: "1.1",
    target: "AmazonEC2ContainerServiceV20141113",
};

/// The most that one call describes.
const SERVICES: usize = 10;
const TASKS: usize = 100;
const DEPLOYMENTS: usize = 20;

/// Reads what runs.
pub trait Ecs {
    /// Services by name, in any order, with their tags. Those that there are not are not in it.
    fn services<'a>(
        &'a self,
        cluster: &'a str,
        names: &'a [String],
        deadline: Instant,
    ) -> Pending<'a, Vec<Map<String, Value>>>;

    /// Task definitions by ARN, `family:revision`, or family for the latest, each with its tags in it; `None`
    /// where there is none.
    fn task_definitions<'a>(
        &'a self,
        names: &'a [String],
        deadline: Instant,
    ) -> Pending<'a, Vec<Option<Map<String, Value>>>>;

    /// A service's tasks that ended, for about an hour.
    fn stopped_tasks<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
        deadline: Instant,
    ) -> Pending<'a, Vec<Value>>;

    /// A service's last deployments, the newest first, each with the `taskDefinition` that it brought.
    fn deployments<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
        most: usize,
        deadline: Instant,
    ) -> Pending<'a, Vec<Map<String, Value>>>;
}

#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    services: Vec<Map<String, Value>>,
    #[serde(default)]
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Failure {
    arn: String,
    reason: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Definition {
    task_definition: Map<String, Value>,
    #[serde(default)]
    tags: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TaskPage {
    #[serde(default)]
    task_arns: Vec<String>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
struct Tasks {
    #[serde(default)]
    tasks: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Deployments {
    #[serde(default)]
    service_deployments: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revisions {
    #[serde(default)]
    service_revisions: Vec<Map<String, Value>>,
}

/// ECS itself.
pub(super) struct JsonEcs {
    json: Json,
}

impl JsonEcs {
    pub fn new(config: &SdkConfig, counters: Counters) -> Result<JsonEcs, AwsError> {
        Ok(JsonEcs {
            json: Json::new(&API, config, counters)?,
        })
    }

    async fn services_of(
        &self,
        cluster: &str,
        names: &[&str],
        deadline: Instant,
    ) -> Result<Vec<Map<String, Value>>, AwsError> {
        let operation = "DescribeServices";
        let input = json!({"cluster": cluster, "services": names, "include": ["TAGS"]});
        let resource = some_of(names);
        let reply: Services = self
            .json
            .call(operation, &resource, &input, deadline)
            .await?;
        let mut failures = reply.failures.iter();
        match failures.find(|failure| failure.reason != "MISSING") {
            Some(failure) => {
                let action = self.json.action(operation);
                let (arn, reason) = (&failure.arn, failure.reason.as_str());
                Err(AwsError::new(Kind::Other, &action, arn, reason))
            }
            None => Ok(reply.services),
        }
    }

    async fn task_definition(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Option<Map<String, Value>>, AwsError> {
        let input = json!({"taskDefinition": name, "include": ["TAGS"]});
        let call = self
            .json
            .call::<Definition>("DescribeTaskDefinition", name, &input, deadline);
        match call.await {
            Ok(mut reply) => {
                let tags = Value::Array(reply.tags);
                reply.task_definition.insert("tags".to_owned(), tags);
                Ok(Some(reply.task_definition))
            }
            // There is no code of its own for it.
            Err(error)
                if error.kind == Kind::Other && error.detail.ends_with("(ClientException)") =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    async fn stopped(
        &self,
        cluster: &str,
        service: &str,
        deadline: Instant,
    ) -> Result<Vec<Value>, AwsError> {
        let mut input =
            json!({"cluster": cluster, "serviceName": service, "desiredStatus": "STOPPED"});
        let mut arns = Vec::new();
        let mut seen = BTreeSet::new();
        loop {
            let page: TaskPage = self
                .json
                .call("ListTasks", service, &input, deadline)
                .await?;
            arns.extend(page.task_arns);
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(token) if seen.insert(token.clone()) => input["nextToken"] = token.into(),
                _ => break,
            }
        }
        let mut all = Vec::new();
        for arns in arns.chunks(TASKS) {
            let input = json!({"cluster": cluster, "tasks": arns});
            let call = self
                .json
                .call::<Tasks>("DescribeTasks", service, &input, deadline);
            all.extend(call.await?.tasks);
        }
        Ok(all)
    }

    async fn last_deployments(
        &self,
        cluster: &str,
        service: &str,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Map<String, Value>>, AwsError> {
        let most = most.min(DEPLOYMENTS);
        let input = json!({"cluster": cluster, "service": service, "maxResults": most});
        let call =
            self.json
                .call::<Deployments>("ListServiceDeployments", service, &input, deadline);
        let mut arns = texts(&call.await?.service_deployments, "serviceDeploymentArn");
        // A page may be larger than what was asked for.
        arns.truncate(most);
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let input = json!({"serviceDeploymentArns": arns});
        let call =
            self.json
                .call::<Deployments>("DescribeServiceDeployments", service, &input, deadline);
        let mut all = call.await?.service_deployments;
        // The answer has an order of its own.
        let place = |one: &Map<String, Value>| {
            let arn = one.get("serviceDeploymentArn").and_then(Value::as_str);
            arns.iter().position(|known| Some(known.as_str()) == arn)
        };
        all.sort_by_key(place);
        self.with_definitions(service, &mut all, deadline).await?;
        Ok(all)
    }

    /// A deployment names a revision of the service, and only that names the task definition.
    async fn with_definitions(
        &self,
        service: &str,
        all: &mut [Map<String, Value>],
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let arns: BTreeSet<String> = all.iter().filter_map(target).map(str::to_owned).collect();
        if arns.is_empty() {
            return Ok(());
        }
        let input = json!({"serviceRevisionArns": arns});
        let call =
            self.json
                .call::<Revisions>("DescribeServiceRevisions", service, &input, deadline);
        let revisions = call.await?.service_revisions;
        for one in all {
            let revision = target(one).map(Value::from);
            let found = revisions.iter().find(|known| {
                revision.is_some() && known.get("serviceRevisionArn") == revision.as_ref()
            });
            if let Some(definition) = found.and_then(|found| found.get("taskDefinition")) {
                one.insert("taskDefinition".to_owned(), definition.clone());
            }
        }
        Ok(())
    }
}

fn target(deployment: &Map<String, Value>) -> Option<&str> {
    deployment
        .get("targetServiceRevision")?
        .get("arn")?
        .as_str()
}

fn texts(all: &[Map<String, Value>], key: &str) -> Vec<String> {
    let texts = all.iter().filter_map(|one| one.get(key)?.as_str());
    texts.map(str::to_owned).collect()
}

impl Ecs for JsonEcs {
    fn services<'a>(
        &'a self,
        cluster: &'a str,
        names: &'a [String],
        deadline: Instant,
    ) -> Pending<'a, Vec<Map<String, Value>>> {
        Box::pin(async move {
            let distinct: BTreeSet<&str> = names.iter().map(String::as_str).collect();
            let distinct: Vec<&str> = distinct.into_iter().collect();
            let calls = distinct
                .chunks(SERVICES)
                .map(|names| self.services_of(cluster, names, deadline));
            let all: Vec<Vec<_>> = stream::iter(calls)
                .buffered(IN_FLIGHT)
                .try_collect()
                .await?;
            Ok(all.into_iter().flatten().collect())
        })
    }

    fn task_definitions<'a>(
        &'a self,
        names: &'a [String],
        deadline: Instant,
    ) -> Pending<'a, Vec<Option<Map<String, Value>>>> {
        let calls = names
            .iter()
            .map(move |name| self.task_definition(name, deadline));
        Box::pin(stream::iter(calls).buffered(IN_FLIGHT).try_collect())
    }

    fn stopped_tasks<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
        deadline: Instant,
    ) -> Pending<'a, Vec<Value>> {
        Box::pin(self.stopped(cluster, service, deadline))
    }

    fn deployments<'a>(
        &'a self,
        cluster: &'a str,
        service: &'a str,
        most: usize,
        deadline: Instant,
    ) -> Pending<'a, Vec<Map<String, Value>>> {
        Box::pin(self.last_deployments(cluster, service, most, deadline))
    }
}
