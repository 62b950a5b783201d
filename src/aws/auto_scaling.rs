//! EC2 Auto Scaling: groups with their instances, their desired capacity, and how an instance leaves one.

use super::calls::{Call, items};
use super::endpoint::Service;
use super::error::{AwsError, some_of};
use super::protocol::{Api, Protocol};
use serde_json::{Value, json};
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "Auto Scaling",
        name: "autoscaling",
        signed_as: "autoscaling",
        plain_in_gov: true,
    },
    protocol: Protocol::Query {
        version: "2011-01-01",
    },
};

/// Auto Scaling, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct AutoScaling<'c> {
    calls: &'c dyn Call,
}

impl<'c> AutoScaling<'c> {
    /// The most groups of one call.
    pub const GROUPS: usize = 100;

    pub fn new(calls: &'c dyn Call) -> AutoScaling<'c> {
        AutoScaling { calls }
    }

    /// Groups by name, at most `GROUPS`; those that there are not are not in it.
    pub async fn groups(&self, names: &[&str], deadline: Instant) -> Result<Vec<Value>, AwsError> {
        let resource = some_of(names);
        // Without MaxRecords no more than 50 names may be given.
        let input = json!({
            "AutoScalingGroupNames": names, "MaxRecords": AutoScaling::GROUPS,
        });
        let operation = "DescribeAutoScalingGroups";
        let pages: Vec<Value> = self
            .calls
            .pages(&API, operation, &resource, input, usize::MAX, deadline)
            .await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| items(page, "AutoScalingGroups"))
            .collect())
    }

    /// The group's minimum and maximum stay what they are: a capacity outside of them is refused.
    pub async fn set_desired_capacity(
        &self,
        group: &str,
        capacity: u32,
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let input = json!({
            "AutoScalingGroupName": group, "DesiredCapacity": capacity, "HonorCooldown": false,
        });
        let call = self.call("SetDesiredCapacity", group, input, deadline);
        call.await.map(drop)
    }

    /// Ends an instance; `lowers`: and the desired capacity goes down with it, else it is replaced.
    pub async fn terminate(
        &self,
        instance: &str,
        lowers: bool,
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let input = json!({"InstanceId": instance, "ShouldDecrementDesiredCapacity": lowers});
        let operation = "TerminateInstanceInAutoScalingGroup";
        self.call(operation, instance, input, deadline)
            .await
            .map(drop)
    }

    /// Lets an instance go on by itself; another takes its place at once.
    pub async fn detach(
        &self,
        group: &str,
        instance: &str,
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let input = json!({
            "AutoScalingGroupName": group,
            "InstanceIds": [instance],
            "ShouldDecrementDesiredCapacity": false,
        });
        let call = self.call("DetachInstances", instance, input, deadline);
        call.await.map(drop)
    }

    async fn call(
        &self,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<Value, AwsError> {
        self.calls
            .call(&API, operation, resource, input, deadline)
            .await
    }
}
