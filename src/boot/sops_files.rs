//! Files that sops encrypted.

use super::given::Given;
use super::stores::object;
use crate::aws::AwsError;
use crate::config::{Passphrase, SecretItem, SopsFile};
use crate::fetch::sops::{self as fetch, AGE_KEY, KeyError, KeyService};
use crate::sops::{DataKey, File, Format, Identities, KmsSource};
use crate::vault::{Document, Plaintext};
use futures_util::FutureExt;
use std::ffi::OsString;
use std::time::Instant;
use zeroize::Zeroizing;

/// A file that was read, and the identities that may open it.
pub struct Sealed<'m> {
    pub item: &'m SecretItem,
    file: File,
    format: Format,
    identities: Identities,
}

/// Never answers, which shows that somebody was to be asked.
struct Nobody;

impl KeyService for Nobody {
    async fn unwrap(&self, _: &KmsSource, _: Instant) -> Result<DataKey, AwsError> {
        std::future::pending().await
    }
}

impl<'m> Sealed<'m> {
    /// Reads a file. `used` gets the names of variables that held an identity.
    pub fn open(
        item: &'m SecretItem,
        from: &SopsFile,
        used: &mut Vec<String>,
    ) -> Result<Sealed<'m>, String> {
        let bytes = std::fs::read(&from.path).map(Zeroizing::new);
        let bytes = bytes.map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                "no such file: is it in the image, and the working directory right?".to_owned()
            }
            _ => format!("cannot be read: {error}"),
        })?;
        let file = File::parse(&bytes, from.format).map_err(|error| error.to_string())?;
        Ok(Sealed {
            item,
            file,
            format: from.format,
            identities: identities(from, used)?,
        })
    }

    /// Decrypts with age alone; `None` where KMS must be asked.
    pub fn decrypt_here(&self) -> Option<Result<Given<'m>, String>> {
        // Nothing of it waits but a service that is asked, so the deadline is never looked at.
        let key = fetch::data_key(&self.file, &self.identities, &Nobody, Instant::now());
        Some(self.decrypt_with(key.now_or_never()?))
    }

    /// Decrypts, by KMS where no identity fits.
    pub async fn decrypt(
        &self,
        service: &impl KeyService,
        deadline: Instant,
    ) -> Result<Given<'m>, String> {
        let key = fetch::data_key(&self.file, &self.identities, service, deadline).await;
        self.decrypt_with(key)
    }

    fn decrypt_with(&self, key: Result<DataKey, KeyError>) -> Result<Given<'m>, String> {
        let key = key.map_err(|error| error.to_string())?;
        let decrypted = self.file.decrypt(&key).map_err(|error| error.to_string())?;
        let parse = |text: &str| Document::parse(text).map_err(|error| error.to_string());
        let values = match self.format {
            Format::Binary => None,
            Format::Dotenv => {
                let pairs = decrypted.leaves.iter().filter_map(|leaf| {
                    let [crate::vault::Segment::Key(name)] = leaf.path.as_slice() else {
                        return None;
                    };
                    match &leaf.text {
                        Plaintext::Text(text) => Some((name.as_str(), text.expose())),
                        Plaintext::Binary(_) => None,
                    }
                });
                Some(parse(&object(pairs))?)
            }
            Format::Yaml | Format::Json => {
                let text = std::str::from_utf8(&decrypted.content)
                    .map_err(|_| "its content is not UTF-8".to_owned())?;
                Some(parse(text)?)
            }
        };
        let count = decrypted.leaves.len();
        Ok(Given::whole(self.item, values, decrypted.content, count))
    }
}

/// Those that sops would find, and those that the mode names.
fn identities(from: &SopsFile, used: &mut Vec<String>) -> Result<Identities, String> {
    let named = match &from.identities {
        None => None,
        Some(Passphrase::Variable(name)) => {
            let value = std::env::var_os(name);
            Some(value.ok_or_else(|| {
                format!("the variable {name} is not set: give it to the container")
            })?)
        }
        Some(Passphrase::File(path)) => {
            let text = crate::check::text(path)
                .map_err(|problem| format!("the age key file {}: {problem}", path.display()))?;
            Some(OsString::from(text.as_str()))
        }
    };
    let name = match &from.identities {
        Some(Passphrase::Variable(name)) => name.as_str(),
        _ => AGE_KEY,
    };
    let is_set = std::env::var_os(name).is_some();
    if is_set && !used.iter().any(|known| known == name) {
        used.push(name.to_owned());
    }
    let lookup = |asked: &str| match &named {
        // What the mode names is all there is.
        Some(value) => (asked == AGE_KEY).then(|| value.clone()),
        None => std::env::var_os(asked),
    };
    fetch::identities(&lookup).map_err(|error| error.to_string())
}
