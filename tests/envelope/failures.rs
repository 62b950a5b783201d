//! Each way that reading or writing fails: an error that names the object, the cause and the remedy, and
//! nothing written.

use super::{Cloud, Stored, names};
use crate::support::fake_http::Reply;
use std::collections::BTreeMap;

const URL: &str = "s3://bucket/o";
const GET: [&str; 4] = ["get", URL, "-o", "out"];
const PUT: [&str; 5] = ["put", "-", URL, "--kms-key-id", "alias/fixed"];

/// A reader's failure after `how` was done to the object.
#[track_caller]
fn refused(cloud: &Cloud, more: &[&str], words: &str) {
    std::fs::write(cloud.path("out"), "old").unwrap();
    let told = cloud.bad(1, &[&GET[..], more].concat());
    let line = told
        .strip_prefix("entryctl: ")
        .and_then(|line| line.strip_suffix('\n'));
    let line = line.unwrap_or_else(|| panic!("{told}"));
    assert!(!line.contains('\n'), "{line}");
    assert!(
        line.starts_with(URL) || line.contains(&format!(" {URL}")),
        "{line}"
    );
    assert!(line.contains(words), "{line}\nhas not\n{words}");
    assert_eq!(std::fs::read(cloud.path("out")).unwrap(), b"old");
    assert_eq!(names(cloud.folder.path()), ["out"]);
}

fn put(cloud: &Cloud, more: &[&str]) {
    cloud.good(&[&PUT[..], more].concat(), b"canary content");
}

type Change = fn(&mut Stored);

#[test]
fn changed_objects() {
    let cloud = Cloud::start();
    let set = |object: &mut Stored, name: &str, value: &str| {
        object.metadata.insert(name.to_owned(), value.to_owned());
    };
    let table: [(&str, Change, &str); 8] = [
        (
            "v2",
            |o| o.body[0] ^= 1,
            "its tag does not match: the body or its envelope was changed",
        ),
        (
            "v3",
            |o| *o.body.last_mut().unwrap() ^= 0x80,
            "its tag does not match",
        ),
        (
            "v2",
            |o| o.body.truncate(20),
            "was cut off or changed; upload it again",
        ),
        (
            "v3",
            |o| o.body.truncate(3),
            "its body has 3 bytes, which is no length",
        ),
        (
            "v2",
            |o| drop(o.metadata.remove("x-amz-iv")),
            "its envelope has no x-amz-iv",
        ),
        (
            "v2",
            |o| drop(o.metadata.remove("x-amz-wrap-alg")),
            "its envelope has no x-amz-wrap-alg",
        ),
        (
            "v2",
            |o| o.metadata.clear(),
            "it is not client-side encrypted",
        ),
        (
            "v3",
            |o| drop(o.metadata.remove("x-amz-3")),
            "its data key is missing with its instruction file",
        ),
    ];
    for (format, change, words) in table {
        put(&cloud, &["--format", format]);
        cloud.change("o", change);
        refused(&cloud, &[], words);
    }
    let table = [
        (
            "v2",
            "x-amz-cek-alg",
            "AES/CTR/NoPadding",
            "its x-amz-cek-alg is \"AES/CTR/NoPadding\", which is unknown",
        ),
        (
            "v2",
            "x-amz-wrap-alg",
            "AES/GCM",
            "under a master key outside KMS, which is not supported",
        ),
        (
            "v2",
            "x-amz-tag-len",
            "96",
            "its x-amz-tag-len is \"96\", not 128",
        ),
        ("v2", "x-amz-iv", "AAAA", "its x-amz-iv has 3 bytes, not 12"),
        (
            "v2",
            "x-amz-3",
            "AAAA",
            "it has x-amz-key-v2 and x-amz-3, which do not belong together",
        ),
        (
            "v2",
            "x-amz-matdesc",
            "{}",
            "its x-amz-matdesc names another cipher than x-amz-cek-alg",
        ),
        ("v2", "x-amz-key-v2", "MTEx", "its data key: kms:Decrypt: "),
        (
            "v3",
            "x-amz-d",
            "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==",
            "its x-amz-d is not that of its data key",
        ),
        (
            "v3",
            "x-amz-c",
            "116",
            "its x-amz-c is \"116\", which is unknown",
        ),
    ];
    for (format, name, value, words) in table {
        put(&cloud, &["--format", format]);
        cloud.change("o", |object| set(object, name, value));
        refused(&cloud, &[], words);
    }
}

