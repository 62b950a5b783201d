//! A ciphertext whose file says all about it: key, region, context, and perhaps a role to act as.

use super::clients::Clients;
use super::error::AwsError;
use super::kms::{Kms, SdkKms};
use super::sts;
use aws_config::Region;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::time::Instant;
use zeroize::Zeroizing;

/// What KMS is to decrypt.
#[derive(Clone, Copy, Debug)]
pub struct Wrapped<'a> {
    /// The key's ARN; a ciphertext of another key is refused.
    pub key: &'a str,
    /// The key's own region.
    pub region: &'a str,
    /// The role to assume first.
    pub role: Option<&'a str>,
    pub context: &'a [(String, String)],
    pub ciphertext: &'a [u8],
}

impl Clients {
    /// Decrypts with one call to the key's own region.
    pub async fn decrypt_under(
        &self,
        wrapped: &Wrapped<'_>,
        deadline: Instant,
    ) -> Result<Zeroizing<Vec<u8>>, AwsError> {
        let region = Region::new(wrapped.region.to_owned());
        let mut config = self.config.to_builder().region(region).build();
        if let Some(role) = wrapped.role {
            let credentials = sts::assume_role(&config, role, self.counters(), deadline).await?;
            let provider = SharedCredentialsProvider::new(credentials);
            config = config.to_builder().credentials_provider(provider).build();
        }
        let kms = SdkKms::new(&config, self.counters().clone());
        let Wrapped {
            key,
            ciphertext,
            context,
            ..
        } = wrapped;
        kms.decrypt(Some(key), ciphertext, context, deadline).await
    }
}
