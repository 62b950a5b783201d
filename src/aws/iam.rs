//! IAM, as far as it tells whether a role can do what a task needs.

use super::calls::Call;
use super::endpoint::Service;
use super::error::AwsError;
use super::protocol::{Api, Protocol};
use super::query::list;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Instant;

static API: Api = Api {
    service: Service {
        id: "IAM",
        name: "iam",
        signed_as: "iam",
        plain_in_gov: true,
    },
    protocol: Protocol::Query {
        version: "2010-05-08",
    },
};

/// Pages of a role's policies, of which it may have some dozens.
const PAGES: usize = 10;

/// A role.
#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub arn: String,
    /// Who may assume it: a policy document.
    pub trust: Value,
}

/// What IAM says of an action on a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    Allowed,
    /// By a statement that says so.
    Denied,
    /// By no statement that allows it.
    NotAllowed,
}

/// IAM, by whatever answers in its place.
#[derive(Clone, Copy)]
pub struct Iam<'c> {
    calls: &'c dyn Call,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotRole {
    role: RawRole,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct RawRole {
    arn: String,
    assume_role_policy_document: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Simulated {
    #[serde(default, deserialize_with = "list")]
    evaluation_results: Vec<Evaluation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Evaluation {
    eval_resource_name: Option<String>,
    eval_decision: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attached {
    #[serde(default, deserialize_with = "list")]
    attached_policies: Vec<AttachedPolicy>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AttachedPolicy {
    policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inline {
    #[serde(default, deserialize_with = "list")]
    policy_names: Vec<String>,
    marker: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotPolicy {
    policy: Policy,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    default_version_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GotVersion {
    policy_version: Document,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "Document", alias = "PolicyDocument")]
    document: String,
}

impl<'c> Iam<'c> {
    pub fn new(calls: &'c dyn Call) -> Iam<'c> {
        Iam { calls }
    }

    /// A role by name or ARN; `None` if there is none.
    pub async fn role(&self, role: &str, deadline: Instant) -> Result<Option<Role>, AwsError> {
        let input = json!({"RoleName": name(role)});
        let reply: Result<GotRole, _> = self.read("GetRole", role, input, deadline).await;
        match reply {
            Ok(reply) => {
                let trust = reply.role.assume_role_policy_document;
                Ok(Some(Role {
                    arn: reply.role.arn,
                    trust: trust.and_then(|text| document(&text)).unwrap_or_default(),
                }))
            }
            Err(error) if error.is("NoSuchEntity") => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// What a role may do, as IAM itself sees it: one action on some resources, with the condition keys that
    /// the call will have.
    pub async fn simulate(
        &self,
        role_arn: &str,
        action: &str,
        resources: &[String],
        context: &BTreeMap<String, String>,
        deadline: Instant,
    ) -> Result<BTreeMap<String, Decision>, AwsError> {
        let entries: Vec<Value> = context
            .iter()
            .map(|(key, value)| {
                json!({"ContextKeyName": key, "ContextKeyType": "string", "ContextKeyValues": [value]})
            })
            .collect();
        let mut input = json!({
            "PolicySourceArn": role_arn,
            "ActionNames": [action],
            "ResourceArns": resources,
            "MaxItems": 1000,
        });
        if !entries.is_empty() {
            input["ContextEntries"] = entries.into();
        }
        let operation = "SimulatePrincipalPolicy";
        let reply: Simulated = self.read(operation, role_arn, input, deadline).await?;
        let decisions = reply.evaluation_results.into_iter().filter_map(|one| {
            let decision = match one.eval_decision.as_str() {
                "allowed" => Decision::Allowed,
                "explicitDeny" => Decision::Denied,
                "implicitDeny" => Decision::NotAllowed,
                _ => return None,
            };
            Some((one.eval_resource_name?, decision))
        });
        Ok(decisions.collect())
    }

    /// The documents of all policies of a role, attached and inline.
    pub async fn policies(&self, role: &str, deadline: Instant) -> Result<Vec<Value>, AwsError> {
        let mut documents = Vec::new();
        for arn in self.attached(role, deadline).await? {
            let input = json!({"PolicyArn": arn});
            let got: GotPolicy = self.read("GetPolicy", &arn, input, deadline).await?;
            let input = json!({"PolicyArn": arn, "VersionId": got.policy.default_version_id});
            let got: GotVersion = self.read("GetPolicyVersion", &arn, input, deadline).await?;
            documents.extend(document(&got.policy_version.document));
        }
        for inline in self.inline(role, deadline).await? {
            let input = json!({"RoleName": name(role), "PolicyName": inline});
            let got: Document = self.read("GetRolePolicy", role, input, deadline).await?;
            documents.extend(document(&got.document));
        }
        Ok(documents)
    }

    async fn attached(&self, role: &str, deadline: Instant) -> Result<Vec<String>, AwsError> {
        let mut input = json!({"RoleName": name(role)});
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let operation = "ListAttachedRolePolicies";
            let page: Attached = self.read(operation, role, input.clone(), deadline).await?;
            all.extend(page.attached_policies.into_iter().map(|one| one.policy_arn));
            match page.marker {
                Some(marker) => input["Marker"] = marker.into(),
                None => break,
            }
        }
        Ok(all)
    }

    async fn inline(&self, role: &str, deadline: Instant) -> Result<Vec<String>, AwsError> {
        let mut input = json!({"RoleName": name(role)});
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let operation = "ListRolePolicies";
            let page: Inline = self.read(operation, role, input.clone(), deadline).await?;
            all.extend(page.policy_names);
            match page.marker {
                Some(marker) => input["Marker"] = marker.into(),
                None => break,
            }
        }
        Ok(all)
    }

    async fn read<T: DeserializeOwned>(
        &self,
        operation: &str,
        resource: &str,
        input: Value,
        deadline: Instant,
    ) -> Result<T, AwsError> {
        self.calls
            .read(&API, operation, resource, input, deadline)
            .await
    }
}

/// The last part of a role's ARN, behind any path.
fn name(role: &str) -> &str {
    role.rsplit('/').next().unwrap_or(role)
}

/// A policy document, which stands in replies as percent-encoded JSON.
fn document(text: &str) -> Option<Value> {
    serde_json::from_slice(&percent_decoded(text)).ok()
}

fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = match after {
            [high, low, ..] if first == b'%' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                digit(*high).zip(digit(*low))
            }
            _ => None,
        };
        let byte = code.and_then(|(high, low)| u8::try_from(high * 16 + low).ok());
        decoded.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_decoded() {
        let table = [
            ("%7B%22a%22%3A%22b+c%25%C3%BC%22%7D", json!({"a": "b+c%ü"})),
            (r#"{"a":"100% sure"}"#, json!({"a": "100% sure"})),
        ];
        for (text, expected) in table {
            assert_eq!(document(text), Some(expected), "{text}");
        }
        for text in ["", "%", "%7", "%7B%zz", "nothing"] {
            assert_eq!(document(text), None, "{text}");
        }
    }

    #[test]
    fn a_role_is_known_by_its_name() {
        for role in [
            "app",
            "arn:aws:iam::1:role/app",
            "arn:aws:iam::1:role/team/x/app",
        ] {
            assert_eq!(name(role), "app");
        }
    }
}
