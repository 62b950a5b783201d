//! A service that is called without an SDK crate of its own: which of AWS's protocols it speaks. Members go in
//! and come out as JSON whatever the protocol is, so that nothing above this file need know.

use super::call::{Caller, ReadError, Request};
use super::classify::classify;
use super::counters::Counters;
use super::endpoint::Service;
use super::error::{AwsError, Kind};
use super::{json, query, retry};
use aws_config::SdkConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::Instant;

/// What services of one protocol differ in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// `version` is `1.0` or `1.1`, `target` the name before the operation's in `x-amz-target`.
    Json {
        version: &'static str,
        target: &'static str,
    },
    /// `version` is the API's date, `2010-05-08`. Every value of a reply is a string or `null`.
    Query { version: &'static str },
    /// As `Query`; the members of a request are named as EC2 has them in its API reference.
    Ec2 { version: &'static str },
}

/// A service and how it is spoken to.
#[derive(Debug)]
pub struct Api {
    pub service: Service,
    pub protocol: Protocol,
}

impl Api {
    /// The name in IAM actions, `ecs`.
    pub fn name(&self) -> &'static str {
        self.service.name
    }
}

/// A client of one service.
pub(super) struct Client {
    api: &'static Api,
    caller: Caller,
    counters: Counters,
}

impl Client {
    pub fn new(
        api: &'static Api,
        config: &SdkConfig,
        counters: Counters,
    ) -> Result<Client, AwsError> {
        let read_error: ReadError = match api.protocol {
            Protocol::Json { .. } => json::read_error,
            Protocol::Query { .. } | Protocol::Ec2 { .. } => query::read_error,
        };
        Ok(Client {
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
        retry::call(
            &self.counters,
            deadline,
            || AwsError::new(Kind::Timeout, &action, resource, "until the deadline"),
            async || check(self.once(operation, &action, resource, input).await?),
        )
        .await
    }

    async fn once<T: DeserializeOwned>(
        &self,
        operation: &str,
        action: &str,
        resource: &str,
        input: &Value,
    ) -> Result<T, AwsError> {
        let sent = self.caller.send(self.request(operation, input)).await;
        let reply = sent.map_err(|error| classify(action, resource, &error))?;
        // The parser's own message would quote the reply.
        self.read(operation, &reply.0).ok_or_else(|| {
            let detail = "a body of another kind than expected";
            AwsError::new(Kind::Reply, action, resource, detail)
        })
    }

    fn request(&self, operation: &str, input: &Value) -> Request {
        match self.api.protocol {
            Protocol::Json { version, target } => json::request(version, target, operation, input),
            Protocol::Query { version } => {
                query::request(query::Lists::Members, version, operation, input)
            }
            Protocol::Ec2 { version } => {
                query::request(query::Lists::Bare, version, operation, input)
            }
        }
    }

    fn read<T: DeserializeOwned>(&self, operation: &str, body: &[u8]) -> Option<T> {
        match self.api.protocol {
            Protocol::Json { .. } => serde_json::from_slice(body).ok(),
            Protocol::Query { .. } | Protocol::Ec2 { .. } => {
                serde_json::from_value(query::reply(operation, body)?).ok()
            }
        }
    }
}
