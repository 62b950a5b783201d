//! The least policy that modes need: what they ask of AWS at boot, and nothing else.
//!
//! Pure: the files that show their keys are read by the caller.

use crate::config::{
    ClientSide, Cryptor, ManagedSecret, Mode, Origin, ParameterSet, S3Origin, SecretItem,
    SecretSource,
};
use crate::sops::{self, KeySource};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Where the resources are that only have a name.
#[derive(Clone, Debug)]
pub struct Place {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// `*` for any.
    pub region: String,
    /// Twelve digits, or `*` for any.
    pub account: String,
}

/// An action on a resource, under conditions of `StringEquals`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Permission {
    action: &'static str,
    resource: String,
    conditions: BTreeMap<String, String>,
}

/// What modes need, and what their files do not tell.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    permissions: BTreeSet<Permission>,
    /// A line for each key that nothing names.
    pub unknown: BTreeSet<String>,
}

impl Needs {
    /// Adds what a mode needs. `sops` gives the file of an item, read and parsed.
    pub fn add(
        &mut self,
        mode: &Mode,
        place: &Place,
        sops: &dyn Fn(&SecretItem) -> Option<sops::File>,
    ) {
        let mut current = BTreeSet::new();
        for item in &mode.secrets {
            match &item.source {
                SecretSource::Vault(file) => {
                    if let Cryptor::AwsKms { key_id } = &file.cryptor {
                        let at = format!("{}: {}", item.declared_at, item.source);
                        self.decrypt(key_id.as_deref(), &at, BTreeMap::new(), place);
                    }
                }
                SecretSource::Sops(_) => {
                    for group in sops(item).iter().flat_map(sops::File::groups) {
                        self.sops(&group.sources);
                    }
                }
                SecretSource::Ssm(set) => self.parameters(set, place),
                SecretSource::SecretsManager(secret) => {
                    self.secret(secret, place);
                    if secret.version_id.is_none() {
                        current.insert(&secret.id);
                    }
                }
            }
        }
        if current.len() > 1 {
            // It takes no resource (Secrets Manager, Service Authorization Reference).
            self.allow(
                "secretsmanager:BatchGetSecretValue",
                "*".to_owned(),
                BTreeMap::new(),
            );
        }
        if mode.protect {
            let task = place.arn("ecs", "task/*");
            self.allow("ecs:UpdateTaskProtection", task, BTreeMap::new());
        }
        for file in &mode.files {
            if let Origin::S3(object) = &file.from {
                self.object(object, &file.declared_at, place);
            }
        }
    }

    pub(crate) fn allow(
        &mut self,
        action: &'static str,
        resource: String,
        conditions: BTreeMap<String, String>,
    ) {
        self.permissions.insert(Permission {
            action,
            resource,
            conditions,
        });
    }

    fn decrypt(
        &mut self,
        key_id: Option<&str>,
        at: &str,
        mut conditions: BTreeMap<String, String>,
        place: &Place,
    ) {
        let Some(key_id) = key_id else {
            self.unknown.insert(format!(
                "{at}: nothing tells its key: write kms_key_id with the key's ARN"
            ));
            return;
        };
        let resource = if key_id.starts_with("arn:") && !key_id.contains(":alias/") {
            key_id.to_owned()
        } else if let Some((_, alias)) = key_id.split_once("alias/") {
            // An alias is no resource of Decrypt; the key that is asked for by it is.
            let alias = format!("alias/{alias}");
            conditions.insert("kms:RequestAlias".to_owned(), alias);
            place.arn("kms", "key/*")
        } else {
            place.arn("kms", &format!("key/{key_id}"))
        };
        self.allow("kms:Decrypt", resource, conditions);
    }

    fn sops(&mut self, sources: &[KeySource]) {
        for source in sources {
            let KeySource::Kms(kms) = source else {
                continue;
            };
            match &kms.role {
                Some(role) => self.allow("sts:AssumeRole", role.clone(), BTreeMap::new()),
                None => self.allow("kms:Decrypt", kms.arn.clone(), context(&kms.context)),
            }
        }
    }

    fn parameters(&mut self, set: &ParameterSet, place: &Place) {
        let arn = |name: &str| {
            if name.starts_with("arn:") {
                return name.to_owned();
            }
            // A version or label is no part of the resource.
            let name = name.split(':').next().unwrap_or(name);
            place.arn("ssm", &format!("parameter/{}", name.trim_matches('/')))
        };
        match set {
            ParameterSet::Below { path, .. } => {
                self.allow("ssm:GetParametersByPath", arn(path), BTreeMap::new());
            }
            ParameterSet::Named(names) => {
                for name in names {
                    self.allow("ssm:GetParameters", arn(name), BTreeMap::new());
                }
            }
        }
    }

    fn secret(&mut self, secret: &ManagedSecret, place: &Place) {
        let resource = if secret.id.starts_with("arn:") {
            secret.id.clone()
        } else {
            // Six letters that nobody knows end each secret's ARN.
            place.arn("secretsmanager", &format!("secret:{}-??????", secret.id))
        };
        self.allow("secretsmanager:GetSecretValue", resource, BTreeMap::new());
    }

