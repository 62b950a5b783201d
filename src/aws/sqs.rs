//! SQS: messages of a queue, received by a long poll and deleted together.

use super::calls::Call;
use super::endpoint::Service;
use super::error::{AwsError, Kind};
use super::protocol::{Api, Protocol};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

static API: Api = Api {
    service: Service {
        id: "SQS",
        name: "sqs",
        signed_as: "sqs",
        plain_in_gov: true,
    },
    protocol: Protocol::Json {
        version: "1.0",
        target: "AmazonSQS",
    },
};

/// The most messages of one call, of either kind.
const MESSAGES: usize = 10;

/// SQS, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct Sqs<'c> {
    calls: &'c dyn Call,
}

/// A message that others do not see for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub id: String,
    /// What deletes it.
    pub receipt: String,
    pub body: String,
}

impl<'c> Sqs<'c> {
    pub fn new(calls: &'c dyn Call) -> Sqs<'c> {
        Sqs { calls }
    }

    /// Messages, as soon as there is one, none after `wait`; each is hidden from others for `hidden`.
    pub async fn receive(
        &self,
        url: &str,
        wait: Duration,
        hidden: Duration,
        deadline: Instant,
    ) -> Result<Vec<Message>, AwsError> {
        let input = json!({
            "QueueUrl": url,
            "MaxNumberOfMessages": MESSAGES,
            "WaitTimeSeconds": wait.as_secs(),
            "VisibilityTimeout": hidden.as_secs(),
        });
        let call = self
            .calls
            .call(&API, "ReceiveMessage", url, input, deadline);
        let reply = call.await?;
        let messages = reply["Messages"].as_array().into_iter().flatten();
        let message = |one: &Value| {
            let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
            Message {
                id: text("MessageId"),
                receipt: text("ReceiptHandle"),
                body: text("Body"),
            }
        };
        Ok(messages.map(message).collect())
    }

    /// Deletes messages. One that is gone already is no failure; the others are deleted whatever becomes of
    /// one of them.
    pub async fn delete(
        &self,
        url: &str,
        receipts: &[String],
        deadline: Instant,
    ) -> Result<(), AwsError> {
        let mut failed = None;
        for some in receipts.chunks(MESSAGES) {
            let entries = some.iter().enumerate();
            let entries: Vec<Value> = entries
                .map(|(index, receipt)| json!({"Id": index.to_string(), "ReceiptHandle": receipt}))
                .collect();
            let input = json!({"QueueUrl": url, "Entries": entries});
            let operation = "DeleteMessageBatch";
            let reply = self.calls.call(&API, operation, url, input, deadline).await;
            match reply {
                Ok(reply) => failed = first_failure(&reply, url).or(failed),
                Err(error) => failed = Some(error),
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

fn first_failure(reply: &Value, url: &str) -> Option<AwsError> {
    let failed = reply["Failed"].as_array()?.first()?;
    let text = |name: &str| failed[name].as_str().unwrap_or_default();
    let detail = format!("{} ({})", text("Message"), text("Code"));
    Some(AwsError::new(Kind::Other, "sqs:DeleteMessage", url, detail))
}
