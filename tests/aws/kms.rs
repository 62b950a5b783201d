//! Decrypting: the vectors against moto, and each way that KMS can fail.

use super::probe::{Found, Probe};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::http::free_port;
use crate::support::moto::Moto;
use crate::support::repository;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::time::Duration;

/// Asks `server` to decrypt three texts.
fn decrypt(server: &FakeHttp, deadline_ms: u64, in_flight: u64) -> Found {
    let all = ["one", "two", "three"].map(|text| STANDARD.encode(text));
    let order = json!({"decrypt": all, "in_flight": in_flight, "deadline_ms": deadline_ms});
    Probe::keyed()
        .env("AWS_ENDPOINT_URL_KMS", server.url())
        .run(&order)
}

fn plaintext(text: &str) -> Reply {
    Reply::json(200, json!({"Plaintext": STANDARD.encode(text)}).to_string())
}

/// The secrets that a fault of these tests lets pass by, none of which may be printed.
fn tells_nothing(found: &Found) {
    let shown = format!("{}{}", found.value, found.output);
    for canary in ["canary", "Y2FuYXJ5"] {
        assert!(!shown.contains(canary), "{canary} in {shown}");
    }
}

#[test]
fn every_vector_decrypts_with_one_request_for_each_distinct_ciphertext() {
    let moto = Moto::start();
    let upstream = moto.address();
    let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
    let path = repository("tests/vectors/kms/yaml_vault_values.json");
    let sets: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    let values: Vec<&Value> = sets
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|set| set["values"].as_array().unwrap())
        .collect();
    assert!(values.len() >= 30);
    // Each twice.
    let twice = || values.iter().chain(&values);
    let ciphertexts: Vec<&Value> = twice().map(|value| &value["ciphertext_b64"]).collect();
    let expected: Vec<&Value> = twice().map(|value| &value["kms_plaintext"]).collect();
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", proxy.url())
        .run(&json!({"decrypt": ciphertexts}));
    assert_eq!(found.value["decrypted"], json!(expected));
    assert_eq!(found.value["kms_calls"], values.len());
    assert_eq!(found.value["retries"], 0);
    assert_eq!(proxy.requests().len(), values.len());
}

#[test]
fn what_was_encrypted_opens_with_the_same_context_only() {
    let moto = Moto::start();
    let probe = Probe::keyed().env("AWS_ENDPOINT_URL", moto.url());
    let found = probe.run(&json!({"encrypt": "text"}));
    assert_eq!(found.value["opened"], "text");
    assert_eq!(found.value["other_context"], "InvalidCiphertext");
}

/// KMS denies a key that is not there, since it may not say so; a damaged ciphertext of a good key it names.
#[test]
fn a_ciphertext_of_an_unknown_key_and_a_damaged_one_are_told_apart() {
    let moto = Moto::start();
    let error = |ciphertext: &[u8]| {
        let order = json!({"decrypt": [STANDARD.encode(ciphertext)]});
        let probe = Probe::keyed().env("AWS_ENDPOINT_URL", moto.url());
        probe.run(&order).error()
    };
    let (kind, text) = error(&[b'x'; 80]);
    assert_eq!(kind, "Denied");
    assert!(
        text.contains("(AccessDeniedException)") || text.contains(": AccessDeniedException;"),
        "{text}"
    );
    let damaged = [b"11111111-2222-4333-8444-555555555555".as_slice(), &[0; 40]].concat();
    let (kind, text) = error(&damaged);
    assert_eq!(kind, "InvalidCiphertext", "{text}");
    assert!(text.contains("encrypt the value again"), "{text}");
}

#[test]
fn a_denial_ends_everything_at_once_and_names_action_and_role() {
    let message = "User: arn:aws:sts::123456789012:assumed-role/web-task/abc is not authorized to perform: \
                   kms:Decrypt on resource: arn:aws:kms:us-east-1:123456789012:key/1 because no \
                   identity-based policy allows the kms:Decrypt action";
    let server = FakeHttp::start(move |_, _| Reply::error(400, "AccessDeniedException", message));
    let found = decrypt(&server, 60_000, 1);
    let (kind, text) = found.error();
    assert_eq!(kind, "Denied");
    assert!(
        text.starts_with(&format!("kms:Decrypt: access denied: {message}")),
        "{text}"
    );
    assert!(
        text.ends_with("a key that is gone or of another region is denied, too"),
        "{text}"
    );
    assert_eq!(
        found.value["decrypted"],
        json!(["Denied", "NotTried", "NotTried"])
    );
    assert_eq!(server.requests().len(), 1);
    tells_nothing(&found);
}

#[test]
fn a_throttle_is_waited_out() {
    let server = FakeHttp::start(|_, before| match before {
        0..9 => Reply::error(400, "ThrottlingException", "Rate exceeded"),
        _ => plaintext("text"),
    });
    let found = decrypt(&server, 60_000, 32);
    assert_eq!(found.value["decrypted"], json!(["text", "text", "text"]));
    assert_eq!(found.value["kms_calls"], 3);
    assert_eq!(found.value["retries"], 9);
}

#[test]
fn a_throttle_for_ever_ends_by_the_deadline_and_says_so() {
    let server = FakeHttp::start(|_, _| Reply::error(400, "ThrottlingException", "Rate exceeded"));
    let found = decrypt(&server, 8000, 32);
    let (kind, text) = found.error();
    assert_eq!(kind, "Throttled", "{text}");
    assert!(
        text.contains("Rate exceeded (ThrottlingException)") && text.contains("attempts"),
        "{text}"
    );
    assert!(found.elapsed() < Duration::from_secs(40));
}

