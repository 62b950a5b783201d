//! Google Cloud KMS: the two calls that values need.

use super::account::Account;
use super::token::{Source, Tokens};
use crate::aws::{Ask, AwsError, Counters, Kind, Pending, Plain, retried, variable};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Instant;
use zeroize::Zeroizing;

const DECRYPT: &str = "cloudkms.cryptoKeyVersions.useToDecrypt";
const ENCRYPT: &str = "cloudkms.cryptoKeyVersions.useToEncrypt";

const FILE: &str = "GOOGLE_APPLICATION_CREDENTIALS";

/// Encrypts and decrypts with keys that never leave Google. `key` is the whole of
/// `projects/P/locations/L/keyRings/R/cryptoKeys/K`.
pub trait CloudKms {
    fn decrypt<'a>(
        &'a self,
        key: &'a str,
        ciphertext: &'a [u8],
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>>;

    fn encrypt<'a>(
        &'a self,
        key: &'a str,
        plaintext: &'a [u8],
        deadline: Instant,
    ) -> Pending<'a, Vec<u8>>;
}

/// Cloud KMS itself.
pub struct GoogleKms {
    endpoint: String,
    tokens: Tokens,
    web: Plain,
    counters: Counters,
}

#[derive(Deserialize)]
struct Refusal {
    error: Reason,
}

#[derive(Deserialize)]
struct Reason {
    message: Option<String>,
    status: Option<String>,
}

impl GoogleKms {
    /// With the service account's key file that is given or named by `GOOGLE_APPLICATION_CREDENTIALS`, else
    /// with what the metadata server gives. `GOOGLE_KMS_ENDPOINT` and `GCE_METADATA_HOST` name other hosts.
    pub fn load(file: Option<&str>) -> Result<GoogleKms, AwsError> {
        let file = file.map(str::to_owned).or_else(|| variable(FILE));
        let source = match file {
            Some(path) => {
                let text = std::fs::read(&path).map(Zeroizing::new).map_err(|error| {
                    AwsError::new(
                        Kind::Credentials,
                        "google credentials",
                        &path,
                        error.to_string(),
                    )
                })?;
                Source::Account(Box::new(Account::parse(&path, &text)?))
            }
            None => {
                let host = variable("GCE_METADATA_HOST");
                let host = host.unwrap_or_else(|| "metadata.google.internal".to_owned());
                Source::Metadata(format!("http://{host}"))
            }
        };
        let endpoint = variable("GOOGLE_KMS_ENDPOINT");
        let endpoint = endpoint.unwrap_or_else(|| "https://cloudkms.googleapis.com".to_owned());
        let web = Plain::new();
        Ok(GoogleKms {
            endpoint: endpoint.trim_end_matches('/').to_owned(),
            tokens: Tokens::new(source, &web),
            web,
            counters: Counters::default(),
        })
    }

    /// Its calls count as `kms_calls`.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    async fn call(
        &self,
        call: &Call<'_>,
        input: &[u8],
        deadline: Instant,
    ) -> Result<Zeroizing<Vec<u8>>, AwsError> {
        if !is_key(call.key) {
            let detail = "it is not projects/P/locations/L/keyRings/R/cryptoKeys/K";
            return Err(call.error(Kind::Other, detail));
        }
        self.counters.kms_call();
        let body = Zeroizing::new(json!({call.input: STANDARD.encode(input)}).to_string());
        retried(
            &self.counters,
            deadline,
            || call.error(Kind::Timeout, "until the deadline"),
            async || self.once(call, &body).await,
        )
        .await
    }

    async fn once(&self, call: &Call<'_>, body: &str) -> Result<Zeroizing<Vec<u8>>, AwsError> {
        let token = self.tokens.get().await?;
        let bearer = Zeroizing::new(format!("Bearer {}", *token));
        let url = format!("{}/v1/{}:{}", self.endpoint, call.key, call.verb);
        let ask = Ask {
            method: "POST",
            url: &url,
            headers: &[
                ("authorization", &bearer),
                ("content-type", "application/json"),
            ],
            body: body.as_bytes(),
        };
        let answer = self.web.send(&ask).await;
        let answer = answer.map_err(|(kind, detail)| call.error(kind, &detail))?;
        if answer.status != 200 {
            return Err(call.refused(answer.status, &answer.body));
        }
        let unknown = || call.error(Kind::Reply, "status 200, but with a body of another kind");
        let reply: Value = serde_json::from_slice(&answer.body).map_err(|_| unknown())?;
        let text = reply[call.output].as_str().ok_or_else(unknown)?;
        STANDARD
            .decode(text)
            .map(Zeroizing::new)
            .map_err(|_| unknown())
    }
}

