//! A call to a service that no SDK crate is linked for: our own body, sent once by the SDK's runtime, which
//! resolves the credentials, signs (`SigV4`) and keeps the time. Each protocol (`json`, `query`) says what a
//! body and an error look like.

use super::endpoint::{self, Service};
use super::error::AwsError;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_runtime::auth::SigV4OperationSigningConfig;
use aws_runtime::auth::sigv4::{SCHEME_ID, SigV4AuthScheme};
use aws_smithy_runtime::client::orchestrator::operation::Operation;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::auth::static_resolver::{
    StaticAuthSchemeOptionResolver, StaticAuthSchemeOptionResolverParams,
};
use aws_smithy_runtime_api::client::auth::{
    AuthSchemeOptionResolverParams, SharedAuthScheme, SharedAuthSchemeOptionResolver,
};
use aws_smithy_runtime_api::client::identity::SharedIdentityResolver;
use aws_smithy_runtime_api::client::orchestrator::{
    HttpRequest, HttpResponse, OrchestratorError, SensitiveOutput,
};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponentsBuilder;
use aws_smithy_runtime_api::client::runtime_plugin::StaticRuntimePlugin;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::{FrozenLayer, Layer};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::timeout::TimeoutConfig;
use aws_types::SigningName;
use aws_types::region::{Region, SigningRegion};
use std::fmt;
use zeroize::Zeroizing;

/// Seen by whoever reads the account's trail of calls.
const USER_AGENT: &str = concat!("entry/", env!("CARGO_PKG_VERSION"));

/// What is sent: always a POST to `/`.
pub(super) struct Request {
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// The body of a reply that is no error.
pub(super) struct Body(pub Zeroizing<Vec<u8>>);

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

/// Reads code and message of an error's reply, and nothing else of it.
pub(super) type ReadError = fn(&HttpResponse) -> ErrorMetadata;

/// Calls one service.
pub(super) struct Caller(Operation<Request, Body, ErrorMetadata>);

impl Caller {
    pub fn new(
        service: &'static Service,
        config: &SdkConfig,
        read_error: ReadError,
    ) -> Result<Caller, AwsError> {
        let signing = StaticRuntimePlugin::new()
            .with_config(settings(service, config))
            .with_runtime_components(signer(config));
        // Without this it builds no operation, and panics.
        let timeouts = config.timeout_config().cloned();
        let mut builder = Operation::builder()
            .service_name(service.name)
            .operation_name("call")
            .behavior_version(BehaviorVersion::latest())
            .endpoint_url(&endpoint::find(service, config)?)
            .timeout_config(timeouts.unwrap_or_else(|| TimeoutConfig::builder().build()))
            // One attempt: the retries are ours.
            .no_retry()
            .with_connection_poisoning()
            .runtime_plugin(signing);
        if let Some(client) = config.http_client() {
            builder = builder.http_client(client);
        }
        if let Some(sleep) = config.sleep_impl() {
            builder = builder.sleep_impl(sleep);
        }
        if let Some(stalled) = config.stalled_stream_protection() {
            builder = builder.stalled_stream_protection(stalled);
        }
        let operation = builder
            .serializer(serialized)
            .deserializer(move |reply| deserialized(reply, read_error))
            .build();
        Ok(Caller(operation))
    }

    /// One attempt.
    pub async fn send(
        &self,
        request: Request,
    ) -> Result<Body, SdkError<ErrorMetadata, HttpResponse>> {
        self.0.invoke(request).await
    }
}

fn settings(service: &Service, config: &SdkConfig) -> FrozenLayer {
    let mut layer = Layer::new("entry");
    let params = StaticAuthSchemeOptionResolverParams::new();
    layer.store_put(AuthSchemeOptionResolverParams::new(params));
    let region = config.region().map(|region| {
        let region = endpoint::signing_region(service, region.as_ref());
        SigningRegion::from(Region::new(region))
    });
    layer.store_put(SigV4OperationSigningConfig {
        region,
        name: Some(SigningName::from_static(service.signed_as)),
        ..SigV4OperationSigningConfig::default()
    });
    // The runtime's trace shows bodies otherwise.
    layer.store_put(SensitiveOutput);
    layer.freeze()
}

fn signer(config: &SdkConfig) -> RuntimeComponentsBuilder {
    let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new("entry");
    components
        .set_auth_scheme_option_resolver(Some(SharedAuthSchemeOptionResolver::new(schemes)))
        .push_auth_scheme(SharedAuthScheme::new(SigV4AuthScheme::new()))
        .set_identity_cache(config.identity_cache())
        .set_time_source(config.time_source());
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, SharedIdentityResolver::new(credentials));
    }
    components
}

fn serialized(request: Request) -> Result<HttpRequest, BoxError> {
    let mut http = HttpRequest::new(SdkBody::from(request.body));
    http.set_method("POST")?;
    http.set_uri("/")?;
    let headers = http.headers_mut();
    headers.try_insert("user-agent", USER_AGENT)?;
    for (name, value) in request.headers {
        headers.try_insert(name, value)?;
    }
    Ok(http)
}

fn deserialized(
    reply: &HttpResponse,
    read_error: ReadError,
) -> Result<Body, OrchestratorError<ErrorMetadata>> {
    if !reply.status().is_success() {
        return Err(OrchestratorError::operation(read_error(reply)));
    }
    let bytes = reply.body().bytes().unwrap_or_default();
    Ok(Body(Zeroizing::new(bytes.to_vec())))
}
