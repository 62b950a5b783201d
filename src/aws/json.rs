//! AWS's JSON protocols, 1.0 and 1.1: the operation stands in a header, the members in a JSON body, and an
//! error names its code in `x-amzn-errortype` or `__type`.

use super::call::{Caller, Request};
use super::classify::classify;
use super::counters::Counters;
use super::endpoint::Service;
use super::error::{AwsError, Kind};
use super::retry;
use aws_config::SdkConfig;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_types::error::ErrorMetadata;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Instant;

/// What a service of this protocol differs in.
#[derive(Debug)]
pub struct Api {
    pub(super) service: Service,
    /// `1.0` or `1.1`.
    pub(super) version: &'static str,
    /// The name before the operation's in `x-amz-target`.
    pub(super) target: &'static str,
}

impl Api {
    /// The name in IAM actions, `ecs`.
    pub fn name(&self) -> &'static str {
        self.service.name
    }
}

/// A client of one service.
pub(super) struct Json {
    api: &'static Api,
    caller: Caller,
    counters: Counters,
}

impl Json {
    pub fn new(
        api: &'static Api,
        config: &SdkConfig,
        counters: Counters,
    ) -> Result<Json, AwsError> {
        Ok(Json {
            api,
            caller: Caller::new(&api.service, config, read_error)?,
            counters,
        })
    }

    /// The IAM action of an operation.
    pub fn action(&self, operation: &str) -> String {
        format!("{}:{operation}", self.api.service.name)
    }

    /// Calls until it succeeds, fails for good, or the deadline comes. `resource` is what an error names, and
    /// `T` the members of the reply that are wanted, or a whole `Value`.
    pub async fn call<T: DeserializeOwned>(
        &self,
        operation: &str,
        resource: &str,
        input: &Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        let check = |value| Ok(value);
        self.call_checked(operation, resource, input, deadline, check)
            .await
    }

    /// As `call`, for a reply that can be bad in itself: if `check` finds a failure that passes, the call is
    /// made again.
    pub async fn call_checked<T: DeserializeOwned, U>(
        &self,
        operation: &str,
        resource: &str,
        input: &Value,
        deadline: Instant,
        check: impl Fn(T) -> Result<U, AwsError>,
    ) -> Result<U, AwsError> {
        let action = self.action(operation);
        let body = input.to_string();
        retry::call(
            &self.counters,
            deadline,
            || AwsError::new(Kind::Timeout, &action, resource, "until the deadline"),
            async || check(self.once(operation, &action, resource, &body).await?),
        )
        .await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        operation: &str,
        action: &str,
        resource: &str,
        body: &str,
    ) -> Result<T, AwsError> {
        let Api {
            version, target, ..
        } = self.api;
        let request = Request {
            headers: vec![
                ("content-type", format!("application/x-amz-json-{version}")),
                ("x-amz-target", format!("{target}.{operation}")),
            ],
            body: body.as_bytes().to_vec(),
        };
        let sent = self.caller.send(request).await;
        let reply = sent.map_err(|error| classify(action, resource, &error))?;
        // An operation that answers nothing may send no body at all.
        let body: &[u8] = if reply.0.is_empty() {
            b"null"
        } else {
            &reply.0
        };
        // The parser's own message would quote the reply.
        serde_json::from_slice(body).map_err(|_| {
            let detail = "a body of another kind than expected";
            AwsError::new(Kind::Reply, action, resource, detail)
        })
    }
}

fn read_error(reply: &HttpResponse) -> ErrorMetadata {
    let header = reply.headers().get("x-amzn-errortype");
    metadata(header, reply.body().bytes().unwrap_or_default())
}

fn metadata(header: Option<&str>, body: &[u8]) -> ErrorMetadata {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |names: &[&str]| names.iter().find_map(|name| body.get(name)?.as_str());
    let mut builder = ErrorMetadata::builder();
    if let Some(code) = header.or_else(|| member(&["__type", "code"])) {
        builder = builder.code(bare(code));
    }
    if let Some(message) = member(&["message", "Message", "errorMessage"]) {
        builder = builder.message(message);
    }
    builder.build()
}

/// A code comes as `Code`, `namespace#Code` or `Code:http://…`.
fn bare(code: &str) -> &str {
    let code = code.split_once(':').map_or(code, |(code, _)| code);
    code.rsplit_once('#').map_or(code, |(_, code)| code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_its_code_in_many_ways() {
        let table = [
            (
                None,
                r#"{"__type":"A","message":"m"}"#,
                Some("A"),
                Some("m"),
            ),
            (
                None,
                r#"{"__type":"com.amazon#A","Message":"m"}"#,
                Some("A"),
                Some("m"),
            ),
            (Some("A:http://x/#y"), r#"{"__type":"B"}"#, Some("A"), None),
            (
                None,
                r#"{"code":"A","errorMessage":"m"}"#,
                Some("A"),
                Some("m"),
            ),
            (None, r#"{"__type":5,"message":[]}"#, None, None),
            (None, "<html>canary</html>", None, None),
            (None, "[]", None, None),
            (None, "", None, None),
        ];
        for (header, body, code, message) in table {
            let found = metadata(header, body.as_bytes());
            assert_eq!((found.code(), found.message()), (code, message), "{body}");
        }
    }
}
