//! ECS as the autoscaler reads it: services as they count, container instances, and what runs on one.

use super::calls::items;
use super::ecs::Ecs;
use super::error::{AwsError, Kind, some_of};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

/// The most ARNs of one call.
const MANY: usize = 100;

/// The most services of one call.
const SERVICES: usize = 10;

impl Ecs<'_> {
    /// The most services of one call.
    pub const SERVICES: usize = SERVICES;

    /// At most `SERVICES` services by name, without their tags; those that there are not are not in it.
    pub async fn few_services(
        &self,
        cluster: &str,
        names: &[&str],
        deadline: Instant,
    ) -> Result<Vec<Value>, AwsError> {
        let input = json!({"cluster": cluster, "services": names});
        let resource = some_of(names);
        let call = self.read::<Value>("DescribeServices", &resource, input, deadline);
        Ok(items(call.await?, "services"))
    }

    /// The container instances of a cluster, or those of some EC2 instances of it.
    pub async fn container_instances(
        &self,
        cluster: &str,
        of: Option<&[&str]>,
        deadline: Instant,
    ) -> Result<Vec<Value>, AwsError> {
        let mut input = json!({"cluster": cluster, "maxResults": MANY});
        if let Some(ids) = of {
            input["filter"] = format!("ec2InstanceId in [{}]", ids.join(",")).into();
        }
        let (operation, list) = ("ListContainerInstances", "containerInstanceArns");
        let arns = self
            .names(operation, list, cluster, input, deadline)
            .await?;
        let operation = "DescribeContainerInstances";
        let mut all = Vec::new();
        for some in arns.chunks(MANY) {
            let input = json!({"cluster": cluster, "containerInstances": some});
            let call = self.read::<Value>(operation, cluster, input, deadline);
            let described = items(call.await?, "containerInstances");
            if described.len() < some.len() {
                // What is not in the cluster is ended: a part must not be taken for the whole.
                let (missing, listed) = (some.len() - described.len(), some.len());
                let detail = format!("{missing} of {listed} that it listed were not described");
                let action = format!("ecs:{operation}");
                return Err(AwsError::new(Kind::Unavailable, &action, cluster, detail));
            }
            all.extend(described);
        }
        // An emulator may know no filters.
        all.retain(|one| {
            let id = one["ec2InstanceId"].as_str().unwrap_or_default();
            of.is_none_or(|ids| ids.contains(&id))
        });
        Ok(all)
    }

    /// ARNs of the services whose tasks stay on a node until it goes.
    pub async fn daemon_services(
        &self,
        cluster: &str,
        deadline: Instant,
    ) -> Result<BTreeSet<String>, AwsError> {
        let input = json!({
            "cluster": cluster, "schedulingStrategy": "DAEMON", "maxResults": MANY,
        });
        let arns = self.names("ListServices", "serviceArns", cluster, input, deadline);
        Ok(arns.await?.into_iter().collect())
    }

    /// Of these tasks of services those that asked to be let alone.
    pub async fn protected_tasks(
        &self,
        cluster: &str,
        arns: &[String],
        deadline: Instant,
    ) -> Result<BTreeSet<String>, AwsError> {
        let mut all = BTreeSet::new();
        for some in arns.chunks(MANY) {
            let input = json!({"cluster": cluster, "tasks": some});
            let call = self.read::<Value>("GetTaskProtection", cluster, input, deadline);
            let tasks = items(call.await?, "protectedTasks");
            let protected = tasks
                .iter()
                .filter(|task| task["protectionEnabled"] == true);
            let arns = protected.filter_map(|task| task["taskArn"].as_str());
            all.extend(arns.map(str::to_owned));
        }
        Ok(all)
    }

    /// All of a list of names.
    async fn names(
        &self,
        operation: &str,
        list: &str,
        cluster: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<Vec<String>, AwsError> {
        let pages: Vec<Value> = self.pages(operation, cluster, input, deadline).await?;
        let names = pages.into_iter().flat_map(|page| items(page, list));
        Ok(names
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect())
    }
}
