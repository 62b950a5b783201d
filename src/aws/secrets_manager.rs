//! Secrets Manager: secrets by name or ARN, in batches where that is possible.

use super::counters::Counters;
use super::endpoint::Service;
use super::error::{AwsError, Kind, some_of};
use super::protocol::{Api, Client, Protocol};
use super::secrets_reply::{Found, Page, Refused};
use super::{IN_FLIGHT, Pending};
use aws_config::SdkConfig;
use futures_util::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::time::Instant;
use zeroize::Zeroizing;

const API: Api = Api {
    service: Service {
        id: "Secrets Manager",
        name: "secretsmanager",
        signed_as: "secretsmanager",
        plain_in_gov: false,
    },
    protocol: Protocol::Json {
        version: "1.1",
        target: "secretsmanager",
    },
};

const ONE: &str = "GetSecretValue";
const MANY: &str = "BatchGetSecretValue";

/// The most secrets of one call.
const BATCH: usize = 20;

/// Reads secrets.
pub trait SecretsManager {
    /// In the order of `secrets`. Those of the current version come twenty a call; another version, or a
    /// secret that would be alone in its batch, is a call of its own. An error names every secret that is
    /// missing or denied.
    fn get<'a>(
        &'a self,
        secrets: &'a [SecretId],
        deadline: Instant,
    ) -> Pending<'a, Vec<SecretValue>>;
}

/// A secret to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SecretId {
    /// Its name, its ARN, or the ARN without the last six letters.
    pub id: String,
    pub version: Version,
}

/// Which of a secret's values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Version {
    Current,
    /// `AWSPREVIOUS`, or a label of one's own.
    Stage(String),
    Id(String),
}

/// A secret's value.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretValue {
    Text(Zeroizing<String>),
    Binary(Zeroizing<Vec<u8>>),
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl SecretId {
    pub fn current(id: &str) -> SecretId {
        SecretId {
            id: id.to_owned(),
            version: Version::Current,
        }
    }

    fn is_current(&self) -> bool {
        match &self.version {
            Version::Current => true,
            Version::Stage(stage) => stage == "AWSCURRENT",
            Version::Id(_) => false,
        }
    }

    fn input(&self) -> Value {
        match &self.version {
            Version::Current => json!({"SecretId": self.id}),
            Version::Stage(stage) => json!({"SecretId": self.id, "VersionStage": stage}),
            Version::Id(version) => json!({"SecretId": self.id, "VersionId": version}),
        }
    }
}

/// What came of each secret, by its index: the others of its batch may have come.
type Answers = Vec<(usize, Result<SecretValue, AwsError>)>;

/// Secrets Manager itself.
pub(super) struct JsonSecretsManager {
    json: Client,
    counters: Counters,
}

impl JsonSecretsManager {
    pub fn new(config: &SdkConfig, counters: Counters) -> Result<JsonSecretsManager, AwsError> {
        Ok(JsonSecretsManager {
            json: Client::new(&API, config, counters.clone())?,
            counters,
        })
    }

    async fn get_all(
        &self,
        secrets: &[SecretId],
        deadline: Instant,
    ) -> Result<Vec<SecretValue>, AwsError> {
        let mut distinct: Vec<&SecretId> = Vec::new();
        let mut wanted = Vec::new();
        for secret in secrets {
            let at = distinct.iter().position(|known| *known == secret);
            wanted.push(at.unwrap_or(distinct.len()));
            if at.is_none() {
                distinct.push(secret);
            }
        }
        let groups = groups(&distinct);
        let calls = groups.iter().map(|group| self.group(group, deadline));
        let answers: Vec<Answers> = stream::iter(calls)
            .buffer_unordered(IN_FLIGHT)
            .try_collect()
            .await?;
        let (mut values, mut failures) = (HashMap::new(), BTreeMap::new());
        for (index, answer) in answers.into_iter().flatten() {
            match answer {
                Ok(value) => drop(values.insert(index, value)),
                Err(error) => drop(failures.insert(index, error)),
            }
        }
        if let Some(error) = together(failures.into_values().collect()) {
            return Err(error);
        }
        Ok(wanted
            .iter()
            .filter_map(|index| values.get(index).cloned())
            .collect())
    }

    async fn group(&self, group: &Group<'_>, deadline: Instant) -> Result<Answers, AwsError> {
        match group.as_slice() {
            [(index, secret)] => {
                let answer = self.one(secret, deadline).await;
                match answer {
                    Err(error) if error.kind.holds_for_all(false) => Err(error),
                    answer => Ok(vec![(*index, answer)]),
                }
            }
            many => self.batch(many, deadline).await,
        }
    }

    async fn one(&self, secret: &SecretId, deadline: Instant) -> Result<SecretValue, AwsError> {
        self.counters.secrets_manager_call();
        let (id, input) = (&secret.id, secret.input());
        let action = self.json.action(ONE);
        let check = |found: Found| found.value().ok_or_else(|| no_value(&action, id));
        self.json
            .call_checked(ONE, id, &input, deadline, check)
            .await
    }