    fn object(&mut self, object: &S3Origin, at: &str, place: &Place) {
        let S3Origin { bucket, key, .. } = object;
        let arn = |key: &str| format!("arn:{}:s3:::{bucket}/{key}", place.partition);
        let action = match object.version_id {
            Some(_) => "s3:GetObjectVersion",
            None => "s3:GetObject",
        };
        self.allow(action, arn(key), BTreeMap::new());
        if let Some(ClientSide { policy, key_id }) = &object.client_side {
            let instruction = format!("{key}{}", crate::envelope::INSTRUCTION_SUFFIX);
            self.allow("s3:GetObject", arn(&instruction), BTreeMap::new());
            let pairs: Vec<_> = policy.context.clone().into_iter().collect();
            let at = format!("{at}: s3://{bucket}/{key}");
            self.decrypt(key_id.as_deref(), &at, context(&pairs), place);
        }
    }

    /// The policy document: resources of one action under the same conditions share a statement.
    #[must_use]
    pub fn policy(&self) -> Value {
        let mut statements: BTreeMap<(&str, &BTreeMap<String, String>), Vec<&str>> =
            BTreeMap::new();
        for one in &self.permissions {
            let key = (one.action, &one.conditions);
            statements.entry(key).or_default().push(&one.resource);
        }
        let statements = statements
            .into_iter()
            .map(|((action, conditions), resources)| {
                let resource = match resources.as_slice() {
                    [one] => Value::from(*one),
                    many => Value::from(many.to_vec()),
                };
                let mut statement = Map::new();
                statement.insert("Effect".to_owned(), "Allow".into());
                statement.insert("Action".to_owned(), action.into());
                statement.insert("Resource".to_owned(), resource);
                if !conditions.is_empty() {
                    statement.insert("Condition".to_owned(), json!({"StringEquals": conditions}));
                }
                Value::Object(statement)
            });
        json!({"Version": "2012-10-17", "Statement": statements.collect::<Vec<_>>()})
    }
}

impl Place {
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        let Place {
            partition,
            region,
            account,
        } = self;
        format!("arn:{partition}:{service}:{region}:{account}:{resource}")
    }
}

/// The condition keys that hold an encryption context.
fn context(pairs: &[(String, String)]) -> BTreeMap<String, String> {
    let pairs = pairs.iter();
    pairs
        .map(|(name, value)| (format!("kms:EncryptionContext:{name}"), value.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Layers, Text, load};

    fn needs(secrets: &str) -> Needs {
        let text = format!("command: x\n{secrets}");
        let mode = Text {
            file: "web.yml".to_owned(),
            text,
        };
        let layers = Layers::Mode {
            defaults: None,
            mode,
        };
        let mode = load("web", &layers, &|_| None).unwrap();
        let place = Place {
            partition: "aws".to_owned(),
            region: "eu-west-1".to_owned(),
            account: "1".to_owned(),
        };
        let mut needs = Needs::default();
        needs.add(&mode, &place, &|_| None);
        needs
    }

    /// Action, resource and conditions of each statement, in one line.
    fn statements(secrets: &str) -> Vec<String> {
        let policy = needs(secrets).policy();
        let all = policy["Statement"].as_array().unwrap().iter();
        let line = |one: &Value| {
            let condition = &one["Condition"]["StringEquals"];
            format!("{} {} {condition}", one["Action"], one["Resource"]).replace('"', "")
        };
        all.map(line).collect()
    }

    #[test]
    fn keys_are_named_as_iam_can_match_them() {
        let vault = |key: &str| {
            statements(&format!(
                "secrets: [{{vault: a, cryptor: kms, kms_key_id: {key}, write: /a}}]"
            ))
        };
        let any = "kms:Decrypt arn:aws:kms:eu-west-1:1:key";
        assert_eq!(vault("\"12-34\""), [format!("{any}/12-34 null")]);
        let alias = [format!("{any}/* {{kms:RequestAlias:alias/app}}")];
        assert_eq!(vault("alias/app"), alias);
        assert_eq!(vault("\"arn:aws:kms:x:2:alias/app\""), alias);
        assert_eq!(
            vault("\"arn:aws:kms:x:2:key/5\""),
            ["kms:Decrypt arn:aws:kms:x:2:key/5 null"]
        );
    }

    #[test]
    fn a_key_that_nothing_names_is_told() {
        let needs = needs("secrets: [{vault: a, cryptor: kms, write: /a}]");
        assert_eq!(needs.unknown.len(), 1);
        assert_eq!(needs.policy()["Statement"], json!([]));
    }

    #[test]
    fn stores_and_sealed_objects() {
        let secrets = "secrets:\n\
            - {ssm: /app/, env: {\"*\": $}}\n\
            - {ssm: [\"/a/b:3\", \"c\"], env: {B: $.a.b}}\n\
            - {secrets_manager: app/x, env: {X: $}}\n\
            - {secrets_manager: app/y, env: {Y: $}}\n\
            files: [{from: s3://bucket/k, to: /k, client_side: {kms_key_id: \"5\", context: {app: x}}}]";
        assert_eq!(
            statements(secrets),
            [
                "kms:Decrypt arn:aws:kms:eu-west-1:1:key/5 {kms:EncryptionContext:app:x}",
                "s3:GetObject [arn:aws:s3:::bucket/k,arn:aws:s3:::bucket/k.instruction] null",
                "secretsmanager:BatchGetSecretValue * null",
                "secretsmanager:GetSecretValue [arn:aws:secretsmanager:eu-west-1:1:secret:app/x-??????,\
                 arn:aws:secretsmanager:eu-west-1:1:secret:app/y-??????] null",
                "ssm:GetParameters [arn:aws:ssm:eu-west-1:1:parameter/a/b,arn:aws:ssm:eu-west-1:1:parameter/c] null",
                "ssm:GetParametersByPath arn:aws:ssm:eu-west-1:1:parameter/app null",
            ]
        );
    }
}
