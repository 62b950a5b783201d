//! Services that operators call and a boot does not: an operation's members go in and come out as AWS's own
//! JSON, so that a field that AWS adds tomorrow passes through, and tests answer in AWS's place.

use super::Pending;
use super::counters::Counters;
use super::error::{AwsError, Kind};
use super::protocol::{Api, Client};
use aws_config::SdkConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::time::Instant;

/// Calls an operation until it succeeds, fails for good, or the deadline comes.
pub trait Call {
    /// `resource` is what an error names.
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        deadline: Instant,
    ) -> Pending<'a, Value>;
}

impl dyn Call + '_ {
    /// As `call`, for a reply that is read at once.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        api: &'static Api,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        let reply = self.call(api, operation, resource, input, deadline).await?;
        // The parser's own message would quote the reply.
        serde_json::from_value(reply).map_err(|_| odd(api, operation, resource))
    }
}

/// A reply that is not what was asked for.
pub(super) fn odd(api: &Api, operation: &str, resource: &str) -> AwsError {
    let detail = "a body of another kind than expected";
    let action = format!("{}:{operation}", api.name());
    AwsError::new(Kind::Reply, &action, resource, detail)
}

/// AWS itself, in one region. A service's client is made by its first call.
pub struct Calls {
    config: SdkConfig,
    counters: Counters,
    made: RefCell<BTreeMap<&'static str, Rc<Client>>>,
}

impl Calls {
    pub(super) fn new(config: SdkConfig, counters: Counters) -> Calls {
        Calls {
            config,
            counters,
            made: RefCell::default(),
        }
    }

    fn client(&self, api: &'static Api) -> Result<Rc<Client>, AwsError> {
        let known = self.made.borrow().get(api.name()).cloned();
        if let Some(client) = known {
            return Ok(client);
        }
        let client = Rc::new(Client::new(api, &self.config, self.counters.clone())?);
        self.made.borrow_mut().insert(api.name(), client.clone());
        Ok(client)
    }
}

impl Call for Calls {
    fn call<'a>(
        &'a self,
        api: &'static Api,
        operation: &'a str,
        resource: &'a str,
        input: Value,
        deadline: Instant,
    ) -> Pending<'a, Value> {
        Box::pin(async move {
            let client = self.client(api)?;
            client.call(operation, resource, &input, deadline).await
        })
    }
}
