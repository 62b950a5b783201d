//! CloudWatch: alarms by name, on metrics and on other alarms. Its JSON protocol is one of the three that it
//! has; the SDKs' own is CBOR.

use super::calls::Call;
use super::endpoint::Service;
use super::error::{AwsError, some_of};
use super::protocol::{Api, Protocol};
use serde_json::{Value, json};
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "CloudWatch",
        name: "monitoring",
        signed_as: "monitoring",
        plain_in_gov: false,
    },
    protocol: Protocol::Json {
        version: "1.0",
        target: "GraniteServiceVersion20100801",
    },
};

/// `CloudWatch`, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct CloudWatch<'c> {
    calls: &'c dyn Call,
}

impl<'c> CloudWatch<'c> {
    /// The most names of one call.
    pub const NAMES: usize = 100;

    pub fn new(calls: &'c dyn Call) -> CloudWatch<'c> {
        CloudWatch { calls }
    }

    /// Alarms by name, at most `NAMES`, in any order; those that there are not are not in it.
    pub async fn alarms(&self, names: &[&str], deadline: Instant) -> Result<Vec<Value>, AwsError> {
        let resource = some_of(names);
        let input = json!({
            "AlarmNames": names,
            // Without it composite alarms are left out.
            "AlarmTypes": ["MetricAlarm", "CompositeAlarm"],
            "MaxRecords": CloudWatch::NAMES,
        });
        let operation = "DescribeAlarms";
        let pages = self
            .calls
            .pages(&API, operation, &resource, input, usize::MAX, deadline);
        let pages: Vec<Value> = pages.await.map_err(|error| AwsError {
            // The host is called otherwise than the actions.
            action: "cloudwatch:DescribeAlarms".to_owned(),
            ..error
        })?;
        let mut alarms = Vec::new();
        for mut page in pages {
            for kind in ["MetricAlarms", "CompositeAlarms"] {
                if let Value::Array(some) = page[kind].take() {
                    alarms.extend(some);
                }
            }
        }
        Ok(alarms)
    }
}
