//! Objects: whole and right, or an error that says what is wrong with them.

use super::probe::{Found, Probe};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::http;
use crate::support::moto::Moto;
use serde_json::json;

const BODY: &str = "canary of the object\n";

fn get(server: &FakeHttp, max: u64) -> Found {
    Probe::keyed()
        .env("AWS_ENDPOINT_URL_S3", server.url())
        .run(&json!({"get": max}))
}

/// An error as S3 says it.
fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = format!(
        "<?xml version=\"1.0\"?><Error><Code>{code}</Code><Message>{message}</Message></Error>"
    );
    Reply::Answer(
        status,
        vec![("content-type", "application/xml".into())],
        body.into(),
    )
}

#[test]
fn what_was_put_comes_back_with_its_checksum_compared() {
    let moto = Moto::start();
    http::put(moto.address(), "/bucket", b"");
    let upstream = moto.address();
    let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", proxy.url())
        .run(&json!({"put": BODY, "get": 100}));
    assert_eq!(found.value["object"], BODY, "{}", found.value);
    assert_eq!(found.value["metadata"], json!({"made-by": "probe"}));
    assert!(found.value["checksum"].is_string(), "{}", found.value);
    assert_eq!(found.value["s3_calls"], 2);
    assert_eq!(found.value["bytes"], 2 * BODY.len());
    assert_eq!(
        proxy.requests()[1].target.split('?').next(),
        Some("/bucket/dir/file%20name")
    );
    let order = json!({"get": 100, "object": "none"});
    let (kind, text) = Probe::keyed()
        .env("AWS_ENDPOINT_URL", moto.url())
        .run(&order)
        .error();
    assert_eq!(kind, "NotFound");
    assert!(
        text.starts_with("s3:GetObject s3://bucket/none: not found: ")
            && text.contains("NoSuchKey"),
        "{text}"
    );
}

#[test]
fn version_and_customer_key_are_sent() {
    let server = FakeHttp::start(|_, _| Reply::Answer(200, vec![], BODY.into()));
    let key = "0123456789abcdef0123456789abcdef";
    let order = json!({"get": 100, "version_id": "v1", "customer_key": key});
    let found = Probe::keyed()
        .env("AWS_ENDPOINT_URL", server.url())
        .run(&order);
    assert_eq!(found.value["object"], BODY, "{}", found.value);
    let request = &server.requests()[0];
    assert!(
        request.target.contains("versionId=v1"),
        "{}",
        request.target
    );
    let name = "x-amz-server-side-encryption-customer";
    assert_eq!(request.headers[&format!("{name}-algorithm")], "AES256");
    assert_eq!(
        request.headers[&format!("{name}-key")],
        "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    );
    // `printf 0123456789abcdef0123456789abcdef | openssl md5 -binary | base64`
    assert_eq!(
        request.headers[&format!("{name}-key-md5")],
        "hRasmdxgYDKV3nvbahU1MA=="
    );
}

#[test]
fn refusals_are_said_and_not_repeated() {
    let table = [
        (
            error(403, "AccessDenied", "Access Denied"),
            "Denied",
            "allow s3:GetObject on it",
        ),
        (
            error(404, "NoSuchKey", "The specified key does not exist."),
            "NotFound",
            "does not exist",
        ),
        (
            error(404, "NoSuchBucket", "The specified bucket does not exist"),
            "NotFound",
            "NoSuchBucket",
        ),
        (
            error(400, "ExpiredToken", "The provided token has expired."),
            "Expired",
            "expired",
        ),
    ];
    for (reply, kind, words) in table {
        let server = FakeHttp::start(move |_, _| reply.clone());
        let found = get(&server, 100);
        let (actual, text) = found.error();
        assert_eq!(actual, kind, "{text}");
        assert!(
            text.starts_with("s3:GetObject s3://bucket/dir/file name: ") && text.contains(words),
            "{text}"
        );
        assert_eq!(server.requests().len(), 1);
    }
}

#[test]
fn a_short_body_is_fetched_again_and_then_an_error() {
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{BODY}");
    let server = FakeHttp::start(move |_, _| Reply::Raw(short.clone().into_bytes()));
    let found = get(&server, 100);
    let (kind, text) = found.error();
    assert_eq!(kind, "Incomplete");
    assert!(
        text.contains("21 of 99 bytes came") && !text.contains("canary"),
        "{text}"
    );
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn an_attempt_that_failed_leaves_nothing_in_the_object() {
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 99\r\nconnection: close\r\n\r\n{BODY}");
    let server = FakeHttp::start(move |_, before| match before {
        0 => Reply::Raw(short.clone().into_bytes()),
        _ => Reply::Answer(200, vec![], "whole".into()),
    });
    let found = get(&server, 100);
    assert_eq!(found.value["object"], "whole", "{}", found.value);
    assert_eq!(found.value["retries"], 1);
}

#[test]
fn a_wrong_checksum_is_an_error() {
    let with = |checksum: &str| {
        let headers = vec![("x-amz-checksum-crc32", checksum.to_owned())];
        Reply::Answer(200, headers, BODY.into())
    };
    // `zlib.crc32` of BODY.
    let right = with("1+A3FQ==");
    let server = FakeHttp::start(move |_, _| right.clone());
    let found = get(&server, 100);
    assert_eq!(found.value["checksum"], "CRC32", "{}", found.value);
    let wrong = with("AAAAAA==");
    let server = FakeHttp::start(move |_, _| wrong.clone());
    let (kind, text) = get(&server, 100).error();
    assert_eq!(kind, "Checksum");
    assert!(
        text.contains("s3://bucket/dir/file name") && !text.contains("canary"),
        "{text}"
    );
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn a_large_object_is_not_read() {
    let server = FakeHttp::start(|_, _| Reply::Answer(200, vec![], BODY.into()));
    let (kind, text) = get(&server, 20).error();
    assert_eq!(kind, "TooLarge");
    assert!(text.contains("21 bytes, at most 20 allowed"), "{text}");
    assert_eq!(server.requests().len(), 1);
    assert_eq!(get(&server, 21).value["object"], BODY);
}

#[test]
fn an_object_without_a_length_is_not_trusted() {
    let endless = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{BODY}");
    let server = FakeHttp::start(move |_, _| Reply::Raw(endless.clone().into_bytes()));
    let (kind, text) = get(&server, 100).error();
    assert_eq!(kind, "Reply");
    assert!(text.contains("no Content-Length"), "{text}");
}
