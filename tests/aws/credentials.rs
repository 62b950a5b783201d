//! Whose role it is and which region, from each source, and how long it takes where there is none.

use super::probe::{Found, Probe};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::http::free_port;
use crate::support::wait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::time::Duration;

const REGION: &str = "us-east-1";

/// What the task-role endpoint answers.
fn role(expiration: &str) -> Reply {
    let body = json!({
        "AccessKeyId": "AKIDTASK",
        "SecretAccessKey": "canary-task-secret",
        "Token": "canary-task-token",
        "Expiration": expiration,
        "RoleArn": "arn:aws:iam::123456789012:role/web-task",
    });
    Reply::json(200, body.to_string())
}

const LATER: &str = "2999-01-01T00:00:00Z";

/// Only the credentials, from the endpoint.
fn load(endpoint: &FakeHttp) -> Found {
    Probe::new()
        .env("AWS_REGION", REGION)
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/role", endpoint.url()),
        )
        .run(&json!({}))
}

#[test]
fn the_task_role_signs_with_the_token_of_the_file() {
    let endpoint = FakeHttp::start(|_, _| role(LATER));
    let plaintext = json!({"Plaintext": STANDARD.encode("text")}).to_string();
    let kms = FakeHttp::start(move |_, _| Reply::json(200, plaintext.clone()));
    let probe = Probe::new().file("token", "canary-authorization");
    let token = probe.path("token");
    let found = probe
        .env("AWS_REGION", REGION)
        .env(
            "AWS_ENDPOINT_URL",
            kms.url().replace("127.0.0.1", "localhost"),
        )
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/role?a=b", endpoint.url()),
        )
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)
        // No proxy can reach the endpoint.
        .env("HTTP_PROXY", "http://127.0.0.1:1")
        .env("NO_PROXY", "localhost")
        .run(&json!({"decrypt": ["b25l", "dHdv", "dGhyZWU="]}));
    assert_eq!(found.value["credentials"], "ecs", "{}", found.value);
    assert_eq!(found.value["decrypted"], json!(["text", "text", "text"]));
    // Asked once, though many calls need them.
    let asked = endpoint.requests();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].target, "/role?a=b");
    assert_eq!(asked[0].headers["authorization"], "canary-authorization");
    let signed = &kms.requests()[0].headers;
    assert!(signed["authorization"].contains("AKIDTASK"));
    assert_eq!(signed["x-amz-security-token"], "canary-task-token");
}

#[test]
fn the_token_may_stand_in_a_variable() {
    let endpoint = FakeHttp::start(|_, _| role(LATER));
    let found = Probe::new()
        .env("AWS_REGION", REGION)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url())
        .env("AWS_CONTAINER_AUTHORIZATION_TOKEN", "canary-variable")
        .run(&json!({"role": true}));
    assert_eq!(found.value["credentials"], "ecs");
    assert_eq!(
        found.value["role"],
        "arn:aws:iam::123456789012:role/web-task"
    );
    let asked = endpoint.requests();
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|one| one.headers["authorization"] == "canary-variable")
    );
}

#[test]
fn an_endpoint_that_fails_twice_is_asked_thrice() {
    let endpoint = FakeHttp::start(|_, before| match before {
        0 | 1 => Reply::json(500, ""),
        _ => role(LATER),
    });
    let found = load(&endpoint);
    assert_eq!(found.value["credentials"], "ecs");
    assert_eq!(endpoint.requests().len(), 3);
}

