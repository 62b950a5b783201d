//! CloudWatch Logs: what tasks wrote, a stream from its head or many streams by time.

use super::calls::Call;
use super::endpoint::Service;
use super::error::AwsError;
use super::protocol::{Api, Protocol};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::rc::Rc;
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "CLOUDWATCH_LOGS",
        name: "logs",
        signed_as: "logs",
        plain_in_gov: false,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "Logs_20140328",
    },
};

/// `CloudWatch` Logs of one region, by whatever answers in its place.
#[derive(Clone)]
pub struct Logs<'c> {
    calls: Rc<dyn Call + 'c>,
}

/// What a container wrote: a line most often, without its end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogEvent {
    /// Milliseconds of the epoch.
    pub timestamp: i64,
    pub message: String,
    /// Of what `by_time` gives only.
    pub event_id: String,
    pub log_stream_name: String,
}

/// Events of a stream, and where the next ones are.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    #[serde(default)]
    pub events: Vec<LogEvent>,
    /// The one that was asked with: nothing is behind it for now. A page without events does not say that.
    pub next_forward_token: Option<String>,
}

/// Events of many streams, in the order of their times.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TimePage {
    #[serde(default)]
    pub events: Vec<LogEvent>,
    /// There are more. A page without events may have one.
    pub next_token: Option<String>,
}

impl<'c> Logs<'c> {
    pub fn new(calls: Rc<dyn Call + 'c>) -> Logs<'c> {
        Logs { calls }
    }

    /// A page of a stream: the first, or the one behind a token. `None`: there is no such stream.
    pub async fn page(
        &self,
        group: &str,
        stream: &str,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<Option<LogPage>, AwsError> {
        let mut input = json!({
            "logGroupName": group, "logStreamName": stream, "startFromHead": true,
        });
        if let Some(token) = token {
            input["nextToken"] = token.into();
        }
        self.of_stream(group, stream, input, deadline).await
    }

    /// The last events of a stream.
    pub async fn last(
        &self,
        group: &str,
        stream: &str,
        most: usize,
        deadline: Instant,
    ) -> Result<Option<LogPage>, AwsError> {
        let input = json!({
            "logGroupName": group, "logStreamName": stream, "startFromHead": false, "limit": most,
        });
        self.of_stream(group, stream, input, deadline).await
    }

    async fn of_stream(
        &self,
        group: &str,
        stream: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<Option<LogPage>, AwsError> {
        let resource = format!("{group}/{stream}");
        let page = self.read("GetLogEvents", &resource, input, deadline).await;
        match page {
            Ok(page) => Ok(Some(page)),
            Err(error) if error.is("ResourceNotFoundException") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// A page of all streams whose names begin with `prefix`, since a time in milliseconds of the epoch.
    pub async fn by_time(
        &self,
        group: &str,
        prefix: &str,
        since: i64,
        token: Option<&str>,
        deadline: Instant,
    ) -> Result<TimePage, AwsError> {
        let mut input = json!({
            "logGroupName": group, "logStreamNamePrefix": prefix, "startTime": since,
            // AWS merges anyway; an emulator may not.
            "interleaved": true,
        });
        if let Some(token) = token {
            input["nextToken"] = token.into();
        }
        let resource = format!("{group}/{prefix}");
        self.read("FilterLogEvents", &resource, input, deadline)
            .await
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
