//! AWS STS: the one call that acting as another role needs.

use super::classify::classify;
use super::counters::Counters;
use super::error::{AwsError, Kind};
use super::retry;
use aws_config::SdkConfig;
use aws_credential_types::Credentials;
use aws_sdk_sts::Client;
use std::time::{Instant, SystemTime};

const ASSUME_ROLE: &str = "sts:AssumeRole";
/// How the session shows in `CloudTrail`.
const SESSION: &str = "entry";

/// Credentials of a role, by those of the configuration.
pub(super) async fn assume_role(
    config: &SdkConfig,
    role: &str,
    counters: &Counters,
    deadline: Instant,
) -> Result<Credentials, AwsError> {
    let client = Client::new(config);
    let failed = |kind, detail: &str| AwsError::new(kind, ASSUME_ROLE, role, detail);
    let attempt = async || {
        let call = client
            .assume_role()
            .role_arn(role)
            .role_session_name(SESSION);
        let sent = call.send().await;
        let output = sent.map_err(|error| classify(ASSUME_ROLE, role, &error))?;
        let given = output
            .credentials
            .ok_or_else(|| failed(Kind::Reply, "no Credentials in it"))?;
        let end = SystemTime::try_from(given.expiration).ok();
        let (id, secret) = (given.access_key_id, given.secret_access_key);
        Ok(Credentials::new(
            id,
            secret,
            Some(given.session_token),
            end,
            "role",
        ))
    };
    let unanswered = || failed(Kind::Timeout, "until the deadline");
    retry::call(counters, deadline, unanswered, attempt).await
}