#[test]
fn the_context_is_compared_before_kms_is_asked() {
    let cloud = Cloud::start();
    put(&cloud, &["--context", "app=shop"]);
    let before = cloud.proxy.requests().len();
    refused(
        &cloud,
        &[],
        "its encryption context is not the one given: also give \"app\"",
    );
    refused(
        &cloud,
        &["--context", "app=other"],
        "give another value for \"app\"",
    );
    refused(
        &cloud,
        &["--context", "app=shop", "--context", "env=prod"],
        "do not give \"env\"",
    );
    refused(
        &cloud,
        &["--context", "aws:x-amz-cek-alg=115"],
        "the encryption context may not hold aws:x-amz-cek-alg",
    );
    let requests = cloud.proxy.requests();
    let asked = requests
        .iter()
        .skip(before)
        .filter(|one| one.method == "POST");
    assert_eq!(asked.count(), 0);
}

/// The context is bound to the data key, so a changed one does not help whoever changed it.
#[test]
fn a_changed_context_is_refused_by_kms() {
    let cloud = Cloud::start();
    put(&cloud, &["--context", "app=shop"]);
    cloud.change("o", |object| {
        let context = object.metadata.get_mut("x-amz-matdesc").unwrap();
        *context = context.replace("shop", "other");
    });
    refused(
        &cloud,
        &["--context", "app=other"],
        "its data key: kms:Decrypt: the ciphertext cannot be decrypted",
    );
}

#[test]
fn instruction_files() {
    let cloud = Cloud::start();
    let file = |text: &str| Stored {
        metadata: BTreeMap::new(),
        body: text.into(),
    };
    for format in ["v2", "v3"] {
        put(&cloud, &["--format", format, "--instruction-file"]);
        let good = cloud.stored("o.instruction").unwrap();
        cloud.store("o.instruction", &file("<html>"));
        refused(
            &cloud,
            &[],
            "its instruction file is not a JSON object of texts",
        );
        cloud.store("o.instruction", &file("{}"));
        refused(&cloud, &[], "it is not client-side encrypted");
        cloud.store("o.instruction", &good);
        cloud.change("o", |object| object.body[0] ^= 1);
        refused(&cloud, &[], "its tag does not match");
    }
    // The file of an older object, beside a newer one.
    put(&cloud, &["--instruction-file"]);
    let older = cloud.stored("o.instruction").unwrap();
    put(&cloud, &["--instruction-file", "--format", "v3"]);
    cloud.store("o.instruction", &older);
    refused(
        &cloud,
        &[],
        "which do not belong together: somebody changed it",
    );
}

#[test]
fn an_instruction_file_that_may_not_be_read() {
    let cloud = Cloud::with_faults(|request| {
        let denied = request.method == "GET" && request.target.contains(".instruction");
        let body = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        denied.then(|| Reply::Answer(403, vec![], body.into()))
    });
    put(&cloud, &["--instruction-file"]);
    refused(
        &cloud,
        &[],
        "its metadata has no data key, and its instruction file did not come: s3:GetObject \
         s3://bucket/o.instruction: access denied",
    );
}

#[test]
fn what_aws_refuses() {
    let cloud = Cloud::start();
    refused(&cloud, &[], "s3:GetObject s3://bucket/o: not found");
    put(&cloud, &[]);
    refused(
        &cloud,
        &["--max-size", "20B"],
        "s3:GetObject s3://bucket/o: too large: 30 bytes, at most 20 allowed",
    );
    refused(
        &cloud,
        &["--version-id", "none"],
        "s3:GetObject s3://bucket/o version none: ",
    );
    let told = cloud.bad(1, &["put", "-", URL, "--kms-key-id", "alias/none"]);
    assert!(
        told.starts_with("entryctl: kms:GenerateDataKey alias/none: not found"),
        "{told}"
    );
    let told = cloud.bad(
        1,
        &[
            "put",
            "-",
            "s3://no-bucket/o",
            "--kms-key-id",
            "alias/fixed",
        ],
    );
    assert!(
        told.starts_with("entryctl: s3:PutObject s3://no-bucket/o: not found"),
        "{told}"
    );
}

