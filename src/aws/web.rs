//! One HTTP connector for all clients: our DNS, our TLS roots, one pool of connections, proxies by the usual
//! variables. Metadata and credentials endpoints get a direct one, since no proxy can reach them.

use super::dns::Dns;
use super::roots;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::tls::rustls_provider::CryptoMode;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore};
use aws_smithy_http_client::{Connector, ConnectorBuilder};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Names, TCP and TLS together.
const CONNECT: Duration = Duration::from_secs(3);

/// The variables that `ProxyConfig::from_env` reads.
const PROXIES: [&str; 6] = [
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
];

/// Whether a variable says how AWS is reached.
pub(crate) fn reaches(name: &str) -> bool {
    name.starts_with("AWS_")
        || PROXIES.contains(&name)
        || matches!(name, "NO_PROXY" | "no_proxy" | "SSL_CERT_FILE")
}

/// A client of the SDK's; clones share the connections.
#[derive(Clone, Debug)]
pub(super) struct Web(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    dns: Dns,
    timeouts: HttpConnectorSettings,
    proxies: ProxyConfig,
    plain: OnceLock<Connector>,
    tls: OnceLock<Result<Connector, roots::BundleError>>,
}

impl Web {
    /// For AWS's services.
    pub fn new(dns: Dns) -> Web {
        let timeouts = HttpConnectorSettings::builder().connect_timeout(CONNECT);
        let any = PROXIES.iter().any(|name| variable(name).is_some());
        let proxies = if any {
            ProxyConfig::from_env()
        } else {
            ProxyConfig::disabled()
        };
        Web::of(dns, timeouts.build(), proxies)
    }

    /// For the task's own endpoints.
    pub fn direct(dns: Dns, timeouts: HttpConnectorSettings) -> Web {
        Web::of(dns, timeouts, ProxyConfig::disabled())
    }

    fn of(dns: Dns, timeouts: HttpConnectorSettings, proxies: ProxyConfig) -> Web {
        Web(Arc::new(Inner {
            dns,
            timeouts,
            proxies,
            plain: OnceLock::new(),
            tls: OnceLock::new(),
        }))
    }
}

impl Inner {
    /// Reading and checking the roots takes milliseconds that an endpoint without TLS need not pay.
    fn connector(&self, https: bool) -> Result<&Connector, ConnectorError> {
        if !https && self.proxies.is_disabled() {
            return Ok(self.plain.get_or_init(|| self.build(TrustStore::empty())));
        }
        let tls = self.tls.get_or_init(|| {
            let roots = roots::trusted(variable)?;
            Ok(self.build(TrustStore::empty().with_pem_certificate(roots)))
        });
        tls.as_ref()
            .map_err(|error| ConnectorError::user(error.clone().into()))
    }

    fn build(&self, roots: TrustStore) -> Connector {
        // `build` fails on s2n-tls only; the default context would read the system's roots and panic there.
        let context = TlsContext::builder().with_trust_store(roots).build();
        let builder: ConnectorBuilder = Connector::builder();
        builder
            .connector_settings(self.timeouts.clone())
            .proxy_config(self.proxies.clone())
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(context.unwrap_or_default())
            .build_with_resolver(self.dns.clone())
    }
}

impl HttpConnector for Web {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let https = request.uri().starts_with("https:");
        match self.0.connector(https) {
            Ok(connector) => connector.call(request),
            Err(error) => HttpConnectorFuture::ready(Err(error)),
        }
    }
}

impl HttpClient for Web {
    /// The SDK's own settings are not needed: the timeouts are the same for all its calls.
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

/// A variable of the environment that is set and not empty.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
