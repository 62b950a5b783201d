//! Whose KMS it is, and with which key and as whom it is asked.

use super::kms_options::KmsOptions;
use crate::aws::{AwsError, Ciphertext, Clients, Encrypted, Kms, Pending, Settings};
use crate::cli::Failure;
use crate::gcp::{CloudKms, GoogleKms};
use crate::vault::kms;
use std::time::Instant;
use zeroize::Zeroizing;

/// A key of a KMS.
pub(super) enum Account {
    /// The key is to encrypt with: a ciphertext names its own.
    Aws {
        key: Option<String>,
        settings: Settings,
    },
    Google {
        key: String,
        credential_file: Option<String>,
    },
}

impl Account {
    pub fn aws(options: &KmsOptions) -> Account {
        Account::Aws {
            key: options.aws_kms_key_id.clone(),
            settings: options.settings(),
        }
    }

    /// `option` would name the key.
    pub fn google(options: &KmsOptions, option: &str) -> Result<Account, Failure> {
        let Some(key) = options.gcp_kms_resource_id.clone() else {
            return Err(Failure::line(format!(
                "no key of Google's KMS: name it with {option}"
            )));
        };
        Ok(Account::Google {
            key,
            credential_file: options.gcp_credential_file.clone(),
        })
    }

    /// The key to encrypt with.
    pub fn key(&self) -> Option<&str> {
        match self {
            Account::Aws { key, .. } => key.as_deref(),
            Account::Google { key, .. } => Some(key),
        }
    }

    /// The most bytes that are encrypted in one call.
    pub fn most(&self) -> usize {
        match self {
            Account::Aws { .. } => kms::AWS_MOST,
            Account::Google { .. } => kms::GOOGLE_MOST,
        }
    }

    /// A ciphertext to decrypt.
    pub fn encrypted(&self, ciphertext: Ciphertext) -> Encrypted {
        let key_id = match self {
            Account::Aws { .. } => None,
            Account::Google { key, .. } => Some(key.clone()),
        };
        Encrypted { ciphertext, key_id }
    }

    pub async fn reach(&self, deadline: Instant) -> Result<Service, AwsError> {
        Ok(match self {
            Account::Aws { settings, .. } => {
                Service::Aws(Box::new(Clients::load(settings, deadline).await?))
            }
            Account::Google {
                credential_file, ..
            } => Service::Google(GoogleKms::load(credential_file.as_deref())?),
        })
    }
}

/// A KMS that can be asked.
pub(super) enum Service {
    Aws(Box<Clients>),
    Google(GoogleKms),
}

/// Values have no context.
impl Kms for Service {
    fn decrypt<'a>(
        &'a self,
        key_id: Option<&'a str>,
        ciphertext: &'a [u8],
        context: &'a [(String, String)],
        deadline: Instant,
    ) -> Pending<'a, Zeroizing<Vec<u8>>> {
        match self {
            Service::Aws(clients) => clients.kms().decrypt(key_id, ciphertext, context, deadline),
            Service::Google(kms) => kms.decrypt(key_id.unwrap_or_default(), ciphertext, deadline),
        }
    }

    fn encrypt<'a>(
        &'a self,
        key_id: &'a str,
        plaintext: &'a [u8],
        context: &'a [(String, String)],
        deadline: Instant,
    ) -> Pending<'a, Ciphertext> {
        match self {
            Service::Aws(clients) => clients.kms().encrypt(key_id, plaintext, context, deadline),
            Service::Google(kms) => kms.encrypt(key_id, plaintext, deadline),
        }
    }
}
