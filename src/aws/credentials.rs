//! Whose role we act in. The SDK's providers in the SDK's order, so that every tool of a team agrees, but
//! with nothing that stalls: where no metadata service answers, that is known within a second or two.

use super::clients::StaticKeys;
use super::dns::Dns;
use super::error::{AwsError, Kind, chain};
use super::web::Web;
use aws_config::ecs::EcsCredentialsProvider;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::imds;
use aws_config::imds::credentials::ImdsCredentialsProvider;
use aws_config::profile::ProfileFileCredentialsProvider;
use aws_config::provider_config::ProviderConfig;
use aws_config::web_identity_token::WebIdentityTokenCredentialsProvider;
use aws_config::{Region, timeout::TimeoutConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider, future};
use aws_smithy_runtime_api::client::http::HttpConnectorSettings;
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

/// Where a task's or node's endpoint is at all, it is on this host.
const LOCAL_CONNECT: Duration = Duration::from_secs(1);
const LOCAL_READ: Duration = Duration::from_secs(5);
/// Without a metadata service the connection is refused, or swallowed until this is over.
const NODE: Duration = Duration::from_secs(1);

/// A provider and the name that the start line says for it.
type Named = (&'static str, SharedCredentialsProvider);

/// Asks one provider after the other, and gives what the first one has.
#[derive(Debug)]
pub(super) struct Chain {
    providers: Vec<Named>,
    /// The answer that `first` got, for the SDK's first question.
    first: Mutex<Option<Credentials>>,
}

impl Chain {
    pub fn new(
        keys: Option<&StaticKeys>,
        profile: Option<&str>,
        region: &Region,
        dns: &Dns,
        web: &Web,
    ) -> Chain {
        let services = ProviderConfig::without_region()
            .with_region(Some(region.clone()))
            .with_http_client(web.clone())
            .with_timeout_config(
                TimeoutConfig::builder()
                    .operation_timeout(Duration::from_secs(15))
                    .build(),
            );
        let providers = match (keys, profile) {
            (Some(keys), _) => vec![named("keys", keys.provide())],
            (None, Some(profile)) => vec![named("profile", from_profile(&services, Some(profile)))],
            (None, None) => default_chain(&services, dns),
        };
        Chain {
            providers,
            first: Mutex::new(None),
        }
    }

    /// Gets credentials and says who gave them; the SDK's first question is answered with these.
    pub async fn first(&self, deadline: Instant) -> Result<&'static str, AwsError> {
        let failed = |kind, detail: String| AwsError::new(kind, "credentials", "", detail);
        let answer = tokio::time::timeout_at(deadline.into(), self.ask()).await;
        let (name, credentials) = answer
            .map_err(|_| {
                failed(
                    Kind::Timeout,
                    "the credentials endpoint does not answer".into(),
                )
            })?
            .map_err(|(names, error)| failed(Kind::Credentials, explained(&names, &error)))?;
        if let Some(end) = credentials.expiry().filter(|end| *end <= SystemTime::now()) {
            let end = humantime::format_rfc3339_seconds(end);
            return Err(failed(
                Kind::Expired,
                format!("those from {name} ended at {end}"),
            ));
        }
        if let Ok(mut first) = self.first.lock() {
            *first = Some(credentials);
        }
        Ok(name)
    }

    /// The first provider that has some; else the error and the names of who was asked. A provider that is
    /// set up but fails ends the search: the node's role in place of the task's would be a surprise.
    async fn ask(
        &self,
    ) -> Result<(&'static str, Credentials), (Vec<&'static str>, CredentialsError)> {
        let mut asked = Vec::new();
        for (name, provider) in &self.providers {
            asked.push(*name);
            match provider.provide_credentials().await {
                Ok(credentials) => return Ok((*name, credentials)),
                Err(CredentialsError::CredentialsNotLoaded(_)) => {}
                Err(error) => return Err((vec![*name], error)),
            }
        }
        Err((asked, CredentialsError::not_loaded_no_source()))
    }
}

impl ProvideCredentials for Chain {
    fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
    where
        Self: 'a,
    {
        let first = self.first.lock().ok().and_then(|mut first| first.take());
        if let Some(credentials) = first {
            return future::ProvideCredentials::ready(Ok(credentials));
        }
        future::ProvideCredentials::new(async {
            let answer = self.ask().await;
            answer
                .map(|(_, credentials)| credentials)
                .map_err(|(_, error)| error)
        })
    }
}

fn named(name: &'static str, provider: impl ProvideCredentials + 'static) -> Named {
    (name, SharedCredentialsProvider::new(provider))
}

fn from_profile(services: &ProviderConfig, name: Option<&str>) -> ProfileFileCredentialsProvider {
    let builder = ProfileFileCredentialsProvider::builder().configure(services);
    match name {
        Some(name) => builder.profile_name(name),
        None => builder,
    }
    .build()
}

/// The order of every AWS SDK.
fn default_chain(services: &ProviderConfig, dns: &Dns) -> Vec<Named> {
    let timeouts = HttpConnectorSettings::builder();
    let task = timeouts
        .connect_timeout(LOCAL_CONNECT)
        .read_timeout(LOCAL_READ);
    let task = Web::direct(dns.clone(), task.build());
    let ecs = EcsCredentialsProvider::builder()
        .configure(&services.clone().with_http_client(task))
        .dns(dns.clone());

    let timeouts = HttpConnectorSettings::builder();
    let node = timeouts.connect_timeout(NODE).read_timeout(NODE).build();
    let node = services
        .clone()
        .with_http_client(Web::direct(dns.clone(), node));
    let imds = imds::Client::builder()
        .configure(&node)
        .connect_timeout(NODE)
        .read_timeout(NODE)
        .max_attempts(1)
        .build();
    let imds = ImdsCredentialsProvider::builder()
        .configure(&node)
        .imds_client(imds);

    let web_identity = WebIdentityTokenCredentialsProvider::builder().configure(services);
    vec![
        named("environment", EnvironmentVariableCredentialsProvider::new()),
        named("profile", from_profile(services, None)),
        named("web-identity", web_identity.build()),
        named("ecs", ecs.build()),
        named("imds", imds.build()),
    ]
}

fn explained(asked: &[&str], error: &CredentialsError) -> String {
    match error {
        CredentialsError::CredentialsNotLoaded(_) => {
            format!("none from {}", asked.join(", "))
        }
        _ => format!("from {}: {}", asked.join(", "), chain(error)),
    }
}
