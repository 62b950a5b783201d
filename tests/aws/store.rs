//! The probe's orders for Parameter Store, Secrets Manager and Google's KMS, and a server of ours in moto's place.

use super::probe::{Found, Probe};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use entry::aws::{AwsError, Clients, SecretId, SecretValue, Version};
use entry::gcp::{CloudKms, GoogleKms};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::time::Instant;

/// `gcp_encrypt` and `gcp_decrypt` texts with `gcp_key`; `parameters` by name, `path` with what is below, `secrets` by name or as `{id, stage}` or `{id, version}`.
pub async fn obey(
    order: &Value,
    clients: &Clients,
    deadline: Instant,
    value: &mut Value,
) -> Result<(), AwsError> {
    if let Some(names) = order["parameters"].as_array() {
        let names: Vec<String> = names.iter().map(text).collect();
        let found = clients.ssm().get(&names, deadline).await?;
        value["parameters"] = shown(&found);
    }
    if let Some(path) = order["path"].as_str() {
        let recursive = order["recursive"] == true;
        let found = clients.ssm().by_path(path, recursive, deadline).await?;
        value["parameters"] = shown(&found);
    }
    if let Some(secrets) = order["secrets"].as_array() {
        let secrets: Vec<SecretId> = secrets.iter().map(secret).collect();
        let found = clients.secrets_manager().get(&secrets, deadline).await?;
        let shown = found.iter().map(|secret| match secret {
            SecretValue::Text(text) => text.as_str().into(),
            SecretValue::Binary(bytes) => json!({"bytes": bytes.as_slice()}),
        });
        value["secrets"] = shown.collect::<Vec<Value>>().into();
    }
    match order["gcp_key"].as_str() {
        Some(key) => google(order, key, deadline, value).await,
        None => Ok(()),
    }
}

async fn google(
    order: &Value,
    key: &str,
    deadline: Instant,
    value: &mut Value,
) -> Result<(), AwsError> {
    let kms = GoogleKms::load(None)?;
    let shown = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    if let Some(plain) = order["gcp_encrypt"].as_str() {
        let sealed = kms.encrypt(key, plain.as_bytes(), deadline).await?;
        value["gcp_sealed"] = shown(&sealed).into();
    }
    let mut all = Vec::new();
    for sealed in order["gcp_decrypt"].as_array().unwrap() {
        let opened = kms.decrypt(key, text(sealed).as_bytes(), deadline).await?;
        all.push(shown(&opened));
    }
    value["gcp"] = json!(all);
    let counts = kms.counters().counts();
    value["gcp_calls"] = counts.kms_calls.into();
    value["gcp_retries"] = counts.retries.into();
    Ok(())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn shown(parameters: &[entry::aws::Parameter]) -> Value {
    let pair = |one: &entry::aws::Parameter| json!([one.name, one.value.as_str()]);
    parameters.iter().map(pair).collect()
}

fn secret(order: &Value) -> SecretId {
    let member = |name: &str| order[name].as_str().map(str::to_owned);
    let stage = member("stage").map(Version::Stage);
    let version = stage.or_else(|| member("version").map(Version::Id));
    SecretId {
        id: member("id").unwrap_or_else(|| text(order)),
        version: version.unwrap_or(Version::Current),
    }
}

/// Asks a server that stands in for both services.
pub fn ask(server: &FakeHttp, order: &Value) -> Found {
    Probe::keyed()
        .env("AWS_ENDPOINT_URL_SSM", server.url())
        .env("AWS_ENDPOINT_URL_SECRETS_MANAGER", server.url())
        .run(order)
}

/// The members of a request to it.
pub fn members(request: &Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

pub fn reply(body: &Value) -> Reply {
    Reply::json(200, body.to_string())
}

/// Sends moto what makes something there.
pub fn make(moto: &str, target: &str, body: &Value) -> Value {
    let (status, answer) = send(moto, target, body);
    assert_eq!(status, 200, "{target}: {answer}");
    serde_json::from_str(&answer).unwrap_or_default()
}

/// Sends moto a request, and returns status and body; it looks at no signature.
pub fn send(moto: &str, target: &str, body: &Value) -> (u16, String) {
    let address = moto.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let (service, body) = (target.split('.').next().unwrap(), body.to_string());
    let service = match service {
        "AmazonEC2ContainerServiceV20141113" => "ecs".to_owned(),
        "GraniteServiceVersion20100801" => "monitoring".to_owned(),
        "AWSEvents" => "events".to_owned(),
        "AnyScaleFrontendService" => "application-autoscaling".to_owned(),
        "Logs_20140328" => "logs".to_owned(),
        "AmazonEC2ContainerRegistry_V20150921" => "ecr".to_owned(),
        other => other.trim_start_matches("Amazon").to_ascii_lowercase(),
    };
    let head = format!(
        "POST / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\nx-amz-target: {target}\r\n\
         content-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\n\
         authorization: AWS4-HMAC-SHA256 Credential=AKID/20260101/us-east-1/{service}/aws4_request, \
         SignedHeaders=host, Signature=0\r\n\r\n",
        body.len()
    );
    stream.write_all((head + &body).as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap();
    (status.parse().unwrap(), body.to_owned())
}

/// The secrets that a fault of these tests lets pass by, none of which may be printed.
#[track_caller]
pub fn tells_nothing(found: &Found) {
    let shown = format!("{}{}", found.value, found.output);
    assert!(!shown.contains("canary"), "{shown}");
}
