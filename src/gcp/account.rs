//! A service account's key file, and the signed request for a token that is made with it (RFC 7523).

use crate::aws::{AwsError, Kind};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls_pki_types::PrivatePkcs8KeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use serde_json::json;
use std::fmt;
use zeroize::Zeroizing;

/// What a token is for.
const SCOPE: &str = "https://www.googleapis.com/auth/cloudkms";
/// The longest that Google lets a request be good for.
const SECONDS: u64 = 3600;

/// A key file, read and checked.
pub(super) struct Account {
    email: String,
    key_id: Option<String>,
    key: RsaKeyPair,
    /// Where the token is asked for.
    pub token_uri: String,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Account({}, ***)", self.email)
    }
}

#[derive(Deserialize)]
struct File {
    r#type: String,
    client_email: Option<String>,
    private_key_id: Option<String>,
    private_key: Option<Zeroizing<String>>,
    token_uri: Option<String>,
}

impl Account {
    /// `path` is what errors say.
    pub fn parse(path: &str, text: &[u8]) -> Result<Account, AwsError> {
        let wrong =
            |reason: &str| AwsError::new(Kind::Credentials, "google credentials", path, reason);
        // The parser's own message could quote the key.
        let file: File = serde_json::from_slice(text)
            .map_err(|_| wrong("it is no JSON object with a type, as Google's key files are"))?;
        if file.r#type != "service_account" {
            let reason = format!("it is of type {:?}, not service_account", file.r#type);
            return Err(wrong(&reason));
        }
        let pem = file
            .private_key
            .ok_or_else(|| wrong("it has no private_key"))?;
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.as_bytes())
            .map_err(|_| wrong("its private_key is no PKCS #8 key in PEM"))?;
        let key = RsaKeyPair::from_pkcs8(der.secret_pkcs8_der())
            .map_err(|_| wrong("its private_key is no RSA key of 2048 bits or more"))?;
        Ok(Account {
            email: file
                .client_email
                .ok_or_else(|| wrong("it has no client_email"))?,
            key_id: file.private_key_id,
            key,
            token_uri: file.token_uri.ok_or_else(|| wrong("it has no token_uri"))?,
        })
    }

    /// The request's form, good for an hour from `now`, in seconds since 1970.
    pub fn form(&self, now: u64) -> Option<Zeroizing<String>> {
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": self.key_id});
        let claims = json!({
            "iss": self.email, "scope": SCOPE, "aud": self.token_uri, "iat": now, "exp": now + SECONDS,
        });
        let part = |value: String| URL_SAFE_NO_PAD.encode(value);
        let signed = format!("{}.{}", part(header.to_string()), part(claims.to_string()));
        let mut signature = vec![0; self.key.public().modulus_len()];
        let random = SystemRandom::new();
        self.key
            .sign(
                &RSA_PKCS1_SHA256,
                &random,
                signed.as_bytes(),
                &mut signature,
            )
            .ok()?;
        let signature = URL_SAFE_NO_PAD.encode(signature);
        Some(Zeroizing::new(format!(
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion={signed}.{signature}"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_no_use_is_refused_without_its_key() {
        let table = [
            ("canary", "no JSON object"),
            (r#"{"private_key": "canary"}"#, "no JSON object with a type"),
            (
                r#"{"type": "authorized_user"}"#,
                "of type \"authorized_user\", not service_account",
            ),
            (r#"{"type": "service_account"}"#, "no private_key"),
            (
                r#"{"type": "service_account", "private_key": "canary"}"#,
                "no PKCS #8 key",
            ),
            (
                r#"{"type": "service_account", "private_key":
                    "-----BEGIN PRIVATE KEY-----\nY2FuYXJ5\n-----END PRIVATE KEY-----\n"}"#
                    .trim(),
                "no RSA key",
            ),
        ];
        for (text, words) in table {
            let error = Account::parse("/key.json", text.as_bytes()).unwrap_err();
            let error = error.to_string();
            assert!(
                error.starts_with("google credentials /key.json: no usable credentials: "),
                "{error}"
            );
            assert!(
                error.contains(words) && !error.contains("canary"),
                "{error}"
            );
        }
    }
}
