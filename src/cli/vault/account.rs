//! Whose KMS it is, and with which key and as whom it is asked.

use super::kms_options::KmsOptions;
use crate::aws::{AwsError, Ciphertext, Clients, Encrypted, Settings};
use crate::cli::Failure;
use crate::gcp::GoogleKms;
use crate::vault::kms;
use std::time::Instant;

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
