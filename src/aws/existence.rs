//! Whether what a definition names is there: parameters, secrets, log groups. No value is read.

use super::calls::Call;
use super::endpoint::Service;
use super::error::{AwsError, Kind};
use super::protocol::{Api, Protocol};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Instant;

static SSM: Api = json_api("SSM", "ssm", true, "AmazonSSM");
static SECRETS_MANAGER: Api =
    json_api("Secrets Manager", "secretsmanager", false, "secretsmanager");
static LOGS: Api = json_api("CloudWatch Logs", "logs", true, "Logs_20140328");

/// The most that one filter names, and that one page holds.
const PARAMETERS: usize = 50;
/// Log groups whose names begin alike; the one of just this name comes first.
const PAGE: usize = 50;
const PAGES: usize = 20;

const fn json_api(
    id: &'static str,
    name: &'static str,
    plain_in_gov: bool,
    target: &'static str,
) -> Api {
    Api {
        service: Service {
            id,
            name,
            signed_as: name,
            plain_in_gov,
        },
        protocol: Protocol::Json {
            version: "1.1",
            target,
        },
    }
}

/// Services that are only asked what is there.
#[derive(Clone, Copy)]
pub struct Existence<'c> {
    calls: &'c dyn Call,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameters {
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    deleted_date: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Groups {
    #[serde(default)]
    log_groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    log_group_name: String,
}

impl<'c> Existence<'c> {
    pub fn new(calls: &'c dyn Call) -> Existence<'c> {
        Existence { calls }
    }

    /// Those of these parameters that there are.
    pub async fn parameters(
        &self,
        names: &[String],
        deadline: Instant,
    ) -> Result<BTreeSet<String>, AwsError> {
        let mut found = BTreeSet::new();
        for names in names.chunks(PARAMETERS) {
            let input = json!({
                "ParameterFilters": [{"Key": "Name", "Option": "Equals", "Values": names}],
                "MaxResults": PARAMETERS,
            });
            let operation = "DescribeParameters";
            // It takes no resource (Systems Manager, Service Authorization Reference).
            let pages = self
                .calls
                .pages(&SSM, operation, "*", input, PAGES, deadline);
            let pages: Vec<Parameters> = pages.await?;
            let parameters = pages.into_iter().flat_map(|page| page.parameters);
            found.extend(parameters.map(|one| one.name));
        }
        Ok(found)
    }

    /// Whether there is a secret of this name or ARN, and it is not about to be deleted.
    pub async fn secret(&self, id: &str, deadline: Instant) -> Result<bool, AwsError> {
        let input = json!({"SecretId": id});
        let reply: Result<Secret, _> = self
            .read(&SECRETS_MANAGER, "DescribeSecret", id, input, deadline)
            .await;
        match reply {
            Ok(secret) => Ok(secret.deleted_date.is_none_or(|date| date.is_null())),
            Err(error) if error.kind == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub async fn log_group(&self, name: &str, deadline: Instant) -> Result<bool, AwsError> {
        let input = json!({"logGroupNamePrefix": name, "limit": PAGE});
        let operation = "DescribeLogGroups";
        let pages = self
            .calls
            .pages(&LOGS, operation, name, input, PAGES, deadline);
        let pages: Vec<Groups> = pages.await?;
        let mut groups = pages.iter().flat_map(|page| &page.log_groups);
        Ok(groups.any(|one| one.log_group_name == name))
    }

    async fn read<T: DeserializeOwned>(
        &self,
        api: &'static Api,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        self.calls
            .read(api, operation, resource, input, deadline)
            .await
    }
}
