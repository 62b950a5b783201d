//! The access token: asked for once, kept until shortly before it ends.

use super::account::Account;
use crate::aws::{Answer, Ask, AwsError, Kind, Plain};
use serde::Deserialize;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

/// A token that is about to end is not sent any more.
const EARLY: Duration = Duration::from_secs(60);

/// Where tokens come from.
#[derive(Debug)]
pub(super) enum Source {
    Account(Box<Account>),
    /// The metadata server of a node or pod, `http://metadata.google.internal`.
    Metadata(String),
}

/// Gives tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    source: Source,
    web: Plain,
    last: Mutex<Option<Token>>,
}

#[derive(Clone)]
struct Token {
    text: Zeroizing<String>,
    until: Instant,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("***")
    }
}

#[derive(Deserialize)]
struct Reply {
    access_token: Zeroizing<String>,
    expires_in: u64,
}

#[derive(Deserialize)]
struct Refusal {
    error: String,
    error_description: Option<String>,
}

impl Tokens {
    pub fn new(source: Source, web: &Plain) -> Tokens {
        let web = match source {
            Source::Account(_) => web.clone(),
            Source::Metadata(_) => Plain::local(),
        };
        Tokens {
            source,
            web,
            last: Mutex::default(),
        }
    }

    /// Whoever comes while one is asked for waits for that one.
    pub async fn get(&self) -> Result<Zeroizing<String>, AwsError> {
        let mut last = self.last.lock().await;
        if let Some(token) = last.as_ref().filter(|token| Instant::now() < token.until) {
            return Ok(token.text.clone());
        }
        let asked = Instant::now();
        let answer = match &self.source {
            Source::Account(account) => self.from_account(account).await,
            Source::Metadata(base) => self.from_metadata(base).await,
        };
        let answer = answer.map_err(|(kind, detail)| self.error(kind, detail))?;
        let reply = self.read(&answer)?;
        let life = Duration::from_secs(reply.expires_in.min(86_400)).saturating_sub(EARLY);
        let token = Token {
            text: reply.access_token,
            until: asked + life,
        };
        let text = token.text.clone();
        *last = Some(token);
        Ok(text)
    }

    async fn from_account(&self, account: &Account) -> Result<Answer, (Kind, String)> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let form = account.form(now.as_secs());
        let form = form.ok_or_else(|| (Kind::Credentials, "the key does not sign".to_owned()))?;
        let ask = Ask {
            method: "POST",
            url: &account.token_uri,
            headers: &[("content-type", "application/x-www-form-urlencoded")],
            body: form.as_bytes(),
        };
        self.web.send(&ask).await
    }

    async fn from_metadata(&self, base: &str) -> Result<Answer, (Kind, String)> {
        let url = format!("{base}/computeMetadata/v1/instance/service-accounts/default/token");
        let ask = Ask {
            method: "GET",
            url: &url,
            headers: &[("metadata-flavor", "Google")],
            body: &[],
        };
        self.web.send(&ask).await
    }

    fn read(&self, answer: &Answer) -> Result<Reply, AwsError> {
        if answer.status == 200 {
            return serde_json::from_slice(&answer.body).map_err(|_| {
                let detail = "status 200, but with a body of another kind";
                self.error(Kind::Reply, detail.to_owned())
            });
        }
        let kind = match answer.status {
            429 => Kind::Throttled,
            500..=599 => Kind::Unavailable,
            _ => Kind::Credentials,
        };
        let refusal: Option<Refusal> = serde_json::from_slice(&answer.body).ok();
        let detail = refusal.map_or_else(
            || format!("status {}", answer.status),
            |refusal| match refusal.error_description {
                Some(description) => format!("{description} ({})", refusal.error),
                None => refusal.error,
            },
        );
        Err(self.error(kind, detail))
    }

    fn error(&self, kind: Kind, detail: String) -> AwsError {
        let (whom, kind) = match (&self.source, kind) {
            (Source::Account(account), kind) => (account.token_uri.as_str(), kind),
            // Nobody there: this is no node of Google's.
            (Source::Metadata(base), Kind::Connect | Kind::Timeout) => {
                (base.as_str(), Kind::Credentials)
            }
            (Source::Metadata(base), kind) => (base.as_str(), kind),
        };
        AwsError::new(kind, "google credentials", whom, detail)
    }
}
