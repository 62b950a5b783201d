//! No secret shows, whatever AWS does: values, session token, secret key, nor what a reply carries in base64.

use super::{aws, with_files, within};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::sealed::{CANARY, assert_absent};
use crate::support::{Entry, Finished, fixed_kms};
use nix::sys::signal::Signal;
use std::fs;

const TOKEN: &str = "c4n4ry-session-token";
const KEY: &str = "c4n4ry-secret-key";
const OBJECT: &str = "c4n4ry-of-the-object";

fn yaml() -> String {
    format!("production:\n  key: \"{CANARY}\"\n")
}

const FILES: &str = "files: [{from: s3://bucket/x, to: OUT/x}]";

/// All that the SDK could be made to say is asked for.
fn loud(server: &FakeHttp) -> Entry {
    with_files(Entry::new(), &server.url(), FILES, &yaml())
        .env("RUST_LOG", "trace")
        .env("RUST_BACKTRACE", "full")
}

fn assert_clean(done: &Finished, name: &str) {
    for secret in [CANARY, TOKEN, KEY, OBJECT] {
        assert_absent(secret, &done.stdout, &format!("{name}: standard output"));
        assert_absent(secret, &done.stderr, &format!("{name}: standard error"));
        let paths = walk(done.folder());
        for path in paths {
            let content = fs::read(&path).unwrap_or_default();
            assert_absent(secret, &content, &format!("{name}: {}", path.display()));
        }
    }
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => found.extend(walk(&entry.path())),
            _ => found.push(entry.path()),
        }
    }
    found
}

#[test]
fn no_failure_shows_a_secret_with_every_trace_on() {
    // A reply that carries the plaintext, but is no whole reply.
    let cut = |request: &crate::support::fake_http::Request| {
        let Reply::Answer(_, _, mut body) = fixed_kms::answer(request) else {
            panic!("an answer")
        };
        body.pop();
        Reply::json(200, body)
    };
    let object = || Reply::Answer(200, vec![], OBJECT.into());
    let wrong = || {
        let headers = vec![("x-amz-checksum-crc32", "AAAAAA==".to_owned())];
        Reply::Answer(200, headers, OBJECT.into())
    };
    let short = format!("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{OBJECT}");
    let is_kms =
        |request: &crate::support::fake_http::Request| request.headers.contains_key("x-amz-target");
    let servers: Vec<(&str, FakeHttp)> = vec![
        (
            "a cut reply",
            FakeHttp::start(move |request, _| {
                if is_kms(request) {
                    cut(request)
                } else {
                    object()
                }
            }),
        ),
        ("a wrong checksum", aws(move |_, _| wrong())),
        (
            "a short body",
            aws(move |_, _| Reply::Raw(short.clone().into_bytes())),
        ),
        (
            "a denial",
            aws(|_, _| {
                Reply::Answer(
                    403,
                    vec![],
                    b"<Error><Code>AccessDenied</Code></Error>".to_vec(),
                )
            }),
        ),
        (
            "a server out of order",
            aws(|_, _| Reply::Answer(500, vec![], OBJECT.into())),
        ),
        ("an object that hangs", aws(|_, _| Reply::Hang)),
    ];
    for (name, server) in &servers {
        for format in ["json", "text"] {
            let done = within(loud(server), "3s").env("ENTRY_LOG", format).run();
            assert_eq!(done.code(), 125, "{name}: {}", done.stderr());
            assert_clean(&done, name);
        }
    }
}

#[test]
fn pid_1_holds_none_after_a_boot_by_kms() {
    let server = aws(|_, _| Reply::Answer(200, vec![], OBJECT.into()));
    for entry in super::super::super::pid1::both() {
        let entry = with_files(entry(), &server.url(), FILES, &yaml());
        let mode = fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
        let (_, rest) = mode.split_once('\n').unwrap();
        let running = entry
            .mode("web", &format!("command: [sleep, \"60\"]\n{rest}"))
            .start();
        running.app();
        let pid = running.pid();
        for secret in [CANARY, OBJECT] {
            let memory = super::super::canary::memory(pid.as_raw());
            assert_absent(secret, &memory, "the memory of PID 1");
        }
        running.signal(Signal::SIGTERM);
        assert_clean(&running.finish().expect(143), "a stop");
    }
}
