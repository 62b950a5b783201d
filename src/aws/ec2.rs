//! EC2: the few calls that the autoscaler needs, for spot fleets and for instances that are in no cluster.
//! The SDK's crate of it would make a release build take ten minutes.

use super::calls::{Call, items};
use super::endpoint::Service;
use super::error::{AwsError, some_of};
use super::protocol::{Api, Protocol};
use serde_json::{Value, json};
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "EC2",
        name: "ec2",
        signed_as: "ec2",
        plain_in_gov: true,
    },
    protocol: Protocol::Ec2 {
        version: "2016-11-15",
    },
};

/// The most values of a filter.
const VALUES: usize = 200;

/// EC2, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct Ec2<'c> {
    calls: &'c dyn Call,
}

impl<'c> Ec2<'c> {
    /// The most spot fleets of one call.
    pub const FLEETS: usize = 100;

    pub fn new(calls: &'c dyn Call) -> Ec2<'c> {
        Ec2 { calls }
    }

    /// Spot fleet requests by id, at most `FLEETS`; those that there are not are not in it.
    pub async fn fleets(&self, ids: &[&str], deadline: Instant) -> Result<Vec<Value>, AwsError> {
        let unknown = |error: &AwsError| error.is("InvalidSpotFleetRequestId.NotFound");
        match self.known_fleets(ids, deadline).await {
            // It would keep all others from being told.
            Err(error) if unknown(&error) && ids.len() > 1 => {
                let mut all = Vec::new();
                for id in ids {
                    match self.known_fleets(&[id], deadline).await {
                        Err(error) if unknown(&error) => {}
                        one => all.extend(one?),
                    }
                }
                Ok(all)
            }
            Err(error) if unknown(&error) => Ok(Vec::new()),
            together => together,
        }
    }

    async fn known_fleets(&self, ids: &[&str], deadline: Instant) -> Result<Vec<Value>, AwsError> {
        let input = json!({"SpotFleetRequestId": ids});
        let set = "spotFleetRequestConfigSet";
        let operation = "DescribeSpotFleetRequests";
        self.pages(operation, set, &some_of(ids), input, deadline)
            .await
    }

    /// A spot fleet's instances, with no more than their ids and types.
    pub async fn fleet_instances(
        &self,
        fleet: &str,
        deadline: Instant,
    ) -> Result<Vec<Value>, AwsError> {
        let input = json!({"SpotFleetRequestId": fleet, "MaxResults": 1000});
        let set = "activeInstanceSet";
        let operation = "DescribeSpotFleetInstances";
        self.pages(operation, set, fleet, input, deadline).await
    }

    /// Instances by id. Asked for by a filter: one that is gone fails a call that names ids.
    pub async fn instances(&self, ids: &[&str], deadline: Instant) -> Result<Vec<Value>, AwsError> {
        let operation = "DescribeInstances";
        let mut instances = Vec::new();
        for some in ids.chunks(VALUES) {
            let filter = json!([{"Name": "instance-id", "Value": some}]);
            let input = json!({"Filter": filter, "MaxResults": 1000});
            let resource = some_of(some);
            let call = self.pages(operation, "reservationSet", &resource, input, deadline);
            for mut reservation in call.await? {
                if let Value::Array(some) = reservation["instancesSet"].take() {
                    instances.extend(some);
                }
            }
        }
        Ok(instances)
    }

    /// Sets a fleet's target. `keeps`: instances beyond it stay until they are ended by themselves.
    pub async fn set_target(
        &self,
        fleet: &str,
        target: u32,
        keeps: bool,
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let mut input = json!({"SpotFleetRequestId": fleet, "TargetCapacity": target});
        if keeps {
            input["ExcessCapacityTerminationPolicy"] = "noTermination".into();
        }
        let operation = "ModifySpotFleetRequest";
        let call = self.calls.call(&API, operation, fleet, input, deadline);
        call.await.map(drop)
    }

    pub async fn terminate(&self, ids: &[&str], deadline: Instant) -> Result<(), AwsError> {
        let input = json!({"InstanceId": ids});
        let resource = some_of(ids);
        let operation = "TerminateInstances";
        let call = self.calls.call(&API, operation, &resource, input, deadline);
        call.await.map(drop)
    }

    async fn pages(
        &self,
        operation: &str,
        set: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<Vec<Value>, AwsError> {
        let pages: Vec<Value> = self
            .calls
            .pages(&API, operation, resource, input, usize::MAX, deadline)
            .await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| items(page, set))
            .collect())
    }
}