#[test]
fn an_expired_token_is_no_denial() {
    let message = "The security token included in the request is expired";
    let server = FakeHttp::start(move |_, _| Reply::error(400, "ExpiredTokenException", message));
    let found = decrypt(&server, 60_000, 1);
    let (kind, text) = found.error();
    assert_eq!(kind, "Expired");
    assert!(
        text.contains(message) && text.contains("check the clock"),
        "{text}"
    );
    assert_eq!(server.requests().len(), 1);
    tells_nothing(&found);
}

/// Replies with a secret in them, each broken in another way: the error must not quote any.
#[test]
fn garbage_is_tried_again_and_not_quoted() {
    let secret = STANDARD.encode("canary plaintext");
    let raw = |text: &str| Reply::Raw(text.as_bytes().to_vec());
    let ok = "HTTP/1.1 200 OK\r\nconnection: close\r\n";
    let (kind, rest) = (
        "with a body of another kind",
        "but the rest of it did not come",
    );
    let json = |status, body: String| Reply::json(status, body);
    let replies = [
        (
            "Reply",
            kind,
            json(200, format!(r#"{{"Plaintext":"{secret}"#)),
        ),
        (
            "Reply",
            kind,
            json(200, format!(r#"{{"Plaintext":canary "{secret}"}}"#)),
        ),
        (
            "Reply",
            kind,
            json(200, r#"{"Plaintext":"canary plaintext!"}"#.into()),
        ),
        ("Reply", kind, json(200, "<html>canary</html>".into())),
        ("Reply", "no Plaintext in it", json(200, "{}".into())),
        (
            "Unavailable",
            "status 502",
            json(502, format!("<html>canary {secret}</html>")),
        ),
        (
            "Connect",
            "invalid HTTP version",
            raw("canary is not HTTP\r\n\r\n"),
        ),
        (
            "Reply",
            rest,
            raw(&format!(
                "{ok}content-length: 500\r\n\r\n{{\"Plaintext\":\"{secret}"
            )),
        ),
        ("Connect", "connection closed", raw("")),
    ];
    for (expected, words, reply) in replies {
        let shown = format!("{reply:?}");
        let server = FakeHttp::start(move |_, _| reply.clone());
        let found = decrypt(&server, 60_000, 1);
        let (kind, text) = found.error();
        assert_eq!(kind, expected, "{shown}: {text}");
        assert!(
            text.starts_with("kms:Decrypt: ") && text.contains(words),
            "{text}"
        );
        assert_eq!(server.requests().len(), 4, "{shown}");
        tells_nothing(&found);
    }
}

#[test]
fn a_cut_connection_is_made_again() {
    let server = FakeHttp::start(|_, before| match before {
        0 => Reply::Raw(Vec::new()),
        1 => Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"Pla".to_vec()),
        _ => plaintext("text"),
    });
    let found = decrypt(&server, 60_000, 1);
    assert_eq!(found.value["decrypted"], json!(["text", "text", "text"]));
    assert_eq!(found.value["retries"], 2);
}

#[test]
fn a_black_hole_ends_at_the_deadline() {
    let server = FakeHttp::start(|_, _| Reply::Hang);
    let found = decrypt(&server, 700, 32);
    let (kind, text) = found.error();
    assert_eq!(kind, "Timeout");
    assert!(
        text.contains("until the deadline") && text.contains("VPC endpoint"),
        "{text}"
    );
    assert!(
        found.elapsed() < Duration::from_secs(20),
        "{:?}",
        found.elapsed()
    );
    tells_nothing(&found);
}

#[test]
fn nobody_listens() {
    let url = format!("http://127.0.0.1:{}", free_port());
    let order = json!({"decrypt": [STANDARD.encode("one")]});
    let found = Probe::keyed().env("AWS_ENDPOINT_URL", url).run(&order);
    let (kind, text) = found.error();
    assert_eq!(kind, "Connect");
    assert!(text.contains("Connection refused"), "{text}");
}

#[test]
fn a_named_bundle_that_is_missing_is_said() {
    let order = json!({"decrypt": [STANDARD.encode("one")]});
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", "https://127.0.0.1:1")
        .env("AWS_CA_BUNDLE", "/nowhere/ca.pem")
        .run(&order);
    let (_, text) = found.error();
    assert!(
        text.contains("AWS_CA_BUNDLE=/nowhere/ca.pem: No such file"),
        "{text}"
    );
}

#[test]
fn a_proxy_is_used_unless_no_proxy_says_otherwise() {
    let proxy = FakeHttp::start(|_, _| plaintext("by proxy"));
    let order = json!({"decrypt": [STANDARD.encode("one")]});
    let probe = || {
        Probe::keyed()
            .env("AWS_ENDPOINT_URL", "http://kms.invalid")
            .env("HTTP_PROXY", proxy.url())
    };
    assert_eq!(probe().run(&order).value["decrypted"], json!(["by proxy"]));
    assert_eq!(proxy.requests()[0].target, "http://kms.invalid/");
    let found = probe().env("NO_PROXY", "kms.invalid").run(&order);
    assert_eq!(found.error().0, "Connect");
    assert_eq!(proxy.requests().len(), 1);
}

/// entry installs no subscriber, so nothing of this is ever seen; were one there, it would see no secret.
#[test]
fn traces_of_the_sdk_tell_no_secret() {
    let server = FakeHttp::start(|_, _| plaintext("canary-plaintext"));
    let order = json!({"decrypt": [STANDARD.encode("one")], "trace": true});
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL_KMS", server.url())
        .run(&order);
    assert_eq!(found.value["decrypted"], json!(["canary-plaintext"]));
    assert!(found.output.contains("TRACE"), "no trace: {}", found.output);
    for secret in [
        "canary-plaintext",
        "canary-secret-key",
        "canary-session-token",
    ] {
        crate::support::sealed::assert_absent(secret, found.output.as_bytes(), "a trace");
    }
}
