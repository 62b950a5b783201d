//! What fails: in Google's KMS, in its account, and before anything is asked.

use super::{GCP, Google, answer};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::google::{self, KEY, OTHER_KEY};
use crate::vault::cli::Run;
use crate::vault::kms::{Answer, good};

const ABSENT: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/absent";
const WRONG_KEY: &str = "the ciphertext cannot be decrypted: Decryption failed: the ciphertext is invalid. \
    (INVALID_ARGUMENT); name the key that encrypted the value, or encrypt it again with this one";
const DENIED: &str = "access denied: Permission denied on resource. (PERMISSION_DENIED); grant a role with it \
    on the key to the service account";
const DISABLED: &str =
    "the key cannot be used: k is not enabled. (FAILED_PRECONDITION); enable the key";

/// What fails.
#[derive(Debug)]
enum Verb {
    Token,
    Decrypt,
    Encrypt,
}

fn denied(request: &Request, _: usize) -> Reply {
    let refused = || google::error(403, "PERMISSION_DENIED", "Permission denied on resource.");
    google::token(request).unwrap_or_else(refused)
}

fn disabled(request: &Request, _: usize) -> Reply {
    let refused = || google::error(400, "FAILED_PRECONDITION", "k is not enabled.");
    google::token(request).unwrap_or_else(refused)
}

fn hanging(request: &Request, _: usize) -> Reply {
    google::token(request).unwrap_or(Reply::Hang)
}