/// One of the two calls.
struct Call<'a> {
    action: &'static str,
    verb: &'static str,
    input: &'static str,
    output: &'static str,
    key: &'a str,
}

impl Call<'_> {
    fn decrypt(key: &str) -> Call<'_> {
        Call {
            action: DECRYPT,
            verb: "decrypt",
            input: "ciphertext",
            output: "plaintext",
            key,
        }
    }

    fn encrypt(key: &str) -> Call<'_> {
        Call {
            action: ENCRYPT,
            verb: "encrypt",
            input: "plaintext",
            output: "ciphertext",
            key,
        }
    }

    fn error(&self, kind: Kind, detail: &str) -> AwsError {
        AwsError::new(kind, self.action, self.key, detail)
    }

    /// Google's own message, and nothing else of the reply.
    fn refused(&self, status: u16, body: &[u8]) -> AwsError {
        let refusal: Option<Refusal> = serde_json::from_slice(body).ok();
        let (code, message) = refusal.map_or((None, None), |refusal| {
            (refusal.error.status, refusal.error.message)
        });
        let kind = match (status, code.as_deref()) {
            (400, Some("FAILED_PRECONDITION")) => Kind::KeyUnusable,
            (400, Some("INVALID_ARGUMENT")) if self.verb == "decrypt" => Kind::InvalidCiphertext,
            (401, _) => Kind::Credentials,
            (403, _) => Kind::Denied,
            (404, _) => Kind::NotFound,
            (429, _) => Kind::Throttled,
            (500..=599, _) => Kind::Unavailable,
            _ => Kind::Other,
        };
        let detail = match (message, code) {
            (Some(message), Some(code)) => format!("{message} ({code})"),
            (Some(text), None) | (None, Some(text)) => text,
            (None, None) => format!("status {status}"),
        };
        self.error(kind, &crate::aws::one_line(&detail))
    }
}

impl CloudKms for GoogleKms {
    fn decrypt<'a>(
        &'a self,
        key: &'a str,
        ciphertext: &'a [u8],
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>> {
        Box::pin(async move { self.call(&Call::decrypt(key), ciphertext, deadline).await })
    }

    fn encrypt<'a>(
        &'a self,
        key: &'a str,
        plaintext: &'a [u8],
        deadline: Instant,
    ) -> Pending<'a, Vec<u8>> {
        Box::pin(async move {
            let sealed = self.call(&Call::encrypt(key), plaintext, deadline).await?;
            Ok(sealed.to_vec())
        })
    }
}

/// Whether it is a key's name, which cannot lead to another place of the API.
fn is_key(name: &str) -> bool {
    const PARTS: [&str; 4] = ["projects", "locations", "keyRings", "cryptoKeys"];
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    let parts: Vec<&str> = name.split('/').collect();
    parts.len() == 2 * PARTS.len()
        && parts
            .chunks(2)
            .zip(PARTS)
            .all(|(pair, expected)| match pair {
                [kind, id] => {
                    *kind == expected
                        && !id.is_empty()
                        && !id.starts_with('.')
                        && id.chars().all(allowed)
                }
                _ => false,
            })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_keys_name_is_whole() {
        let good = "projects/example.com:p-1/locations/global/keyRings/r_1/cryptoKeys/K";
        assert!(is_key(good));
        for bad in [
            "",
            "K",
            "projects/p/locations/l/keyRings/r/cryptoKeys/",
            "projects/p/locations/l/keyRings/r/cryptoKeys/..",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k?x",
            "projects/p/locations/l/keyRings/r/cryptoKeys/k/cryptoKeyVersions/1",
            "/projects/p/locations/l/keyRings/r/cryptoKeys/k",
        ] {
            assert!(!is_key(bad), "{bad}");
        }
    }
}
