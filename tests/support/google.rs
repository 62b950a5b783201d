//! Google's token endpoints and its KMS, as far as values need them: ciphertexts are bound to their key.

use super::fake_http::{FakeHttp, Reply, Request};
use super::fixed_kms;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

pub const KEY: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/k";
pub const OTHER_KEY: &str = "projects/p/locations/global/keyRings/r/cryptoKeys/other";

pub fn openssl(folder: &Path, words: &str) {
    let done = Command::new("openssl")
        .args(words.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "openssl {words}: {text}");
}

/// A folder with a new `key.pem`, its `public.pem`, and the `account.json` of a service account that has it.
pub fn account(server: &FakeHttp) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    openssl(
        folder.path(),
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out key.pem",
    );
    openssl(folder.path(), "pkey -in key.pem -pubout -out public.pem");
    let pem = std::fs::read_to_string(folder.path().join("key.pem")).unwrap();
    let email = "web@p.iam.gserviceaccount.com";
    let account = json!({
        "type": "service_account", "private_key_id": "id-1", "private_key": pem, "client_email": email,
        "token_uri": format!("{}/token", server.url()),
    });
    std::fs::write(folder.path().join("account.json"), account.to_string()).unwrap();
    folder
}

pub fn reply(body: &Value) -> Reply {
    Reply::json(200, body.to_string())
}

pub fn error(status: u16, code: &str, message: &str) -> Reply {
    let body = json!({"error": {"message": message, "status": code}, "x": "canary"});
    Reply::json(status, body.to_string())
}

/// A token, if the request asks for one; any other must carry it.
pub fn token(request: &Request) -> Option<Reply> {
    if request.target == "/token" || request.target.ends_with("/default/token") {
        let body =
            json!({"access_token": "canary-token", "expires_in": 3600, "token_type": "Bearer"});
        return Some(reply(&body));
    }
    assert_eq!(request.headers["authorization"], "Bearer canary-token");
    None
}

/// Both endpoints in one, with these keys; `number` makes a ciphertext distinct.
pub fn answer(keys: &[&str], request: &Request, number: usize) -> Reply {
    if let Some(token) = token(request) {
        return token;
    }
    let (path, verb) = request.target.rsplit_once(':').unwrap();
    let key = path.strip_prefix("/v1/").unwrap();
    let body: Value = serde_json::from_slice(&request.body).unwrap();
    let bytes = |name: &str| STANDARD.decode(body[name].as_str().unwrap()).unwrap();
    if !keys.contains(&key) {
        return error(404, "NOT_FOUND", &format!("CryptoKey {key} not found."));
    }
    if verb == "encrypt" {
        let number = u32::try_from(number).unwrap();
        let sealed = fixed_kms::seal_for(key.as_bytes(), &bytes("plaintext"), number);
        return reply(&json!({"ciphertext": STANDARD.encode(sealed)}));
    }
    match fixed_kms::open_for(key.as_bytes(), &bytes("ciphertext")) {
        Some(plaintext) => reply(&json!({"plaintext": STANDARD.encode(plaintext)})),
        None => error(
            400,
            "INVALID_ARGUMENT",
            "Decryption failed: the ciphertext is invalid.",
        ),
    }
}
