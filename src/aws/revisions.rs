//! ECS once more: a family's revisions, a cluster's ARN and its services.

use super::ecs::Ecs;
use super::error::AwsError;
use serde::Deserialize;
use serde_json::json;
use std::time::Instant;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Revisions {
    #[serde(default)]
    task_definition_arns: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Services {
    service_arns: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Clusters {
    clusters: Vec<Cluster>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Cluster {
    cluster_arn: String,
}

impl Ecs<'_> {
    /// ARNs of a family's active revisions, the newest first.
    pub async fn revisions(
        &self,
        family: &str,
        most: usize,
        deadline: Instant,
    ) -> Result<Vec<String>, AwsError> {
        let most = most.min(100);
        let input = json!({
            "familyPrefix": family, "status": "ACTIVE", "sort": "DESC", "maxResults": most,
        });
        let page: Revisions = self
            .read("ListTaskDefinitions", family, input, deadline)
            .await?;
        let mut arns = page.task_definition_arns;
        // An emulator may take the family for the beginning of one.
        arns.retain(|arn| {
            let name = arn.rsplit('/').next().unwrap_or_default();
            name.split(':').next() == Some(family)
        });
        arns.truncate(most);
        Ok(arns)
    }

    /// ARNs of all services of a cluster.
    pub async fn list_services(
        &self,
        cluster: &str,
        deadline: Instant,
    ) -> Result<Vec<String>, AwsError> {
        let input = json!({"cluster": cluster, "maxResults": 100});
        let pages = self.pages("ListServices", cluster, input, deadline);
        let pages: Vec<Services> = pages.await?;
        Ok(pages
            .into_iter()
            .flat_map(|page| page.service_arns)
            .collect())
    }

    /// A cluster's ARN, by its name.
    pub async fn cluster_arn(
        &self,
        cluster: &str,
        deadline: Instant,
    ) -> Result<Option<String>, AwsError> {
        let input = json!({"clusters": [cluster]});
        let reply: Clusters = self
            .read("DescribeClusters", cluster, input, deadline)
            .await?;
        Ok(reply.clusters.into_iter().next().map(|one| one.cluster_arn))
    }
}
