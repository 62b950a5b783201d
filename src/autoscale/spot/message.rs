//! What `EventBridge` puts into the queue.
//!
//! <https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/spot-instance-termination-notices.html>

use crate::autoscale::observe::members::{text, time};
use jiff::Timestamp;
use serde_json::Value;
use std::sync::Arc;

/// A message that is understood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    pub warned: Warned,
    /// Of EC2.
    pub instance: Arc<str>,
    pub at: Timestamp,
}

/// What an instance is warned of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warned {
    /// It is terminated two minutes later.
    Termination,
    /// It is stopped or hibernated, and may come back.
    Pause,
    /// It may be interrupted soon, or never.
    Risk,
}

/// Reads a message, or says why it is none.
pub fn notice(body: &str) -> Result<Notice, String> {
    let value: Value = serde_json::from_str(body).map_err(|_| "it is no JSON".to_owned())?;
    let detail = value.get("detail").unwrap_or(&Value::Null);
    let warned = match text(&value, "detail-type").unwrap_or_default() {
        "EC2 Spot Instance Interruption Warning" => match text(detail, "instance-action") {
            Some("stop" | "hibernate") => Warned::Pause,
            _ => Warned::Termination,
        },
        "EC2 Instance Rebalance Recommendation" => Warned::Risk,
        "" => return Err("it is no event: it has no detail-type".to_owned()),
        other => return Err(format!("it is another event: {other:?}")),
    };
    let instance = text(detail, "instance-id").filter(|id| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        id.starts_with("i-") && id.bytes().all(plain)
    });
    Ok(Notice {
        warned,
        instance: instance.ok_or("it names no instance")?.into(),
        at: time(&value, "time").ok_or("it tells no time")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(kind: &str, detail: &Value) -> String {
        json!({"version": "0", "detail-type": kind, "source": "aws.ec2",
            "time": "2026-11-27T07:00:00Z", "region": "eu-west-1", "detail": detail})
        .to_string()
    }

    #[test]
    fn warnings_and_recommendations_are_understood() {
        let warning = "EC2 Spot Instance Interruption Warning";
        let risk = "EC2 Instance Rebalance Recommendation";
        for (kind, action, warned) in [
            (warning, "terminate", Warned::Termination),
            (warning, "stop", Warned::Pause),
            (warning, "hibernate", Warned::Pause),
            (risk, "", Warned::Risk),
        ] {
            let body = event(
                kind,
                &json!({"instance-id": "i-0a1", "instance-action": action}),
            );
            let found = notice(&body).unwrap();
            assert_eq!((found.warned, &*found.instance), (warned, "i-0a1"));
            assert_eq!(found.at.to_string(), "2026-11-27T07:00:00Z");
        }
    }

    #[test]
    fn anything_else_is_told() {
        let warning = "EC2 Spot Instance Interruption Warning";
        for (body, why) in [
            ("hello".to_owned(), "it is no JSON"),
            ("[]".to_owned(), "it is no event: it has no detail-type"),
            (
                event("Scheduled Event", &json!({})),
                "it is another event: \"Scheduled Event\"",
            ),
            (event(warning, &json!({})), "it names no instance"),
            (
                event(warning, &json!({"instance-id": "i-1] or x"})),
                "it names no instance",
            ),
            (
                event(warning, &json!({"instance-id": "i-1"})).replace("2026-", "x"),
                "it tells no time",
            ),
        ] {
            assert_eq!(notice(&body).unwrap_err(), why, "{body}");
        }
    }
}
