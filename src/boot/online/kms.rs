//! Values and data keys that a KMS decrypts.

use super::Visit;
use crate::aws::{self, AwsError, Encrypted, Kind};
use crate::boot::secrets::{Came, Secrets};
use crate::boot::vaults::Plaintexts;
use crate::fetch::sops::AwsKeys;
use crate::gcp::{CloudKms, GoogleKms};
use crate::vault::document::Reason;
use crate::vault::{Plaintext, kms};
use futures_util::stream::{self, StreamExt};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::rc::Rc;
use zeroize::Zeroizing;

impl Visit<'_> {
    /// What KMS says of each message.
    pub(super) async fn plaintexts(&self, messages: Vec<(String, Encrypted)>) -> Plaintexts {
        let (messages, encrypted): (Vec<_>, Vec<_>) = messages.into_iter().unzip();
        let in_flight = self.mode.aws.in_flight;
        let Some(clients) = &self.clients else {
            return Plaintexts::new();
        };
        let kms = clients.kms();
        let results = aws::decrypt_all(kms, encrypted, in_flight, self.deadline).await;
        let mut plaintexts = Plaintexts::new();
        for (message, result) in messages.into_iter().zip(results) {
            let result = match result {
                Err(error) => Err(self.explain(error).await),
                result => result,
            };
            plaintexts.insert(message, opened(result));
        }
        plaintexts
    }

    /// What Google's KMS says of each message.
    pub(super) async fn google(&self, secrets: &Secrets<'_>) -> Plaintexts {
        let messages = secrets.google();
        let mut loaded: HashMap<Option<&Path>, Result<GoogleKms, AwsError>> = HashMap::new();
        for one in &messages {
            let name = one.credential_file.map(|file| file.display().to_string());
            let load = || GoogleKms::load(name.as_deref());
            loaded.entry(one.credential_file).or_insert_with(load);
        }
        let loaded = &loaded;
        let mut known = HashSet::new();
        let distinct = messages
            .iter()
            .filter(|one| known.insert(one.message.as_str()));
        let calls = distinct.map(|one| async move {
            let answer = match loaded.get(&one.credential_file) {
                Some(Ok(kms)) => {
                    kms.decrypt(one.resource_id, &one.ciphertext, self.deadline)
                        .await
                }
                Some(Err(error)) => Err(error.clone()),
                None => Err(AwsError::new(Kind::NotTried, "", "", "")),
            };
            (one.message.clone(), answer)
        });
        let calls: Vec<_> = calls.collect();
        let mut running = stream::iter(calls).buffer_unordered(self.mode.aws.in_flight);
        let mut plaintexts = Plaintexts::new();
        let one_key = messages
            .windows(2)
            .all(|pair| pair[0].resource_id == pair[1].resource_id);
        // As with AWS: what is denied once is denied to all.
        while let Some((message, answer)) = running.next().await {
            let over = matches!(&answer, Err(error) if error.kind.holds_for_all(one_key));
            plaintexts.insert(message, opened(answer));
            if over {
                break;
            }
        }
        drop(running);
        for one in &messages {
            let rest = plaintexts.entry(one.message.clone());
            rest.or_insert(Err(Reason::NotTried));
        }
        plaintexts
    }

    /// Files of sops whose data keys KMS has, one call a file.
    pub(super) async fn sops<'m>(&self, secrets: &Secrets<'m>) -> Came<'m> {
        let Some(clients) = &self.clients else {
            return Came::new();
        };
        let service = AwsKeys::with(Rc::clone(clients));
        let service = &service;
        let calls = secrets.sealed().map(|(index, sealed)| async move {
            let given = sealed.decrypt(service, self.deadline).await;
            (index, sealed.item, given)
        });
        let calls: Vec<_> = calls.collect();
        stream::iter(calls)
            .buffer_unordered(self.mode.aws.in_flight)
            .collect()
            .await
    }
}

/// What a KMS gave for a message.
fn opened(answer: Result<Zeroizing<Vec<u8>>, AwsError>) -> Result<Plaintext, Reason> {
    match answer {
        Ok(dump) => kms::plaintext(&dump)
            .map_err(|error| Reason::Cryptor(format!("KMS decrypted it, but {error}"))),
        Err(error) if error.kind == Kind::NotTried => Err(Reason::NotTried),
        Err(error) => Err(Reason::Cryptor(error.to_string())),
    }
}