#[test]
fn kms_denies() {
    let cloud = Cloud::with_faults(|request| {
        let denied = request.method == "POST";
        denied.then(|| Reply::error(400, "AccessDeniedException", "not authorized"))
    });
    let told = cloud.bad(1, &PUT);
    assert!(
        told.starts_with(
            "entryctl: kms:GenerateDataKey alias/fixed: access denied: not authorized"
        ),
        "{told}"
    );
    assert!(
        told.contains("; allow kms:GenerateDataKey on the key"),
        "{told}"
    );
    assert!(cloud.stored("o").is_none());
}

/// The data key's reply holds plaintext.
#[test]
fn a_data_key_that_is_none_is_not_quoted() {
    let cloud = Cloud::with_faults(|request| {
        let body = r#"{"CiphertextBlob":"AAAA","Plaintext":"Y2FuYXJ5"}"#;
        (request.method == "POST").then(|| Reply::json(200, body.to_owned()))
    });
    let told = cloud.bad(1, &PUT);
    assert!(
        told.contains("kms:GenerateDataKey alias/fixed: an answer that makes no sense"),
        "{told}"
    );
    assert!(
        told.contains("no Plaintext of 32 bytes in it") && !told.contains("Y2Fu"),
        "{told}"
    );
}

#[test]
fn what_is_not_written() {
    let cloud = Cloud::start();
    let refuse = |more: &[&str], words: &str| {
        let told = cloud.bad(1, &[&PUT[..], more].concat());
        assert!(
            told.starts_with("entryctl: ") && told.contains(words),
            "{told}"
        );
        assert!(cloud.stored("o").is_none());
    };
    refuse(
        &["--context", "aws:x-amz-cek-alg=x"],
        "may not hold aws:x-amz-cek-alg",
    );
    refuse(
        &["--context", "app=é"],
        "context's \"app\" is empty or not printable ASCII",
    );
    refuse(
        &["--context", "a=1", "--context", "a=2"],
        "--context a is given twice",
    );
    let long = format!("a={}", "x".repeat(2000));
    refuse(
        &["--context", &long],
        "s3://bucket/o is not written: the envelope has ",
    );
    assert!(cloud.proxy.requests().len() <= 1);
    let told = cloud.bad(1, &["put", "none", URL, "--kms-key-id", "alias/fixed"]);
    assert!(
        told.starts_with("entryctl: cannot read none: No such file"),
        "{told}"
    );
}

#[test]
fn half_written() {
    let cloud = Cloud::with_faults(|request| {
        let denied = request.method == "PUT" && request.target.starts_with("/bucket/o?");
        denied.then(|| Reply::Answer(403, vec![], Vec::new()))
    });
    let told = cloud.bad(1, &[&PUT[..], &["--instruction-file"]].concat());
    assert!(
        told.starts_with("entryctl: s3:PutObject s3://bucket/o: access denied"),
        "{told}"
    );
    assert!(
        told.ends_with("; its instruction file is written already: run this again\n"),
        "{told}"
    );
    assert!(cloud.stored("o").is_none());
}

#[test]
fn usage() {
    let cloud = Cloud::start();
    let table: [(&[&str], &str); 8] = [
        (&["get"], "<s3://BUCKET/KEY>"),
        (&["get", "bucket/o"], "write s3://BUCKET/KEY"),
        (&["get", "s3://bucket/"], "write s3://BUCKET/KEY"),
        (&["get", "s3://bucket"], "write s3://BUCKET/KEY"),
        (&["get", URL, "--context", "app"], "give NAME=VALUE"),
        (&["get", URL, "--max-size", "huge"], "--max-size"),
        (&["put", "-", URL], "--kms-key-id <KEY>"),
        (
            &["put", "-", URL, "--kms-key-id", "k", "--format", "v1"],
            "possible values: v2, v3",
        ),
    ];
    for (args, words) in table {
        let told = cloud.bad(2, args);
        assert!(told.contains(words), "{args:?}: {told}");
    }
    for (verb, words) in [
        ("get", "--legacy | less"),
        ("put", "pg_dump app | entryctl s3 put"),
    ] {
        let help = cloud.good(&[verb, "--help"], b"");
        let help = String::from_utf8(help).unwrap();
        assert!(
            help.contains(words) && help.contains("Exit codes: 0 done"),
            "{help}"
        );
    }
    assert!(cloud.proxy.requests().is_empty());
}
