//! Boots that need AWS: what KMS and S3 give, and every way in which they fail to.

mod canary;
mod containers;
mod credentials;
mod kms;
mod objects;
mod sealed;
mod sources;
mod stand_in;

use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::{Entry, Finished, fixed_kms};

/// Two values; the first is looked for wherever it must not be.
pub const YAML: &str = "production:\n  key: c4n4ry-kms-value\n  other: two\n";

/// A mode whose secrets KMS encrypted, and whose command would leave a marker.
pub fn with_kms(entry: Entry, endpoint: &str) -> Entry {
    with_files(entry, endpoint, "", YAML)
}

/// The same with `files:`, in which OUT is the folder that is written to.
pub fn with_files(entry: Entry, endpoint: &str, files: &str, yaml: &str) -> Entry {
    let out = entry.folder().join("out").display().to_string();
    let mode = format!(
        "command: [sh, -c, \"touch started; cat OUT/*\"]\n\
         aws: {{timeout: 20s}}\n\
         secrets: [{{vault: s.yml, cryptor: aws-kms, write: OUT/s.yml}}]\n\
         {files}\n"
    );
    entry
        .mode("web", &mode.replace("OUT", &out))
        .file("s.yml", fixed_kms::seal(yaml, &["$"]))
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "c4n4ry-secret-key")
        .env("AWS_SESSION_TOKEN", "c4n4ry-session-token")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ENDPOINT_URL", endpoint)
        .args(["web"])
}

/// Changes the deadline of all calls.
pub fn within(entry: Entry, timeout: &str) -> Entry {
    let mode = std::fs::read_to_string(entry.folder().join("modes/web.yml")).unwrap();
    entry.mode(
        "web",
        &mode.replace("timeout: 20s", &format!("timeout: {timeout}")),
    )
}

/// A server that need not know what came before.
pub fn aws_with(answer: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> FakeHttp {
    FakeHttp::start(move |request, _| answer(request))
}

/// KMS, and S3 as `s3` answers; both at one address, told apart by what they are asked.
pub fn aws(s3: impl Fn(&Request, usize) -> Reply + Send + Sync + 'static) -> FakeHttp {
    FakeHttp::start(move |request, before| {
        if request.headers.contains_key("x-amz-target") {
            fixed_kms::answer(request)
        } else {
            s3(request, before)
        }
    })
}

/// Nothing was started and nothing is left; the errors.
#[track_caller]
pub fn refused(done: Finished) -> Vec<String> {
    let done = done.expect(125);
    assert!(!done.folder().join("started").exists(), "the app ran");
    assert!(!done.folder().join("out").exists(), "something was left");
    done.errors()
}

/// The same for one error, which has these words in it.
#[track_caller]
pub fn refused_for(done: Finished, words: &[&str]) {
    let errors = refused(done);
    let [error] = errors.as_slice() else {
        panic!("{errors:#?}")
    };
    for word in words {
        assert!(error.contains(word), "{word:?} is not in {error:?}");
    }
}
