//! ECS as the autoscaler reads it: services as they count, container instances, and what runs on one.

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
        Ok(members(call.await?, "services"))
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
        let arns = self.pages(
            "ListContainerInstances",
            "containerInstanceArns",
            cluster,
            input,
        );
        let arns = arns.until(deadline).await?;
        let operation = "DescribeContainerInstances";
        let mut all = Vec::new();
        for some in arns.chunks(MANY) {
            let input = json!({"cluster": cluster, "containerInstances": some});
            let call = self.read::<Value>(operation, cluster, input, deadline);
            let described = members(call.await?, "containerInstances");
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
        let arns = self.pages("ListServices", "serviceArns", cluster, input);
        Ok(arns.until(deadline).await?.into_iter().collect())
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
            let tasks = members(call.await?, "protectedTasks");
            let protected = tasks
                .iter()
                .filter(|task| task["protectionEnabled"] == true);
            let arns = protected.filter_map(|task| task["taskArn"].as_str());
            all.extend(arns.map(str::to_owned));
        }
        Ok(all)
    }

    fn pages<'a>(
        &'a self,
        operation: &'a str,
        key: &'a str,
        cluster: &'a str,
        input: Value,
    ) -> Pages<'a> {
        Pages {
            ecs: self,
            operation,
            key,
            cluster,
            input,
        }
    }
}

/// A list of names in pages.
struct Pages<'a> {
    ecs: &'a Ecs<'a>,
    operation: &'a str,
    /// The list's member of the reply.
    key: &'a str,
    cluster: &'a str,
    input: Value,
}

impl Pages<'_> {
    async fn until(mut self, deadline: Instant) -> Result<Vec<String>, AwsError> {
        let mut names = Vec::new();
        loop {
            let input = self.input.clone();
            let call = self
                .ecs
                .read::<Value>(self.operation, self.cluster, input, deadline);
            let mut reply = call.await?;
            let token = reply["nextToken"].take();
            let page = members(reply, self.key);
            names.extend(page.iter().filter_map(Value::as_str).map(str::to_owned));
            let more = token.as_str().is_some_and(|token| !token.is_empty());
            if !more || self.input["nextToken"] == token {
                return Ok(names);
            }
            self.input["nextToken"] = token;
        }
    }
}

fn members(mut reply: Value, key: &str) -> Vec<Value> {
    match reply.get_mut(key).map(Value::take) {
        Some(Value::Array(members)) => members,
        _ => Vec::new(),
    }
}