    async fn batch(
        &self,
        group: &[(usize, &SecretId)],
        deadline: Instant,
    ) -> Result<Answers, AwsError> {
        let ids: Vec<&str> = group.iter().map(|(_, secret)| secret.id.as_str()).collect();
        let (found, refused) = self.pages(&ids, deadline).await?;
        let action = self.json.action(ONE);
        let answer = |id: &str| {
            if let Some(found) = found.iter().find(|found| found.answers(id)) {
                return found.value().ok_or_else(|| no_value(&action, id));
            }
            let refused = refused.iter().find(|refused| refused.secret_id == id);
            Err(refused.map_or_else(
                || AwsError::new(Kind::Reply, &action, id, "nothing about it in the reply"),
                |refused| refused.error(&action),
            ))
        };
        Ok(group
            .iter()
            .map(|(index, secret)| (*index, answer(&secret.id)))
            .collect())
    }

    /// A batch is one call, unless its values are too large for one reply.
    async fn pages(
        &self,
        ids: &[&str],
        deadline: Instant,
    ) -> Result<(Vec<Found>, Vec<Refused>), AwsError> {
        let (action, some) = (self.json.action(ONE), some_of(ids));
        let mut input = json!({"SecretIdList": ids});
        let (mut found, mut refused) = (Vec::new(), Vec::new());
        // Each page has at least one secret, or it would not end.
        for _ in ids {
            self.counters.secrets_manager_call();
            let check = |page: Page| page.checked(&action, &some);
            let page = self
                .json
                .call_checked(MANY, &some, &input, deadline, check)
                .await?;
            found.extend(page.secret_values);
            refused.extend(page.errors);
            match page.next_token.filter(|token| !token.is_empty()) {
                Some(token) => input["NextToken"] = token.into(),
                None => break,
            }
        }
        Ok((found, refused))
    }
}

impl SecretsManager for JsonSecretsManager {
    fn get<'a>(
        &'a self,
        secrets: &'a [SecretId],
        deadline: Instant,
    ) -> Pending<'a, Vec<SecretValue>> {
        Box::pin(self.get_all(secrets, deadline))
    }
}

/// The secrets of one call, with their indices.
type Group<'a> = Vec<(usize, &'a SecretId)>;

fn groups<'a>(secrets: &[&'a SecretId]) -> Vec<Group<'a>> {
    let indexed = secrets.iter().copied().enumerate();
    let (current, other): (Group, Group) = indexed.partition(|(_, secret)| secret.is_current());
    let batches = current.chunks(BATCH).map(<[_]>::to_vec);
    batches
        .chain(other.into_iter().map(|secret| vec![secret]))
        .collect()
}

fn no_value(action: &str, id: &str) -> AwsError {
    let detail = "no SecretString or SecretBinary in it";
    AwsError::new(Kind::Reply, action, id, detail)
}

/// One error for all that failed; a denial goes before a name that is wrong.
fn together(mut failures: Vec<AwsError>) -> Option<AwsError> {
    failures.sort_by_key(|error| error.kind != Kind::Denied);
    let first = failures.first()?;
    let names: Vec<&str> = failures.iter().map(|one| one.resource.as_str()).collect();
    let detail = if failures.iter().all(|one| one.detail == first.detail) {
        first.detail.clone()
    } else {
        let each = failures
            .iter()
            .map(|one| format!("{}: {}", one.resource, one.detail));
        each.collect::<Vec<_>>().join("; ")
    };
    Some(AwsError::new(
        first.kind,
        &first.action,
        &names.join(", "),
        detail,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_values_are_batched_and_others_are_not() {
        let with = |version| SecretId {
            id: "a".into(),
            version,
        };
        let mut secrets: Vec<SecretId> = (0..41)
            .map(|number| SecretId::current(&number.to_string()))
            .collect();
        secrets.insert(3, with(Version::Id("v1".into())));
        secrets.insert(7, with(Version::Stage("AWSPREVIOUS".into())));
        secrets.insert(9, with(Version::Stage("AWSCURRENT".into())));
        let secrets: Vec<&SecretId> = secrets.iter().collect();
        let sizes: Vec<usize> = groups(&secrets).iter().map(Vec::len).collect();
        assert_eq!(sizes, [20, 20, 2, 1, 1]);
        let mut indices: Vec<usize> = groups(&secrets)
            .concat()
            .iter()
            .map(|(index, _)| *index)
            .collect();
        indices.sort_unstable();
        assert!(indices.into_iter().eq(0..44));
    }

    #[test]
    fn one_error_names_all_that_failed() {
        let failed =
            |kind, name, detail| AwsError::new(kind, "secretsmanager:GetSecretValue", name, detail);
        assert_eq!(together(Vec::new()), None);
        let same = vec![
            failed(Kind::NotFound, "a", "gone"),
            failed(Kind::NotFound, "b", "gone"),
        ];
        assert_eq!(
            together(same).unwrap().to_string(),
            "secretsmanager:GetSecretValue a, b: not found: gone"
        );
        let mixed = vec![
            failed(Kind::NotFound, "a", "gone"),
            failed(Kind::Denied, "b", "no"),
        ];
        let text = together(mixed).unwrap().to_string();
        let start = "secretsmanager:GetSecretValue b, a: access denied: b: no; a: gone; allow";
        assert!(text.starts_with(start), "{text}");
    }
}
