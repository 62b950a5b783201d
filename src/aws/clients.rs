//! Everything a boot or an operator's command needs to call AWS, made once.

use super::calls::{Call, Calls};
use super::counters::Counters;
use super::credentials::Chain;
use super::dns::Dns;
use super::error::{AwsError, Kind};
use super::kms::{DataKeys, Kms, SdkKms};
use super::region;
use super::s3::{S3, SdkS3};
use super::secrets_manager::{JsonSecretsManager, SecretsManager};
use super::ssm::{JsonSsm, Ssm};
use super::task;
use super::web::{Web, variable};
use aws_config::identity::IdentityCache;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use std::fmt;
use std::rc::Rc;
use std::time::{Duration, Instant};
use tokio::sync::OnceCell;
use zeroize::Zeroizing;

/// One attempt, from the connection to the reply's head. A KMS call takes 10 ms.
const ATTEMPT: Duration = Duration::from_secs(10);

/// What a caller gives in place of the environment's settings.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub region: Option<String>,
    pub profile: Option<String>,
    pub keys: Option<StaticKeys>,
}

/// An access key given by option.
#[derive(Clone)]
pub struct StaticKeys {
    pub access_key_id: String,
    pub secret_access_key: Zeroizing<String>,
    pub session_token: Option<Zeroizing<String>>,
}

impl fmt::Debug for StaticKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl StaticKeys {
    pub(super) fn provide(&self) -> Credentials {
        let token = self.session_token.as_ref().map(|token| token.to_string());
        let secret = self.secret_access_key.as_str();
        Credentials::new(&self.access_key_id, secret, token, None, "keys")
    }
}

/// The clients, which share connections, credentials and counts.
pub struct Clients {
    kms: SdkKms,
    s3: SdkS3,
    ssm: JsonSsm,
    secrets_manager: JsonSecretsManager,
    counters: Counters,
    /// For clients of other regions and roles.
    pub(super) config: SdkConfig,
    credentials: &'static str,
    region: String,
    dns: Dns,
    /// Asked for once, by the first failure that wants to name it.
    role: OnceCell<Option<String>>,
}

impl Clients {
    /// Finds region and credentials. Everything else of the environment counts as in every AWS SDK:
    /// `AWS_ENDPOINT_URL…`, `AWS_PROFILE`, `AWS_USE_FIPS_ENDPOINT`, proxies, `AWS_CA_BUNDLE`.
    pub async fn load(settings: &Settings, deadline: Instant) -> Result<Clients, AwsError> {
        let dns = Dns::system();
        let web = Web::new(dns.clone());
        let profile = settings.profile.as_deref();
        let region = region::find(settings.region.as_deref(), profile, &dns).await?;
        let chain = Chain::new(settings.keys.as_ref(), profile, &region, &dns, &web);
        let credentials = chain.first(deadline).await?;

        let mut loader = aws_config::defaults(BehaviorVersion::latest())
            .region(region.clone())
            .credentials_provider(chain)
            // Longer than its default of 5 s, in which an endpoint that answers 500 cannot be asked thrice.
            .identity_cache(IdentityCache::lazy().load_timeout(ATTEMPT).build())
            .http_client(web)
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(ATTEMPT)
                    .build(),
            )
            .retry_config(RetryConfig::disabled())
            // Reading an object has its own limits.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
        if let Some(profile) = profile {
            loader = loader.profile_name(profile);
        }
        let config = loader.load().await;
        let counters = Counters::default();
        Ok(Clients {
            kms: SdkKms::new(&config, counters.clone()),
            s3: SdkS3::new(&config, has_own_endpoint(&config), counters.clone()),
            ssm: JsonSsm::new(&config, counters.clone())?,
            secrets_manager: JsonSecretsManager::new(&config, counters.clone())?,
            counters,
            config,
            credentials,
            region: region.as_ref().to_owned(),
            dns,
            role: OnceCell::new(),
        })
    }

    pub fn kms(&self) -> &dyn Kms {
        &self.kms
    }

    pub fn data_keys(&self) -> &dyn DataKeys {
        &self.kms
    }

    pub fn s3(&self) -> &dyn S3 {
        &self.s3
    }

    pub fn ssm(&self) -> &dyn Ssm {
        &self.ssm
    }

    pub fn secrets_manager(&self) -> &dyn SecretsManager {
        &self.secrets_manager
    }

    /// What no boot calls.
    pub fn calls(&self) -> Calls {
        Calls::new(self.config.clone(), self.counters.clone())
    }

    /// The same in another region.
    pub fn calls_in(&self, region: &str) -> Calls {
        let region = Region::new(region.to_owned());
        let config = self.config.to_builder().region(region).build();
        Calls::new(config, self.counters.clone())
    }

    /// For whoever keeps them: those of a region, of the command's own if it has no name.
    pub fn calls_of(&self, region: &str) -> Rc<dyn Call> {
        Rc::new(match region {
            "" => self.calls(),
            region => self.calls_in(region),
        })
    }

    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Who gave the credentials: `keys`, `environment`, `profile`, `web-identity`, `ecs` or `imds`.
    pub fn credentials(&self) -> &'static str {
        self.credentials
    }

    /// The task's role, to be said with a failure: AWS's own message names it for a denial by KMS, but not
    /// for one by S3 or for a bad token. Asks the task's endpoint, so only where that gave the credentials.
    pub async fn role(&self) -> Option<String> {
        match self.credentials {
            "ecs" => task::role(&self.dns).await,
            _ => None,
        }
    }

    /// The error with the task's role in it, where the role matters and AWS's message does not name it.
    pub async fn explain(&self, mut error: AwsError) -> AwsError {
        if !matches!(error.kind, Kind::Denied | Kind::Expired | Kind::Credentials) {
            return error;
        }
        let role = self.role.get_or_init(|| self.role()).await;
        let named = |role: &&String| {
            let name = role.rsplit('/').next().unwrap_or_default();
            !error.detail.contains(name)
        };
        if let Some(role) = role.as_ref().filter(named) {
            let colon = if error.detail.is_empty() { "" } else { " " };
            error.detail = format!("{}{colon}(the task's role is {role})", error.detail);
        }
        error
    }

    pub fn region(&self) -> &str {
        &self.region
    }
}

/// An emulator has no name for each bucket.
fn has_own_endpoint(config: &SdkConfig) -> bool {
    config.endpoint_url().is_some() || variable("AWS_ENDPOINT_URL_S3").is_some()
}
