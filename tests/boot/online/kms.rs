//! Values by KMS, and KMS's failures.

use super::{YAML, refused, refused_for, with_files, with_kms, within};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::{Entry, fixed_kms};
use nix::sys::signal::Signal;
use std::sync::atomic::{AtomicUsize, Ordering};

fn kms() -> FakeHttp {
    FakeHttp::start(|request, _| fixed_kms::answer(request))
}

#[test]
fn values_are_decrypted_and_each_distinct_one_asked_for_once() {
    let kms = kms();
    let sealed = fixed_kms::seal("a: same\nb: other\n", &["$"]);
    let message = sealed.lines().next().unwrap().strip_prefix("a: ").unwrap();
    let twice = format!("{sealed}c: {message}\n");
    let done = with_kms(Entry::new(), &kms.url())
        .file("s.yml", twice)
        .run()
        .expect(0);
    assert_eq!(done.stdout(), "a: same\nb: other\nc: same\n");
    assert_eq!(kms.requests().len(), 2);
    let line = done.line("start");
    assert_eq!(line["secrets"], 3);
    assert_eq!(line["kms_calls"], 2);
    assert_eq!(line["credentials"], "environment");
    assert_eq!((&line["retries"], &line["objects"]), (&0.into(), &0.into()));
    for phase in ["credentials_ms", "kms_ms", "s3_ms"] {
        assert!(line[phase].is_u64(), "{line}");
    }
}

#[test]
fn only_what_the_key_paths_name_is_asked_for() {
    let kms = kms();
    let yaml = "production:\n  a: 1\nstaging:\n  b: 2\n";
    let entry = with_files(Entry::new(), &kms.url(), "", yaml);
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let mode = mode.replace("cryptor: aws-kms", "cryptor: aws-kms, keys: $.production");
    let done = entry.mode("web", &mode).run().expect(0);
    assert!(
        done.stdout()
            .starts_with("production:\n  a: 1\nstaging:\n  b: MTEx")
    );
    assert_eq!(kms.requests().len(), 1);
}

/// The modes' own `env` says where AWS is; a variable of the container would be a trap otherwise.
#[test]
fn the_modes_env_reaches_the_calls() {
    let kms = kms();
    let entry = with_kms(Entry::new(), "http://127.0.0.1:1");
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    let mode = format!("{mode}env: {{AWS_ENDPOINT_URL: \"{}\"}}\n", kms.url());
    let done = entry.mode("web", &mode).run().expect(0);
    assert_eq!(done.stdout(), YAML);
}

#[test]
fn a_denial_names_role_action_and_remedy() {
    let kms =
        FakeHttp::start(|_, _| Reply::error(400, "AccessDeniedException", "no policy allows it"));
    let done = with_kms(Entry::new(), &kms.url()).run();
    refused_for(
        done,
        &[
            "modes/web.yml:3: s.yml: ",
            ": $.production.",
            ": kms:Decrypt: access denied: no policy allows it",
            "allow kms:Decrypt on the key in the role's policy",
        ],
    );
}

#[test]
fn a_throttle_is_waited_out_or_told_at_the_deadline() {
    let asked = AtomicUsize::new(0);
    let kms = FakeHttp::start(
        move |request, _| match asked.fetch_add(1, Ordering::SeqCst) {
            0..4 => Reply::error(400, "ThrottlingException", "Rate exceeded"),
            _ => fixed_kms::answer(request),
        },
    );
    let done = with_kms(Entry::new(), &kms.url()).run().expect(0);
    assert_eq!(done.stdout(), YAML);
    assert_eq!(done.line("start")["retries"], 4);
    let kms = FakeHttp::start(|_, _| Reply::error(400, "ThrottlingException", "Rate exceeded"));
    let done = within(with_kms(Entry::new(), &kms.url()), "5s").run();
    refused_for(
        done,
        &[
            "kms:Decrypt: throttled: ",
            "have the account's quota raised",
        ],
    );
    assert!(kms.requests().len() > 2);
}

#[test]
fn a_key_that_is_not_the_right_one() {
    let kms = kms();
    let other = fixed_kms::seal(YAML, &["$"]).replace(
        "MTExMTExMTEtMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1",
        "OTk5OTk5OTktMjIyMi00MzMzLTg0NDQtNTU1NTU1NTU1NTU1",
    );
    let done = with_kms(Entry::new(), &kms.url())
        .file("s.yml", other)
        .run();
    refused_for(
        done,
        &[
            "none of the 2 values can be decrypted: kms:Decrypt: the ciphertext cannot be decrypted",
            "encrypt the value again, with a key of this account and region",
        ],
    );
}

