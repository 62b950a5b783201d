//! Load balancers' target groups.

use super::calls::Call;
use super::endpoint::Service;
use super::error::AwsError;
use super::protocol::{Api, Protocol};
use super::query::list;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

static API: Api = Api {
    service: Service {
        id: "Elastic Load Balancing v2",
        name: "elasticloadbalancing",
        signed_as: "elasticloadbalancing",
        plain_in_gov: true,
    },
    protocol: Protocol::Query {
        version: "2015-12-01",
    },
};

/// A target group; what it has no word for is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetGroup {
    pub target_group_name: String,
    pub protocol: Option<String>,
    /// `instance`, `ip`, …
    pub target_type: Option<String>,
    #[serde(deserialize_with = "list")]
    pub load_balancer_arns: Vec<String>,
    pub health_check_protocol: Option<String>,
    pub health_check_path: Option<String>,
    /// A number, or `traffic-port`.
    pub health_check_port: Option<String>,
    pub health_check_interval_seconds: Option<String>,
}

/// How a load balancer finds one target of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TargetHealth {
    /// `healthy`, `initial`, `unhealthy`, `draining`, …
    pub state: String,
    /// Why, unless it is healthy: a code such as `Target.FailedHealthChecks`, and a sentence.
    pub reason: Option<String>,
    pub description: Option<String>,
}

/// Load balancers, by whatever answers in their place.
#[derive(Clone, Copy)]
pub struct Elb<'c> {
    calls: &'c dyn Call,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Groups {
    #[serde(default, deserialize_with = "list")]
    target_groups: Vec<TargetGroup>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    #[serde(default, deserialize_with = "list")]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    key: String,
    value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Targets {
    #[serde(default, deserialize_with = "list")]
    target_health_descriptions: Vec<Target>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Target {
    target_health: TargetHealth,
}

impl<'c> Elb<'c> {
    pub fn new(calls: &'c dyn Call) -> Elb<'c> {
        Elb { calls }
    }

    /// A target group by its ARN; `None` if there is none.
    pub async fn target_group(
        &self,
        arn: &str,
        deadline: Instant,
    ) -> Result<Option<TargetGroup>, AwsError> {
        let input = json!({"TargetGroupArns": [arn]});
        let reply: Result<Groups, _> = self
            .read("DescribeTargetGroups", arn, input, deadline)
            .await;
        match reply {
            Ok(reply) => Ok(reply.target_groups.into_iter().next()),
            Err(error) if error.is("TargetGroupNotFound") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// How long it lets connections of a target that goes away end.
    pub async fn deregistration_delay(
        &self,
        arn: &str,
        deadline: Instant,
    ) -> Result<Option<Duration>, AwsError> {
        let input = json!({"TargetGroupArn": arn});
        let operation = "DescribeTargetGroupAttributes";
        let reply: Attributes = self.read(operation, arn, input, deadline).await?;
        let mut attributes = reply.attributes.into_iter();
        let delay = attributes.find(|one| one.key == "deregistration_delay.timeout_seconds");
        let seconds = delay.and_then(|one| one.value?.parse().ok());
        Ok(seconds.map(Duration::from_secs))
    }

    /// Every target of a group, and its health.
    pub async fn target_health(
        &self,
        arn: &str,
        deadline: Instant,
    ) -> Result<Vec<TargetHealth>, AwsError> {
        let input = json!({"TargetGroupArn": arn});
        let reply: Targets = self
            .read("DescribeTargetHealth", arn, input, deadline)
            .await?;
        let targets = reply.target_health_descriptions.into_iter();
        Ok(targets.map(|target| target.target_health).collect())
    }

    async fn read<T: DeserializeOwned>(
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
}
