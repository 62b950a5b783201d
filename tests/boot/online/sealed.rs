//! What somebody else changed, cut off, or encrypted with another key or cipher: refused with its reason, and
//! nothing is written or started. What is whole starts, so each refusal has its control.

use super::{aws_with, refused_for, with_kms};
use crate::support::fake_http::{FakeHttp, Reply};
use crate::support::google::{self, KEY, OTHER_KEY};
use crate::support::moto::Moto;
use crate::support::{Entry, Finished, fixed_kms, repository};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entry::vault::{Secret, kms};
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// An object as S3 has it.
#[derive(Clone)]
struct Object {
    metadata: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Object {
    fn set(&mut self, name: &str, value: &str) {
        let member = self.metadata.iter_mut().find(|(known, _)| known == name);
        value.clone_into(&mut member.unwrap().1);
    }
}

/// S3 with one object, which a test may change, and KMS with its key.
struct Bucket {
    object: Arc<Mutex<Object>>,
    whole: Object,
    vector: Value,
    server: FakeHttp,
    _moto: Moto,
}

impl Bucket {
    fn start() -> Bucket {
        let moto = Moto::start();
        let upstream = moto.address();
        let folder = repository("tests/vectors/kms");
        let objects = std::fs::read(folder.join("s3_objects.json")).unwrap();
        let objects: Value = serde_json::from_slice(&objects).unwrap();
        let mut vectors = objects["objects"].as_array().unwrap().iter();
        let vector = vectors.find(|one| one["id"] == "v2-kms-gcm-ctx").unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let metadata = vector["metadata"].as_object().unwrap().iter();
        let whole = Object {
            metadata: metadata
                .map(|(name, value)| (name.clone(), text(value)))
                .collect(),
            body: std::fs::read(folder.join("s3/v2-kms-gcm-ctx.bin")).unwrap(),
        };
        let object = Arc::new(Mutex::new(whole.clone()));
        let served = object.clone();
        let server = aws_with(move |request| {
            if request.headers.contains_key("x-amz-target") {
                return Reply::Forward(upstream);
            }
            if request.target.contains(".instruction") {
                return Reply::Answer(404, vec![], Vec::new());
            }
            let Object { metadata, body } = served.lock().unwrap().clone();
            let headers = metadata.into_iter().map(|(name, value)| {
                let name: &'static str = format!("x-amz-meta-{name}").leak();
                (name, value)
            });
            Reply::Answer(200, headers.collect(), body)
        });
        Bucket {
            object,
            whole,
            vector: vector.clone(),
            server,
            _moto: moto,
        }
    }

    fn boot(&self, client_side: &str) -> Finished {
        let entry = with_kms(Entry::new(), &self.server.url());
        let out = entry.folder().join("out/x").display().to_string();
        let text = format!(
            "command: [cat, \"{out}\"]\nfiles: [{{from: s3://bucket/x, to: \"{out}\", client_side: {{{client_side}}}}}]\n"
        );
        entry.mode("web", &text).run()
    }