/// The endpoint is set up, so nobody else is asked: the node's role would be a surprise.
#[test]
fn an_endpoint_that_stays_dead_is_said_soon() {
    let endpoint = FakeHttp::start(|_, _| Reply::json(500, "canary body"));
    let found = load(&endpoint);
    let (kind, text) = found.error();
    assert_eq!(kind, "Credentials");
    assert!(
        text.contains("from ecs") && text.contains("500") && !text.contains("canary"),
        "{text}"
    );
    let url = format!("http://127.0.0.1:{}", free_port());
    let found = Probe::new()
        .env("AWS_REGION", REGION)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)
        .run(&json!({}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Credentials");
    assert!(
        text.contains("Connection refused") && text.contains("taskRoleArn"),
        "{text}"
    );
    assert!(
        found.elapsed() < Duration::from_secs(20),
        "{:?}",
        found.elapsed()
    );
}

#[test]
fn an_endpoint_that_hangs_ends_at_the_deadline() {
    let endpoint = FakeHttp::start(|_, _| Reply::Hang);
    let found = Probe::new()
        .env("AWS_REGION", REGION)
        .env("AWS_CONTAINER_CREDENTIALS_FULL_URI", endpoint.url())
        .run(&json!({"deadline_ms": 500}));
    assert_eq!(found.error().0, "Timeout");
    assert!(
        found.elapsed() < Duration::from_secs(20),
        "{:?}",
        found.elapsed()
    );
}

#[test]
fn garbage_from_the_endpoint_is_not_quoted() {
    let endpoint = FakeHttp::start(|_, _| Reply::json(200, r#"{"SecretAccessKey":"canary"#));
    let (kind, text) = load(&endpoint).error();
    assert_eq!(kind, "Credentials");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn credentials_that_are_over_are_not_used() {
    let endpoint = FakeHttp::start(|_, _| role("2001-02-03T04:05:06Z"));
    let (kind, text) = load(&endpoint).error();
    assert_eq!(kind, "Expired");
    assert!(
        text.contains("those from ecs ended at 2001-02-03T04:05:06Z"),
        "{text}"
    );
}

#[test]
fn without_any_source_it_says_who_was_asked() {
    // 192.0.2.0/24 is nobody's: as the metadata service where there is none.
    let found = Probe::new()
        .env("AWS_REGION", REGION)
        .unset("AWS_EC2_METADATA_DISABLED")
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1")
        .run(&json!({}));
    let (kind, text) = found.error();
    assert_eq!(kind, "Credentials");
    let expected = "credentials: no usable credentials: none from environment, profile, web-identity, ecs, imds; ";
    assert!(text.starts_with(expected), "{text}");
    assert!(
        found.elapsed() < Duration::from_secs(20),
        "{:?}",
        found.elapsed()
    );
}

#[test]
fn a_disabled_metadata_service_is_not_asked() {
    let service = FakeHttp::start(|_, _| Reply::json(200, ""));
    let probe = || {
        Probe::new()
            .env("AWS_REGION", REGION)
            .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", service.url())
    };
    assert_eq!(probe().run(&json!({})).error().0, "Credentials");
    assert_eq!(service.requests().len(), 0);
    probe()
        .unset("AWS_EC2_METADATA_DISABLED")
        .run(&json!({}))
        .error();
    wait::until("it is asked", || {
        (!service.requests().is_empty()).then_some(())
    });
}

const PROFILES: &str = "[default]\naws_access_key_id = A\naws_secret_access_key = B\nregion = eu-north-1\n\
                        [profile ops]\naws_access_key_id = C\naws_secret_access_key = D\nregion = eu-south-1\n";

#[test]
fn the_order_of_sources_and_regions() {
    let metadata = FakeHttp::start(|request, _| match request.target.as_str() {
        "/v4/abc/task" => Reply::json(200, r#"{"TaskARN":"arn:aws:ecs:ap-east-1:1:task/web/1"}"#),
        _ => Reply::json(404, ""),
    });
    let uri = format!("{}/v4/abc", metadata.url());
    let table = [
        (json!({}), true, vec![], "profile", "eu-north-1"),
        (
            json!({"profile": "ops"}),
            true,
            vec![],
            "profile",
            "eu-south-1",
        ),
        (
            json!({}),
            true,
            vec![("AWS_PROFILE", "ops")],
            "profile",
            "eu-south-1",
        ),
        (
            json!({}),
            true,
            vec![("ECS_CONTAINER_METADATA_URI_V4", &*uri)],
            "profile",
            "ap-east-1",
        ),
        (
            json!({"profile": "ops"}),
            true,
            vec![("ECS_CONTAINER_METADATA_URI_V4", &*uri)],
            "profile",
            "eu-south-1",
        ),
        (
            json!({}),
            true,
            vec![("AWS_DEFAULT_REGION", "ca-west-1")],
            "profile",
            "ca-west-1",
        ),
        (
            json!({}),
            true,
            vec![
                ("AWS_DEFAULT_REGION", "ca-west-1"),
                ("AWS_REGION", "sa-east-1"),
            ],
            "profile",
            "sa-east-1",
        ),
        (
            json!({"region": "me-south-1"}),
            true,
            vec![("AWS_REGION", "sa-east-1")],
            "profile",
            "me-south-1",
        ),
        (
            json!({"key": "K", "region": "me-south-1"}),
            true,
            vec![],
            "keys",
            "me-south-1",
        ),
        (
            json!({}),
            true,
            vec![("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "F")],
            "environment",
            "eu-north-1",
        ),
    ];
    for (order, profiles, environment, credentials, region) in table {
        let mut probe = Probe::new();
        if profiles {
            probe = probe.file(".aws/config", PROFILES);
        }
        for (name, value) in &environment {
            probe = probe.env(name, value);
        }
        let found = probe.run(&order);
        let shown = format!("{order} {environment:?}: {}", found.value);
        assert_eq!(found.value["credentials"], credentials, "{shown}");
        assert_eq!(found.value["region"], region, "{shown}");
    }
}

#[test]
fn without_a_region_it_says_where_it_was_looked_for() {
    let metadata = FakeHttp::start(|_, _| Reply::json(503, ""));
    let (kind, text) = Probe::keyed()
        .unset("AWS_REGION")
        .env("ECS_CONTAINER_METADATA_URI_V4", metadata.url())
        .run(&json!({}))
        .error();
    assert_eq!(kind, "Region");
    assert_eq!(
        text,
        "region: no region: AWS_REGION and AWS_DEFAULT_REGION are not set, ECS_CONTAINER_METADATA_URI_V4 \
         failed (status 503), and no profile has one; set AWS_REGION"
    );
}
