//! Which region: given, by variable, by the task's metadata, by the profile, in this order.

use super::dns::Dns;
use super::error::{AwsError, Kind, chain};
use super::web::{Web, variable};
use aws_config::Region;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use std::time::Duration;

/// The agent answers on this host.
const METADATA: Duration = Duration::from_secs(2);
/// A task's metadata with ten containers has some 20 KiB.
const LONGEST: usize = 1 << 20;

const VARIABLES: [&str; 2] = ["AWS_REGION", "AWS_DEFAULT_REGION"];
const METADATA_URI: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// Finds the region, or says where it was looked for.
pub(super) async fn find(
    given: Option<&str>,
    profile: Option<&str>,
    dns: &Dns,
) -> Result<Region, AwsError> {
    let named = given.map(str::to_owned);
    let named = named.or_else(|| VARIABLES.into_iter().find_map(variable));
    if let Some(region) = named {
        return Ok(Region::new(region));
    }
    // A profile that was asked for knows better than the task's metadata.
    let metadata = match (profile, variable(METADATA_URI)) {
        (None, Some(uri)) => Some(of_task(&uri, dns).await),
        _ => None,
    };
    if let Some(Ok(region)) = metadata {
        return Ok(region);
    }
    if let Some(region) = of_profile(profile).await {
        return Ok(region);
    }
    let metadata = match metadata {
        Some(Err(reason)) => format!("{METADATA_URI} failed ({reason})"),
        _ => format!("{METADATA_URI} is not set"),
    };
    let [first, second] = VARIABLES;
    let detail = format!("{first} and {second} are not set, {metadata}, and no profile has one");
    Err(AwsError::new(Kind::Region, "region", "", detail))
}

async fn of_profile(profile: Option<&str>) -> Option<Region> {
    let builder = ProfileFileRegionProvider::builder();
    let provider = match profile {
        Some(name) => builder.profile_name(name),
        None => builder,
    };
    provider.build().region().await
}

async fn of_task(uri: &str, dns: &Dns) -> Result<Region, String> {
    let answer = tokio::time::timeout(METADATA, get(&format!("{uri}/task"), dns)).await;
    let body = answer.map_err(|_| "no answer in time".to_owned())??;
    region_of_task(&body).ok_or_else(|| "no TaskARN in the answer".into())
}

async fn get(url: &str, dns: &Dns) -> Result<Vec<u8>, String> {
    let timeouts = HttpConnectorSettings::builder().connect_timeout(METADATA);
    let web = Web::direct(dns.clone(), timeouts.build());
    let request = HttpRequest::get(url).map_err(|error| chain(&error))?;
    let response = web.call(request).await.map_err(|error| chain(&error))?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let mut stream = ByteStream::new(response.into_body());
    let mut body = Vec::new();
    while let Some(part) = stream.next().await {
        body.extend(part.map_err(|error| chain(&error))?);
        if body.len() > LONGEST {
            return Err("the answer is too long".into());
        }
    }
    Ok(body)
}

/// `arn:aws:ecs:REGION:ACCOUNT:task/…`.
fn region_of_task(body: &[u8]) -> Option<Region> {
    let task: serde_json::Value = serde_json::from_slice(body).ok()?;
    let region = task.get("TaskARN")?.as_str()?.split(':').nth(3)?;
    (!region.is_empty()).then(|| Region::new(region.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_stands_in_the_task_arn() {
        let table = [
            (
                r#"{"TaskARN":"arn:aws:ecs:eu-west-3:123456789012:task/web/abc"}"#,
                Some("eu-west-3"),
            ),
            (
                r#"{"TaskARN":"arn:aws:ecs::123456789012:task/web/abc"}"#,
                None,
            ),
            (r#"{"TaskARN":"task"}"#, None),
            (r#"{"TaskARN":5}"#, None),
            ("{}", None),
            ("no json", None),
        ];
        for (body, region) in table {
            assert_eq!(
                region_of_task(body.as_bytes()),
                region.map(Region::new),
                "{body}"
            );
        }
    }
}