fn stranger(_: &Request, _: usize) -> Reply {
    Reply::json(400, r#"{"error": "invalid_grant"}"#)
}

/// On a node of Google's, whose metadata server gives the token.
fn on_a_node(server: &FakeHttp) -> Run {
    let url = server.url();
    let mut run = Run::new()
        .env("GOOGLE_KMS_ENDPOINT", &url)
        .env("GCE_METADATA_HOST", url.trim_start_matches("http://"));
    run.passphrase = None;
    run
}

/// A failure of each kind: the file as it was, one line that can be acted on, no secret in it, and no more
/// calls than were under way.
#[test]
fn failures_leave_the_file() {
    let server = FakeHttp::start(answer);
    let many: String = (0..40).fold(String::new(), |text, n| {
        text + &format!("k{n}: canary{n}\n")
    });
    let run = on_a_node(&server);
    run.file("plain.yml", &many);
    let sealed = good(&run, &["encrypt", "plain.yml"], &GCP);

    let (decrypt, encrypt) = (["edit", "s.yml"], ["encrypt", "plain.yml", "-o", "s.yml"]);
    let rekey = ["rekey", "s.yml", "--new-gcp-kms-resource-id", OTHER_KEY];
    let shortly = [&encrypt[..], &["--timeout", "300ms"]].concat();
    let not_found = format!("not found: CryptoKey {ABSENT} not found. (NOT_FOUND)");
    let no_name = "failed: it is not projects/P/locations/L/keyRings/R/cryptoKeys/K";
    let cases: [(Answer, &[&str], &str, Verb, &str); 11] = [
        (answer, &decrypt, OTHER_KEY, Verb::Decrypt, WRONG_KEY),
        (answer, &decrypt, ABSENT, Verb::Decrypt, &not_found),
        (answer, &encrypt, ABSENT, Verb::Encrypt, &not_found),
        (answer, &encrypt, "k", Verb::Encrypt, no_name),
        (denied, &decrypt, KEY, Verb::Decrypt, DENIED),
        (denied, &encrypt, KEY, Verb::Encrypt, DENIED),
        (denied, &rekey, KEY, Verb::Decrypt, DENIED),
        (disabled, &encrypt, KEY, Verb::Encrypt, DISABLED),
        (disabled, &decrypt, KEY, Verb::Decrypt, DISABLED),
        (hanging, &shortly, KEY, Verb::Encrypt, "no answer in time"),
        (
            stranger,
            &decrypt,
            KEY,
            Verb::Token,
            "no usable credentials: invalid_grant",
        ),
    ];
    for (answer, words, key, verb, want) in cases {
        let server = FakeHttp::start(answer);
        let run = on_a_node(&server).env("EDITOR", "true");
        run.file("plain.yml", &many);
        run.file("s.yml", &sealed);
        let words = [words, &GCP[..3], &[key]].concat();
        let said = run.bad(1, &words);
        let want = match verb {
            Verb::Token => format!("google credentials {}: {want}", server.url()),
            verb => format!("cloudkms.cryptoKeyVersions.useTo{verb:?} {key}: {want}"),
        };
        assert!(said.contains(&want), "{words:?}: {said}");
        assert!(said.lines().count() <= 32, "{said}");
        assert_eq!(run.read("s.yml"), sealed);
        // Another value may be this key's though one is not, so all are asked for.
        let most = 1 + if key == OTHER_KEY { 40 } else { 32 };
        let asked = server.requests().len();
        assert!(asked <= most, "{words:?}: {asked} calls");
    }
}

#[test]
fn what_needs_no_call_makes_none() {
    let google = Google::start();
    let run = google.run().env("YAML_VAULT_NEW_PASSPHRASE", "next");
    let kib = |count: usize| "canary: x".repeat(count * 1024 / 9);
    run.file("long.yml", &format!("a: x\nb: \"{}\"\n", kib(65)));
    run.file("clear.yml", "a: canary\n");
    let (kind, key) = (&GCP[..2], &GCP[2..]);
    let cases: [(&[&str], &[&str], &str); 9] = [
        (
            &["encrypt", "long.yml"],
            &GCP,
            "long.yml:2:4: $.b: 66562 bytes as YAML, and KMS encrypts at most 65536: put it into a file of its own",
        ),
        (
            &["decrypt", "clear.yml"],
            &GCP,
            "clear.yml:1:4: $.a: it is not an encrypted message: encrypt it, or keep it out of the key paths",
        ),
        (
            &["decrypt", "clear.yml"],
            kind,
            "no key of Google's KMS: name it with --gcp-kms-resource-id",
        ),
        (
            &["encrypt", "clear.yml"],
            kind,
            "no key of Google's KMS: name it with --gcp-kms-resource-id",
        ),
        (
            &["rekey", "clear.yml", "--new-cryptor", "gcp-kms"],
            &["--cryptor", "aws-kms"],
            "no key of Google's KMS: name it with --new-gcp-kms-resource-id",
        ),
        (
            &["encrypt", "clear.yml"],
            key,
            "--gcp-kms-resource-id is for another cryptor: add --cryptor gcp-kms",
        ),
        (
            &[
                "encrypt",
                "clear.yml",
                "--aws-region",
                "x",
                "--gcp-credential-file",
                "f",
            ],
            &["--cryptor", "aws-kms"],
            "--gcp-credential-file is for another cryptor: add --cryptor gcp-kms",
        ),
        (
            &["encrypt", "clear.yml", "--aws-region", "x"],
            &GCP,
            "--aws-region is for another cryptor: add --cryptor aws-kms",
        ),
        (
            &["rekey", "clear.yml", "--new-aws-kms-key-id", "x"],
            &GCP,
            "--new-aws-kms-key-id is for another cryptor: add --new-cryptor aws-kms",
        ),
    ];
    for (words, options, want) in cases {
        let said = run.bad(1, &[words, options].concat());
        assert_eq!(said, format!("entryctl: {want}\n"));
    }
    assert!(google.server.requests().is_empty());

    run.file("fits.yml", &format!("b: \"{}\"\n", kib(63)));
    let sealed = good(&run, &["encrypt", "fits.yml"], &GCP);
    run.file("s.yml", &sealed);
    assert_eq!(
        good(&run, &["decrypt", "s.yml"], &GCP),
        run.read("fits.yml")
    );
}

#[test]
fn a_key_file_that_is_not_there_is_named() {
    let google = Google::start();
    let run = google.run();
    run.file("plain.yml", "a: canary\n");
    let missing = run.folder.path().join("none.json").display().to_string();
    let words = ["encrypt", "plain.yml", "--gcp-credential-file", &missing];
    let said = run.bad(1, &[&words[..], &GCP].concat());
    assert!(
        said.starts_with(&format!(
            "entryctl: google credentials {missing}: no usable credentials: No such file"
        )),
        "{said}"
    );
    assert!(google.server.requests().is_empty());
}
