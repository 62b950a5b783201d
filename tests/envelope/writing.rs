//! What is asked and stored when an object is written, and where a read one goes.

use super::{Cloud, names};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

const PUT: [&str; 5] = [
    "put",
    "-",
    "s3://bucket/dir/a b",
    "--kms-key-id",
    "alias/fixed",
];

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap()
}

#[test]
fn kms_is_told_the_context_and_s3_no_plaintext() {
    let cloud = Cloud::start();
    cloud.good(
        &[&PUT[..], &["--context", "app=shop"]].concat(),
        b"canary content",
    );
    let requests = cloud.proxy.requests();
    let [generate, put] = requests.as_slice() else {
        panic!("{requests:?}");
    };
    assert_eq!(
        generate.headers["x-amz-target"],
        "TrentService.GenerateDataKey"
    );
    let context = json!({"aws:x-amz-cek-alg": "AES/GCM/NoPadding", "app": "shop"});
    let asked = json!({"KeyId": "alias/fixed", "KeySpec": "AES_256", "EncryptionContext": context});
    assert_eq!(json_of(&generate.body), asked);
    assert_eq!(put.target.split('?').next(), Some("/bucket/dir/a%20b"));
    assert!(!put.body.windows(6).any(|six| six == b"canary"));
    let matdesc = put.headers["x-amz-meta-x-amz-matdesc"].as_bytes();
    assert_eq!(json_of(matdesc), context);
}

#[test]
fn the_instruction_file_is_there_before_its_object() {
    let cloud = Cloud::start();
    cloud.good(&[&PUT[..], &["--instruction-file"]].concat(), b"content");
    let requests = cloud.proxy.requests();
    let targets = requests
        .iter()
        .map(|one| one.target.split('?').next().unwrap());
    let targets: Vec<&str> = targets.collect();
    assert_eq!(
        targets,
        ["/", "/bucket/dir/a%20b.instruction", "/bucket/dir/a%20b"]
    );
    let object = cloud.stored("dir/a%20b").unwrap();
    let names: Vec<&String> = object.metadata.keys().collect();
    assert_eq!(names, ["x-amz-unencrypted-content-length"]);
}

#[test]
fn a_key_that_must_be_the_one_is_sent() {
    let cloud = Cloud::start();
    cloud.good(&PUT, b"content");
    let get = ["get", "s3://bucket/dir/a b", "--kms-key-id"];
    let other = "aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    let own = "11111111-2222-4333-8444-555555555555";
    let plain = cloud.good(&[&get[..], &[own]].concat(), b"");
    assert_eq!(plain, b"content");
    let decrypt = json_of(&cloud.proxy.requests().last().unwrap().body);
    assert_eq!(decrypt["KeyId"], own);
    let told = cloud.bad(1, &[&get[..], &[other]].concat());
    // KMS says IncorrectKeyException, and moto that access is denied.
    let start = format!("entryctl: s3://bucket/dir/a b: its data key: kms:Decrypt {other}: ");
    assert!(told.starts_with(&start), "{told}");
}

#[test]
fn a_version_is_read() {
    let cloud = Cloud::start();
    let versioned = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    let none = std::collections::BTreeMap::new();
    cloud.raw("PUT", "/bucket?versioning", &none, versioned.as_bytes());
    cloud.good(&PUT, b"old");
    cloud.good(&PUT, b"new");
    let (_, list) = cloud.raw("GET", "/bucket?versions", &none, b"");
    let list = String::from_utf8(list.body).unwrap();
    let ids: Vec<&str> = list
        .split("<VersionId>")
        .skip(1)
        .map(|rest| rest.split('<').next().unwrap())
        .collect();
    assert_eq!(ids.len(), 2, "{list}");
    let get = |id| cloud.good(&["get", "s3://bucket/dir/a b", "--version-id", id], b"");
    let mut both = [get(ids[0]), get(ids[1])];
    both.sort();
    assert_eq!(both, [b"new".to_vec(), b"old".to_vec()]);
    assert_eq!(cloud.good(&["get", "s3://bucket/dir/a b"], b""), b"new");
}

#[test]
fn a_file_is_private_and_whole() {
    let cloud = Cloud::start();
    std::fs::write(cloud.path("in"), b"\0\xff binary").unwrap();
    cloud.good(
        &["put", "in", "s3://bucket/o", "--kms-key-id", "alias/fixed"],
        b"",
    );
    assert_eq!(cloud.good(&["get", "s3://bucket/o", "-o", "out"], b""), b"");
    assert_eq!(std::fs::read(cloud.path("out")).unwrap(), b"\0\xff binary");
    let mode = std::fs::metadata(cloud.path("out"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(names(cloud.folder.path()), ["in", "out"]);
}
