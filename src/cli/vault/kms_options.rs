//! The options of the cryptors `aws-kms` and `gcp-kms`.

use super::options::Kind;
use crate::aws::{Settings, StaticKeys};
use crate::cli::Failure;
use clap::Args;
use std::time::Duration;
use zeroize::Zeroizing;

/// Keys and accounts.
#[derive(Args)]
pub(super) struct KmsOptions {
    /// The KMS key to encrypt with: its id, ARN or `alias/NAME`
    #[arg(long, value_name = "KEY")]
    pub aws_kms_key_id: Option<String>,
    /// The region [default: as every AWS tool finds it]
    #[arg(long, value_name = "REGION")]
    pub aws_region: Option<String>,
    /// A profile of `~/.aws/config`
    #[arg(long, value_name = "NAME")]
    pub aws_profile: Option<String>,
    /// An access key; others can see it in the process list, unlike `AWS_ACCESS_KEY_ID`
    #[arg(long, value_name = "ID", requires = "aws_secret_access_key")]
    pub aws_access_key_id: Option<String>,
    /// Its secret, which others can see, too
    #[arg(long, value_name = "KEY", requires = "aws_access_key_id")]
    pub aws_secret_access_key: Option<String>,
    /// The key of Google's KMS: `projects/P/locations/L/keyRings/R/cryptoKeys/K`
    #[arg(long, value_name = "KEY")]
    pub gcp_kms_resource_id: Option<String>,
    /// A service account's key file [default: `$GOOGLE_APPLICATION_CREDENTIALS`, else the metadata
    /// server]
    #[arg(long, value_name = "FILE")]
    pub gcp_credential_file: Option<String>,
    /// How long all calls to a KMS may take
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = humantime::parse_duration)]
    pub timeout: Duration,
}

impl KmsOptions {
    /// An error if there is anything for another cryptor than this, which would not look at it. The
    /// options begin with `new`.
    pub fn are_for(&self, kind: Kind, new: &str) -> Result<(), Failure> {
        let aws = [
            ("aws-kms-key-id", &self.aws_kms_key_id),
            ("aws-region", &self.aws_region),
            ("aws-profile", &self.aws_profile),
            ("aws-access-key-id", &self.aws_access_key_id),
        ];
        let google = [
            ("gcp-kms-resource-id", &self.gcp_kms_resource_id),
            ("gcp-credential-file", &self.gcp_credential_file),
        ];
        let others = [
            (Kind::AwsKms, "aws-kms", &aws[..]),
            (Kind::GcpKms, "gcp-kms", &google[..]),
        ];
        for (other, name, options) in others {
            let given = options.iter().find(|(_, value)| value.is_some());
            if let Some((option, _)) = given.filter(|_| other != kind) {
                return Err(Failure::line(format!(
                    "--{new}{option} is for another cryptor: add --{new}cryptor {name}"
                )));
            }
        }
        Ok(())
    }

    /// These, and of the older ones where and as whom a KMS is asked, if these do not say so.
    pub fn or(self, old: &KmsOptions) -> KmsOptions {
        let or = |new: Option<String>, old: &Option<String>| new.or_else(|| old.clone());
        // An access key stands for an account, as a profile does: one of them replaces both.
        let other = self.aws_access_key_id.is_some() || self.aws_profile.is_some();
        let account = |old: &Option<String>| old.clone().filter(|_| !other);
        KmsOptions {
            aws_region: or(self.aws_region, &old.aws_region),
            aws_profile: or(self.aws_profile, &account(&old.aws_profile)),
            aws_access_key_id: or(self.aws_access_key_id, &account(&old.aws_access_key_id)),
            aws_secret_access_key: or(
                self.aws_secret_access_key,
                &account(&old.aws_secret_access_key),
            ),
            gcp_credential_file: or(self.gcp_credential_file, &old.gcp_credential_file),
            ..self
        }
    }

    /// Where and as whom AWS is asked.
    pub fn settings(&self) -> Settings {
        let keys = self.aws_access_key_id.as_ref();
        let keys = keys.zip(self.aws_secret_access_key.as_ref());
        Settings {
            region: self.aws_region.clone(),
            profile: self.aws_profile.clone(),
            keys: keys.map(|(id, secret)| StaticKeys {
                access_key_id: id.clone(),
                secret_access_key: Zeroizing::new(secret.clone()),
                session_token: None,
            }),
        }
    }
}
