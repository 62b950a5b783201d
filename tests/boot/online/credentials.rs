//! Under the task's role: the endpoint, its failures, and the region.

use super::{YAML, refused_for, with_kms};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::{Entry, Finished, fixed_kms};
use serde_json::json;
use std::process::Command;

const LATER: &str = "2999-01-01T00:00:00Z";

fn role(expiration: &str) -> Reply {
    let body = json!({
        "AccessKeyId": "AKIDTASK",
        "SecretAccessKey": "c4n4ry-task-secret",
        "Token": "c4n4ry-task-token",
        "Expiration": expiration,
        "RoleArn": "arn:aws:iam::123456789012:role/web-task",
    });
    Reply::json(200, body.to_string())
}

fn kms() -> FakeHttp {
    FakeHttp::start(|request, _| fixed_kms::answer(request))
}

/// Only the endpoint gives credentials.
fn under_role(endpoint: &FakeHttp, aws: &FakeHttp) -> Entry {
    let mut entry = with_kms(Entry::new(), &aws.url());
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        entry.command.env_remove(name);
    }
    entry
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("HOME", "/nonexistent")
        .env(
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            format!("{}/role", endpoint.url()),
        )
}

#[track_caller]
fn booted(done: Finished) -> Finished {
    let done = done.expect(0);
    assert_eq!(done.stdout(), YAML);
    assert_eq!(done.line("start")["credentials"], "ecs");
    done
}

#[test]
fn the_endpoint_may_fail_twice() {
    let endpoint = FakeHttp::start(|_, before| match before {
        0 | 1 => Reply::json(500, ""),
        _ => role(LATER),
    });
    let kms = kms();
    booted(under_role(&endpoint, &kms).run());
    assert_eq!(endpoint.requests().len(), 3);
}

#[test]
fn a_token_file_authorizes() {
    let endpoint = FakeHttp::start(|request, _| match request.headers.get("authorization") {
        Some(token) if token == "c4n4ry-authorization" => role(LATER),
        _ => Reply::json(403, ""),
    });
    let kms = kms();
    let entry = under_role(&endpoint, &kms).file("token", "c4n4ry-authorization");
    let token = entry.folder().join("token");
    booted(
        entry
            .env("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token)
            .run(),
    );
}

/// As on ECS: 169.254.170.2, port 80, in a network of the container's own. KMS lives in there, too.
#[test]
fn the_relative_uri_in_a_network_namespace() {
    let inside = std::thread::spawn(|| {
        nix::sched::unshare(nix::sched::CloneFlags::CLONE_NEWNET).unwrap();
        for words in ["link set lo up", "addr add 169.254.170.2/32 dev lo"] {
            let done = Command::new("ip").args(words.split(' ')).status().unwrap();
            assert!(done.success(), "ip {words}");
        }
        let endpoint = FakeHttp::listening("169.254.170.2:80", |_, _| role(LATER));
        let kms = kms();
        let mut entry = under_role(&endpoint, &kms);
        entry
            .command
            .env_remove("AWS_CONTAINER_CREDENTIALS_FULL_URI");
        let entry = entry.env(
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "/v2/credentials/abc",
        );
        booted(entry.run());
        let asked = endpoint.requests();
        assert_eq!(
            (asked.len(), asked[0].target.as_str()),
            (1, "/v2/credentials/abc")
        );
        let signed = &kms.requests()[0].headers;
        assert!(signed["authorization"].contains("AKIDTASK"));
        assert_eq!(signed["x-amz-security-token"], "c4n4ry-task-token");
    });
    inside.join().unwrap();
}

#[test]
fn credentials_that_are_over() {
    let endpoint = FakeHttp::start(|_, _| role("2001-02-03T04:05:06Z"));
    refused_for(
        under_role(&endpoint, &kms()).run(),
        &[
            "credentials: the credentials have expired: those from ecs ended at 2001-02-03T04:05:06Z",
        ],
    );
    let endpoint = FakeHttp::start(|_, _| role(LATER));
    let kms = FakeHttp::start(|_, _| {
        Reply::error(
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        )
    });
    refused_for(
        under_role(&endpoint, &kms).run(),
        &[
            "kms:Decrypt: the credentials have expired: The security token",
            "(the task's role is arn:aws:iam::123456789012:role/web-task)",
        ],
    );
}

#[test]
fn without_any_credentials_it_says_who_was_asked_and_does_not_stall() {
    let mut entry = with_kms(Entry::new(), &kms().url());
    for name in [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
    ] {
        entry.command.env_remove(name);
    }
    let entry = entry
        .env("HOME", "/nonexistent")
        // Nobody's address, as the metadata service's where there is none.
        .env("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://192.0.2.1");
    refused_for(
        entry.run(),
        &[
            "none from environment, profile, web-identity, ecs, imds; give the task a role (taskRoleArn)",
        ],
    );
}

#[test]
fn the_region_comes_from_the_task() {
    let metadata = FakeHttp::start(|_, _| {
        Reply::json(200, r#"{"TaskARN":"arn:aws:ecs:ap-east-1:1:task/web/1"}"#)
    });
    let kms = kms();
    let mut entry = with_kms(Entry::new(), &kms.url());
    entry.command.env_remove("AWS_REGION");
    let entry = entry.env(
        "ECS_CONTAINER_METADATA_URI_V4",
        format!("{}/v4/abc", metadata.url()),
    );
    entry.run().expect(0);
    let signed = &kms.requests()[0].headers["authorization"];
    assert!(signed.contains("/ap-east-1/kms/"), "{signed}");
    // What the mode says counts more.
    let mut entry = with_kms(Entry::new(), &kms.url());
    entry.command.env_remove("AWS_REGION");
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let mode = mode.replace("timeout: 20s", "region: eu-west-3");
    entry.mode("web", &mode).run().expect(0);
    let signed = kms.requests().last().unwrap().headers["authorization"].clone();
    assert!(signed.contains("/eu-west-3/kms/"), "{signed}");
}
