//! Google's KMS against an endpoint of ours: tokens of a key file and of the metadata server, both calls, and
//! each way that they can fail.

use super::probe::{Found, Probe};
use super::store::{members, tells_nothing};
use crate::support::fake_http::{FakeHttp, Reply, Request};
use crate::support::google::{self, KEY, openssl, reply};
use crate::support::http::free_port;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Both endpoints in one: "encrypts" by turning the bytes round.
fn google(request: &Request) -> Reply {
    if let Some(token) = google::token(request) {
        return token;
    }
    let members = members(request);
    let turned = |name: &str| {
        let mut bytes = STANDARD.decode(members[name].as_str().unwrap()).unwrap();
        bytes.reverse();
        STANDARD.encode(bytes)
    };
    match request.target.rsplit_once(':').unwrap() {
        (path, "encrypt") if path.ends_with(KEY) => {
            reply(&json!({"ciphertext": turned("plaintext")}))
        }
        (path, "decrypt") if path.ends_with(KEY) => {
            reply(&json!({"plaintext": turned("ciphertext")}))
        }
        other => panic!("{other:?}"),
    }
}

/// As a node of Google's, whose metadata server gives the token.
fn on_a_node(server: &FakeHttp) -> Probe {
    let host = server.url().replace("http://", "");
    Probe::keyed()
        .env("GOOGLE_KMS_ENDPOINT", server.url())
        .env("GCE_METADATA_HOST", host)
}

fn decrypt(server: &FakeHttp) -> Found {
    on_a_node(server).run(&json!({"gcp_key": KEY, "gcp_decrypt": ["eno", "owt"]}))
}

#[test]
fn a_key_file_signs_for_one_token() {
    let server = FakeHttp::start(|request, _| google(request));
    let account = google::account(&server);
    let found = Probe::keyed()
        .env("GOOGLE_KMS_ENDPOINT", server.url())
        .env(
            "GOOGLE_APPLICATION_CREDENTIALS",
            account.path().join("account.json").to_str().unwrap(),
        )
        .run(&json!({"gcp_key": KEY, "gcp_encrypt": "text", "gcp_decrypt": ["eno", "owt"]}));
    assert_eq!(found.value["gcp"], json!(["one", "two"]), "{}", found.value);
    assert_eq!(found.value["gcp_sealed"], "txet");
    assert_eq!(found.value["gcp_calls"], 3);
    let requests = server.requests();
    assert_eq!(requests.len(), 4);

    let form = String::from_utf8(requests[0].body.clone()).unwrap();
    let (grant, jwt) = form.split_once("&assertion=").unwrap();
    assert_eq!(
        grant,
        "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
    );
    let (signed, signature) = jwt.rsplit_once('.').unwrap();
    let (header, claims) = signed.split_once('.').unwrap();
    let part = |text: &str| -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap()
    };
    assert_eq!(
        part(header),
        json!({"alg": "RS256", "typ": "JWT", "kid": "id-1"})
    );
    let claims = part(claims);
    assert_eq!(claims["aud"], format!("{}/token", server.url()));
    assert_eq!(claims["iss"], "web@p.iam.gserviceaccount.com");
    assert_eq!(claims["scope"], "https://www.googleapis.com/auth/cloudkms");
    let life = claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap();
    assert_eq!(life, 3600);
    std::fs::write(account.path().join("signed"), signed).unwrap();
    let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
    std::fs::write(account.path().join("signature"), signature).unwrap();
    openssl(
        account.path(),
        "dgst -sha256 -verify public.pem -signature signature signed",
    );
}

#[test]
fn the_metadata_server_gives_the_token() {
    let server = FakeHttp::start(|request, _| google(request));
    let found = decrypt(&server);
    assert_eq!(found.value["gcp"], json!(["one", "two"]));
    let requests = server.requests();
    assert_eq!(requests[0].headers["metadata-flavor"], "Google");
    assert_eq!(requests.len(), 3);
}

#[test]
fn a_throttle_and_a_break_are_waited_out() {
    let server = FakeHttp::start(|request, before| match before {
        0 => Reply::json(503, ""),
        2 | 3 => Reply::json(429, r#"{"error": {"status": "RESOURCE_EXHAUSTED"}}"#),
        _ => google(request),
    });
    let found = decrypt(&server);
    assert_eq!(found.value["gcp"], json!(["one", "two"]), "{}", found.value);
    assert_eq!(found.value["gcp_retries"], 3);
}

#[test]
fn errors_name_permission_key_and_remedy() {
    let denied = "Permission 'cloudkms.cryptoKeyVersions.useToDecrypt' denied on resource 'k' (or it may not exist).";
    let error = |code: &str, message: &str| json!({"error": {"message": message, "status": code}, "x": "canary"});
    let table = [
        (
            403,
            error("PERMISSION_DENIED", denied),
            "Denied",
            "grant a role with it on the key",
        ),
        (
            400,
            error("INVALID_ARGUMENT", "Decryption failed"),
            "InvalidCiphertext",
            "name the key that encrypted the value",
        ),
        (
            400,
            error("FAILED_PRECONDITION", "k is not enabled"),
            "KeyUnusable",
            "enable the key",
        ),
        (
            404,
            error("NOT_FOUND", "no k"),
            "NotFound",
            "no k (NOT_FOUND)",
        ),
        (401, json!("canary"), "Credentials", "status 401"),
        (
            200,
            json!({"plaintext": "canary!"}),
            "Reply",
            "in Google's place",
        ),
        (200, json!({"canary": 1}), "Reply", "a body of another kind"),
        (502, json!("canary"), "Unavailable", "status 502"),
    ];
    for (status, body, kind, words) in table {
        let server = FakeHttp::start(move |request, before| match before {
            0 => google(request),
            _ => Reply::json(status, body.to_string()),
        });
        let found = decrypt(&server);
        let (found_kind, text) = found.error();
        assert_eq!(found_kind, kind, "{text}");
        let start = format!("cloudkms.cryptoKeyVersions.useToDecrypt {KEY}: ");
        assert!(text.starts_with(&start) && text.contains(words), "{text}");
        tells_nothing(&found);
    }
}

#[test]
fn no_credentials_are_said() {
    let server = FakeHttp::start(|_, _| {
        let body = r#"{"error": "invalid_grant", "error_description": "Invalid JWT Signature."}"#;
        Reply::json(400, body)
    });
    let (kind, text) = decrypt(&server).error();
    assert_eq!(kind, "Credentials");
    assert!(
        text.contains("Invalid JWT Signature. (invalid_grant); name a service account's"),
        "{text}"
    );

    let gone = format!("127.0.0.1:{}", free_port());
    let order = json!({"gcp_key": KEY, "gcp_decrypt": ["x"]});
    let nobody = Probe::keyed().env("GCE_METADATA_HOST", gone).run(&order);
    let (kind, text) = nobody.error();
    assert_eq!(kind, "Credentials", "{text}");
    let missing = Probe::keyed()
        .env("GOOGLE_APPLICATION_CREDENTIALS", "/nowhere/key.json")
        .run(&order);
    let (kind, text) = missing.error();
    assert_eq!(kind, "Credentials");
    assert!(
        text.starts_with("google credentials /nowhere/key.json: ") && text.contains("No such file"),
        "{text}"
    );
}
