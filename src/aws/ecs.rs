//! ECS, in AWS's own JSON: definitions, services, their deployments and tasks are read as they come, and
//! written as they are given.

use super::IN_FLIGHT;
use super::calls::Call;
use super::endpoint::Service;
use super::error::{AwsError, Kind, some_of};
use super::protocol::{Api, Protocol};
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "ECS",
        name: "ecs",
        signed_as: "ecs",
        plain_in_gov: false,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "AmazonEC2ContainerServiceV20141113",
    },
};

/// The most that one call describes.
const SERVICES: usize = 10;
const TASKS: usize = 100;
const DEPLOYMENTS: usize = 20;

/// What changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Write {
    RegisterTaskDefinition,
    DeregisterTaskDefinition,
    CreateService,
    UpdateService,
    DeleteService,
    TagResource,
    RunTask,
    StopTask,
    UpdateContainerInstancesState,
}

impl Write {
    pub fn operation(self) -> &'static str {
        match self {
            Write::RegisterTaskDefinition => "RegisterTaskDefinition",
            Write::DeregisterTaskDefinition => "DeregisterTaskDefinition",
            Write::CreateService => "CreateService",
            Write::UpdateService => "UpdateService",
            Write::DeleteService => "DeleteService",
            Write::TagResource => "TagResource",
            Write::RunTask => "RunTask",
            Write::StopTask => "StopTask",
            Write::UpdateContainerInstancesState => "UpdateContainerInstancesState",
        }
    }
}

/// ECS, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct Ecs<'c> {
    calls: &'c dyn Call,
}

#[derive(Deserialize)]
struct Services {
    #[serde(default)]
    services: Vec<Map<String, Value>>,
    #[serde(default)]
    failures: Vec<Failure>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
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
}

#[derive(Deserialize)]
struct Tasks {
    #[serde(default)]
    tasks: Vec<Map<String, Value>>,
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

impl<'c> Ecs<'c> {
    pub fn new(calls: &'c dyn Call) -> Ecs<'c> {
        Ecs { calls }
    }

    /// What answers, for another service of the same region.
    pub fn calls(&self) -> &'c dyn Call {
        self.calls
    }

    /// Calls an operation that changes something: its members and its reply are AWS's own.
    pub async fn write(
        &self,
        write: Write,
        resource: &str,
        request: &Map<String, Value>,
        deadline: Instant,
    ) -> Result<Map<String, Value>, AwsError> {
        let input = Value::Object(request.clone());
        self.read(write.operation(), resource, input, deadline)
            .await
    }

    pub(super) async fn pages<T: DeserializeOwned>(
        &self,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<Vec<T>, AwsError> {
        self.calls
            .pages(&API, operation, resource, input, usize::MAX, deadline)
            .await
    }

    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        self.calls
            .read(&API, operation, resource, input, deadline)
            .await
    }

    /// Services by name, in any order, with their tags. Those that there are not are not in it.
    pub async fn services(
        &self,
        cluster: &str,
        names: &[String],
        deadline: Instant,
    ) -> Result<Vec<Map<String, Value>>, AwsError> {
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
        let reply: Services = self.read(operation, &resource, input, deadline).await?;
        let mut failures = reply.failures.iter();
        match failures.find(|failure| failure.reason != "MISSING") {
            Some(failure) => {
                let action = format!("{}:{operation}", API.name());
                let (arn, reason) = (&failure.arn, failure.reason.as_str());
                Err(AwsError::new(Kind::Other, &action, arn, reason))
            }
            None => Ok(reply.services),
        }
    }

    /// Task definitions by ARN, `family:revision`, or family for the latest, each with its tags in it; `None`
    /// where there is none.
    pub async fn task_definitions(
        &self,
        names: &[String],
        deadline: Instant,
    ) -> Result<Vec<Option<Map<String, Value>>>, AwsError> {
        let calls = names
            .iter()
            .map(|name| self.task_definition(name, deadline));
        stream::iter(calls).buffered(IN_FLIGHT).try_collect().await
    }

    async fn task_definition(
        &self,
        name: &str,
        deadline: Instant,
    ) -> Result<Option<Map<String, Value>>, AwsError> {
        let input = json!({"taskDefinition": name, "include": ["TAGS"]});
        let reply: Result<Definition, _> = self
            .read("DescribeTaskDefinition", name, input, deadline)
            .await;
        match reply {
            Ok(mut reply) => {
                let tags = Value::Array(reply.tags);
                reply.task_definition.insert("tags".to_owned(), tags);
                Ok(Some(reply.task_definition))
            }
            // There is no code of its own for it.
            Err(error) if error.is("ClientException") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// ARNs of tasks. `filter` are members of `ListTasks`: `serviceName`, `startedBy`, `desiredStatus`, …
    pub async fn list_tasks(
        &self,
        cluster: &str,
        filter: &Value,
        deadline: Instant,
    ) -> Result<Vec<String>, AwsError> {
        let mut input = filter.clone();
        input["cluster"] = cluster.into();
        let pages: Vec<TaskPage> = self.pages("ListTasks", cluster, input, deadline).await?;
        Ok(pages.into_iter().flat_map(|page| page.task_arns).collect())
    }

    /// Tasks by ARN, with their tags; those that AWS has forgotten are not in it.
    pub async fn tasks(
        &self,
        cluster: &str,
        arns: &[String],
        deadline: Instant,
    ) -> Result<Vec<Map<String, Value>>, AwsError> {
        let mut all = Vec::new();
        for arns in arns.chunks(TASKS) {
            let input = json!({"cluster": cluster, "tasks": arns, "include": ["TAGS"]});
            let call = self.read::<Tasks>("DescribeTasks", cluster, input, deadline);
            all.extend(call.await?.tasks);
        }
        Ok(all)
    }

    /// A service's tasks that ended, for about an hour.
    pub async fn stopped_tasks(
        &self,
        cluster: &str,
        service: &str,
        deadline: Instant,
    ) -> Result<Vec<Map<String, Value>>, AwsError> {
        let filter = json!({"serviceName": service, "desiredStatus": "STOPPED"});
        let arns = self.list_tasks(cluster, &filter, deadline).await?;
        self.tasks(cluster, &arns, deadline).await
    }

    /// A service's last deployments, the newest first, each with the `taskDefinition` that it brought.
    pub async fn deployments(
        &self,
        cluster: &str,
        service: &str,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<Map<String, Value>>, AwsError> {
        let most = most.min(DEPLOYMENTS);
        let input = json!({"cluster": cluster, "service": service, "maxResults": most});
        let listed: Deployments = self
            .read("ListServiceDeployments", service, input, deadline)
            .await?;
        let mut arns = texts(&listed.service_deployments, "serviceDeploymentArn");
        // A page may be larger than what was asked for.
        arns.truncate(most);
        if arns.is_empty() {
            return Ok(Vec::new());
        }
        let input = json!({"serviceDeploymentArns": arns});
        let described: Deployments = self
            .read("DescribeServiceDeployments", service, input, deadline)
            .await?;
        let mut all = described.service_deployments;
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
        let revisions: Revisions = self
            .read("DescribeServiceRevisions", service, input, deadline)
            .await?;
        let revisions = revisions.service_revisions;
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
