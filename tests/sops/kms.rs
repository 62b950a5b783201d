//! Data keys that KMS has to decrypt: moto with the keys of the vectors, every request counted.

use super::{Place, age_keys, vector};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::moto::Moto;

fn keyed(url: String) -> Place {
    Place::new()
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", "AKIDTEST")
        .env("AWS_SECRET_ACCESS_KEY", "canary-secret-key")
        .env("AWS_REGION", "eu-west-1")
}

fn target(request: &Request) -> &str {
    let target = request.headers.get("x-amz-target").map(String::as_str);
    target.unwrap_or_else(|| {
        let body = std::str::from_utf8(&request.body).unwrap();
        body.split('&').next().unwrap()
    })
}

const DECRYPT: &str = "TrentService.Decrypt";

#[test]
fn one_call_a_file_in_the_region_of_the_key() {
    let moto = Moto::start();
    let upstream = moto.address();
    for (id, end, age) in [
        ("01_kms_yaml", "yaml", false),
        ("03_kms_dotenv", "env", false),
        ("06_kms_context", "yaml", false),
        ("10_kms_and_age", "yaml", false),
        ("20_shamir_2of2", "json", true),
    ] {
        let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
        let name = format!("{id}.enc.{end}");
        let mut place = keyed(proxy.url()).file(&name, vector(&name));
        if age {
            place = place.env("SOPS_AGE_KEY_FILE", age_keys());
        }
        let found = String::from_utf8(place.good(&[&name])).unwrap();
        assert_eq!(found, vector(&format!("{id}.dec.{end}")), "{id}");
        let requests = proxy.requests();
        assert_eq!(
            requests.iter().map(target).collect::<Vec<_>>(),
            [DECRYPT],
            "{id}"
        );
        assert!(requests[0].headers["authorization"].contains("/us-east-1/kms/"));
        let body: serde_json::Value = serde_json::from_slice(&requests[0].body).unwrap();
        let key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";
        assert_eq!(body["KeyId"], key);
    }
}

#[test]
fn age_asks_no_kms() {
    let nobody = FakeHttp::start(|_, _| Reply::Hang);
    let name = "10_kms_and_age.enc.yaml";
    let place = keyed(nobody.url())
        .file(name, vector(name))
        .env("SOPS_AGE_KEY_FILE", age_keys());
    assert_eq!(
        place.good(&[name]),
        vector("10_kms_and_age.dec.yaml").into_bytes()
    );
    assert!(nobody.requests().is_empty());
}

#[test]
fn a_role_in_the_file_is_assumed_first() {
    let moto = Moto::start();
    let upstream = moto.address();
    let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
    let role = "arn:aws:iam::123456789012:role/secrets";
    let text = vector("06_kms_context.enc.yaml").replace(
        "          context:",
        &format!("          role: {role}\n          context:"),
    );
    let place = keyed(proxy.url()).file("a.yaml", &text);
    assert_eq!(place.good(&["a.yaml"]), b"a: b\n");
    let requests = proxy.requests();
    assert_eq!(
        requests.iter().map(target).collect::<Vec<_>>(),
        ["Action=AssumeRole", DECRYPT]
    );
    assert!(requests[0].headers["authorization"].contains("AKIDTEST"));
    assert!(!requests[1].headers["authorization"].contains("AKIDTEST"));

    let denied = FakeHttp::start(|_, _| {
        let body = "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>";
        Reply::Answer(403, vec![("content-type", "text/xml".into())], body.into())
    });
    let told = keyed(denied.url())
        .file("a.yaml", &text)
        .bad(1, &["a.yaml"]);
    assert_eq!(
        told,
        format!(
            "entryctl: a.yaml: its data key cannot be had: sts:AssumeRole {role}: access denied: not authorized to perform: \
                 sts:AssumeRole (AccessDenied); allow sts:AssumeRole on it in the role's policy\n"
        )
    );
    assert_eq!(denied.requests().len(), 1);
}

#[test]
fn a_profile_in_the_file_is_used() {
    let moto = Moto::start();
    let upstream = moto.address();
    let proxy = FakeHttp::start(move |_, _| Reply::Forward(upstream));
    let text =
        vector("06_kms_context.enc.yaml").replace("aws_profile: \"\"", "aws_profile: staging");
    let place = keyed(proxy.url()).file("a.yaml", &text).file(
        "credentials",
        "[staging]\naws_access_key_id = AKIDSTAGING\naws_secret_access_key = canary\n",
    );
    let credentials = place.path("credentials").to_str().unwrap().to_owned();
    let place = place.env("AWS_SHARED_CREDENTIALS_FILE", credentials);
    assert_eq!(place.good(&["a.yaml"]), b"a: b\n");
    assert!(proxy.requests()[0].headers["authorization"].contains("AKIDSTAGING"));
    let told = keyed(proxy.url()).file("a.yaml", &text).bad(1, &["a.yaml"]);
    assert!(
        told.contains("(with the profile staging, which the file names)"),
        "{told}"
    );
}

#[test]
fn what_kms_refuses_names_the_key() {
    let moto = Moto::start();
    let place = |text: &str| keyed(moto.url()).file("a.yaml", text);
    let whole = vector("06_kms_context.enc.yaml");
    let other_context = place(&whole.replace("env: prod", "env: test")).bad(1, &["a.yaml"]);
    let key =
        "kms:Decrypt arn:aws:kms:us-east-1:123456789012:key/11111111-2222-4333-8444-555555555555";
    assert!(
        other_context.contains(&format!(
            "a.yaml: its data key cannot be had: {key}: the ciphertext cannot be decrypted"
        )),
        "{other_context}"
    );
    // A ciphertext of a key that the file does not name.
    let other_key = whole.replace(
        "key/11111111-2222-4333-8444-555555555555",
        "key/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee",
    );
    let told = place(&other_key).bad(1, &["a.yaml"]);
    assert!(
        told.contains("key/aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee: "),
        "{told}"
    );
}