    fn change(&self, change: impl FnOnce(&mut Object)) {
        let mut changed = self.whole.clone();
        change(&mut changed);
        *self.object.lock().unwrap() = changed;
    }
}

type Change = fn(&mut Object);

const CONTEXT: &str = "context: {purpose: test, env: prod}";

#[test]
fn a_sealed_object_is_opened() {
    let bucket = Bucket::start();
    let done = bucket.boot(CONTEXT).expect(0);
    let length = bucket.vector["plaintext_len"].as_u64().unwrap();
    assert_eq!(done.stdout.len() as u64, length);
    let digest = <sha2::Sha256 as sha2::Digest>::digest(&done.stdout);
    let want = bucket.vector["plaintext_sha256"].as_str().unwrap();
    assert_eq!(hex::encode(digest), want);
}

#[test]
fn an_object_that_is_not_what_was_encrypted() {
    let bucket = Bucket::start();
    let at = "modes/web.yml:2: s3://bucket/x: ";
    let changes: [(Change, &str); 6] = [
        (|o| o.body[3] ^= 0x10, "its tag does not match"),
        (
            |o| o.body.truncate(35),
            "19 bytes are encrypted: it was cut off or changed; upload it again",
        ),
        (
            |o| o.set("x-amz-iv", "AAAAAAAAAAAAAAAA"),
            "its tag does not match",
        ),
        (
            |o| o.set("x-amz-cek-alg", "AES/CTR/NoPadding"),
            "its x-amz-cek-alg is \"AES/CTR/NoPadding\", which is unknown",
        ),
        (
            |o| o.set("x-amz-wrap-alg", "none"),
            "its x-amz-wrap-alg is \"none\", which is unknown",
        ),
        (|o| o.metadata.clear(), "it is not client-side encrypted"),
    ];
    for (change, words) in changes {
        bucket.change(change);
        refused_for(bucket.boot(CONTEXT), &[at, words]);
    }
    bucket.change(|_| ());
    let context = "context: {other: context}";
    refused_for(bucket.boot(context), &[at, "its encryption context is not"]);
    let other = "kms_key_id: aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee";
    refused_for(
        bucket.boot(&format!("{CONTEXT}, {other}")),
        &[
            at,
            "its data key: kms:Decrypt aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee: ",
        ],
    );
    bucket.boot(CONTEXT).expect(0);
}

#[test]
fn a_sops_file_that_is_not_what_was_encrypted() {
    let moto = Moto::start();
    let boot = |text: &str| {
        let entry = with_kms(Entry::new(), &moto.url());
        let out = entry.folder().join("out/s.yml").display().to_string();
        let mode =
            format!("command: [cat, \"{out}\"]\nsecrets: [{{sops: s.yaml, write: \"{out}\"}}]\n");
        entry.mode("web", &mode).file("s.yaml", text).run()
    };
    let path = repository("tests/vectors/sops/01_kms_yaml.enc.yaml");
    let whole = std::fs::read_to_string(path).unwrap();
    boot(&whole).expect(0);
    let cut = whole.find("\n    mac: ").unwrap();
    let (mac, forged) = (
        "its MAC does not match: a value was changed",
        "it cannot be decrypted: the value or its key was changed or moved",
    );
    for (changed, words) in [
        (whole.replace("visible", "visiblE"), mac),
        (whole.replacen("\nint: ", "\nint_unencrypted: ", 1), mac),
        (whole.replacen("\nint: ", "\nother: ", 1), forged),
        (whole[..cut].to_owned(), "it is missing"),
        (
            whole.replace("AES256_GCM", "AES256_CBC"),
            "the sops metadata's mac: ",
        ),
    ] {
        assert_ne!(changed, whole);
        refused_for(boot(&changed), &["modes/web.yml:2: s.yaml: ", words]);
    }
}

/// A message of the cryptor `gcp-kms`.
fn message(value: &str, number: u32) -> String {
    let dump = kms::dump(&Secret::from(value), kms::GOOGLE_MOST).unwrap();
    kms::message(&fixed_kms::seal_for(
        KEY.as_bytes(),
        dump.as_bytes(),
        number,
    ))
}

#[test]
fn values_that_googles_kms_does_not_give() {
    let google =
        FakeHttp::start(|request, number| google::answer(&[KEY, OTHER_KEY], request, number));
    let denied = FakeHttp::start(|request, _| {
        let refused = || google::error(403, "PERMISSION_DENIED", "Permission denied.");
        google::token(request).unwrap_or_else(refused)
    });
    let text = format!("a: {}\nb: {}\n", message("one", 1), message("two", 2));
    let boot = |server: &FakeHttp, key: &str, text: &str| {
        let entry = with_kms(Entry::new(), "http://127.0.0.1:1");
        let out = entry.folder().join("out/s.yml").display().to_string();
        let mode = format!(
            "command: [cat, \"{out}\"]\nsecrets: [{{vault: s.yml, cryptor: gcp-kms, gcp_kms_resource_id: {key}, write: \"{out}\"}}]\n"
        );
        entry
            .mode("web", &mode)
            .file("s.yml", text)
            .env("GOOGLE_KMS_ENDPOINT", server.url())
            .env("GCE_METADATA_HOST", server.url().replace("http://", ""))
            .run()
    };
    let done = boot(&google, KEY, &text).expect(0);
    assert_eq!(done.stdout(), "a: one\nb: two\n");
    let at = "modes/web.yml:2: s.yml: ";
    let none = "none of the 2 values can be decrypted: ";
    let decrypt =
        |key: &str, why: &str| format!("cloudkms.cryptoKeyVersions.useToDecrypt {key}: {why}");
    let wrong = "the ciphertext cannot be decrypted: Decryption failed";
    let wrong_key = decrypt(OTHER_KEY, wrong);
    refused_for(boot(&google, OTHER_KEY, &text), &[at, none, &wrong_key]);
    let no = decrypt(KEY, "access denied: Permission denied.");
    // The first denial is everybody's: nothing else is asked for.
    refused_for(boot(&denied, KEY, &text), &[at, &no]);
    // One flipped bit in one of them.
    let mut bytes = STANDARD.decode(message("two", 2)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    let flipped = format!("a: {}\nb: {}\n", message("one", 1), STANDARD.encode(bytes));
    let wrong = decrypt(KEY, wrong);
    refused_for(boot(&google, KEY, &flipped), &[at, "$.b: ", &wrong]);
}
