//! HTTP without AWS's signature, over the same DNS, TLS roots and proxies: for Google's services.

use super::classify::of_connector;
use super::dns::Dns;
use super::error::{Kind, chain};
use super::web::Web;
use aws_smithy_runtime_api::client::http::{HttpConnector, HttpConnectorSettings};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use std::time::Duration;
use zeroize::Zeroizing;

/// One attempt, from the connection to the reply's end.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Where a metadata service is at all, it is on this host.
const LOCAL_CONNECT: Duration = Duration::from_secs(1);
/// A pod's first token takes it a while.
const LOCAL_READ: Duration = Duration::from_secs(5);
/// A value of 64 KiB in base64 in JSON is far below it.
const LONGEST: usize = 1 << 20;

/// A connector; clones share the connections.
#[derive(Clone, Debug)]
pub(crate) struct Plain(Web);

/// What is sent.
pub(crate) struct Ask<'a> {
    pub method: &'static str,
    pub url: &'a str,
    pub headers: &'a [(&'static str, &'a str)],
    pub body: &'a [u8],
}

/// What came, errors of the service included.
pub(crate) struct Answer {
    pub status: u16,
    pub body: Zeroizing<Vec<u8>>,
}

impl Plain {
    pub fn new() -> Plain {
        Plain(Web::new(Dns::system()))
    }

    /// For a metadata service, which no proxy can reach.
    pub fn local() -> Plain {
        let timeouts = HttpConnectorSettings::builder()
            .connect_timeout(LOCAL_CONNECT)
            .read_timeout(LOCAL_READ);
        Plain(Web::direct(Dns::system(), timeouts.build()))
    }

    /// One attempt; an error says what kind it is and its causes.
    pub async fn send(&self, ask: &Ask<'_>) -> Result<Answer, (Kind, String)> {
        let answer = tokio::time::timeout(ATTEMPT, self.send_unbounded(ask)).await;
        answer.unwrap_or_else(|_| Err((Kind::Timeout, String::new())))
    }

    async fn send_unbounded(&self, ask: &Ask<'_>) -> Result<Answer, (Kind, String)> {
        let wrong = |error: &(dyn std::error::Error + 'static)| (Kind::Other, chain(error));
        let mut request = HttpRequest::new(SdkBody::from(ask.body));
        request
            .set_method(ask.method)
            .map_err(|error| wrong(&error))?;
        request.set_uri(ask.url).map_err(|error| wrong(&error))?;
        for (name, value) in ask.headers {
            let inserted = request.headers_mut().try_insert(*name, (*value).to_owned());
            inserted.map_err(|error| wrong(&error))?;
        }
        let sent = self.0.call(request).await;
        let response = sent.map_err(|error| (of_connector(Some(&error)), chain(&error)))?;
        let status = response.status().as_u16();
        let mut stream = ByteStream::new(response.into_body());
        let mut body = Zeroizing::new(Vec::new());
        while let Some(part) = stream.next().await {
            let broken = format!("status {status}, but the rest of it did not come");
            body.extend(part.map_err(|_| (Kind::Reply, broken))?);
            if body.len() > LONGEST {
                return Err((Kind::Reply, format!("status {status}, but too long")));
            }
        }
        Ok(Answer { status, body })
    }
}
