//! Application Auto Scaling: which services have their number of tasks set by AWS.

use super::calls::{Call, items};
use super::endpoint::Service;
use super::error::{AwsError, some_of};
use super::protocol::{Api, Protocol};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "Application Auto Scaling",
        name: "application-autoscaling",
        signed_as: "application-autoscaling",
        plain_in_gov: true,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "AnyScaleFrontendService",
    },
};

/// The most that one call describes.
const TARGETS: usize = 50;

/// Of `services` of a cluster, by name, those whose desired count is a scalable target.
pub async fn scalable(
    calls: &dyn Call,
    cluster: &str,
    services: &[String],
    deadline: Instant,
) -> Result<BTreeSet<String>, AwsError> {
    let mut found = BTreeSet::new();
    for services in services.chunks(TARGETS) {
        let names: Vec<&str> = services.iter().map(String::as_str).collect();
        let ids = names.iter().map(|name| format!("service/{cluster}/{name}"));
        let input = json!({
            "ServiceNamespace": "ecs",
            "ScalableDimension": "ecs:service:DesiredCount",
            "ResourceIds": ids.collect::<Vec<String>>(),
        });
        let resource = some_of(&names);
        let operation = "DescribeScalableTargets";
        let pages: Vec<Value> = calls
            .pages(&API, operation, &resource, input, usize::MAX, deadline)
            .await?;
        let targets = pages
            .into_iter()
            .flat_map(|page| items(page, "ScalableTargets"));
        found.extend(targets.filter_map(|target| named(&target)));
    }
    Ok(found)
}

/// The service of `service/CLUSTER/NAME`.
fn named(target: &Value) -> Option<String> {
    let id = target.get("ResourceId")?.as_str()?;
    id.rsplit('/').next().map(str::to_owned)
}
