//! What the ECS agent tells a task of itself: its region, and the role that its credentials are of. The SDK
//! asks for the credentials but keeps no role; an operator who reads of a denial needs its name.

use super::dns::Dns;
use super::error::chain;
use super::web::{Web, variable};
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::byte_stream::ByteStream;
use std::time::Duration;
use zeroize::Zeroizing;

/// The agent is on this host.
const CONNECT: Duration = Duration::from_secs(2);
/// It answers late while many tasks start.
const PATIENCE: Duration = Duration::from_secs(5);
/// A task's metadata with ten containers has some 20 KiB.
const LONGEST: usize = 1 << 20;

pub(super) const METADATA_URI: &str = "ECS_CONTAINER_METADATA_URI_V4";

/// The region of the task, `None` outside ECS.
pub(super) async fn region(dns: &Dns) -> Option<Result<String, String>> {
    let url = format!("{}/task", variable(METADATA_URI)?);
    let body = get(&url, None, dns).await;
    Some(body.and_then(|body| {
        region_of(&body).ok_or_else(|| "no region in the answer's TaskARN".to_owned())
    }))
}

/// The role whose credentials the agent gives, if it says so.
pub(super) async fn role(dns: &Dns) -> Option<String> {
    let url = match variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
        Some(path) => format!("http://169.254.170.2{path}"),
        None => variable("AWS_CONTAINER_CREDENTIALS_FULL_URI")?,
    };
    let file = variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    let authorization = match file {
        Some(path) => Some(std::fs::read_to_string(path).ok()?),
        None => variable("AWS_CONTAINER_AUTHORIZATION_TOKEN"),
    };
    let body = get(&url, authorization.as_deref(), dns).await.ok()?;
    text_member(&body, "RoleArn")
}

/// `arn:aws:ecs:REGION:ACCOUNT:task/…`.
fn region_of(body: &[u8]) -> Option<String> {
    let arn = text_member(body, "TaskARN")?;
    let region = arn.split(':').nth(3)?;
    (!region.is_empty()).then(|| region.to_owned())
}

fn text_member(body: &[u8], name: &str) -> Option<String> {
    /// Only the member that is wanted is copied: its neighbours may be secret.
    struct Member<'a>(&'a str);
    impl<'de> serde::de::Visitor<'de> for Member<'_> {
        type Value = Option<String>;

        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: serde::de::MapAccess<'de>>(
            self,
            mut members: A,
        ) -> Result<Option<String>, A::Error> {
            let mut found = None;
            while let Some(name) = members.next_key::<&str>()? {
                if name == self.0 {
                    found = Some(members.next_value()?);
                } else {
                    members.next_value::<serde::de::IgnoredAny>()?;
                }
            }
            Ok(found)
        }
    }
    let mut parser = serde_json::Deserializer::from_slice(body);
    serde::Deserializer::deserialize_map(&mut parser, Member(name)).ok()?
}

async fn get(
    url: &str,
    authorization: Option<&str>,
    dns: &Dns,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let answer = tokio::time::timeout(PATIENCE, fetch(url, authorization, dns)).await;
    answer.unwrap_or_else(|_| Err("no answer in time".into()))
}

async fn fetch(
    url: &str,
    authorization: Option<&str>,
    dns: &Dns,
) -> Result<Zeroizing<Vec<u8>>, String> {
    let timeouts = HttpConnectorSettings::builder().connect_timeout(CONNECT);
    let web = Web::direct(dns.clone(), timeouts.build());
    let mut request = HttpRequest::get(url).map_err(|error| chain(&error))?;
    if let Some(authorization) = authorization {
        let inserted = request
            .headers_mut()
            .try_insert("authorization", authorization.to_owned());
        inserted.map_err(|error| chain(&error))?;
    }
    let response = web.call(request).await.map_err(|error| chain(&error))?;
    if !response.status().is_success() {
        return Err(format!("status {}", response.status().as_u16()));
    }
    let mut stream = ByteStream::new(response.into_body());
    let mut body = Zeroizing::new(Vec::new());
    while let Some(part) = stream.next().await {
        body.extend(part.map_err(|error| chain(&error))?);
        if body.len() > LONGEST {
            return Err("the answer is too long".into());
        }
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_stands_in_the_task_arn() {
        let table = [
            (
                r#"{"Cluster":{"a":[1]},"TaskARN":"arn:aws:ecs:eu-west-3:1:task/web/abc","b":null}"#,
                Some("eu-west-3"),
            ),
            (r#"{"TaskARN":"arn:aws:ecs::1:task/web/abc"}"#, None),
            (r#"{"TaskARN":"task"}"#, None),
            (r#"{"TaskARN":5}"#, None),
            ("{}", None),
            ("[]", None),
            ("no json", None),
        ];
        for (body, region) in table {
            assert_eq!(region_of(body.as_bytes()).as_deref(), region, "{body}");
        }
    }
}
