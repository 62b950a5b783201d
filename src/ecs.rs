//! What the ECS agent tells of the task that we run in, and the protection that it grants.

use crate::probe::Answer;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest protection there is (`ExpiresInMinutes`, Amazon ECS task scale-in protection endpoint).
const LONGEST_MINUTES: u64 = 2880;

/// Which task this is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: String,
    /// `web:42`
    pub definition: String,
    pub zone: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    #[serde(rename = "TaskARN")]
    arn: String,
    family: String,
    revision: String,
    availability_zone: Option<String>,
}

/// Reads the answer of the metadata endpoint's `/task` (version 4).
#[must_use]
pub fn task(answer: &Answer) -> Option<Task> {
    let metadata: Metadata = serde_json::from_slice(&answer.body).ok()?;
    Some(Task {
        id: metadata.arn.rsplit('/').next()?.to_owned(),
        definition: format!("{}:{}", metadata.family, metadata.revision),
        zone: metadata.availability_zone.filter(|zone| !zone.is_empty()),
    })
}

/// The body that asks for protection, as long as the task may run.
#[must_use]
pub fn protect(max_runtime: Option<Duration>) -> String {
    let minutes = max_runtime.map_or(LONGEST_MINUTES, |limit| limit.as_secs().div_ceil(60));
    let minutes = minutes.clamp(1, LONGEST_MINUTES);
    format!("{{\"ProtectionEnabled\":true,\"ExpiresInMinutes\":{minutes}}}")
}

/// Whether protection was granted; the agent's own words if not.
pub fn protected(answer: &Answer) -> Result<(), String> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Protection {
        protection_enabled: bool,
    }
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "PascalCase")]
    struct Refusal {
        code: String,
        message: String,
        reason: String,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Reply {
        protection: Option<Protection>,
        failure: Option<Refusal>,
        error: Option<Refusal>,
    }
    let reply: Reply = serde_json::from_slice(&answer.body).unwrap_or_default();
    if reply
        .protection
        .is_some_and(|given| given.protection_enabled)
    {
        return Ok(());
    }
    let Some(refusal) = reply.failure.or(reply.error) else {
        return Err(format!("the ECS agent answers {}", answer.code));
    };
    let words = [refusal.code, refusal.reason, refusal.message];
    let said: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Err(said.join(": "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            code: 200,
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn a_task_of_the_metadata_endpoint() {
        let body = r#"{"Cluster":"default","TaskARN":"arn:aws:ecs:us-west-2:111122223333:task/default/158d1c8083dd49d6b527399fd6414f5c",
            "Family":"curltest","Revision":"26","DesiredStatus":"RUNNING","AvailabilityZone":"us-west-2d","Containers":[]}"#;
        let expected = Task {
            id: "158d1c8083dd49d6b527399fd6414f5c".to_owned(),
            definition: "curltest:26".to_owned(),
            zone: Some("us-west-2d".to_owned()),
        };
        assert_eq!(task(&answer(body)), Some(expected));
        assert_eq!(task(&answer("{}")), None);
        assert_eq!(task(&answer("no json")), None);
    }

    #[test]
    fn as_long_as_the_task_may_run() {
        let minutes = |limit| {
            let body: serde_json::Value = serde_json::from_str(&protect(limit)).unwrap();
            assert_eq!(body["ProtectionEnabled"], true);
            body["ExpiresInMinutes"].as_u64()
        };
        assert_eq!(minutes(None), Some(2880));
        assert_eq!(minutes(Some(Duration::from_secs(61))), Some(2));
        assert_eq!(minutes(Some(Duration::from_hours(100))), Some(2880));
    }

    #[test]
    fn what_the_agent_says_of_protection() {
        let granted = r#"{"protection":{"ExpirationDate":"2023-12-20T21:57:44.837Z","ProtectionEnabled":true,"TaskArn":"arn"}}"#;
        assert_eq!(protected(&answer(granted)), Ok(()));
        let refused =
            r#"{"requestID":"1","failure":{"Arn":"arn","Detail":null,"Reason":"TASK_NOT_VALID"}}"#;
        assert_eq!(
            protected(&answer(refused)),
            Err("TASK_NOT_VALID".to_owned())
        );
        let denied = r#"{"error":{"Arn":"arn","Code":"AccessDeniedException","Message":"not authorized to perform ecs:UpdateTaskProtection"}}"#;
        let said = protected(&answer(denied)).unwrap_err();
        assert_eq!(
            said,
            "AccessDeniedException: not authorized to perform ecs:UpdateTaskProtection"
        );
        assert_eq!(
            protected(&answer("x")),
            Err("the ECS agent answers 200".to_owned())
        );
    }
}
