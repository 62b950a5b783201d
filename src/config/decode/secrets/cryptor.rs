//! How a vault is decrypted.

use super::{Decoder, Fields};
use crate::config::mode::{Cryptor, Passphrase};
use crate::config::problems::suggestion;
use crate::config::vault::{self, CRYPTORS, Kind, Written, Wrong};
use crate::vault::SimpleOptions;

impl Decoder<'_> {
    pub(super) fn cryptor(&mut self, fields: &Fields) -> Option<Cryptor> {
        let kind = match fields.get("cryptor") {
            Some(item) => self.choice(&item, "cryptor", &CRYPTORS),
            None => Some(Kind::Simple),
        };
        let options = self.options(fields);
        let passphrase = self.passphrase(
            fields,
            "passphrase_env",
            "passphrase_file",
            "YAML_VAULT_PASSPHRASE",
        );
        let sign_passphrase = self.passphrase(
            fields,
            "sign_passphrase_env",
            "sign_passphrase_file",
            "YAML_VAULT_SIGN_PASSPHRASE",
        );
        let key_id = fields.get("kms_key_id").map(|item| self.word(&item));
        let google = self.google(fields);
        match kind? {
            Kind::GcpKms => {
                if fields.get("gcp_kms_resource_id").is_none() {
                    let remedy =
                        "write gcp_kms_resource_id: projects/P/locations/L/keyRings/R/cryptoKeys/K";
                    self.problem(&fields.item, "gcp_kms_resource_id is missing", remedy);
                }
                google
            }
            Kind::Simple => Some(Cryptor::Simple {
                passphrase: passphrase?,
                sign_passphrase: sign_passphrase?,
                options: options?,
            }),
            Kind::AwsKms => Some(Cryptor::AwsKms {
                key_id: match key_id {
                    Some(text) => Some(text?.value),
                    None => None,
                },
            }),
        }
    }

    fn google(&mut self, fields: &Fields) -> Option<Cryptor> {
        let file = fields
            .get("gcp_credential_file")
            .map(|item| self.path(&item));
        let item = fields.get("gcp_kms_resource_id")?;
        let resource_id = self.word(&item)?.value;
        Some(Cryptor::GcpKms {
            resource_id,
            credential_file: match file {
                Some(path) => Some(path?),
                None => None,
            },
        })
    }

    fn options(&mut self, fields: &Fields) -> Option<SimpleOptions> {
        // `Some(None)` is written but could not be read.
        let text = |decoder: &mut Self, name| {
            let item = fields.get(name)?;
            Some(decoder.text(&item).map(|text| text.value))
        };
        let number = |decoder: &mut Self, name| {
            let item = fields.get(name)?;
            Some(decoder.number(&item, 0..=65535))
        };
        let (salt, cipher) = (text(self, "salt"), text(self, "cipher"));
        let (digest, kdf_digest) = (text(self, "digest"), text(self, "kdf_digest"));
        let (key_len, signature_key_len) =
            (number(self, "key_len"), number(self, "signature_key_len"));
        let unread = [&salt, &cipher, &digest, &kdf_digest]
            .iter()
            .any(|text| **text == Some(None))
            || [&key_len, &signature_key_len]
                .iter()
                .any(|number| **number == Some(None));
        let written = Written {
            salt: salt.flatten(),
            // Without the cipher that was meant, the length cannot be judged.
            key_len: key_len.flatten().filter(|_| cipher != Some(None)),
            cipher: cipher.flatten(),
            digest: digest.flatten(),
            signature_key_len: signature_key_len.flatten(),
            kdf_digest: kdf_digest.flatten(),
        };
        match vault::simple_options(&written) {
            Ok(options) => return (!unread).then_some(options),
            Err(wrongs) => wrongs
                .iter()
                .for_each(|wrong| self.wrong_option(fields, wrong)),
        }
        None
    }

    fn wrong_option(&mut self, fields: &Fields, wrong: &Wrong) {
        let Some(item) = fields.get(wrong.key) else {
            return;
        };
        // Read once more only to show it as written.
        let Some(text) = self.text(&item) else { return };
        let remedy = if wrong.known.is_empty() {
            String::new()
        } else {
            let word = if text.is_literal() {
                text.value.as_str()
            } else {
                ""
            };
            suggestion(word, "known", wrong.known)
        };
        self.problem(&item, format!("{} {}", text.shown(), wrong.message), remedy);
    }

    pub(super) fn passphrase(
        &mut self,
        fields: &Fields,
        env: &'static str,
        file: &'static str,
        default: &str,
    ) -> Option<Passphrase> {
        let name = fields.get(env).map(|item| self.variable_name(&item));
        let path = fields.get(file).map(|item| self.path(&item));
        match (name, path) {
            (Some(_), Some(_)) => {
                self.problem(
                    &fields.item,
                    format!("both {env} and {file}"),
                    "keep one of them",
                );
                None
            }
            (_, Some(path)) => path.map(Passphrase::File),
            (Some(name), None) => name.map(Passphrase::Variable),
            (None, None) => Some(Passphrase::Variable(default.to_owned())),
        }
    }
}