#[test]
fn replies_that_make_no_sense_and_connections_that_break() {
    let plain = |body: &'static str| FakeHttp::start(move |_, _| Reply::json(200, body));
    let table: [(FakeHttp, &[&str]); 4] = [
        (
            plain("<html>c4n4ry</html>"),
            &["an answer that makes no sense", "no proxy or portal"],
        ),
        (
            plain("{}"),
            &["an answer that makes no sense", "no Plaintext in it"],
        ),
        (
            FakeHttp::start(|_, _| {
                Reply::Raw(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"Pl".to_vec())
            }),
            &["kms:Decrypt: "],
        ),
        (
            FakeHttp::start(|_, _| Reply::Raw(Vec::new())),
            &["no connection", "check the route to it"],
        ),
    ];
    for (kms, words) in table {
        refused_for(with_kms(Entry::new(), &kms.url()).run(), words);
    }
}

#[test]
fn what_kms_decrypts_must_be_one_yaml_value() {
    use base64::Engine;
    let strange = base64::engine::general_purpose::STANDARD.encode("c4n4ry: [1]");
    let body = format!("{{\"Plaintext\": \"{strange}\"}}");
    let kms = FakeHttp::start(move |_, _| Reply::json(200, body.clone()));
    let done = with_kms(Entry::new(), &kms.url()).run();
    refused_for(
        done,
        &["KMS decrypted it, but it is not one YAML value: another tool encrypted it"],
    );
}

#[test]
fn a_black_hole_ends_at_the_deadline() {
    let kms = FakeHttp::start(|_, _| Reply::Hang);
    let done = within(with_kms(Entry::new(), &kms.url()), "1s").run();
    refused_for(
        done,
        &[
            "kms:Decrypt: no answer in time: until the deadline",
            "VPC endpoint",
        ],
    );
}

#[test]
fn what_is_wrong_here_needs_no_call() {
    let kms = kms();
    let entry = with_kms(Entry::new(), &kms.url()).file("s.yml", "a: clear text\nb: c2hvcnQ=\n");
    refused_for(
        entry.run(),
        &["none of the 2 values can be decrypted: it is not an encrypted message"],
    );
    assert_eq!(kms.requests().len(), 0);
}

#[test]
fn term_while_kms_hangs_ends_the_boot() {
    for entry in super::super::super::pid1::both() {
        let kms = FakeHttp::start(|_, _| Reply::Hang);
        let running = with_kms(entry(), &kms.url()).start();
        crate::support::wait::until("the call", || (!kms.requests().is_empty()).then_some(()));
        running.signal(Signal::SIGTERM);
        let done = running.finish().expect(143);
        assert!(!done.folder().join("started").exists() && !done.folder().join("out").exists());
    }
}

#[test]
fn every_failure_is_told_in_one_boot() {
    let server = super::aws(|_, _| {
        let body = "<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message></Error>";
        Reply::Answer(404, vec![], body.into())
    });
    let files = "files: [{from: s3://bucket/a, to: OUT/a}, {from: s3://bucket/b, to: OUT/b}]";
    let sealed = fixed_kms::seal(YAML, &["$"]);
    let (before, message) = sealed.trim_end().rsplit_once(' ').unwrap();
    let mut blob = entry::vault::kms::ciphertext(message).unwrap();
    *blob.last_mut().unwrap() ^= 1;
    let damaged = format!("{before} {}\n", entry::vault::kms::message(&blob));
    let entry = with_files(Entry::new(), &server.url(), files, YAML).file("s.yml", damaged);
    let mut errors = refused(entry.run());
    errors.sort();
    assert_eq!(errors.len(), 3, "{errors:#?}");
    assert!(
        errors[0].contains("$.production.other: kms:Decrypt"),
        "{errors:#?}"
    );
    assert!(
        errors[1].contains("s3:GetObject s3://bucket/a: not found"),
        "{errors:#?}"
    );
    assert!(
        errors[2].contains("s3:GetObject s3://bucket/b: not found"),
        "{errors:#?}"
    );
}
